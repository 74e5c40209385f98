"""Which phone numbers, bank cards, messenger ids and addresses of mail a text hands out, however its digits are written.

Order numbers, prices, sizes and tracking numbers are none: what stands around a number says what it is.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from meadow.governance.rules.shadow import DIGIT_OF, Layer, Trail, shades

Kind = Literal["phone", "bank_card", "messenger", "mail"]

_DIGIT = "0-9" + "".join(sign for sign in DIGIT_OF if not sign.isascii())
_FEWEST = 7
# A run of seven digits in any script, with signs in between; o, l and i pass for digits.  Where a digit begins none, the
# next one does not either.
_RUN = re.compile(rf"[{_DIGIT}li](?<![a-z][li])(?<![{_DIGIT}].)(?:[\W_]{{0,3}}[{_DIGIT}oil]){{6,}}")
_PARTS = re.compile(rf"[{_DIGIT}oil]+")
_ENGLISH = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9",
}  # fmt: skip
_WORDS = re.compile(rf"\b(?:{'|'.join(_ENGLISH)})\b(?:[\W_]+(?:{'|'.join(_ENGLISH)})\b){{6,}}")
_TWO_WORDS = re.compile(rf"(?:{'|'.join(_ENGLISH)})[\W_]+(?:{'|'.join(_ENGLISH)})")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{2,64}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,24}\b", re.ASCII)

_NEAR = 14
_IS_CONTACT = re.compile(
    r"电话|手机|联系|致电|拨打|打我|短信|微信|威信|薇|vx|wx|v信|加我|加v|\+v|扣扣|qq|企鹅|whats ?app|tele?phone|\btel\b|phone|mobile"
    r"|\bcall\b|\btext\b|\bcell\b|\bdial\b|号码是|卡号|银行卡|打款|汇款|转账|账号|帐号|收款|card number|account n|iban"
)
_IS_OTHER = re.compile(
    r"订单|单号|运单|快递|物流|货号|款号|编号|型号|条码|条形码|货品|批号|批次|备案|许可|执照|信用代码|序列号|证书|专利|标准|身份证|尺寸|尺码"
    r"|流水|交易号|工单|合同|发票|注册证|文号|准字|参考号|规格|库存|销量|浏览|粉丝|编码|色号|房号|邮编|坐标|电压|容量|参数|版权|取件|包裹"
    r"|sku|isbn|issn|ean|upc|gtin|asin|order|tracking|parcel|shipment|invoice|model|item|part n|barcode|imei|serial|\bsn\b|batch|\blot\b"
    r"|ref\b|reference|ticket|case n|size|patent|standard|gb/t|warranty|version|tax id|vat|vin\b|waybill|consignment|receipt"
)
_PRICE = re.compile(r"[¥￥$€£]\s*$|(?:rmb|usd|cny|price|价)[:\s]*$")
_UNIT = re.compile(
    r"\s*(?:元|块|件|个|粒|颗|只|条|张|种|瓶|袋|支|片|毫|ml|mah|kg|克|米|cm|mm|万|人|次|美元|hz|lm|dpi|rpm|年|月|日|%|°|×|x\d|\*\d)"
)
_HOTLINE = re.compile(r"(?:400|800)\d{7}\Z|95\d{3,6}\Z")
_CN_MOBILE = re.compile(r"(?:0?0?86)?1[3-9]\d{9}\Z")
_CN_LANDLINE = re.compile(r"0\d{2,3}[2-8]\d{6,7}\Z")
_CARD_PREFIX = re.compile(r"62\d{14,17}\Z|4\d{15}\Z|5[1-5]\d{14}\Z|2[2-7]\d{14}\Z|3[47]\d{13}\Z|35\d{14}\Z")
# How people group a phone number; other groups are lists of prices or sizes unless something says phone.
_PHONE_GROUPS = {
    (11,), (3, 4, 4), (3, 8), (7, 4), (4, 4, 3), (4, 3, 4), (5, 6), (6, 5), (3, 3, 5), (2, 11), (2, 3, 4, 4), (2, 3, 8),
    (3, 5, 3), (13,), (3, 3, 3, 2), (5, 3, 3), (4, 7), (3, 2, 3, 3), (3, 2, 2, 2, 2), (4, 11), (2, 5, 6), (1, 10),
}  # fmt: skip
_LINE = re.compile(r"[^\r\n]+")
_LOOSE_BEHIND = re.compile(r"(?:\s+[a-z]+)*\s*\Z")
_LOOSE_BEFORE = re.compile(r"\s*(?:[a-z]+\s+)*")
_LIST_SIGNS = frozenset(",，、/;；")


@dataclass(frozen=True, slots=True)
class Contact:
    """A way to reach somebody outside, with its place in the raw text; is_sure where nothing else is likely."""

    kind: Kind
    start: int
    end: int
    layer: Layer
    is_sure: bool


def contacts(text: str, folded: str, labels: Iterable[tuple[int, int, bool]]) -> list[Contact]:
    """What a text hands out.  labels: where messengers are named (start, end, veiled), in the raw text."""
    runs = list(_RUN.finditer(folded))
    words = list(_WORDS.finditer(folded)) if _TWO_WORDS.search(folded) else []
    mails = list(_MAIL.finditer(folded)) if "@" in folded else []
    named = list(labels)
    if not runs and not words and not mails and not named:
        return []
    way = _Way(text)
    found: list[Contact] = []
    for match in runs:
        whole = list(_number(folded, match.start(), match.end(), way))
        # A number may run over lines; and a line that ends in one may be followed by "I" or by a number of its own.
        found += whole or [
            one
            for start, end in _pieces(folded, match.start(), match.end())
            for one in _number(folded, start, end, way)
        ]
    for match in words:
        if len(re.findall(r"[a-z]+", match[0])) >= 10:
            start, end = way.span(match)
            found.append(Contact("phone", start, end, "sound", is_sure=True))
    for match in mails:
        start, end = way.span(match)
        found.append(Contact("mail", start, end, _layer(text[start:end]), is_sure=False))
    taken = [(contact.start, contact.end) for contact in found]
    for start, end, is_veiled in named:
        found += _messenger_id(text, start, end, is_veiled, taken)
    return found


class _Way:
    """The way back to the raw text, made for the first number that is one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._trail: Trail | None = None

    def span(self, match: re.Match[str]) -> tuple[int, int]:
        return self.between(match.start(), match.end())

    def between(self, start: int, end: int) -> tuple[int, int]:
        if self._trail is None:
            self._trail = Trail(self.text, shades().fold)
        return self._trail.span(start, end)


