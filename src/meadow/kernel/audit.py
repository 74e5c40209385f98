"""Who did what: the actor of a verb and the append-only trail of what they changed."""

from dataclasses import dataclass
from typing import Any, Literal

from meadow.kernel import clock, rows
from meadow.kernel.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person at a page, a person's API key, or the system itself."""

    kind: Literal["person", "key", "system"]
    person_id: int | None = None
    key_id: int | None = None


SYSTEM = Actor("system")


def record(
    actor: Actor,
    verb: str,
    subject: tuple[str, int],
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Adds an entry to the audit trail, in the caller's transaction."""
    rows.add(
        AuditEntry(
            at=clock.now(), actor_kind=actor.kind, person_id=actor.person_id, key_id=actor.key_id,
            verb=verb, subject_kind=subject[0], subject_id=subject[1], before=before, after=after,
        )
    )  # fmt: skip
