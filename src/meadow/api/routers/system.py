"""Operations on the installation itself: its clock, its invariants, its outbox and its audit trail."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from pydantic import Field, model_validator

from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.lists import page
from meadow.api.operations import Group
from meadow.kernel import audit, clock, cursors, heartbeats, outbox, sweeps
from meadow.kernel.models import AuditEntry

group = Group("system")

# Named, not imported: it asks every context, and stands above this door.
INVARIANTS = "meadow.config.invariants.run"


class ClockOut(t.Out):
    now: t.Moment = Field(description="Domain time: what orders, timers and plans go by.")
    machine_now: t.Moment
    can_advance: bool


class AdvanceIn(t.In):
    """Either a moment to go to or a number of seconds to go on."""

    to: Annotated[datetime, Field(examples=["2026-12-02T08:00:00Z"])] | None = None
    by_seconds: Annotated[int, Field(strict=True, ge=1, le=3660 * 86400, examples=[864000])] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "AdvanceIn":
        if (self.to is None) == (self.by_seconds is None):
            raise ValueError("give either to or by_seconds")
        if self.to is not None and self.to.tzinfo is None:
            raise ValueError("to needs a time zone, such as Z")
        return self

    model_config = {"json_schema_extra": {"example": {"by_seconds": 864000}}}


class Advanced(ClockOut):
    done: int = Field(description="How many due rows were worked off on the way.", examples=[3])


class Invariants(t.Out):
    violations: dict[str, int] = Field(examples=[{"ledger.balances": 0}])
    is_sound: bool


class OutboxOut(t.Out):
    waiting: int
    failing: int
    oldest_seconds: int
    dead: int


class DeadLetterOut(t.Out):
    id: int
    kind: str = Field(examples=["OrderPaid"])
    subject: str = Field(examples=["order:12"])
    body: dict[str, Any]
    occurred_at: t.Moment
    died_at: t.Moment
    error: str


class AuditOut(t.Out):
    at: t.Moment
    actor: Literal["person", "key", "system"]
    person: int | None
    key: int | None
    verb: str = Field(examples=["approve_creator"])
    subject_kind: str = Field(examples=["accounts.creator"])
    subject_id: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class AuditPage(t.Out):
    items: list[AuditOut]
    next_cursor: str | None


@group.get("/health", guests=True, gives=dict[str, str])
def get_health(request: HttpRequest) -> Any:
    """Whether this installation answers, and its processes were seen lately."""
    return {name: seen_at.isoformat() for name, (seen_at, _) in heartbeats.seen().items()} | {"web": "answers"}


@group.get("/clock", gives=ClockOut, guests=True)
def get_clock(request: HttpRequest) -> Any:
    """What time it is here."""
    return _clock()


@group.post("/clock/advance", gives=Advanced, scope="clock", refuses=["clock_fixed"])
def advance_clock(request: HttpRequest, body: AdvanceIn) -> Any:
    """Moves a sandbox's clock forwards and does all that falls due on the way, each at its due time."""
    to = body.to or clock.now() + timedelta(seconds=body.by_seconds or 0)
    done = sweeps.advance(to)
    audit.record(caller_of(request).actor, "advance_clock", ("kernel.clock", 1), after={"to": to.isoformat()})
    return {**_clock(), "done": done}


@group.post("/invariants/run", gives=Invariants, scope="operate")
def run_invariants(request: HttpRequest) -> Any:
    """Counts the violations of every invariant now; all are zero on a sound installation."""
    run: Callable[[], dict[str, int]] = import_string(INVARIANTS)
    found = run()
    return {"violations": found, "is_sound": not any(found.values())}


@group.get("/outbox", gives=OutboxOut, scope="operate")
def get_outbox(request: HttpRequest) -> Any:
    """How many events wait for their handlers, and how old the oldest is."""
    return outbox.lag()


@group.get("/outbox/dead-letters", gives=list[DeadLetterOut], scope="operate")
def list_dead_letters(request: HttpRequest) -> Any:
    """Events whose handlers failed too often, the newest first."""
    return outbox.dead_letters()


@group.post("/outbox/dead-letters/{letter}/replay", status=204, scope="operate")
def replay_dead_letter(request: HttpRequest, letter: t.Number) -> None:
    """Puts a dead letter back, so that its handlers run again."""
    outbox.replay(letter)
    audit.record(caller_of(request).actor, "replay_dead_letter", ("kernel.dead_letter", letter))


@group.get("/audit", gives=AuditPage, scope="operate")
def list_audit(
    request: HttpRequest, subject_kind: t.Filter = "", cursor: t.Cursor = "", limit: t.PageSize = t.PAGE
) -> HttpResponse:
    """Who did what, the newest first; of one kind of subject if it is named."""
    entries = AuditEntry.objects.order_by("-id")
    if subject_kind:
        entries = entries.filter(subject_kind=subject_kind)
    if cursor:
        entries = entries.filter(id__lt=cursors.unseal(cursor, "audit")[0])
    found = list(entries[: limit + 1])
    items = [AuditOut.model_validate(_entry(entry)) for entry in found[:limit]]
    more = cursors.seal([found[limit - 1].pk], "audit") if len(found) > limit else None
    return page(request, items, more)


def _clock() -> dict[str, Any]:
    return {
        "now": clock.now(),
        "machine_now": clock.machine_now(),
        "can_advance": settings.MEADOW.test_clock,
    }


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": entry.at, "actor": entry.actor_kind, "person": entry.person_id, "key": entry.key_id,
        "verb": entry.verb, "subject_kind": entry.subject_kind, "subject_id": entry.subject_id,
        "before": entry.before, "after": entry.after,
    }  # fmt: skip