def passes_luhn(digits: str) -> bool:
    """The check digit that bank cards carry."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _digits(run: str) -> tuple[str, tuple[int, ...]]:
    """The plain digits of a run and the lengths of its groups."""
    parts = _PARTS.findall(run)
    plain = "".join(DIGIT_OF.get(char) or ("0" if char == "o" else "1") for part in parts for char in part)
    return plain, tuple(map(len, parts))


def _pieces(folded: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The lines of a run, each without words at its ends that only look like digits."""
    for line in _LINE.finditer(folded, start, end):
        begin, stop = line.span()
        if behind := _LOOSE_BEHIND.search(folded, begin, stop):
            stop = behind.start()
        if before := _LOOSE_BEFORE.match(folded, begin, stop):
            begin = before.end()
        if (begin, stop) != (start, end) and stop > begin:
            yield begin, stop


def _number(folded: str, start: int, end: int, way: _Way) -> Iterator[Contact]:
    run = folded[start:end]
    digits, groups = _digits(run)
    if len(digits) < _FEWEST:
        return
    meaning = _meaning(folded, start, end)
    if meaning == "other":
        return
    if meaning == "none" and _is_list(run, groups):
        return
    first, behind = way.between(start, end)
    layer = _layer(way.text[first:behind])
    is_written_out = layer != "exact"
    if 15 <= len(digits) <= 19 and passes_luhn(digits) and (_CARD_PREFIX.match(digits) or meaning == "contact"):
        yield Contact("bank_card", first, behind, layer, is_sure=True)
        return
    if _HOTLINE.match(digits):
        return
    is_mobile = (
        bool(_CN_MOBILE.match(digits))
        and sum(char.isdigit() for char in run) + sum(char in DIGIT_OF and not char.isascii() for char in run) >= 6
    )
    plausible = groups in _PHONE_GROUPS or all(size <= 2 for size in groups) or meaning == "contact" or is_written_out
    if is_mobile and plausible:
        yield Contact("phone", first, behind, layer, is_sure=True)
        return
    is_abroad = folded[max(0, start - 2) : start].rstrip().endswith("+") and 9 <= len(digits) <= 15
    is_american = groups in ((3, 3, 4), (1, 3, 3, 4)) and ("-" in run or "." in run or ")" in run)
    if is_abroad or (meaning == "contact" and 7 <= len(digits) <= 15):
        yield Contact("phone", first, behind, layer, is_sure=is_abroad or len(digits) >= 8)
    elif is_american or (_CN_LANDLINE.match(digits) and len(groups) == 2):
        yield Contact("phone", first, behind, layer, is_sure=False)


