"""What messaging does on time: delivers what merchants sent, and mails what stands in inboxes."""

from datetime import datetime

from meadow.kernel.sweeps import DueRows, process_due, sweep
from meadow.messaging import services
from meadow.messaging.models import Delivery, Message, PhoneShare, Send

_WAITING = DueRows(Delivery.objects.filter(state="waiting", send__state="accepted"), "due_at")
_UNCONFIRMED = DueRows(Send.objects.filter(state="unconfirmed"), "confirm_by")
_UNMAILED = DueRows(Message.objects.filter(mail_due_at__isnull=False), "mail_due_at")
_PHONES = DueRows(PhoneShare.objects.filter(due_at__isnull=False), "due_at")


@sweep("messaging.deliveries", next_due=_WAITING)
def deliver_due(limit: int, until: datetime) -> int:
    """Delivers marketing that waits, each person judged anew."""
    return process_due(
        "messaging.deliveries", _WAITING, lambda row: services.pass_delivery(delivery=row), limit=limit, until=until
    )


@sweep("messaging.confirmations", next_due=_UNCONFIRMED)
def expire_sends(limit: int, until: datetime) -> int:
    """Ends sends to many that nobody else has confirmed in time."""
    return process_due(
        "messaging.confirmations", _UNCONFIRMED, lambda row: services.expire_send(send=row), limit=limit, until=until
    )


@sweep("messaging.mail", next_due=_UNMAILED)
def mail_due(limit: int, until: datetime) -> int:
    """Sends the mail of inbox messages."""
    return process_due(
        "messaging.mail", _UNMAILED, lambda row: services.mail_twin(message=row), limit=limit, until=until
    )


@sweep("messaging.phones", next_due=_PHONES)
def forget_phones(limit: int, until: datetime) -> int:
    """Empties numbers that were given for a delivery long done."""
    return process_due(
        "messaging.phones", _PHONES, lambda row: services.forget_phone(share=row), limit=limit, until=until
    )
