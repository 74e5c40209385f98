"""What a recommendation must be: its life cycle, its limits, and what makes a reason one's own."""

import re
import unicodedata
from datetime import timedelta
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
COMMENT = Machine(
    "comment",
    "shown",
    {
        "shown": {"hide": "hidden", "withdraw": "withdrawn"},
        "hidden": {"show": "shown", "withdraw": "withdrawn"},
        "withdrawn": {},
    },
    ends={"withdrawn"},
)
# Nobody but who sent it sees a picture before its codes were read.
PICTURE = Machine(
    "picture",
    "waiting",
    {
        "waiting": {"show": "shown", "block": "blocked", "drop": "dropped"},
        "shown": {"block": "blocked", "drop": "dropped"},
        "blocked": {"show": "shown", "drop": "dropped"},
        "dropped": {},
    },
    ends={"dropped"},
)
# Subjects whose suspension hides something: a creator's posts, one post, one comment, one picture.
CREATOR, POST = "accounts.creator", "content.recommendation"
COMMENT_KIND, PICTURE_KIND = "content.comment", "content.picture"
STOPPED = (CREATOR, POST, COMMENT_KIND, PICTURE_KIND)

# What a picture may be used for.  Evidence is for the two sides of a dispute and who judges it.
USES = ("post", "evidence")

LIMITS = {
    "products_per_post": 9,
    "reason_least_characters": 10,
    "reason_most_characters": 500,
    "title_most_characters": 120,
    "text_most_characters": 5000,
    "posts_with_one_reason": 5,  # so many others may not already carry the same reason
    "feed_page": 50,
    "excerpt_characters": 140,
    "tab_characters": 40,
    "comment_most_characters": 1000,
    "comments_an_hour": 30,
    "comments_page": 50,
    "pictures_per_post": 9,
    "pictures_an_hour": 60,
    "pictures_unused": 30,
}
UNUSED_FOR = timedelta(days=1)  # after that a picture that stands nowhere is dropped
SAME_COMMENT_WITHIN = timedelta(minutes=1)  # a form sent twice is one comment

_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL's text takes neither
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)


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
    return check_length("reason", reason, LIMITS["reason_most_characters"])


def reason_digest(reason: str) -> bytes:
    """What two reasons share if readers see the same words, however they are spaced or cased."""
    return sha256(plain(reason).casefold().replace(" ", "").encode()).digest()


def check_length(field: str, text: str, most: int) -> str:
    """The text without blanks around it.  Refuses: malformed."""
    if len(text) > most:
        raise Refusal("malformed", field=field, why=f"at most {most} characters")
    if _UNWRITABLE.search(text):
        raise Refusal("malformed", field=field, why="it holds characters that cannot be stored")
    return text.strip()


def excerpt(text: str) -> str:
    """The beginning of a text for a card."""
    most, line = LIMITS["excerpt_characters"], " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def tab_of(category: str) -> str:
    """The tab of a category: its first step, "Home" of "Home > Light"."""
    return re.split(r"[>/|》›]", category, maxsplit=1)[0].strip()[: LIMITS["tab_characters"]]


REFUSALS: dict[str, Says] = {
    "showcase_full": Says(
        409, "A showcase holds at most {most} products. Take one out to put this one in.", "橱窗最多摆放 {most} 件商品，请先移出一件再添加。"
    ),
    "showcase_changed": Says(
        409, "The showcase was changed meanwhile (it is at version {version} now). Load it again and sort it anew.", "橱窗已有改动（当前版本 {version}），请刷新后重新排序。"
    ),
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
    "comments_closed": Says(
        409, "This recommendation has ended and takes no more comments.", "该推荐已结束，不再接受评论，请浏览其他推荐。"
    ),
    "comment_refused": Says(
        403, "The author does not take comments from you. You can read on and buy as before.", "作者不接受您的评论，您仍可浏览和购买。"
    ),
    "too_many_pictures": Says(
        422, "At most {most} pictures at a time. Leave some out.", "一次最多 {most} 张图片，请减少后重试。"
    ),
    "picture_taken": Says(
        409, "This picture stands somewhere already, or was blocked. Upload it again or choose another.", "该图片已被使用或已被屏蔽，请重新上传或另选。"
    ),
}  # fmt: skip