def _meaning(folded: str, start: int, end: int) -> Literal["contact", "other", "none"]:
    """What the text says a number is: the nearest word before it counts, then the unit behind it."""
    before = folded[max(0, start - _NEAR) : start]
    contact = max((match.end() for match in _IS_CONTACT.finditer(before)), default=-1)
    other = max((match.end() for match in _IS_OTHER.finditer(before)), default=-1)
    if contact > other:
        return "contact"
    if other >= 0 or _PRICE.search(before):
        return "other"
    last = before[-1:]
    if last.isascii() and last.isalpha() and not before.endswith(("v", "q", "tel", "t")):
        return "other"  # SF138..., a waybill or a model
    rest = folded[end : end + 6]
    if _UNIT.match(rest) or (rest[:1].isascii() and rest[:1].isalpha()):
        return "other"
    return "none"


def _is_list(run: str, groups: tuple[int, ...]) -> bool:
    """Sizes, prices and years: groups of one length, parted as lists are."""
    if len(groups) < 2 or max(groups) < 2:
        return False
    signs = {char for char in run if not char.isalnum() and not char.isspace()}
    if signs & _LIST_SIGNS:
        return True
    return len(set(groups[:-1])) == 1 and groups not in _PHONE_GROUPS and groups[0] == 3


def _layer(raw: str) -> Layer:
    """How far from plain digits a number is written."""
    if all(char.isascii() and (char.isalnum() or char in " -+().@_") for char in raw):
        letters = sum(char.isalpha() for char in raw)
        return "exact" if letters == 0 or "@" in raw or not any(char.isdigit() for char in raw) else "folded"
    return "folded" if all(char.isalnum() or ord(char) > 0x2FF for char in raw) else "squeezed"


_FILLER = re.compile(
    r"(?:(?:的|我的|我|是|为|名|叫|账号|帐号|号码|号|id|搜索|搜|加|添加|联系|请|即|[\s:=~@#\-_>→|.,。()\[\]【】\"'“”👉]){0,8})"
)
_EXPLICIT = re.compile(r"[:=@#>→👉]|号|id|是|搜|叫")
_NAME = re.compile(r"[a-z][a-z0-9_\-]{4,24}")
_PLAIN_NUMBER = re.compile(rf"[{_DIGIT}](?:[\s\-·.*]{{0,2}}[{_DIGIT}]){{4,13}}")
_ADDING = re.compile(r"(?:加|\+|add|找我|联系|my|contact|dm|message|text)\W{0,4}\Z")
_NO_NAME = re.compile(
    r"(?:pay|group|official|users?|account|channel|sticker|stickers|mini|store|shop|moments|support|service|https?|www|app|login)\b"
)


def _messenger_id(text: str, start: int, end: int, is_veiled: bool, taken: list[tuple[int, int]]) -> Iterator[Contact]:
    """The id behind a messenger's name, or nothing: to name a messenger is no offence."""
    shade = shades().fold
    tail = text[end : end + 60]
    folded = shade.cast(tail)
    filler = _FILLER.match(folded)
    assert filler is not None
    name = _NAME.match(folded, filler.end()) or _PLAIN_NUMBER.match(folded, filler.end())
    if name is None or _NO_NAME.match(name[0]):
        return
    is_explicit = bool(_EXPLICIT.search(filler[0])) or text[end - 1 : end] in ":："
    is_short = end - start == 1
    is_adding = bool(_ADDING.search(shade.cast(text[max(0, start - 8) : start])))
    has_digit = any(char in DIGIT_OF for char in name[0]) or "_" in name[0]
    if is_short and not (is_explicit or is_adding):
        return
    if not has_digit and not (is_explicit and len(name[0]) >= 6):
        return
    if not (is_explicit or is_adding or is_veiled):
        return
    first, behind = Trail(tail, shade).span(name.start(), name.end())
    first, behind = first + end, behind + end
    if any(begin < behind and first < stop for begin, stop in taken):
        return
    is_sure = has_digit and (is_explicit or is_adding)
    yield Contact("messenger", start, behind, _layer(text[first:behind]), is_sure=is_sure)
