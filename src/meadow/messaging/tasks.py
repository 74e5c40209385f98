"""What messaging does on time: delivers what merchants sent, and mails what stands in inboxes."""

from datetime import datetime

from django.db.models import Min, QuerySet

from meadow.kernel.sweeps import process_due, sweep
from meadow.messaging import services
from meadow.messaging.models import Delivery, Message


def _waiting() -> QuerySet[Delivery]:
    return Delivery.objects.filter(state="waiting").select_related("send")


def _next_delivery() -> datetime | None:
    due: datetime | None = _waiting().aggregate(due=Min("due_at"))["due"]
    return due


@sweep("messaging.deliveries", next_due=_next_delivery)
def deliver_due(limit: int, until: datetime) -> int:
    """Delivers marketing that waits, each person judged anew."""
    return process_due(
        "messaging.deliveries", _waiting(), "due_at", lambda row: services.pass_delivery(delivery=row),
        limit=limit, until=until,
    )  # fmt: skip


def _unmailed() -> QuerySet[Message]:
    return Message.objects.filter(mail_due_at__isnull=False)


def _next_mail() -> datetime | None:
    due: datetime | None = _unmailed().aggregate(due=Min("mail_due_at"))["due"]
    return due


@sweep("messaging.mail", next_due=_next_mail)
def mail_due(limit: int, until: datetime) -> int:
    """Sends the mail of inbox messages."""
    return process_due(
        "messaging.mail", _unmailed(), "mail_due_at", lambda row: services.mail_twin(message=row),
        limit=limit, until=until,
    )  # fmt: skip
