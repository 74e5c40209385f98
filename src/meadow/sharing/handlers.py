"""How sharing reacts: decisions against tokens, and guests who turn out to be somebody."""

from collections.abc import Sequence

from meadow.governance import queries as governance
from meadow.governance.services import register_faces, register_owner
from meadow.kernel import db
from meadow.kernel.events import DecisionMade, DecisionReversed, GuestClaimed
from meadow.kernel.outbox import handles
from meadow.sharing import services
from meadow.sharing.models import ShareToken
from meadow.sharing.rules import code_of

TOKEN = "sharing.token"  # noqa: S105 - the kind of a subject, nothing secret


def _sharer_of(token_id: int) -> tuple[str, int] | None:
    found = ShareToken.objects.filter(pk=token_id).values_list("creator_id", flat=True).first()
    return ("accounts.creator", found) if found else None


def _faces(ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    found = ShareToken.objects.filter(pk__in=ids)
    return {token.pk: (token.public_id, code_of(token.number)) for token in found}


def _id_of(public_id: str) -> int | None:
    return ShareToken.objects.filter(public_id=public_id).values_list("pk", flat=True).first()


register_owner(TOKEN, _sharer_of)
register_faces(TOKEN, _faces, _id_of)


@handles(DecisionMade)
def on_decision(events: list[DecisionMade]) -> None:
    for event in events:
        if event.subject_kind != TOKEN:
            continue
        if event.action == "suspend":
            services.block_token(token_id=event.subject_id, decision_id=event.decision_id)
        elif event.action == "restore":
            services.unblock_token(token_id=event.subject_id)


@handles(DecisionReversed)
def on_reversal(events: list[DecisionReversed]) -> None:
    for event in events:
        if event.subject_kind != TOKEN or event.action not in ("suspend", "restore"):
            continue
        standing = governance.standing_decisions(TOKEN, event.subject_id)
        if event.action == "restore":
            if standing:
                services.block_token(token_id=event.subject_id, decision_id=standing[0])
        elif standing:  # another decision still blocks it, and it is that one whose end frees it
            services.hand_block(token_id=event.subject_id, decision_id=event.decision_id, to=standing[0])
        else:
            services.unblock_token(token_id=event.subject_id, decision_id=event.decision_id)


@handles(GuestClaimed)
def on_guest_claimed(events: list[GuestClaimed]) -> None:
    """What the guest clicked was clicked by the person."""
    db.execute(
        "UPDATE sharing_click c SET person_id = e.person FROM unnest(%s::bigint[], %s::bigint[]) AS e(guest, person) "
        "WHERE c.person_id = e.guest",
        [[event.guest_id for event in events], [event.person_id for event in events]],
    )
