"""Who does what on the tour: Otto operates, Ada keeps the shop, Mei creates; each is a key, gained over HTTP."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from meadow.config.database import provided
from meadow.config.tour.talk import Talk
from meadow.config.trouble import Trouble

KEY_VARIABLE = "MEADOW_KEY"


@dataclass
class Cast:
    """The people of one tour.  bo has no key: he is a guest."""

    otto: Talk
    ada: Talk
    mei: Talk
    bo: Talk
    borrowed_key: str | None = field(default=None)

    def leave(self) -> None:
        """Gives back what was borrowed from a lasting installation."""
        if self.borrowed_key is not None:
            self.otto.delete(f"me/keys/{self.borrowed_key}")


def gather(base_url: str, otto: Talk, suffix: str, borrowed_key: str | None = None) -> Cast:
    """Makes the sandbox's people."""
    anyone = Talk(base_url)
    ada, mei = (_person(anyone, name, suffix) for name in ("Ada", "Mei"))
    return Cast(otto, ada, mei, Talk(base_url), borrowed_key)


def claim(base_url: str, code: str, suffix: str) -> Talk:
    """Otto becomes the first operator with the one-time code."""
    body = {"code": code, "email": f"otto{suffix}@example.com", "name": "Otto"}
    return Talk(base_url, Talk(base_url).post("operator/claim", body)["key"]["secret"])


def operator_here(base_url: str, code: str | None, suffix: str) -> tuple[Talk, str | None]:
    """The operator of a running installation, and the key that must be given back.

    By the key that the environment names, by the one-time code, or as whoever keeps this machine's data folder.
    """
    if secret := os.environ.get(KEY_VARIABLE):
        return Talk(base_url, secret), None
    if code:
        return claim(base_url, code, suffix), None
    key_id, secret = _borrowed()
    return Talk(base_url, secret), key_id


def _person(anyone: Talk, name: str, suffix: str) -> Talk:
    body = {"email": f"{name.lower()}{suffix}@example.com", "name": name, "locale": "en"}
    return Talk(anyone.base_url, anyone.post("sandbox/persons", body)["key"]["secret"])


def _borrowed() -> tuple[str, str]:
    """A key of the installation's operator, made beside it as only who keeps its database can; (id, secret)."""
    with provided():
        import django

        django.setup()
        from meadow.accounts.queries import Person
        from meadow.accounts.services import create_api_key

        operator = Person.objects.filter(is_operator=True, is_active=True).order_by("pk").first()
        if operator is None:
            raise Trouble(
                "Nobody operates this installation yet: give the one-time code that `./meadow up` printed, with "
                "--operator-code CODE."
            )
        key, secret = create_api_key(person_id=operator.pk, name="tour", scopes=["operate", "clock", "money"])
        return key.public_id, secret
