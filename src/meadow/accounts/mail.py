"""Where mail goes on a sandbox installation: into a table, to be read on the mailbox page, and nowhere else."""

import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend

from meadow.accounts.models import Mail
from meadow.kernel import clock

log = logging.getLogger("meadow.mail")


class SandboxMailBackend(BaseEmailBackend):
    """The local twin of a mail server.  It warns outside a sandbox, where nobody would ever get their mail."""

    def __init__(self, fail_silently: bool = False, **kwargs: Any) -> None:
        super().__init__(fail_silently=fail_silently, **kwargs)
        if not settings.MEADOW.sandbox:
            log.warning("mail is kept in the sandbox mailbox and not sent; name a mail server in the settings")

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        kept = [
            Mail(
                recipient=recipient.strip().lower(), sender=message.from_email, subject=str(message.subject),
                text=str(message.body), html=_html(message), sent_at=clock.now(),
            )
            for message in email_messages
            for recipient in message.recipients()
        ]  # fmt: skip
        Mail.objects.bulk_create(kept)
        return len(email_messages)


def _html(message: EmailMessage) -> str:
    if not isinstance(message, EmailMultiAlternatives):
        return ""
    return next((str(content) for content, kind in message.alternatives if kind == "text/html"), "")
