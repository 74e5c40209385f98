"""What messaging does; import every verb from here."""

from meadow.messaging.models import ChatLine, Delivery, Message, Send, Thread
from meadow.messaging.services.chats import answer, write_to_merchant
from meadow.messaging.services.delivery import mail_twin, unsubscribe_address
from meadow.messaging.services.inbox import mark_read
from meadow.messaging.services.notices import notify
from meadow.messaging.services.phones import forget_phone, reveal_phone, share_phone
from meadow.messaging.services.reports import report_item
from meadow.messaging.services.sends import (
    Preview,
    confirm_send,
    expire_send,
    pass_delivery,
    preview_send,
    send_marketing,
    unsubscribe,
)
from meadow.messaging.services.templates import use_shipped_words, word_notice

__all__ = [
    "forget_phone",
    "reveal_phone",
    "share_phone",
    "use_shipped_words",
    "word_notice",
    "ChatLine",
    "Delivery",
    "Message",
    "Preview",
    "Send",
    "Thread",
    "answer",
    "confirm_send",
    "expire_send",
    "mail_twin",
    "mark_read",
    "notify",
    "pass_delivery",
    "preview_send",
    "report_item",
    "send_marketing",
    "unsubscribe",
    "unsubscribe_address",
    "write_to_merchant",
]
