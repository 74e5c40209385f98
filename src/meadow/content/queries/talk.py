"""Which comments and pictures a reader sees, and whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from meadow.accounts import queries as accounts
from meadow.content import rules
from meadow.content.models import Comment, Picture, Recommendation, Stop
from meadow.governance import queries as governance
from meadow.governance.queries import contact
from meadow.kernel import cursors, pictures
from meadow.kernel.errors import Refusal

_LIST = "content.comments"


@dataclass(frozen=True, slots=True)
class CommentView:
    """A comment; is_waiting: only its author sees it until somebody has looked at it."""

    public_id: str
    author_public_id: str
    author_name: str
    text: str
    at: datetime
    is_mine: bool
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class CommentPage:
    items: list[CommentView]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PictureView:
    """A picture of one's own; reason says, with its rule, why it is not shown, if it is not."""

    public_id: str
    use: str
    state: str
    width: int
    height: int
    rule: str
    reason_en: str
    reason_zh: str
    decision: str
    uploaded_at: datetime


def comments_of(
    recommendation_id: int, *, reader_id: int | None = None, cursor: str | None = None, limit: int = 20
) -> CommentPage:
    """Comments below a post, the newest first, without those of people whom the reader has muted or blocked.

    Refuses: malformed.
    """
    limit = max(1, min(limit, rules.LIMITS["comments_page"]))
    shown = Q(state="shown") | Q(state="hidden", author_id=reader_id) if reader_id else Q(state="shown")
    found = Comment.objects.filter(shown, recommendation_id=recommendation_id).select_related("author")
    if cursor:
        of_post, last_id = cursors.unseal(cursor, _LIST)
        if of_post != recommendation_id:
            raise Refusal("malformed", field="cursor", why="it belongs to another post")
        found = found.filter(pk__lt=last_id)
    if reader_id and (unwanted := contact.unwanted_authors(reader_id).person_ids):
        found = found.exclude(author_id__in=unwanted)
    rows = list(found.order_by("-pk")[: limit + 1])
    more = cursors.seal([recommendation_id, rows[limit - 1].pk], _LIST) if len(rows) > limit else None
    return CommentPage([_comment(row, reader_id) for row in rows[:limit]], more)


def comment(comment_id: int, *, reader_id: int) -> CommentView:
    """One comment, as its reader sees it.  Refuses: not_found."""
    found = Comment.objects.select_related("author").filter(pk=comment_id).first()
    if found is None:
        raise Refusal("not_found")
    return _comment(found, reader_id)


def pictures_of(target_kind: str, target_id: int) -> list[Picture]:
    """The pictures of something that may be seen now, in their order."""
    found = Picture.objects.filter(target_kind=target_kind, target_id=target_id, state="shown")
    return list(found.order_by("position"))


def evidence_of(target_kind: str, target_ids: Sequence[int]) -> dict[int, list[str]]:
    """The public ids of the pictures shown as evidence for each of these, for a door that judged who may see them."""
    found: dict[int, list[str]] = {}
    rows = Picture.objects.filter(target_kind=target_kind, target_id__in=target_ids, use="evidence")
    for row in rows.exclude(state="dropped").order_by("target_id", "position"):
        found.setdefault(row.target_id or 0, []).append(row.public_id)
    return found


def shown_picture(public_id: str, *, reader_id: int | None = None, for_operator: bool = False) -> tuple[bytes, bool]:
    """A picture's content, and whether everybody may see it: one that was read and stands on something that is shown.

    One's own is shown to oneself; operators see what stands somewhere, to judge it.  Refuses: not_found.
    """
    found = Picture.objects.filter(public_id=public_id).exclude(state="dropped").first()
    if found is None:
        raise Refusal("not_found")
    is_public = found.use == "post" and found.state == "shown" and _stands(found)
    is_judged = for_operator and found.target_id is not None
    if not (is_public or is_judged) and found.person_id != reader_id:
        raise Refusal("not_found")
    return pictures.kept(found.file), is_public


def picture_content(public_id: str) -> bytes:
    """A picture's content for a context that has judged by itself who may see it.  Refuses: not_found."""
    found = Picture.objects.filter(public_id=public_id).exclude(state="dropped").first()
    if found is None:
        raise Refusal("not_found")
    return pictures.kept(found.file)


def my_picture(public_id: str, *, person_id: int) -> PictureView:
    """How a picture of one's own stands.  Refuses: not_found."""
    found = Picture.objects.filter(public_id=public_id, person_id=person_id).first()
    if found is None:
        raise Refusal("not_found")
    return _picture(found)


def my_pictures(person_id: int, limit: int = 50) -> list[PictureView]:
    """One's own pictures, the newest first."""
    found = Picture.objects.filter(person_id=person_id).exclude(state="dropped").order_by("-pk")
    return [_picture(one) for one in found[:limit]]


def author_of_comment(comment_id: int) -> tuple[str, int] | None:
    """Who answers for a comment."""
    found = Comment.objects.filter(pk=comment_id).values_list("author_id", flat=True).first()
    return ("accounts.person", found) if found else None


def comment_faces(ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """The public ids of comments and how they begin."""
    found = Comment.objects.filter(pk__in=ids).values_list("pk", "public_id", "text")
    return {row[0]: (row[1], rules.excerpt(row[2]) or row[1]) for row in found}


def comment_id_of(public_id: str) -> int | None:
    return Comment.objects.filter(public_id=public_id).values_list("pk", flat=True).first()


def owner_of_picture(picture_id: int) -> tuple[str, int] | None:
    """Who answers for a picture: a creator for what they post, else who sent it."""
    found = Picture.objects.filter(pk=picture_id).first()
    if found is None:
        return None
    creator = accounts.creator_of(found.person_id) if found.use == "post" else None
    return ("accounts.creator", creator.pk) if creator else ("accounts.person", found.person_id)


def picture_faces(ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """The public ids of pictures."""
    found = Picture.objects.filter(pk__in=ids).values_list("pk", "public_id")
    return {pk: (public_id, public_id) for pk, public_id in found}


def picture_id_of(public_id: str) -> int | None:
    return Picture.objects.filter(public_id=public_id).values_list("pk", flat=True).first()


def _comment(row: Comment, reader_id: int | None) -> CommentView:
    return CommentView(
        row.public_id, row.author.public_id, row.author_name, row.text, row.at, row.author_id == reader_id,
        row.state == "hidden",
    )  # fmt: skip


def _picture(row: Picture) -> PictureView:
    rule = en = zh = decision = ""
    if row.state == "blocked":
        stop = Stop.objects.filter(subject_kind=rules.PICTURE_KIND, subject_id=row.pk, lifted_at__isnull=True).last()
        if stop is not None:
            one = governance.decision(stop.decision_id)
            rule, decision = f"{one.rule_id} v{one.rule_version}", one.public_id
            en, zh = one.reason, one.words.reason_zh or one.reason
    return PictureView(
        row.public_id, row.use, row.state, row.width, row.height, rule, en, zh, decision, row.uploaded_at
    )


def _stands(picture: Picture) -> bool:
    return (
        picture.target_kind == "recommendation"
        and Recommendation.objects.filter(pk=picture.target_id or 0, state__in=("published", "ended")).exists()
    )
