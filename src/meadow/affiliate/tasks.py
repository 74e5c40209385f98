"""What affiliate does by itself when a time comes: reviews that nobody decided end for the creator."""

from datetime import datetime

from django.db.models import QuerySet

from meadow.affiliate import services
from meadow.affiliate.models import Review
from meadow.kernel.sweeps import process_due, sweep


def _waiting() -> "QuerySet[Review]":
    return Review.objects.filter(state="pending", due_at__isnull=False)


@sweep(
    "affiliate.release_overdue",
    next_due=lambda: _waiting().order_by("due_at").values_list("due_at", flat=True).first(),
)
def release_overdue(limit: int, until: datetime) -> int:
    """A commission is not held for ever because nobody found the time."""
    return process_due(
        "affiliate.release_overdue", _waiting(), "due_at",
        lambda review: services.release_overdue(review=review), limit=limit, until=until,
    )  # fmt: skip
