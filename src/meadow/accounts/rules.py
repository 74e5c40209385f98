"""What an account may be and do: roles, scopes, limits, life cycles, one-time codes, and what each refusal says."""

import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import timedelta

from meadow.kernel.errors import Refusal, Says
from meadow.kernel.states import Machine

LOCALES = ("zh-hans", "en")
MERCHANT_KINDS = ("individual", "company")
STAFF_ROLES = ("owner", "staff", "finance")
SCOPES = ("catalog", "plans", "content", "share", "buy", "ship", "money", "operate", "clock", "watch")
# watch reads numbers about the installation and nothing else: for a monitor, which needs no more.
OPERATOR_SCOPES = frozenset({"operate", "clock", "watch"})
RESTRICTION_OF = {"suspend": "suspended"}

# Applying costs nothing and there is no field for a fee anywhere: an entry fee would make this a pyramid scheme.
CREATOR = Machine(
    "creator",
    "applied",
    {
        "applied": {"approve": "active", "reject": "rejected", "suspend": "suspended", "close": "closed"},
        "active": {"suspend": "suspended", "close": "closed"},
        # A lifted suspension returns to the state it found, which the standing remembers; most often that is active.
        "suspended": {"suspend": "suspended", "restore": "active"},
        "rejected": {"apply": "applied", "suspend": "suspended"},
        # Closed by its owner, who owes nothing; they may apply again.
        "closed": {"apply": "applied", "suspend": "suspended"},
    },
    ends=set(),
)
MERCHANT = Machine(
    "merchant",
    "active",
    {"active": {"suspend": "suspended"}, "suspended": {"suspend": "suspended", "restore": "active"}},
    ends=set(),
)
MACHINES = {"accounts.creator": CREATOR, "accounts.merchant": MERCHANT}


@dataclass(frozen=True, slots=True)
class Rate:
    """So many acts at once, and as many again each `per`."""

    per: timedelta
    burst: int


LIMITS = {
    "sign_in_email": Rate(timedelta(minutes=15), 10),
    "sign_in_address": Rate(timedelta(minutes=15), 60),
    "code_mail_email": Rate(timedelta(hours=1), 6),
    "code_mail_address": Rate(timedelta(hours=1), 60),
    "key_failed_address": Rate(timedelta(minutes=1), 20),
    "operator_code": Rate(timedelta(hours=1), 10),
    "invitation_code": Rate(timedelta(hours=1), 10),
    "invitations": Rate(timedelta(days=1), 50),
    "applications": Rate(timedelta(days=1), 5),
}
NAME_LENGTH = 80
MERCHANT_NAME_LENGTH = 120
ABOUT_LENGTH = 2000
FIELDS_MOST = 5
FIELD_LENGTH = 40
KEYS_MOST = 20
MERCHANTS_MOST = 10
STAFF_MOST = 200
INVITATION_LIFE = timedelta(days=7)
OPERATOR_CODE_LIFE = timedelta(days=1)
CLAIM_CODE_LIFE = timedelta(minutes=15)
CLAIM_TRIES = 5
KEY_TOUCH_EVERY = timedelta(minutes=1)
KEY_PREFIX = "mdw_"
MAILBOX_PAGE = 50

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_TYPED = str.maketrans({"O": "0", "I": "1", "L": "1"})
_EMAIL = re.compile(r"[^@\s\x00-\x1f<>\"(),:;\\\[\]]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z0-9-]{2,63}\Z")
_KEY = re.compile(r"mdw_[A-Za-z0-9_-]{43}\Z")


def new_key_secret() -> str:
    """256 random bits; long enough that a plain hash of it can be stored."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def is_key_secret(text: str) -> bool:
    """Whether a text can be a key at all; spares a query for what cannot."""
    return _KEY.match(text) is not None


def new_code(groups: int = 4) -> str:
    """A one-time code such as 7KQ2-M0XA-…, 20 random bits a group."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(groups))


def typed_code(text: str) -> str:
    """A code as people type it: any case, spaces, dashes, full-width characters, O for 0 and I or L for 1."""
    folded = unicodedata.normalize("NFKC", text[:200]).upper()
    return "".join(c for c in folded if c.isascii() and c.isalnum()).translate(_TYPED)


def code_hash(code: str) -> str:
    """What is stored of a one-time code or a key."""
    return hashlib.sha256(code.encode()).hexdigest()


def same_hash(one: str, other: str) -> bool:
    """Compares hashes in constant time."""
    return hmac.compare_digest(one, other)


def identity_digest(kind: str, text: str, secret: str) -> str:
    """A keyed digest of an identity or a payout account: comparable, and useless to who steals the table."""
    plain = "".join(unicodedata.normalize("NFKC", text).split()).casefold()
    return hmac.new(
        f"meadow/identity/{kind}/{secret}".encode(), plain.encode(errors="replace"), hashlib.sha256
    ).hexdigest()


def clean_email(text: str) -> str:
    """An e-mail address in its stored form, lower case.  Refuses: malformed."""
    address = unicodedata.normalize("NFKC", text[:400]).strip().lower()
    if len(address) > 254 or not address.isprintable() or not _EMAIL.match(address):
        raise Refusal("malformed", field="email", why="write it like name@example.com")
    return address


def mailbox(email: str) -> str:
    """The mailbox behind an address: what follows a plus is the owner's own label, so it does not make a new person."""
    local, _, host = email.lower().rpartition("@")
    return f"{local.partition('+')[0] or local}@{host}"


