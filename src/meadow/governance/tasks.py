"""What governance does on time: seals decisions, ends sanctions, begins and reviews suspensions, calls out appeals,
empties texts whose time is over."""

from datetime import datetime

from meadow.governance import queries, services
from meadow.governance.models import Appeal, Licence, OccurrenceText, Sanction, Scan, Suspension
from meadow.kernel.sweeps import DueRows, process_due, sweep

SEAL_MOST = 20_000
ERASE_MOST = 1_000

_IN_FORCE = Sanction.objects.filter(state__in=("issued", "upheld"))
_ENDING = DueRows(_IN_FORCE.filter(until__isnull=False), "until")
_ENDLESS = DueRows(_IN_FORCE.filter(until__isnull=True, lifted_at__isnull=True), "review_by")
_SUSPENSIONS = DueRows(Suspension.objects.filter(due_at__isnull=False), "due_at")
_APPEALS = DueRows(Appeal.objects.filter(state="open"), "due_at")
_PAUSED = DueRows(Appeal.objects.filter(state="paused"), "resume_by")
_LICENCES = DueRows(Licence.objects.filter(state="valid"), "expires_at")
_SCANS = DueRows(Scan.objects.filter(state="running"), "due_at")


@sweep("governance.seal", next_due=queries.NEXT_SEAL_DUE)
def seal(limit: int, until: datetime) -> int:
    """Seals what waits as one link of the chain."""
    return services.seal_decisions(most=SEAL_MOST, at=until)


@sweep("governance.sanctions", next_due=_ENDING)
def end_sanctions(limit: int, until: datetime) -> int:
    """Ends sanctions whose time is over."""
    return process_due(
        "governance.sanctions", _ENDING, lambda sanction: services.expire_sanction(sanction=sanction),
        limit=limit, until=until,
    )  # fmt: skip


@sweep("governance.sanction_reviews", next_due=_ENDLESS)
def review_sanctions(limit: int, until: datetime) -> int:
    """Calls out sanctions without an end that nobody has looked at, and ends them if nobody answers."""
    return process_due(
        "governance.sanction_reviews", _ENDLESS,
        lambda sanction: services.pass_review(sanction=sanction), limit=limit, until=until,
    )  # fmt: skip


@sweep("governance.texts", next_due=DueRows(OccurrenceText.objects.filter(erased_at__isnull=True), "erase_at"))
def empty_texts(limit: int, until: datetime) -> int:
    """Empties the texts of judged events whose time is over."""
    return services.empty_due_texts(most=ERASE_MOST, until=until)


@sweep("governance.suspensions", next_due=_SUSPENSIONS)
def pass_suspensions(limit: int, until: datetime) -> int:
    """Begins suspensions, and ends or calls out those that nobody has reviewed."""
    return process_due(
        "governance.suspensions", _SUSPENSIONS,
        lambda suspension: services.pass_due(suspension=suspension), limit=limit, until=until,
    )  # fmt: skip


@sweep("governance.appeals", next_due=_APPEALS)
def call_out_appeals(limit: int, until: datetime) -> int:
    """Calls out appeals that had no answer in time, and lifts what can be lifted."""
    return process_due(
        "governance.appeals", _APPEALS,
        lambda appeal: services.pass_appeal_due(appeal=appeal), limit=limit, until=until,
    )  # fmt: skip


@sweep("governance.appeal_pauses", next_due=_PAUSED)
def end_pauses(limit: int, until: datetime) -> int:
    """Starts clocks again that waited long enough."""
    return process_due(
        "governance.appeal_pauses", _PAUSED,
        lambda appeal: services.resume_appeal(appeal_id=appeal.pk), limit=limit, until=until,
    )  # fmt: skip


@sweep("governance.licences", next_due=_LICENCES)
def end_licences(limit: int, until: datetime) -> int:
    """Ends licences on their day; what stood only because of them goes off sale."""
    return process_due(
        "governance.licences", _LICENCES,
        lambda licence: services.expire_licence(licence=licence), limit=limit, until=until,
    )  # fmt: skip


@sweep("governance.rescan", next_due=_SCANS)
def rescan(limit: int, until: datetime) -> int:
    """Looks again at the next few texts that stand, after the packs have changed."""
    return process_due(
        "governance.rescan", _SCANS,
        lambda scan: services.scan_step(scan=scan), limit=1, until=until,
    )  # fmt: skip
