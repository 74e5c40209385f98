"""How a picture comes in, is looked at by the worker, finds its place, and goes when it has none."""

from collections.abc import Sequence
from datetime import timedelta

from meadow.content import rules
from meadow.content.models import Picture
from meadow.content.services.standing import hide_at_once, show_or_hide
from meadow.governance import queries as governance
from meadow.governance.services import TextSurface, check_codes, require_allowed
from meadow.kernel import clock, limits, pictures
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal


def upload_picture(*, person_id: int, use: str, raw: bytes) -> Picture:
    """Takes a picture in; nobody sees it before the worker has read its codes, and it goes if nothing comes to use it.

    use: post, or evidence, which is kept from the public and judged by people.
    Refuses: malformed, limited, rate_limited, too_many_pictures, picture_too_large, picture_unreadable.
    """
    if use not in rules.USES:
        raise Refusal("malformed", field="use", why=f"use one of {', '.join(rules.USES)}")
    if use != "evidence":
        require_allowed(parties=governance.parties_of(person_id), act="post")
    limits.hit("content.pictures", str(person_id), per=timedelta(hours=1), burst=rules.LIMITS["pictures_an_hour"])
    unused = Picture.objects.filter(person_id=person_id, target_id__isnull=True).exclude(state="dropped")
    if unused.count() >= rules.LIMITS["pictures_unused"]:
        raise Refusal("too_many_pictures", most=rules.LIMITS["pictures_unused"])
    made = pictures.recode(raw)
    at = clock.now()
    return Picture.objects.create(
        person_id=person_id, use=use, file=pictures.keep(made), width=made.width, height=made.height,
        size_bytes=len(made.content), digest=made.digest, uploaded_at=at, due_at=at,
    )  # fmt: skip


def pass_picture(*, picture: Picture) -> None:
    """What the worker does with a picture that is due: reads its codes, or drops it where it stands nowhere."""
    if picture.read_at is None:
        _read(picture)
    elif picture.target_id is None:
        move(picture, rules.PICTURE, "drop", due_at=None)
        pictures.drop(picture.file)
    else:
        Picture.objects.filter(pk=picture.pk).update(due_at=None)


def pictures_to_attach(public_ids: Sequence[str], *, person_id: int, use: str, most: int = 9) -> list[Picture]:
    """One's own pictures that stand nowhere yet, in the order given.

    Refuses: too_many_pictures, malformed, not_found, picture_taken.
    """
    if len(public_ids) > most:
        raise Refusal("too_many_pictures", most=most)
    if len(set(public_ids)) < len(public_ids):
        raise Refusal("malformed", field="pictures", why="name each picture once")
    found = {one.public_id: one for one in Picture.objects.filter(public_id__in=public_ids, person_id=person_id)}
    for public_id in public_ids:
        if public_id not in found or found[public_id].use != use:
            raise Refusal("not_found")
        if not _is_free(found[public_id]):
            raise Refusal("picture_taken")
    return [found[public_id] for public_id in public_ids]


def attach(found: Sequence[Picture], target_kind: str, target_id: int) -> None:
    """Gives pictures their place, after those that stand there already, in the transaction that makes what they belong
    to.  Refuses: picture_taken, too_many_pictures."""
    there = Picture.objects.filter(target_kind=target_kind, target_id=target_id).count() if found else 0
    if there + len(found) > rules.LIMITS["pictures_per_post"]:
        raise Refusal("too_many_pictures", most=rules.LIMITS["pictures_per_post"])
    for position, picture in enumerate(found, start=there + 1):
        locked = Picture.objects.select_for_update().get(pk=picture.pk)
        if not _is_free(locked):
            raise Refusal("picture_taken")
        # What was not read yet stays due for that.
        due_at = locked.due_at if locked.read_at is None else None
        Picture.objects.filter(pk=picture.pk).update(
            target_kind=target_kind, target_id=target_id, position=position, due_at=due_at
        )


def _is_free(picture: Picture) -> bool:
    return picture.target_id is None and picture.state in ("waiting", "shown")


def _read(picture: Picture) -> None:
    at, subject = clock.now(), (rules.PICTURE_KIND, picture.pk)
    with atomic():
        decided = None
        if picture.use != "evidence":
            codes = pictures.codes_in(pictures.kept(picture.file))
            decided = check_codes(payloads=codes, surface=TextSurface.RECOMMENDATION, subject=subject)
        due_at = picture.uploaded_at + rules.UNUSED_FOR if picture.target_id is None else None
        Picture.objects.filter(pk=picture.pk).update(read_at=at, due_at=due_at)
        if decided is not None:
            hide_at_once(subject=subject, decision_id=decided.pk)
        else:
            show_or_hide(*subject)
