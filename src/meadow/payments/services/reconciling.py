"""How a provider's day is held against our books, its fees are booked, and what differs is kept until somebody says why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger.services import Transfer, post
from meadow.payments import rules
from meadow.payments.adapters import adapter, enabled
from meadow.payments.adapters.protocol import Adapter, ProviderDown, Stated
from meadow.payments.models import Difference, Reconciliation, StatementLine
from meadow.payments.queries import booked_between, booked_named, next_day_to_reconcile
from meadow.payments.rules.reconciling import Booked, Found, compare
from meadow.payments.services.calling import call
from meadow.payments.services.chargebacks import book_fee


@dataclass(frozen=True, slots=True)
class Due:
    """A provider's day that waits to be looked at, and from when on."""

    provider: str
    day: date
    at: datetime


def reconcile(*, provider: str, day: date) -> Reconciliation:
    """Holds a provider's statement of a day against our books; repeated, it finds only what is new.

    Outside of any transaction.  Refuses: provider_unknown, provider_down.
    """
    at_provider = adapter(provider)
    try:
        lines = call(at_provider, lambda: at_provider.statement(day))
    except ProviderDown as down:
        retry_at = clock.now() + rules.STATEMENT_AGAIN
        Reconciliation.objects.update_or_create(provider=provider, day=day, defaults={"retry_at": retry_at})
        raise Refusal("provider_down", provider=provider) from down
    with db.atomic():
        row, _ = Reconciliation.objects.select_for_update(no_key=True).get_or_create(provider=provider, day=day)
        found = _differences(at_provider, day, lines)
        _keep(provider, day, lines)
        _write(provider, day, found)
        row.lines, row.done_at, row.retry_at = len(lines), clock.now(), None
        row.found = Difference.objects.filter(provider=provider, day=day).count()
        row.fees_minor = _book(provider, lines)
        row.save(update_fields=["lines", "found", "fees_minor", "done_at", "retry_at"])
    return row


def close_difference(*, public_id: str, reason: str, by: Actor) -> Difference:
    """Somebody says why books and statement differ, and takes it off the list.  Refuses: not_found, stale_state, malformed."""
    if not 0 < len(reason.strip()) <= 500:
        raise Refusal("malformed", field="reason", why="1 to 500 characters")
    with db.atomic():
        row = Difference.objects.select_for_update(no_key=True, of=("self",)).filter(public_id=public_id).first()
        if row is None:
            raise Refusal("not_found")
        db.move(row, rules.DIFFERENCE, "close", reason=reason.strip(), closed_at=clock.now(), closed_by_id=by.person_id)
        audit.record(by, "close_difference", ("payments.difference", row.pk), after={"reason": reason.strip()})
    return row


def next_due() -> Due | None:
    """The earliest day of any provider that waits."""
    waiting = [due for due in (_due(at_provider) for at_provider in enabled().values()) if due is not None]
    return min(waiting, key=lambda due: due.at, default=None)


def work_days(limit: int, until: datetime) -> int:
    """Works off the days that are due; returns how many."""
    for done in range(limit):
        due = next_due()
        if due is None or due.at > until:
            return done
        with clock.at(due.at):
            try:
                reconcile(provider=due.provider, day=due.day)
            except Refusal as refusal:
                if refusal.code != "provider_down":
                    raise
    return limit


def _due(at_provider: Adapter) -> Due | None:
    zone = ZoneInfo(at_provider.day_zone)
    day, retry_at = next_day_to_reconcile(at_provider.name, zone, skips_idle=at_provider.is_local)
    if day is None:
        return None
    ready = _begin(day + timedelta(days=1), zone) + rules.STATEMENT_AFTER
    return Due(at_provider.name, day, max(ready, retry_at) if retry_at else ready)


