"""The address form: its fields, and how an address that was pasted in one piece is told apart into them."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from babel import Locale
from django.utils.translation import gettext as _

from meadow.kernel.errors import Refusal
from meadow.web import shown

CONTACT = ("email",)


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the form; error stands beside it."""

    name: str
    label: str
    autocomplete: str
    value: str = ""
    type: str = "text"
    most: int = 120
    is_needed: bool = True
    width: str = ""  # half: beside another even on a small screen; whole: alone even on a large one
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    error: str = ""


def fields_of(values: Mapping[str, str], refusal: Refusal | None = None, *, is_guest: bool = True) -> list[Field]:
    """The form with what was typed so far; a refusal that names a field stands beside that field."""
    wrong = str(refusal.params.get("field", "")).rpartition(".")[2] if refusal else ""
    said = _("Please fill in this field correctly.")
    return [
        replace(field, value=values.get(field.name, "") or field.value, error=said if field.name == wrong else "")
        for field in _blank(is_guest)
    ]


def address_in(values: Mapping[str, str]) -> dict[str, str]:
    """The posted address, as trade takes it."""
    return {field.name: values.get(field.name, "") for field in _blank(False) if field.name not in CONTACT}


def contact_in(values: Mapping[str, str]) -> dict[str, str]:
    """How to reach the buyer: the e-mail if given, and the phone of the delivery."""
    return {"email": values.get("email", ""), "phone": values.get("phone", "")}


def _blank(is_guest: bool) -> list[Field]:
    home = "CN" if shown.language() == "zh" else ""
    hint = _("To take the order into an account later; none is made now.") if is_guest else ""
    return [
        Field("name", _("Recipient"), "name", most=80),
        Field("phone", _("Phone"), "tel", type="tel", most=24),
        Field("email", _("E-mail"), "email", type="email", most=254, is_needed=False, width="whole", hint=hint),
        Field(
            "country", _("Country or region"), "country", value=home, width="half", options=countries(shown.language())
        ),
        Field("region", _("Province or state"), "address-level1", is_needed=False, width="half"),
        Field("city", _("City"), "address-level2", width="half"),
        Field("district", _("District"), "address-level3", is_needed=False, width="half"),
        Field("line1", _("Street, number, flat"), "address-line1", width="whole"),
        Field("postal_code", _("Postal code"), "postal-code", most=12, is_needed=False, width="half"),
    ]


@lru_cache(maxsize=4)
def countries(language: str) -> tuple[tuple[str, str], ...]:
    """Countries and regions by their names in a language; the first asks to choose, unless one is set."""
    names = Locale.parse("zh_Hans_CN" if language == "zh" else "en").territories
    found = sorted((str(name), code) for code, name in names.items() if re.fullmatch("[A-Z]{2}", code))
    listed = tuple((code, name) for name, code in found if code not in ("EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"))
    return listed if language == "zh" else (("", "–"), *listed)


_PHONE = re.compile(r"(?<!\d)(\+?86[- ]?)?(1[3-9]\d[- ]?\d{4}[- ]?\d{4})(?!\d)|(\+\d[\d ()-]{6,18}\d)")
_EMAIL = re.compile(r"[^\s@,;:]+@[^\s@,;:]+\.[A-Za-z]{2,}")
_POSTAL = re.compile(r"(?<!\d)\d{6}(?!\d)")
_LABEL = re.compile(
    r"(?:收货人|收件人|姓名|手机号码|手机号|手机|电话|联系方式|所在地区|地区|详细地址|收货地址|地址|邮编|邮箱)(?:\s*:|(?<=^..)\s|(?<=\s..)\s)"
)
_PLACE = re.compile(
    r"(?P<region>[^\s,]{2,8}?(?:省|自治区|特别行政区)|(?:北京|上海|天津|重庆)市?(?=[^\s,]))?\s*"
    r"(?P<city>[^\s,省]{2,10}?(?:市|自治州|地区|盟))?\s*(?P<district>[^\s,市]{1,10}?(?:区|县|旗|市))?\s*(?P<line1>.+)"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_NO_NAME = re.compile(r"\d|[省市区县镇乡村路街道号室栋楼座层弄巷]$")
_MUNICIPALITIES = ("北京", "上海", "天津", "重庆")


def read_address(text: str) -> dict[str, str]:
    """What can be told apart in an address that was pasted whole; what stays unclear goes into the street."""
    rest = re.sub(r"\s*\n\s*", ", ", unicodedata.normalize("NFKC", text))
    found: dict[str, str] = {}
    rest = _LABEL.sub(" ", rest)
    if match := _EMAIL.search(rest):
        found["email"], rest = match[0], rest.replace(match[0], " ")
    if match := _PHONE.search(rest):
        found["phone"] = re.sub(r"[ -]", "", match[2]) if match[2] else match[3]
        rest = rest.replace(match[0], " ")
    if match := _POSTAL.search(rest):
        found["postal_code"], rest = match[0], rest.replace(match[0], " ")
    # Chinese writes no blanks inside a name or a place; elsewhere only commas and lines separate.
    separators = r"[\s,;、，；]+" if _HAN.search(rest) else r"\s*[,;]\s*"
    pieces = [piece.strip() for piece in re.split(separators, rest) if piece.strip()]
    # People write the name first or last.
    names = [piece for piece in (*pieces[:1], *pieces[1:][-1:]) if len(pieces) > 1 and _is_name(piece)]
    if names:
        found["name"] = names[0]
        pieces.remove(names[0])
    return found | _place(" ".join(pieces))


def _is_name(piece: str) -> bool:
    return 2 <= len(piece) <= 40 and not _NO_NAME.search(piece)


def _place(text: str) -> dict[str, str]:
    match = _PLACE.match(text) if _HAN.search(text) else None
    if match is None:
        return {"line1": text} if text else {}
    parts = {name: part.strip() for name, part in match.groupdict().items() if part}
    region = parts.get("region", "")
    if region.removesuffix("市") in _MUNICIPALITIES:
        parts["region"] = parts["city"] = region.removesuffix("市") + "市"
    return parts | {"country": "CN"}
