"""What affiliate does by itself when a time comes: reviews that nobody decided end for the creator."""

from datetime import datetime

from meadow.affiliate import services
from meadow.affiliate.models import Review
from meadow.kernel.sweeps import DueRows, process_due, sweep

_WAITING = DueRows(Review.objects.filter(state="pending", due_at__isnull=False), "due_at")


@sweep("affiliate.release_overdue", next_due=_WAITING)
def release_overdue(limit: int, until: datetime) -> int:
    """A commission is not held for ever because nobody found the time."""
    return process_due(
        "affiliate.release_overdue", _WAITING,
        lambda review: services.release_overdue(review=review), limit=limit, until=until,
    )  # fmt: skip
