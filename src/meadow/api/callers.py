"""Who calls: the holder of an API key within its scopes, or, where a shopper may be a guest, nobody we know.

Session cookies are never looked at here, so no page on another site can make a browser act through this door.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest

from meadow.accounts import queries as accounts
from meadow.accounts import services as accounts_services
from meadow.api import limits
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal

__all__ = ["Caller", "caller_of", "identify"]

_SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True, slots=True)
class Caller:
    """The person and the key behind a request; person_id is None for a guest."""

    address: str
    person_id: int | None = None
    key_id: int | None = None
    scopes: frozenset[str] = frozenset()
    merchant_id: int | None = None
    is_operator: bool = False

    @property
    def identity(self) -> str:
        """Whose repeats of a request are the same: a key's own; guests share one, their paths carry secrets."""
        return f"key:{self.key_id}" if self.key_id else "guest"

    @property
    def meter(self) -> str:
        """Whose acts are counted together."""
        return f"key:{self.key_id}" if self.key_id else f"address:{self.address}"

    @property
    def actor(self) -> Actor:
        """The actor that the audit trail names."""
        return Actor("key", self.person_id, self.key_id)

    @property
    def person(self) -> int:
        """The person, where the operation lets nobody else in."""
        if self.person_id is None:
            raise Refusal("sign_in_required")
        return self.person_id

    def is_present(self, proof: str) -> bool:
        """Whether they proved a moment ago that it is they who ask."""
        return accounts.is_present(proof, self.person_id)

    def within(self, merchant_id: int) -> Actor:
        """The actor, unless its key is bound to another merchant; what the person may do, the services judge."""
        if self.merchant_id is not None and self.merchant_id != merchant_id:
            raise Refusal("forbidden")
        return self.actor

    def staff_of(self, merchant_id: int) -> Actor:
        """The actor, if they are staff of the merchant; to all others it does not exist."""
        bound_elsewhere = self.merchant_id is not None and self.merchant_id != merchant_id
        if bound_elsewhere or not accounts.may_act_for(self.person, merchant_id):
            raise Refusal("not_found")
        return self.actor

    def operator(self) -> Actor:
        """The actor, if they run the installation."""
        if not self.is_operator:
            raise Refusal("forbidden")
        return self.actor


def caller_of(request: HttpRequest) -> Caller:
    """The caller that `identify` found for this request."""
    return cast(Caller, request.auth)  # type: ignore[attr-defined]


def identify(*, scopes: tuple[str, ...], guests: bool, limit: str | None) -> Callable[[HttpRequest], Caller]:
    """How an operation learns its caller: a key with one of the scopes, or, with `guests`, also somebody without a key."""

    def find(request: HttpRequest) -> Caller:
        address = limits.address_of(request)
        secret = _bearer(request)
        caller = Caller(address) if secret is None else _holder(secret, address)
        if secret is None and not guests:
            raise Refusal("sign_in_required")
        if scopes and caller.key_id is not None and caller.scopes.isdisjoint(scopes):
            raise Refusal("scope_missing", scope="|".join(scopes))
        if limit is not None:
            limits.count(request, limit, caller.meter)
        elif request.method not in _SAFE:
            limits.count(request, "write", caller.meter)
        return caller

    return find


def _bearer(request: HttpRequest) -> str | None:
    header = request.headers.get("Authorization")
    if header is None:
        return None
    kind, _, secret = header.partition(" ")
    if kind.lower() != "bearer":
        raise Refusal("key_invalid")
    return secret.strip()


def _holder(secret: str, address: str) -> Caller:
    actor = accounts_services.authenticate_key(secret=secret, address=address)
    return Caller(address, actor.person_id, actor.key_id, actor.scopes, actor.merchant_id, actor.is_operator)
