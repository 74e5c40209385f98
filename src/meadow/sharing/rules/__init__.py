"""The law of sharing: how tokens are spelled and found, what is a view and what a click, how long things live."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from json import dumps
from typing import Any, NamedTuple

from meadow.kernel.errors import Says
from meadow.kernel.states import Machine
from meadow.sharing.rules.codec import (
    BITS,
    CODE_LENGTH,
    code_of,
    digits_of,
    draw_number,
    number_of_code,
    number_of_digits,
)
from meadow.sharing.rules.health import SLOT_MINUTES
from meadow.sharing.rules.length import clusters, length, shorten
from meadow.sharing.rules.outlets import (
    CAPABILITIES,
    CODE_SHAPE,
    FORMS,
    HERE,
    MOST_OUTLETS,
    ORGANIC,
    SHIPPED,
    UNITS,
    UNKNOWN,
    Allows,
    check_outlet,
    default_of,
    forms_of,
    read_tag,
    tag_digits,
    tag_from,
    tag_letters,
    tag_of,
    works,
)
from meadow.sharing.rules.reading import MAX_CANDIDATES, MAX_TEXT, normalise, numbers_in, read_code, tagged_in
from meadow.sharing.rules.visits import (
    TOLD,
    NotCounted,
    Visit,
    judged,
    proves_navigation,
    told_by,
    visit_of,
    why_not_counted,
    why_not_followed,
)
from meadow.sharing.rules.wording import Spoken, grouped, link_message, message, text_message

__all__ = [
    "BITS",
    "CAPABILITIES",
    "CODE_LENGTH",
    "CODE_SHAPE",
    "FORMS",
    "HERE",
    "MAX_CANDIDATES",
    "MAX_TEXT",
    "MOST_OUTLETS",
    "ORGANIC",
    "SHIPPED",
    "TOLD",
    "UNITS",
    "UNKNOWN",
    "Allows",
    "NotCounted",
    "Spoken",
    "Visit",
    "check_outlet",
    "clusters",
    "code_of",
    "default_of",
    "digits_of",
    "draw_number",
    "forms_of",
    "grouped",
    "judged",
    "length",
    "link_message",
    "message",
    "normalise",
    "number_of_code",
    "number_of_digits",
    "numbers_in",
    "proves_navigation",
    "read_code",
    "read_tag",
    "shorten",
    "tag_digits",
    "tag_from",
    "tag_letters",
    "tag_of",
    "tagged_in",
    "text_message",
    "told_by",
    "visit_of",
    "why_not_counted",
    "why_not_followed",
    "works",
]

LIFE_DAYS = 60
POSTER_LIFE_DAYS = 365
WINDOW = timedelta(days=15)  # how long a click may earn, and so how long an open page may still become one
SURFACES = ("landing", "feed", "post", "product", "showcase", "poster", "api")
REFUSED_CLICKS = ("unsigned", "other_target", "too_old", "cross_site")

LIMITS = {
    "text_characters": MAX_TEXT,
    "candidates_per_text": MAX_CANDIDATES,
    "mint_at_once": 1000,
    "resolves_per_minute": 60,
    "misses_per_minute": 60,
    "refusals_per_minute": 300,
    "pictures_per_minute": 120,
    "candidate_clicks": 500,  # newest first
    "click_ids_per_checkout": 50,
    "clicks_per_batch": 1000,
    "clicks_in_memory": 20_000,
    "tokens_remembered": 20_000,
    "spool_bytes": 200_000_000,
    "report_characters": 300,
    "reports_that_alarm": 3,  # different creators within a day
    "creators_told": 5000,  # by message, those who used the channel last; everybody reads it where they share
}
RESOLVE_PER = timedelta(minutes=1)
CLICK_BATCH_AFTER = timedelta(milliseconds=300)
# Raw clicks are kept for the windows of attribution and after-sale with room for a dispute; decisions keep their own.
CLICK_KEEP = timedelta(days=120)
MONTHS_AHEAD = 2
# Resolves and clicks per channel are counted in slots.
SLOT = timedelta(minutes=SLOT_MINUTES)
SLOT_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

ALARM_CAUSES = ("drop", "reports")
REPORTS_WITHIN = timedelta(days=1)
# A creator by whose links somebody came through a channel within this time is told when it changes.
USED_WITHIN = timedelta(days=60)

ALARM = Machine("channel_alarm", "open", {"open": {"close": "closed"}, "closed": {}}, ends={"closed"})
# The one kind of target that sharing owns itself: a page of an allowlisted partner.
PARTNER_PAGE = "sharing.partner_page"

TOKEN = Machine(
    "share_token",
    "active",
    {
        "active": {"expire": "expired", "revoke": "revoked", "block": "blocked"},
        "blocked": {"unblock": "active", "revoke": "revoked"},
        "expired": {},
        "revoked": {},
    },
    ends={"expired", "revoked"},
)


class Origin(NamedTuple):
    """Whose recommendation a view shows, and where: what a click on it will be worth to whom."""

    creator_id: int
    shop_id: int | None  # None: a partner's page, whose sales are settled elsewhere
    product_id: int | None
    surface: str
    token_id: int | None = None
    tag: int = 0  # the outlet and the form that brought it; counts for nobody's money


class ViewFacts(NamedTuple):
    """A view as its signed text carries it.  public_id is the nonce, and the id of the click it may become."""

    public_id: str
    origin: Origin
    viewed_at: datetime
    carrier: str = ""
    is_click: bool = False  # the browser vouched for the person, so it was a click from the start and its text is one


class ClickFacts(NamedTuple):
    """A click as its signed text carries it: all that attribution needs, stored already or not."""

    public_id: str
    origin: Origin
    viewed_at: datetime
    at: datetime
    carrier: str = ""


def payload_of(facts: ViewFacts | ClickFacts) -> dict[str, Any]:
    """The short form that is signed."""
    origin = facts.origin
    payload: dict[str, Any] = {
        "n": facts.public_id, "c": origin.creator_id, "s": origin.shop_id, "p": origin.product_id,
        "f": origin.surface, "t": origin.token_id, "v": microseconds(facts.viewed_at), "k": facts.carrier,
    }  # fmt: skip
    if origin.tag:
        payload["o"] = origin.tag
    if isinstance(facts, ClickFacts):
        return payload | {"a": microseconds(facts.at)}
    return payload | {"q": 1} if facts.is_click else payload


def spelled(facts: ViewFacts | ClickFacts) -> str:
    """`payload_of` as compact JSON, written without a detour: every landing spells one."""
    who, tag = _spelled_origin(facts.origin)
    carrier = dumps(facts.carrier) if facts.carrier else '""'
    viewed = microseconds(facts.viewed_at)
    if isinstance(facts, ClickFacts):
        rest = f',"a":{viewed if facts.at is facts.viewed_at else microseconds(facts.at)}'
    else:
        rest = ',"q":1' if facts.is_click else ""
    return f'{{"n":"{facts.public_id}"{who}"v":{viewed},"k":{carrier}{tag}{rest}}}'


@lru_cache(maxsize=20_000)
def _spelled_origin(of: Origin) -> tuple[str, str]:
    """What all views of one origin have in common: what stands before the time, and what behind the carrier."""
    product = "null" if of.product_id is None else of.product_id
    token = "null" if of.token_id is None else of.token_id
    shop = "null" if of.shop_id is None else of.shop_id
    who = f',"c":{of.creator_id},"s":{shop},"p":{product},"f":"{of.surface}","t":{token},'
    return who, f',"o":{of.tag}' if of.tag else ""


def view_from(payload: dict[str, Any]) -> ViewFacts:
    """The view behind such a payload; that of a click was one from the start."""
    origin = Origin(payload["c"], payload["s"], payload["p"], payload["f"], payload["t"], payload.get("o", 0))
    return ViewFacts(payload["n"], origin, _moment(payload["v"]), payload["k"], "q" in payload or "a" in payload)


def click_from(payload: dict[str, Any]) -> ClickFacts:
    """The click behind such a payload."""
    view = view_from(payload)
    return ClickFacts(view.public_id, view.origin, view.viewed_at, _moment(payload["a"]), view.carrier)


def state_at(state: str, expires_at: datetime, at: datetime) -> str:
    """A token's state at a moment: the end of its life needs no sweep to be seen."""
    return "expired" if state == "active" and expires_at <= at else state


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Since 1970, exactly."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def slot_of(at: datetime) -> datetime:
    """When the slot began that a moment is counted in."""
    return at - (at - SLOT_EPOCH) % SLOT