def _differences(at_provider: Adapter, day: date, lines: Sequence[Stated]) -> list[Found]:
    """What differs, once movements that either side has on a neighbouring day are left out."""
    zone, provider = ZoneInfo(at_provider.day_zone), at_provider.name
    theirs = [_booked(line) for line in lines if line.subject in at_provider.stated]
    known = {
        (line.subject, line.our_ref): line.provider_ref
        for line in StatementLine.objects.filter(
            provider=provider, our_ref__in=[line.our_ref for line in theirs]
        ).order_by("-pk")  # the first that came is the one that counts
        if line.our_ref
    }
    again = [t for t in theirs if known.get((t.subject, t.our_ref), t.provider_ref) != t.provider_ref]
    ours = {(b.subject, b.our_ref): b for b in booked_named(provider, [(t.subject, t.our_ref) for t in theirs])}
    of_the_day = booked_between(provider, _begin(day, zone), _begin(day + timedelta(days=1), zone), at_provider.stated)
    stated = set(
        StatementLine.objects.filter(provider=provider, our_ref__in=[b.our_ref for b in of_the_day])
        .values_list("subject", "our_ref")
    )  # fmt: skip
    ours |= {(b.subject, b.our_ref): b for b in of_the_day if (b.subject, b.our_ref) not in stated}
    fresh = [t for t in theirs if t not in again]
    return compare(ours.values(), fresh) + [Found("extra", None, t) for t in again]


def _keep(provider: str, day: date, lines: Sequence[Stated]) -> None:
    """Keeps the lines, and closes what seemed to be missing and only came a day later."""
    StatementLine.objects.bulk_create(
        [
            StatementLine(
                provider=provider, day=day, subject=line.subject, our_ref=line.our_ref[:64],
                provider_ref=line.provider_ref[:128], currency=line.amount.currency, amount_minor=line.amount.minor,
                fee_minor=line.fee_minor,
            )
            for line in lines
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    arrived = {(line.subject, line.our_ref) for line in lines}
    missing = Difference.objects.filter(provider=provider, kind="missing", state="open", day__lt=day)
    for row in missing.filter(our_ref__in=[our_ref for _, our_ref in arrived]):
        if (row.subject, row.our_ref) in arrived:
            db.move(row, rules.DIFFERENCE, "close", reason=f"stated on {day}", closed_at=clock.now())


def _write(provider: str, day: date, found: Iterable[Found]) -> None:
    Difference.objects.bulk_create(
        [_row(provider, day, one.kind, one.ours, one.theirs) for one in found], ignore_conflicts=True
    )


def _row(provider: str, day: date, kind: str, ours: Booked | None, theirs: Booked | None) -> Difference:
    either = ours or theirs
    assert either is not None
    return Difference(
        provider=provider, day=day, kind=kind, subject=either.subject, our_ref=either.our_ref,
        provider_ref=theirs.provider_ref if theirs else "", found_at=clock.now(),
        ours_minor=ours.minor if ours else None, ours_currency=ours.currency if ours else "",
        theirs_minor=theirs.minor if theirs else None, theirs_currency=theirs.currency if theirs else "",
    )  # fmt: skip


def _book(provider: str, lines: Sequence[Stated]) -> dict[str, int]:
    """Books fees at the platform's cost and what the provider paid to the platform's bank, each line once."""
    fees: dict[str, int] = {}
    for line in lines:
        name, currency = f"{provider}:{line.subject}:{line.provider_ref}", line.amount.currency
        if line.fee_minor:
            fees[currency] = fees.get(currency, 0) + line.fee_minor
            book_fee(
                key=f"fee:{name}"[:160], provider=provider, fee=Money(line.fee_minor, currency),
                cause=("payments.statement", 0),
            )  # fmt: skip
        if line.subject == "settlement" and line.amount.minor:
            post(
                key=f"settlement:{name}"[:160], cause=("payments.statement", 0), kind="provider_settlement",
                transfers=[Transfer(f"psp:{rules.BANK}", f"psp:{provider}", line.amount)],
            )  # fmt: skip
    return fees


def _booked(line: Stated) -> Booked:
    return Booked(line.subject, line.our_ref[:64], line.provider_ref[:128], line.amount.minor, line.amount.currency)


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
