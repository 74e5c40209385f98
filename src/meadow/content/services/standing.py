"""How decisions hide posts, comments and pictures, and how their end shows them again: a thing is shown while no stop
is open on it."""

from datetime import datetime

from meadow.content import rules
from meadow.content.models import Comment, Picture, Recommendation, Stop
from meadow.kernel import clock, db
from meadow.kernel.db import atomic


def hide_at_once(*, subject: tuple[str, int], decision_id: int) -> None:
    """Hides, in the caller's transaction, what it has just made and what must not be seen for a moment."""
    Stop.objects.get_or_create(decision_id=decision_id, defaults={"subject_kind": subject[0], "subject_id": subject[1]})
    show_or_hide(*subject)


def stop(*, subject_kind: str, subject_id: int, decision_id: int, until: datetime | None) -> None:
    """Carries out a suspension: what it covers is hidden while it lasts.  Twice is once."""
    with atomic():
        _turn_of(subject_kind, subject_id)
        Stop.objects.get_or_create(
            decision_id=decision_id,
            defaults={"subject_kind": subject_kind, "subject_id": subject_id, "until": until},
        )
        show_or_hide(subject_kind, subject_id)


def lift_stops(*, subject_kind: str, subject_id: int, decision_id: int) -> None:
    """A decision restores the subject: every stop on it is lifted."""
    with atomic():
        _turn_of(subject_kind, subject_id)
        open_stops = Stop.objects.filter(subject_kind=subject_kind, subject_id=subject_id, lifted_at__isnull=True)
        open_stops.update(lifted_at=clock.now(), lifted_by=decision_id)
        show_or_hide(subject_kind, subject_id)


def undo_decision(*, decision_id: int, subject_kind: str, subject_id: int) -> None:
    """A decision was reversed: what it stopped is shown, what it had restored is stopped again."""
    with atomic():
        _turn_of(subject_kind, subject_id)
        Stop.objects.filter(decision_id=decision_id, lifted_at__isnull=True).update(lifted_at=clock.now())
        Stop.objects.filter(lifted_by=decision_id).update(lifted_at=None, lifted_by=None)
        show_or_hide(subject_kind, subject_id)


def lift_expired(*, stop: Stop) -> None:
    """The end of a stop that had one."""
    with atomic():
        _turn_of(stop.subject_kind, stop.subject_id)
        Stop.objects.filter(pk=stop.pk, lifted_at__isnull=True).update(lifted_at=clock.now())
        show_or_hide(stop.subject_kind, stop.subject_id)


def turn_of_creator(creator_id: int, shared: str = "") -> None:
    """Posts of a creator are published side by side, but never while a stop is laid or lifted: none slips through."""
    db.execute(f"SELECT pg_advisory_xact_lock{shared}(hashtextextended('content:creator', %s))", [creator_id])


def _turn_of(subject_kind: str, subject_id: int) -> None:
    if subject_kind == rules.CREATOR:
        turn_of_creator(subject_id)
    elif subject_kind == rules.POST:
        for creator_id in Recommendation.objects.filter(pk=subject_id).values_list("creator_id", flat=True):
            turn_of_creator(creator_id)


def show_or_hide(subject_kind: str, subject_id: int) -> None:
    """Brings a subject to the state that the stops open on it ask for."""
    if subject_kind == rules.COMMENT_KIND:
        _show_or_hide_comment(subject_id)
    elif subject_kind == rules.PICTURE_KIND:
        _show_or_hide_picture(subject_id)
    else:
        _show_or_hide_posts(subject_kind, subject_id)


def _is_stopped(subject_kind: str, subject_id: int) -> bool:
    return Stop.objects.filter(subject_kind=subject_kind, subject_id=subject_id, lifted_at__isnull=True).exists()


def _show_or_hide_comment(comment_id: int) -> None:
    """What its author took back stays away."""
    found = Comment.objects.select_for_update().filter(pk=comment_id).exclude(state="withdrawn").first()
    if found is not None:
        wanted = "hidden" if _is_stopped(rules.COMMENT_KIND, comment_id) else "shown"
        Comment.objects.filter(pk=comment_id).update(state=wanted)


def _show_or_hide_picture(picture_id: int) -> None:
    """What was not read yet goes on waiting for it."""
    found = Picture.objects.select_for_update().filter(pk=picture_id).exclude(state="dropped").first()
    if found is not None:
        open_state = "shown" if found.read_at else "waiting"
        wanted = "blocked" if _is_stopped(rules.PICTURE_KIND, picture_id) else open_state
        Picture.objects.filter(pk=picture_id).update(state=wanted)


def _show_or_hide_posts(subject_kind: str, subject_id: int) -> None:
    """Brings the posts of a subject to the state that the open stops ask for; what has ended stays ended."""
    column = "creator_id" if subject_kind == rules.CREATOR else "id"
    db.execute(
        "WITH wanted AS (SELECT r.id, CASE WHEN EXISTS (SELECT 1 FROM content_stop s WHERE s.lifted_at IS NULL "
        "AND s.subject_kind = %(post)s AND s.subject_id = r.id) THEN 'taken_down' "
        "WHEN EXISTS (SELECT 1 FROM content_stop s WHERE s.lifted_at IS NULL "
        "AND s.subject_kind = %(creator)s AND s.subject_id = r.creator_id) THEN 'hidden' ELSE 'published' END AS state "
        f"FROM content_recommendation r WHERE r.{column} = %(subject)s AND r.state <> 'ended' "
        "ORDER BY r.id FOR UPDATE) "
        "UPDATE content_recommendation r SET state = w.state FROM wanted w WHERE r.id = w.id AND r.state <> w.state",
        {"post": rules.POST, "creator": rules.CREATOR, "subject": subject_id},
    )