REFUSALS: dict[str, Says] = {
    "not_a_token": Says(
        404,
        "No share token was found in this text. Copy the whole message again, from its first sign to its last.",
        "这段文字里没有可用的淘口令，请重新完整复制整条消息。",
    ),
    "token_expired": Says(
        410,
        "This share token has expired. Look at the shop instead, or ask whoever shared it for a new one.",
        "该淘口令已过期，您可以直接进店看看，或请分享者重新分享。",
    ),
    "token_revoked": Says(
        410,
        "Its creator took this share token back. Look at the shop instead.",
        "该淘口令已被分享者收回，您可以直接进店看看。",
    ),
    "token_blocked": Says(
        410,
        "This share token was blocked for breaking the rules. Look at the shop instead; its creator may appeal.",
        "该淘口令因违规被停用，您可以直接进店看看；达人可以提出申诉。",
    ),
    "target_gone": Says(
        410,
        "What was shared here is gone. Look at the shop instead.",
        "分享的内容已不存在，您可以直接进店看看。",
    ),
    "outlet_closed": Says(
        409,
        "No form of a token gets through to this channel just now. Choose another channel.",
        "该渠道目前没有可用的分享形式，请选择其他渠道。",
    ),
    "page_refused": Says(
        422,
        "This address cannot be shared: {why}. Share a page of this site or a product page of a partner over https.",
        "该网址无法分享：{why_zh}。请分享本站页面，或合作方的 https 商品页。",
    ),
    "page_withdrawn": Says(
        410,
        "The page of another site that this led to may not be linked any more. Ask whoever shared it for something here.",
        "其所指向的外站页面已不再允许分享，请让分享者推荐本站商品。",
    ),
    "outlet_exists": Says(
        409,
        "An outlet with this code or tag exists. Change that one, or choose another code.",
        "该渠道代码或编号已存在，请修改已有渠道或换一个代码。",
    ),
    "sharer_suspended": Says(
        410,
        "The creator who shared this is suspended just now. Look at the shop instead.",
        "分享者目前处于暂停状态，您可以直接进店看看。",
    ),
}
