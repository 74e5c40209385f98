"""How django-allauth's sign-up and sign-in meet our people: who is made, how often one may try, what is mailed."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language

from meadow.accounts import rules
from meadow.accounts.models import Person
from meadow.accounts.services.people import hit_limits
from meadow.kernel import clock
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import PersonJoined
from meadow.kernel.outbox import emit


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up asks for an e-mail only: a password or a passkey is added once a mailed code has proved the address.

    So nobody can put a password on somebody else's address and wait for them to verify it.
    """

    def new_user(self, request: HttpRequest) -> Person:
        locale = "zh-hans" if (get_language() or "zh").startswith("zh") else "en"
        return Person(created_at=clock.now(), locale=locale)

    def save_user(self, request: HttpRequest, user: Person, form: Any, commit: bool = True) -> Person:
        try:
            with atomic():
                super().save_user(request, user, form, commit=commit)
                if commit:
                    emit(PersonJoined(user.pk))
        except IntegrityError as error:
            # The same sign-up sent twice at once: the other one won, so this one goes on to signing in.
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login"))) from error
        return user

    def clean_email(self, email: str) -> str:
        try:
            return rules.clean_email(email)
        except Refusal as refusal:
            raise ValidationError(refusal.text(get_language() or "en"), code="invalid") from refusal

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counts each try with a password in PostgreSQL, so that all processes together hold the limit."""
        email = str(credentials.get("email") or "").lower()
        try:
            hit_limits({"sign_in_email": email, "sign_in_address": self.get_client_ip(request)})
        except Refusal as refusal:
            raise self.validation_error("too_many_login_attempts") from refusal
        super().pre_authenticate(request, **credentials)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mails a code or a notice.  Refuses: rate_limited, so that nobody's mailbox can be flooded through us."""
        request = self.request
        hit_limits(
            {"code_mail_email": email.lower(), "code_mail_address": self.get_client_ip(request) if request else ""}
        )
        super().send_mail(template_prefix, email, context)
