"""What governance does on time: seals decisions, ends sanctions, empties texts whose time is over."""

from datetime import datetime, timedelta

from django.db.models import Min, QuerySet

from meadow.governance import queries, services
from meadow.governance.models import OccurrenceText, Sanction
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


def _next_text() -> datetime | None:
    waiting = OccurrenceText.objects.filter(erased_at__isnull=True)
    due: datetime | None = waiting.aggregate(due=Min("erase_at"))["due"]
    return due


@sweep("governance.texts", next_due=_next_text)
def empty_texts(limit: int, until: datetime) -> int:
    """Empties the texts of judged events whose time is over."""
    return services.empty_due_texts(most=ERASE_MOST, until=until)
