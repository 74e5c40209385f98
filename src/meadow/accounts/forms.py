"""What the sign-in page asks: an e-mail, and a password only from those who have one; without it a code is mailed."""

from typing import Any

from allauth.account.forms import LoginForm, PasswordField
from django.utils.translation import gettext_lazy as _


class SignInForm(LoginForm):  # type: ignore[misc]
    """The library drops the password where sign-up takes none; here people may still set one later and use it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"] = PasswordField(label=_("Password"), autocomplete="current-password", required=False)
