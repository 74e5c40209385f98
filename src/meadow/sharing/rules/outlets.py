"""What an outside channel lets through, which form of a token works there, and which channel a link came by.

A form rides on one capability.  A tag of two characters behind the code names outlet and form, so that clicks can be
counted per channel; it earns nobody anything and may be lost on the way.
"""

from collections.abc import Collection
from dataclasses import dataclass

from meadow.kernel.errors import Refusal

FORMS = ("link", "text", "digits", "qr", "poster", "card")
# What is offered first where it works: the shorter the way of the shopper, the earlier.
PREFERENCE = ("link", "text", "poster", "qr", "digits", "card")
NEEDS = {
    "link": "clickable_link", "text": "text_token", "digits": "text_token", "qr": "picture", "poster": "picture",
    "card": "picture",
}  # fmt: skip
CAPABILITIES = ("clickable_link", "text_token", "picture", "deep_link")
UNITS = ("characters", "weighted", "utf16", "bytes")
MOST_OUTLETS = 124  # a tag of an outlet and a form has three digits, or two letters
CODE_SHAPE = r"[a-z][a-z0-9_]{1,23}"
# What a click counts under that no outlet brought.
HERE, UNKNOWN, ORGANIC = "here", "unknown", "organic"

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {letter: value for value, letter in enumerate(_LETTERS)} | {"O": 0, "I": 1, "L": 1}


@dataclass(frozen=True, slots=True)
class Allows:
    """What an outlet lets through.  may_induce: wording that urges to copy, open or pass on is tolerated there."""

    clickable_link: bool
    text_token: bool
    picture: bool
    deep_link: bool = False
    may_induce: bool = False
    max_len: int | None = None
    unit: str = "characters"


def works(form: str, allows: Allows) -> bool:
    """Whether a form gets through there."""
    return bool(getattr(allows, NEEDS[form]))


def forms_of(allows: Allows) -> tuple[str, ...]:
    """The forms that get through, the best first."""
    return tuple(form for form in PREFERENCE if works(form, allows))


def default_of(allows: Allows, chosen: str = "", paused: Collection[str] = ()) -> str | None:
    """The form to hand out: the operator's choice while it gets through, else the best that is not being blocked."""
    open_forms = [form for form in forms_of(allows) if form not in paused]
    if chosen in open_forms:
        return chosen
    return next(iter(open_forms or forms_of(allows)), None)


def check_outlet(code: str, tag: int, allows: Allows, chosen: str) -> None:
    """Refuses: malformed."""
    if not 1 <= tag <= MOST_OUTLETS:
        raise Refusal("malformed", field="tag", why=f"1 to {MOST_OUTLETS}")
    if allows.unit not in UNITS:
        raise Refusal("malformed", field="unit", why=f"use one of {', '.join(UNITS)}")
    if allows.max_len is not None and not 20 <= allows.max_len <= 100_000:
        raise Refusal("malformed", field="max_len", why="20 to 100000, or nothing")
    if chosen and chosen not in FORMS:
        raise Refusal("malformed", field="default_form", why=f"use one of {', '.join(FORMS)}, or nothing")
    if chosen and not works(chosen, allows):
        raise Refusal("malformed", field="default_form", why=f"{chosen} does not get through to {code}")


def tag_of(outlet_tag: int, form: str) -> int:
    """The number that names an outlet and a form."""
    return outlet_tag << 3 | FORMS.index(form)


def read_tag(tag: int) -> tuple[int, str]:
    """(outlet tag, form) of such a number; (0, "") if it names none."""
    outlet_tag, form = tag >> 3, tag & 7
    if not 1 <= outlet_tag <= MOST_OUTLETS or form >= len(FORMS):
        return 0, ""
    return outlet_tag, FORMS[form]


def tag_letters(tag: int) -> str:
    """How a tag stands behind a code: -W4, or nothing."""
    return f"-{_LETTERS[tag >> 5]}{_LETTERS[tag & 31]}" if tag else ""


def tag_digits(tag: int) -> str:
    """How a tag stands behind digits: -123, or nothing."""
    return f"-{tag:03d}" if tag else ""


def tag_from(spelled: str) -> int:
    """The tag that two letters or three digits spell; 0 if they spell none."""
    if len(spelled) == 3 and spelled.isascii() and spelled.isdecimal():
        tag = int(spelled)
    elif len(spelled) == 2 and all(letter in _VALUES for letter in spelled.upper()):
        tag = _VALUES[spelled[0].upper()] << 5 | _VALUES[spelled[1].upper()]
    else:
        return 0
    return tag if read_tag(tag)[0] else 0


@dataclass(frozen=True, slots=True)
class Shipped:
    """An outlet as it comes with the program; the operator changes it as the channel changes."""

    code: str
    tag: int
    name_en: str
    name_zh: str
    allows: Allows
    default_form: str = ""


# What each channel lets through, as a careful start: where a kind of link or token was ever blocked, it is off here.
SHIPPED = (
    Shipped("wechat_chat", 1, "WeChat chat", "微信好友", Allows(True, True, True)),
    Shipped("wechat_moments", 2, "WeChat Moments", "朋友圈", Allows(False, False, True, max_len=1500)),
    Shipped("wechat_group", 3, "WeChat group", "微信群", Allows(False, True, True)),
    Shipped("wechat_account", 4, "WeChat public account", "微信公众号", Allows(False, True, True, max_len=20_000)),
    Shipped("qq", 5, "QQ", "QQ", Allows(True, True, True)),
    Shipped("weibo", 6, "Weibo", "微博", Allows(True, True, True, True, max_len=2000)),
    Shipped("xiaohongshu", 7, "Xiaohongshu", "小红书", Allows(False, False, True, max_len=1000), "card"),
    Shipped("douyin", 8, "Douyin", "抖音", Allows(False, True, True, max_len=1000)),
    Shipped("x", 9, "X", "X", Allows(True, True, True, True, True, 280, "weighted")),
    Shipped("telegram", 10, "Telegram", "Telegram", Allows(True, True, True, True, True, 4096, "utf16")),
    Shipped("mail", 11, "E-mail", "电子邮件", Allows(True, True, True, True, True)),
    Shipped("sms", 12, "Text message", "短信", Allows(True, True, False, True, False, 70, "utf16")),
    Shipped("print", 13, "Printed poster", "线下海报", Allows(False, True, True, False, True), "poster"),
)
