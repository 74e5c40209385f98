"""What a recommendation must be: its life cycle, its limits, what makes a reason one's own, where links hide in text."""

import re
import unicodedata
from collections.abc import Callable
from hashlib import sha256

from meadow.kernel.errors import Refusal, Says
from meadow.kernel.states import Machine

RECOMMENDATION = Machine(
    "recommendation",
    "published",
    {
        "published": {"end": "ended", "hide": "hidden", "take_down": "taken_down"},
        "hidden": {"end": "ended", "show": "published", "take_down": "taken_down"},
        "taken_down": {"end": "ended", "show": "published", "hide": "hidden"},
        "ended": {},
    },
    ends={"ended"},
)
# Subjects whose suspension hides posts: a creator's all, or one post.
CREATOR, POST = "accounts.creator", "content.recommendation"

LIMITS = {
    "products_per_post": 9,
    "reason_least_characters": 10,
    "reason_most_characters": 500,
    "title_most_characters": 120,
    "text_most_characters": 5000,
    "links_per_post": 20,
    "posts_with_one_reason": 5,  # so many others may not already carry the same reason
    "feed_page": 50,
    "excerpt_characters": 140,
}

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
# An address with a scheme or after //, or a bare host.  Hosts take Latin, Greek and Cyrillic letters, so that a
# look-alike is judged as what it is; Chinese text stands next to a host without a blank and is none of it.
_REST = r"[^\s<>\"'“”‘’「」《》【】，。；！？、（）]"
_ADDRESS = re.compile(rf"(?:[a-z][a-z0-9+.\-]{{1,20}}:)?//{_REST}+", re.IGNORECASE)
_L = "a-z0-9\u00c0-\u052f"
_BARE_HOST = re.compile(
    rf"(?<![{_L}@./\-])(?P<host>(?:[{_L}](?:[{_L}\-]{{0,61}}[{_L}])?\.){{1,8}}[a-z\u00c0-\u052f]{{2,24}}(?![{_L}\-]))"
    rf"(?::\d{{1,5}})?(?:[@/?#]{_REST}*)?",
    re.IGNORECASE,
)
_SCRIPT = re.compile(r"\b(?:javascript|data|vbscript):[^\s<>\"']+", re.IGNORECASE)
_TRAILING = ".,;:!?)]}'\"*_~"


def plain(text: str) -> str:
    """A text as readers see it: nothing invisible, compatible characters folded, blanks as one."""
    return " ".join(unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).split())


def check_reason(reason: str) -> str:
    """The reason, tidied.  Refuses: reason_blank, reason_too_short, malformed."""
    seen = plain(reason)
    if not seen:
        raise Refusal("reason_blank")
    if len(seen) < LIMITS["reason_least_characters"]:
        raise Refusal("reason_too_short", least=LIMITS["reason_least_characters"])
    tidy = reason.strip()
    if len(tidy) > LIMITS["reason_most_characters"]:
        raise Refusal("malformed", field="reason", why=f"at most {LIMITS['reason_most_characters']} characters")
    return tidy


def reason_digest(reason: str) -> bytes:
    """What two reasons share if readers see the same words, however they are spaced or cased."""
    return sha256(plain(reason).casefold().replace(" ", "").encode()).digest()


def check_length(field: str, text: str, most: int) -> str:
    """The text without blanks around it.  Refuses: malformed."""
    if len(text) > most or "\x00" in text:
        raise Refusal("malformed", field=field, why=f"at most {most} characters")
    return text.strip()


def links_in(text: str, is_host: Callable[[str], bool]) -> list[str]:
    """All addresses in a text, in order, each once; a bare dotted word counts if is_host says that it may be one."""
    seen = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    found: dict[str, int] = {}
    for pattern in (_ADDRESS, _SCRIPT):
        for match in pattern.finditer(seen):
            found.setdefault(match[0].rstrip(_TRAILING), match.start())
    rest = _ADDRESS.sub(lambda match: " " * len(match[0]), seen)
    for match in _BARE_HOST.finditer(rest):
        if is_host(match["host"].lower()):
            found.setdefault(match[0].rstrip(_TRAILING), match.start())
    return sorted(found, key=lambda link: found[link])


def excerpt(text: str) -> str:
    """The beginning of a text for a card."""
    most, line = LIMITS["excerpt_characters"], " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


REFUSALS: dict[str, Says] = {
    "no_products": Says(
        422, "Choose at least one product to recommend.", "请至少选择一件商品。"
    ),
    "too_many_products": Says(
        422, "A post recommends at most {most} products. Take some out or write two posts.", "一条推荐最多 {most} 件商品，请减少或分成两条发布。"
    ),
    "product_twice": Says(
        422, "A product is in the post twice. Keep it once.", "同一件商品重复出现，请只保留一次。"
    ),
    "product_unavailable": Says(
        409, "“{title}” is not on sale now. Choose another product.", "“{title}”目前未在售，请改选其他商品。"
    ),
    "reason_blank": Says(
        422, "Say why you recommend each product.", "请为每件商品写下推荐理由。"
    ),
    "reason_too_short": Says(
        422, "A reason takes at least {least} characters. Tell a little more.", "推荐理由至少 {least} 个字，请再多写一点。"
    ),
    "reason_copied": Says(
        422, "This reason already stands in {copies} other posts. Write your own words.", "该推荐理由已出现在 {copies} 条其他推荐中，请用自己的话来写。"
    ),
    "link_not_allowed": Says(
        422,
        "The link {url} is not allowed by rule {rule}: {reason}. Take it out, link to a partner's product page, or appeal.",
        "链接 {url} 不符合规则 {rule}：{reason}。请删除、改用合作平台的商品链接，或提出申诉。",
    ),
    "too_many_links": Says(
        422, "A post holds at most {most} links. Take some out.", "一条推荐最多 {most} 个链接，请减少。"
    ),
}  # fmt: skip
