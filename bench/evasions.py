"""Disguised texts by chance: plain sentences put through random disguises, apart from the ones that people wrote down.

Nothing here knows the tables of the check.  Look-alikes come from the names of Unicode 3.2, sounds from the order of
GB 2312, whose common characters stand sorted by reading, variants from OpenCC.  Nobody tunes the check on these texts:
they are there to say how it does on what it has not seen.
"""

import unicodedata
from collections.abc import Callable
from functools import cache
from random import Random

import opencc

from meadow.governance.rules.measuring import Sample
from meadow.governance.rules.surfaces import surface_of

SEED, TEXTS = 20_261_122, 600

#: surface, rule, the sentence with what is to be hidden between brackets.
PLAIN = """\
comment	conduct.diversion	想要的话[加微信]abc_7788，店里不方便说
comment	conduct.diversion	便宜一半，[微信]号 lin_20881
question	conduct.diversion	可以[加我微信] hua99887 详聊吗
recommendation	conduct.diversion	联系我：[13900139000]
comment	conduct.diversion	电话[13712345678]，随时打
comment	conduct.diversion	打这个号 [18600001111] 有货
shop_notice	conduct.diversion	咨询请拨[15088886666]
comment	conduct.diversion	[加QQ]号 448812093 拿底价
comment	conduct.diversion	不走平台，[私下转账]便宜三十
comment	conduct.diversion	[银行卡转账]就发货
comment	conduct.diversion	add my [WhatsApp] +44 7700 900123 for a discount
comment	conduct.diversion	message me on [telegram] @goodseller_88
comment	conduct.diversion	call [4155550123] and pay less
recommendation	conduct.diversion	[支付宝转账]立减五十元
listing	goods.prohibited	纯度很高的[海洛因]现货
listing	goods.prohibited	出售[冰毒]五十克起
listing	goods.prohibited	[大麻]叶 现货包邮
listing	goods.prohibited	[摇头丸]十粒
listing	goods.prohibited	[氯胺酮] 散装
comment	goods.prohibited	[罂粟壳] 提鲜 要的私
listing	goods.prohibited	仿真[手枪] 可发射
listing	goods.prohibited	[子弹] 9毫米 一盒
listing	goods.prohibited	[雷管]和导火索 出售
listing	goods.prohibited	[象牙]手镯 真品
listing	goods.prohibited	[虎骨]酒 自泡
listing	goods.prohibited	[犀牛角]粉 大量
listing	goods.prohibited	[窃听器] 微型 远程
listing	goods.prohibited	代办[身份证] 真实可查
listing	goods.prohibited	[假钞] 一比十 高仿
listing	goods.prohibited	[毕业证] 代办 学信网可查
listing	goods.prohibited	[迷药] 无色无味 男女通用
listing	goods.prohibited	[heroin] 10 g, discreet shipping
listing	goods.prohibited	[cocaine] for sale, price per gram
listing	goods.prohibited	[methamphetamine] crystals in stock
listing	goods.prohibited	[ivory] carving for sale, antique tusk
listing	goods.prohibited	[fake passport] with real hologram
listing	goods.prohibited	[counterfeit money] grade A
comment	conduct.recruiting	交会费做[下线]，[拉人头]拿返利
comment	conduct.recruiting	[静态收益] 每天百分之一 躺赚
comment	conduct.account_trade	[出售账号] 实名 可换绑
comment	conduct.account_trade	[收号] 高价 收抖音老号
listing	conduct.counterfeit	[高仿]名表 一比一
listing	conduct.counterfeit	[A货]包包 专柜品质
listing	conduct.counterfeit	[复刻]手表 原单
listing	cn.goods.weapons	[弓弩] 打猎 射程远
listing	cn.goods.weapons	[弩箭] 一打
listing	cn.goods.tobacco	[电子烟油] 水果味
listing	cn.goods.medicine	[处方药] 无需处方 直接发货
"""

Disguise = Callable[[Random, str], str]


def texts() -> list[tuple[str, Sample]]:
    """Each with the name of its disguise; two in three wear one, the others two one after the other."""
    dice = Random(SEED)
    plain = [line.split("\t") for line in PLAIN.splitlines()]
    found = []
    for number in range(TEXTS):
        surface_name, rule, sentence = plain[number % len(plain)]
        surface = surface_of(surface_name)
        assert surface is not None
        names = dice.sample(list(DISGUISES), 1 if dice.random() < 2 / 3 else 2)
        text = _disguised(dice, sentence, names)
        found.append(
            ("two at once" if len(names) == 2 else names[0], Sample(surface, text, (rule,), " + ".join(names)))
        )
    return found


def plain_texts() -> list[Sample]:
    """The same sentences undisguised: what is not found plainly says nothing about disguises."""
    found = []
    for line in PLAIN.splitlines():
        surface_name, rule, sentence = line.split("\t")
        surface = surface_of(surface_name)
        assert surface is not None
        found.append(Sample(surface, sentence.replace("[", "").replace("]", ""), (rule,), "plain"))
    return found


