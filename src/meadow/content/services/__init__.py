"""The verbs of content: posts, comments, pictures, a showcase, and what hides and shows them for a decision."""

from meadow.content.services.comments import post_comment, withdraw_comment
from meadow.content.services.pictures import attach, pass_picture, pictures_to_attach, upload_picture
from meadow.content.services.posts import end_all_of, end_recommendation, publish_recommendation
from meadow.content.services.showcase import (
    add_to_showcase,
    remove_from_showcase,
    reorder_showcase,
    show_whole_recommendation,
)
from meadow.content.services.standing import lift_expired, lift_stops, stop, undo_decision
from meadow.content.services.texts import texts_of_comments, texts_of_posts

__all__ = [
    "add_to_showcase",
    "attach",
    "end_all_of",
    "end_recommendation",
    "lift_expired",
    "lift_stops",
    "pass_picture",
    "pictures_to_attach",
    "post_comment",
    "publish_recommendation",
    "remove_from_showcase",
    "reorder_showcase",
    "show_whole_recommendation",
    "stop",
    "texts_of_comments",
    "texts_of_posts",
    "undo_decision",
    "upload_picture",
    "withdraw_comment",
]
