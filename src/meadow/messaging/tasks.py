"""What messaging does on time: delivers what merchants sent, and mails what stands in inboxes."""

from datetime import datetime

from django.db.models import Min, QuerySet

from meadow.kernel.sweeps import process_due, sweep
from meadow.messaging import services
from meadow.messaging.models import Delivery, Message, PhoneShare, Send


def _waiting() -> QuerySet[Delivery]:
    return Delivery.objects.filter(state="waiting", send__state="accepted").select_related("send")


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


def _unconfirmed() -> QuerySet[Send]:
    return Send.objects.filter(state="unconfirmed")


def _next_expiry() -> datetime | None:
    due: datetime | None = _unconfirmed().aggregate(due=Min("confirm_by"))["due"]
    return due


@sweep("messaging.confirmations", next_due=_next_expiry)
def expire_sends(limit: int, until: datetime) -> int:
    """Ends sends to many that nobody else has confirmed in time."""
    return process_due(
        "messaging.confirmations", _unconfirmed(), "confirm_by", lambda row: services.expire_send(send=row),
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


def _phones() -> QuerySet[PhoneShare]:
    return PhoneShare.objects.filter(due_at__isnull=False)


def _next_phone() -> datetime | None:
    due: datetime | None = _phones().aggregate(due=Min("due_at"))["due"]
    return due


@sweep("messaging.phones", next_due=_next_phone)
def forget_phones(limit: int, until: datetime) -> int:
    """Empties numbers that were given for a delivery long done."""
    return process_due(
        "messaging.phones", _phones(), "due_at", lambda row: services.forget_phone(share=row), limit=limit, until=until
    )
