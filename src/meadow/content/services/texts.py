"""What stands in posts and comments, for governance to look at again when its packs change."""

from collections import defaultdict

from meadow.content.models import Comment, Recommendation, RecommendationItem
from meadow.governance.services import Standing, TextSurface


def texts_of_posts(after_id: int, limit: int) -> list[Standing]:
    """The next posts by id with all that their creator wrote; what has ended leaves every list and is left alone."""
    posts = list(Recommendation.objects.filter(pk__gt=after_id).exclude(state="ended").order_by("pk")[:limit])
    reasons: dict[int, list[str]] = defaultdict(list)
    items = RecommendationItem.objects.filter(recommendation__in=posts).order_by("recommendation_id", "position")
    for post_id, reason in items.values_list("recommendation_id", "reason"):
        reasons[post_id].append(reason)
    return [
        Standing(
            post.pk, TextSurface.RECOMMENDATION, words_of(post.title, post.text, reasons[post.pk]),
            party=("accounts.creator", post.creator_id),
        )
        for post in posts
    ]  # fmt: skip


def texts_of_comments(after_id: int, limit: int) -> list[Standing]:
    """The next comments by id."""
    found = Comment.objects.filter(pk__gt=after_id).exclude(state="withdrawn").order_by("pk")[:limit]
    return [Standing(one.pk, TextSurface.COMMENT, one.text, party=("accounts.person", one.author_id)) for one in found]


def words_of(title: str, text: str, reasons: list[str]) -> str:
    """All words of a post as they are judged: when it is published and whenever it is looked at again."""
    return "\n".join([title, text, *reasons])