def clean_phone(text: str) -> str:
    """A phone number as + and digits; eleven digits that begin with 1 are Chinese.  Refuses: malformed."""
    folded = unicodedata.normalize("NFKC", text)
    digits = "".join(c for c in folded if c.isascii() and c.isdigit())
    if not 6 <= len(digits) <= 15:
        raise Refusal("malformed", field="phone", why="write it with its country code, like +86 138 0000 0000")
    if folded.strip().startswith("+"):
        return f"+{digits}"
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    return f"+86{digits}" if len(digits) == 11 and digits.startswith("1") else f"+{digits}"


def phone_key(text: str) -> str | None:
    """A phone number for comparison, or None where the text is none."""
    try:
        return clean_phone(text)
    except Refusal:
        return None


def clean_name(text: str, *, field: str = "name", longest: int = NAME_LENGTH) -> str:
    """A name on one line, without control or invisible characters.  Refuses: malformed."""
    shown = "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c)[0] != "C" or c == " ")
    name = " ".join(shown.split())
    if not name or len(name) > longest:
        raise Refusal("malformed", field=field, why=f"use 1 to {longest} characters")
    return name


def clean_text(text: str, longest: int = ABOUT_LENGTH) -> str:
    """A text of several lines, cut to its limit, without characters that a database or a terminal chokes on."""
    return "".join(c for c in text[:longest] if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")).strip()


def clean_fields(fields: "list[str] | tuple[str, ...]") -> list[str]:
    """A creator's fields of expertise.  Refuses: malformed."""
    if len(fields) > FIELDS_MOST:
        raise Refusal("malformed", field="fields", why=f"name at most {FIELDS_MOST}")
    return list(dict.fromkeys(clean_name(f, field="fields", longest=FIELD_LENGTH) for f in fields))


CLAIM_MAIL = {
    "en": (
        "Your code for Meadow: {code}",
        "Somebody, we hope you, wants to keep the orders they placed as a guest in an account of their own.\n\n"
        "Enter this code on the page you came from:\n\n    {code}\n\n"
        "It works for 15 minutes. If it was not you, do nothing.\n",
    ),
    "zh-hans": (
        "您的 Meadow 验证码：{code}",
        "有人（希望就是您）想把以访客身份下的订单保存到自己的账号中。\n\n"
        "请在刚才的页面输入验证码：\n\n    {code}\n\n"
        "15 分钟内有效。如果不是您本人操作，请忽略此邮件。\n",
    ),
}

REFUSALS: dict[str, Says] = {
    "creator_required": Says(
        403,
        "Only approved creators can do this. Apply as a creator, it costs nothing.",
        "仅限通过审核的达人操作，请先免费申请成为达人。",
    ),
    "creator_suspended": Says(
        403,
        "This creator is suspended. See the decision and its rule in your studio, where you can appeal.",
        "该达人已被暂停，请在工作台查看处罚决定及依据，您可以申诉。",
    ),
    "creator_exists": Says(
        409,
        "You have applied already. See the state of your application in your studio.",
        "您已提交过申请，请在工作台查看进度。",
    ),
    "identity_taken": Says(
        409,
        "This identity already has a creator. Sign in with that account, or ask the operator for help.",
        "该身份已注册过达人，请登录原账号，或联系运营人员。",
    ),
    "merchant_suspended": Says(
        403,
        "This merchant is suspended. See the decision and its rule, where you can appeal.",
        "该商家已被暂停，请查看处罚决定及依据，您可以申诉。",
    ),
    "guest_only": Says(
        409,
        "This belongs to an account already. Sign in to see it.",
        "该记录已归属正式账号，请登录查看。",
    ),
    "code_wrong": Says(
        403,
        "This code is wrong, used or out of date. Check it, or ask for a new one.",
        "验证码错误、已使用或已过期，请核对或重新获取。",
    ),
    "operator_exists": Says(
        409,
        "There is an operator already. Ask them to give you the role.",
        "已有运营人员，请联系其授予权限。",
    ),
    "scope_unknown": Says(
        422,
        "{scope} is no scope. Choose from: {scopes}.",
        "权限范围 {scope} 不存在，请从以下选择：{scopes}。",
    ),
    "scope_missing": Says(
        403,
        "This key lacks the scope {scope}. Make a key that has it.",
        "该密钥缺少 {scope} 权限，请创建具备该权限的密钥。",
    ),
    "key_invalid": Says(
        401,
        "This API key is unknown or revoked. Send a valid one as a Bearer token.",
        "API 密钥无效或已吊销，请使用有效密钥（Bearer）。",
    ),
    "limit_reached": Says(
        409,
        "There are {most} already, which is the most. Remove one first.",
        "已达到上限 {most} 个，请先移除一个。",
    ),
    "staff_exists": Says(
        409,
        "You are staff of this merchant already. Nothing needs to be done.",
        "您已是该商家的成员，无需重复操作。",
    ),
    "email_taken": Says(
        409,
        "This e-mail address has an account already. Sign in with it.",
        "该邮箱已注册，请直接登录。",
    ),
}

PRESENCE_LIFE = timedelta(minutes=10)  # how long a proof that it is you is good for
PRESENCE_MAIL = {
    "en": (
        "Your code to confirm it is you: {code}",
        "Somebody, we hope you, is about to change where money goes.\n\n"
        "Enter this code on the page you came from:\n\n    {code}\n\n"
        "It works for 10 minutes. If it was not you, change your password and tell the operator.\n",
    ),
    "zh-hans": (
        "您的身份确认验证码：{code}",
        "有人（希望就是您）正要更改资金去向。\n\n"
        "请在刚才的页面输入验证码：\n\n    {code}\n\n"
        "10 分钟内有效。如果不是您本人操作，请修改密码并告知运营方。\n",
    ),
}
