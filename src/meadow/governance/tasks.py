"""What governance does on time: seals decisions, ends sanctions, begins and reviews suspensions, calls out appeals,
empties texts whose time is over."""

from datetime import datetime, timedelta

from django.db.models import Min, QuerySet

from meadow.governance import queries, services
from meadow.governance.models import Appeal, Licence, OccurrenceText, Sanction, Scan, Suspension
from meadow.kernel.sweeps import process_due, sweep

SEAL_AFTER = timedelta(minutes=1)
SEAL_MOST = 20_000
ERASE_MOST = 1_000


@sweep("governance.seal", next_due=lambda: queries.next_seal_due(SEAL_AFTER))
def seal(limit: int, until: datetime) -> int:
    """Seals what waits as one link of the chain."""
    return services.seal_decisions(most=SEAL_MOST, at=until)


def _next_sanction() -> datetime | None:
    due: datetime | None = _ending().aggregate(due=Min("until"))["due"]
    return due


def _ending() -> QuerySet[Sanction]:
    return Sanction.objects.filter(state__in=("issued", "upheld"), until__isnull=False)


@sweep("governance.sanctions", next_due=_next_sanction)
def end_sanctions(limit: int, until: datetime) -> int:
    """Ends sanctions whose time is over."""
    return process_due(
        "governance.sanctions", _ending(), "until", lambda sanction: services.expire_sanction(sanction=sanction),
        limit=limit, until=until,
    )  # fmt: skip


def _next_review() -> datetime | None:
    due: datetime | None = _endless().aggregate(due=Min("review_by"))["due"]
    return due


def _endless() -> QuerySet[Sanction]:
    return Sanction.objects.filter(state__in=("issued", "upheld"), until__isnull=True, lifted_at__isnull=True)


@sweep("governance.sanction_reviews", next_due=_next_review)
def review_sanctions(limit: int, until: datetime) -> int:
    """Calls out sanctions without an end that nobody has looked at, and ends them if nobody answers."""
    return process_due(
        "governance.sanction_reviews", _endless().select_related("decision"), "review_by",
        lambda sanction: services.pass_review(sanction=sanction), limit=limit, until=until,
    )  # fmt: skip


def _next_text() -> datetime | None:
    waiting = OccurrenceText.objects.filter(erased_at__isnull=True)
    due: datetime | None = waiting.aggregate(due=Min("erase_at"))["due"]
    return due


@sweep("governance.texts", next_due=_next_text)
def empty_texts(limit: int, until: datetime) -> int:
    """Empties the texts of judged events whose time is over."""
    return services.empty_due_texts(most=ERASE_MOST, until=until)


@sweep("governance.suspensions", next_due=queries.next_suspension_due)
def pass_suspensions(limit: int, until: datetime) -> int:
    """Begins suspensions, and ends or calls out those that nobody has reviewed."""
    return process_due(
        "governance.suspensions", Suspension.objects.filter(due_at__isnull=False), "due_at",
        lambda suspension: services.pass_due(suspension=suspension), limit=limit, until=until,
    )  # fmt: skip


@sweep("governance.appeals", next_due=queries.next_appeal_due)
def call_out_appeals(limit: int, until: datetime) -> int:
    """Calls out appeals that had no answer in time, and lifts what can be lifted."""
    return process_due(
        "governance.appeals", Appeal.objects.filter(state="open"), "due_at",
        lambda appeal: services.pass_appeal_due(appeal=appeal), limit=limit, until=until,
    )  # fmt: skip


@sweep("governance.appeal_pauses", next_due=queries.next_appeal_resume)
def end_pauses(limit: int, until: datetime) -> int:
    """Starts clocks again that waited long enough."""
    return process_due(
        "governance.appeal_pauses", Appeal.objects.filter(state="paused"), "resume_by",
        lambda appeal: services.resume_appeal(appeal_id=appeal.pk), limit=limit, until=until,
    )  # fmt: skip


@sweep("governance.licences", next_due=queries.next_licence_due)
def end_licences(limit: int, until: datetime) -> int:
    """Ends licences on their day; what stood only because of them goes off sale."""
    return process_due(
        "governance.licences", Licence.objects.filter(state="valid"), "expires_at",
        lambda licence: services.expire_licence(licence=licence), limit=limit, until=until,
    )  # fmt: skip


@sweep("governance.rescan", next_due=queries.next_scan_due)
def rescan(limit: int, until: datetime) -> int:
    """Looks again at the next few texts that stand, after the packs have changed."""
    return process_due(
        "governance.rescan", Scan.objects.filter(state="running"), "due_at",
        lambda scan: services.scan_step(scan=scan), limit=1, until=until,
    )  # fmt: skip
