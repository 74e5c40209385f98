"""Operations on what people add to posts: comments below them, and pictures to put on them or to show as evidence."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Query
from pydantic import Field

from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.language import language_of
from meadow.api.operations import Group
from meadow.content import queries, services
from meadow.kernel import pictures
from meadow.kernel.errors import Refusal

group = Group("comments and pictures")

CommentId = Annotated[str, Field(pattern=r"^cmt_[0-9a-hjkmnp-tv-z]{20}$", examples=["cmt_01jd2m4q8r6t0v3x5z7y"])]
PictureId = Annotated[str, Field(pattern=r"^pic_[0-9a-hjkmnp-tv-z]{20}$", examples=["pic_01jd2m4q8r6t0v3x5z7y"])]
Use = Annotated[Literal["post", "evidence"], Query(description="post: to be seen by all; evidence: for a dispute.")]
Talking = ("buy", "content")


class TalkCommentIn(t.In):
    text: Annotated[str, Field(min_length=1, max_length=1000, examples=["Is it heavy?"])]


class TalkCommentOut(t.Out):
    id: CommentId
    author: t.PersonId
    author_name: str = Field(examples=["Bo"])
    text: str = Field(examples=["Is it heavy?"])
    at: t.Moment
    is_mine: bool
    is_waiting: bool = Field(description="Seen by its author alone until somebody has looked at it.")


class Comments(t.Out):
    items: list[TalkCommentOut]
    next_cursor: str | None


class PictureOut(t.Out):
    """How a picture of one's own stands."""

    id: PictureId
    use: str = Field(examples=["post"])
    state: str = Field(description="waiting until its codes were read, then shown or blocked.", examples=["waiting"])
    width: int = Field(examples=[1200])
    height: int = Field(examples=[900])
    url: str = Field(examples=["/pictures/pic_01jd2m4q8r6t0v3x5z7y.webp"])
    rule: str = Field(description="The rule that blocks it, if one does.", examples=["conduct.diversion v1"])
    reason: str = Field(examples=["The picture holds a payment code. Take it out, or appeal."])
    decision: str = Field(description="What can be appealed against.", examples=["dec_01jd2m4q8r6t0v3x5z7y"])
    uploaded_at: t.Moment


@group.get("/recommendations/{recommendation}/comments", gives=Comments, guests=True)
def list_comments(
    request: HttpRequest, recommendation: t.RecommendationId, cursor: t.Cursor = "", limit: t.PageSize = t.PAGE
) -> Any:
    """Comments below a recommendation, the newest first, without those of people the caller muted or blocked."""
    caller = caller_of(request)
    post = queries.recommendation(recommendation, for_operator=caller.is_operator)
    page = queries.comments_of(post.recommendation_id, reader_id=caller.person_id, cursor=cursor or None, limit=limit)
    return {"items": [_comment(one) for one in page.items], "next_cursor": page.next_cursor}


@group.post(
    "/recommendations/{recommendation}/comments", gives=TalkCommentOut, status=201, scope=Talking,
    refuses=["not_found", "comments_closed", "comment_refused", "limited", "link_blocked", "text_refused"],
)  # fmt: skip
def post_comment(request: HttpRequest, recommendation: t.RecommendationId, body: TalkCommentIn) -> Any:
    """Says something below a recommendation."""
    person_id = caller_of(request).person
    post = queries.recommendation(recommendation)
    made = services.post_comment(recommendation_id=post.recommendation_id, person_id=person_id, text=body.text)
    return _comment(queries.comment(made.pk, reader_id=person_id))


@group.delete("/comments/{comment}", status=204, scope=Talking, refuses=["not_found"])
def withdraw_comment(request: HttpRequest, comment: CommentId) -> None:
    """Takes a comment of one's own back, and its words are gone; twice is once."""
    services.withdraw_comment(comment_id=comment, person_id=caller_of(request).person)


@group.post(
    "/pictures", gives=PictureOut, status=201, scope=Talking, takes="application/octet-stream",
    refuses=["limited", "picture_too_large", "picture_unreadable", "too_many_pictures"],
)  # fmt: skip
def upload_picture(request: HttpRequest, use: Use = "post") -> Any:
    """Takes a picture in: JPEG, PNG, WebP or GIF, found out by content, recoded without place and maker.

    The file is the body, or the part `file` of a multipart form.  Nobody else sees it before its codes were read.
    """
    person_id = caller_of(request).person
    made = services.upload_picture(person_id=person_id, use=use, raw=_read(request))
    return _picture(request, queries.my_picture(made.public_id, person_id=person_id))


@group.get("/me/pictures", gives=list[PictureOut], scope=Talking)
def list_my_pictures(request: HttpRequest) -> Any:
    """One's own pictures, the newest first."""
    return [_picture(request, one) for one in queries.my_pictures(caller_of(request).person)]


@group.get("/pictures/{picture}", gives=PictureOut, scope=Talking, refuses=["not_found"])
def get_picture(request: HttpRequest, picture: PictureId) -> Any:
    """How a picture of one's own stands."""
    return _picture(request, queries.my_picture(picture, person_id=caller_of(request).person))


@group.get("/pictures/{picture}/content", guests=True, media_type="image/webp", refuses=["not_found"])
def get_picture_content(request: HttpRequest, picture: PictureId) -> HttpResponse:
    """A picture that everybody may see, one's own, or for operators one that stands somewhere."""
    caller = caller_of(request)
    content, _ = queries.shown_picture(picture, reader_id=caller.person_id, for_operator=caller.is_operator)
    return HttpResponse(content, content_type=pictures.MEDIA_TYPE)


def _read(request: HttpRequest) -> bytes:
    """What was sent, if it is not too much.  Refuses: malformed, picture_too_large."""
    most = pictures.LIMITS["bytes"]
    if request.content_type == "multipart/form-data":
        sent = request.FILES.get("file")
        if sent is None:
            raise Refusal("malformed", field="file", why="send the picture as the part named file")
        return bytes(sent.read(most + 1))
    return request.read(most + 1)


def _comment(one: queries.CommentView) -> dict[str, Any]:
    return {
        "id": one.public_id, "author": one.author_public_id, "author_name": one.author_name, "text": one.text,
        "at": one.at, "is_mine": one.is_mine, "is_waiting": one.is_waiting,
    }  # fmt: skip


def _picture(request: HttpRequest, one: queries.PictureView) -> dict[str, Any]:
    return {
        "id": one.public_id, "use": one.use, "state": one.state, "width": one.width, "height": one.height,
        "url": reverse("sent_picture", args=[one.public_id]), "rule": one.rule, "decision": one.decision,
        "reason": one.reason_zh if language_of(request).startswith("zh") else one.reason_en,
        "uploaded_at": one.uploaded_at,
    }  # fmt: skip
