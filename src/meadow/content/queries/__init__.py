"""What can be read of content: the feed, one recommendation, a creator's posts and showcase."""

from meadow.content.queries.posts import (
    FeedPage,
    ItemView,
    Recommendation,
    RecommendationView,
    author_of,
    feed_json,
    feed_page,
    post_faces,
    post_id_of,
    posts_of_creator,
    recommendation,
)
from meadow.content.queries.showcase import ShowcaseItem, ShowcaseView, showcase, shown_items

__all__ = [
    "FeedPage",
    "ItemView",
    "Recommendation",
    "RecommendationView",
    "ShowcaseItem",
    "ShowcaseView",
    "author_of",
    "feed_json",
    "feed_page",
    "post_faces",
    "post_id_of",
    "posts_of_creator",
    "recommendation",
    "showcase",
    "shown_items",
]