def perturbed(innocents: list[Sample]) -> list[Sample]:
    """Innocent texts with the same disguises over a stretch of four characters: people do write ✨like✨ this."""
    dice = Random(SEED + 1)
    found = []
    for sample in innocents:
        start = dice.randrange(max(1, len(sample.text) - 4))
        marked = f"{sample.text[:start]}[{sample.text[start : start + 4]}]{sample.text[start + 4 :]}"
        names = [dice.choice(list(DISGUISES))]
        found.append(Sample(sample.surface, _disguised(dice, marked, names), (), names[0]))
    return found


def _disguised(dice: Random, sentence: str, names: list[str]) -> str:
    parts = sentence.replace("]", "[").split("[")
    for name in names:
        parts = [DISGUISES[name](dice, part) if place % 2 else part for place, part in enumerate(parts)]
    return "".join(parts)


def _noise(dice: Random, text: str) -> str:
    """Signs between all characters, each from anywhere among punctuation and symbols."""
    return "".join(char + dice.choice(_signs()) for char in text)


def _one_sign(dice: Random, text: str) -> str:
    """One sign, the same throughout."""
    return dice.choice(_signs()).join(text)


def _hidden(dice: Random, text: str) -> str:
    """Characters that take no room."""
    return "".join(char + dice.choice("\u200b\u200c\u200d\u2060\ufeff\u00ad") * dice.randrange(2) for char in text)


def _lookalike(dice: Random, text: str) -> str:
    """Letters and digits of the same name in other alphabets and styles; other characters stay."""
    return "".join(dice.choice(_named().get(char.upper(), char)) if char.isascii() else char for char in text)


def _sound(dice: Random, text: str) -> str:
    """One or two characters replaced by ones that stand near them in the order of sounds."""
    places = [place for place, char in enumerate(text) if len(_neighbours(char)) > 1]
    chars = list(text)
    for place in dice.sample(places, min(len(places), 1 + (len(places) > 2))):
        chars[place] = dice.choice(_neighbours(chars[place]))
    return "".join(chars)


def _variant(dice: Random, text: str) -> str:
    """Characters as they are written in Taiwan, Hong Kong or Japan."""
    traditional = _converter("s2t").convert(text)
    return str(_converter(dice.choice(("t2tw", "t2hk", "t2jp"))).convert(traditional))


def _repeat(dice: Random, text: str) -> str:
    """Characters doubled here and there."""
    return "".join(char * dice.choice((1, 1, 2, 3)) for char in text)


def _backwards(dice: Random, text: str) -> str:
    """Written from the end to the beginning, as a reader is told to do."""
    return f"{text[::-1]}（倒着读）"


def _letters_between(dice: Random, text: str) -> str:
    """Small letters of no meaning between the characters."""
    return dice.choice("abcdeghjkmprsuxyz").join(text)


def _upright(dice: Random, text: str) -> str:
    """A column: each character on a line of its own is joined by blanks here, since a text is one line."""
    return ("\u3000" if dice.random() < 0.5 else "  ").join(text)


DISGUISES: dict[str, Disguise] = {
    "signs from anywhere": _noise, "one sign throughout": _one_sign, "hidden characters": _hidden,
    "letters of other alphabets": _lookalike, "characters near in sound": _sound, "regional variants": _variant,
    "repeated characters": _repeat, "backwards": _backwards, "letters between": _letters_between, "wide gaps": _upright,
}  # fmt: skip


@cache
def _signs() -> str:
    old = unicodedata.ucd_3_2_0
    return "".join(
        chr(code)
        for code in range(0x21, 0x3000)
        if old.category(chr(code)) in ("Po", "So", "Sm", "Pd", "Sk") and code != 0x40
    )


@cache
def _named() -> dict[str, str]:
    """Letter or digit -> characters of Unicode 3.2 whose name or value says that they are it, in some style."""
    old = unicodedata.ucd_3_2_0
    found: dict[str, str] = {}
    for code in range(0x80, 0x1D800):
        char = chr(code)
        name = old.name(char, "")
        words = name.split() or [""]
        is_letter = len(words) >= 3 and words[-2] in ("SMALL", "CAPITAL", "LETTER") and len(words[-1]) == 1
        digit = old.digit(char, None)
        # Of the Cyrillic letters with a name of one letter, only these three are read as the Latin one.
        if words[0] == "CYRILLIC" and words[-1] not in "AEO":
            continue
        if is_letter and words[0] in ("FULLWIDTH", "MATHEMATICAL", "CIRCLED", "LATIN", "CYRILLIC", "PARENTHESIZED"):
            found[words[-1]] = found.get(words[-1], "") + char
        elif digit is not None and words[0] in (
            "FULLWIDTH",
            "MATHEMATICAL",
            "CIRCLED",
            "SUPERSCRIPT",
            "SUBSCRIPT",
            "DINGBAT",
        ):
            found[str(digit)] = found.get(str(digit), "") + char
    return found


@cache
def _neighbours(char: str) -> str:
    """Characters within two places in the first level of GB 2312, which is sorted by reading."""
    try:
        code = char.encode("gb2312")
    except UnicodeEncodeError:
        return ""
    if len(code) != 2 or not 0xB0 <= code[0] <= 0xD7:
        return ""
    found = ""
    for step in (-2, -1, 1, 2):
        cell = code[1] + step
        if 0xA1 <= cell <= 0xFE:
            found += bytes((code[0], cell)).decode("gb2312", "ignore")
    return found


@cache
def _converter(name: str) -> opencc.OpenCC:
    return opencc.OpenCC(name)
