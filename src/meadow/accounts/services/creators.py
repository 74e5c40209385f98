"""How somebody becomes a creator: an application that costs nothing, and an operator's answer."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from meadow.accounts import queries, rules
from meadow.accounts.models import Creator, Person
from meadow.accounts.services.operators import require_operator
from meadow.accounts.services.people import hit_limits
from meadow.accounts.services.words import require_fit
from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import CreatorApproved, CreatorClosed
from meadow.kernel.outbox import emit


def apply_as_creator(
    *, person_id: int, name: str, fields: Sequence[str] = (), about: str = "", identity: str = ""
) -> Creator:
    """Applies, or applies again after a rejection.  `identity` is what real-name verification returned, if it ran.

    An identity that already has a creator is linked to it and refused.
    Refuses: malformed, sign_in_required, creator_exists, identity_taken, rate_limited, text_refused, link_blocked.
    """
    wanted: dict[str, Any] = {
        "name": rules.clean_name(name),
        "fields": rules.clean_fields(list(fields)),
        "about": rules.clean_text(about),
        "identity": rules.identity_digest("real-name", identity, settings.SECRET_KEY) if identity.strip() else "",
    }
    hit_limits({"applications": str(person_id)})
    require_fit("\n".join([wanted["name"], *wanted["fields"], wanted["about"]]), person_id=person_id)
    try:
        with atomic():
            creator = _apply(person_id, wanted)
    except IntegrityError as error:
        # Two tabs at once, or two people with one identity at once; the second is told what the first look tells.
        raise Refusal("creator_exists" if queries.creator_of(person_id) else "identity_taken") from error
    if creator.duplicate_of_id:
        raise Refusal("identity_taken")
    return creator


def approve_creator(*, creator_id: int, by: Actor) -> Creator:
    """Lets an applicant publish commissioned recommendations.  Refuses: not_found, forbidden, stale_state."""
    with atomic():
        creator = _decide(creator_id, "approve", by, reason="")
        emit(CreatorApproved(creator.pk, creator.person_id))
    return creator


def reject_creator(*, creator_id: int, reason: str, by: Actor) -> Creator:
    """Says no to an applicant, with a reason they can read.  Refuses: not_found, forbidden, stale_state, malformed."""
    text = rules.clean_text(reason)
    if not text:
        raise Refusal("malformed", field="reason", why="say why, the applicant reads it")
    with atomic():
        return _decide(creator_id, "reject", by, reason=text)


def close_creator(*, creator_id: int, by: Actor) -> Creator:
    """Its owner gives a creator up.  Whether money stands in the way is asked above, by who knows of money.

    Refuses: not_found, stale_state.
    """
    with atomic():
        creator = Creator.objects.select_for_update(no_key=True).filter(pk=creator_id).first()
        if creator is None or creator.person_id != by.person_id:
            raise Refusal("not_found")
        before = creator.state
        db.move(creator, rules.CREATOR, "close", decided_at=clock.now(), reason="")
        audit.record(
            by, "close_creator", ("accounts.creator", creator.pk), before={"state": before}, after={"state": "closed"}
        )
        emit(CreatorClosed(creator.pk))
    return creator


def _apply(person_id: int, wanted: dict[str, Any]) -> Creator:
    person = Person.objects.select_for_update(no_key=True).filter(pk=person_id, is_active=True).first()
    if person is None or person.is_guest:
        raise Refusal("sign_in_required")
    holder = Creator.objects.filter(identity=wanted["identity"], duplicate_of_id__isnull=True).exclude(person=person)
    twin = holder.first() if wanted["identity"] else None
    earlier = queries.creator_of(person_id)
    if earlier is not None and earlier.state not in ("rejected", "closed"):
        raise Refusal("creator_exists")
    if twin is not None:
        return _link_duplicate(person, wanted, twin, earlier)
    if earlier is not None:
        db.move(earlier, rules.CREATOR, "apply", applied_at=clock.now(), reason="", duplicate_of_id=None, **wanted)
        return earlier
    return Creator.objects.create(person=person, applied_at=clock.now(), **wanted)


def _link_duplicate(person: Person, wanted: dict[str, Any], twin: Creator, earlier: Creator | None) -> Creator:
    """One identity has one creator: the second application is kept as rejected and names the first."""
    refused = {
        **wanted, "state": "rejected", "duplicate_of_id": twin.pk, "applied_at": clock.now(), "decided_at": clock.now(),
        "reason": "this identity already has a creator",
    }  # fmt: skip
    if earlier is not None:
        Creator.objects.filter(pk=earlier.pk).update(**refused)
        earlier.refresh_from_db()
        return earlier
    return Creator.objects.create(person=person, **refused)


def _decide(creator_id: int, event: str, by: Actor, *, reason: str) -> Creator:
    require_operator(by)
    creator = Creator.objects.select_for_update(no_key=True).filter(pk=creator_id).first()
    if creator is None:
        raise Refusal("not_found")
    before = creator.state
    db.move(creator, rules.CREATOR, event, decided_at=clock.now(), decided_by_id=by.person_id, reason=reason)
    audit.record(
        by, f"{event}_creator", ("accounts.creator", creator.pk),
        before={"state": before}, after={"state": creator.state, "reason": reason},
    )  # fmt: skip
    return creator
