"""How machines act for people: keys with scopes, shown once, kept as a hash, revocable at once."""

from collections.abc import Iterable
from typing import Any

from meadow.accounts import queries, rules
from meadow.accounts.models import ApiKey, Person
from meadow.accounts.services.people import hit_limits
from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal


def authenticate_key(*, secret: str, address: str = "") -> queries.KeyActor:
    """Who a key acts for; failures are counted by the caller's address.  One indexed statement for a key in use.

    Call it outside a transaction, so that failures count.  Refuses: key_invalid, rate_limited.
    """
    actor = queries.actor_for_key(secret)
    if actor is None:
        hit_limits({"key_failed_address": address or "unknown"})
        raise Refusal("key_invalid")
    now = clock.machine_now()
    if actor.last_used_at is None or now - actor.last_used_at >= rules.KEY_TOUCH_EVERY:
        # At most once a minute and only by the first to see it, so a busy key does not queue on its own row.
        db.execute(
            "UPDATE accounts_apikey SET last_used_at = %s WHERE id = "
            "(SELECT id FROM accounts_apikey WHERE id = %s FOR UPDATE SKIP LOCKED)",
            [now, actor.key_id],
        )
    return actor


def create_api_key(
    *, person_id: int, name: str, scopes: Iterable[str], merchant_id: int | None = None
) -> tuple[ApiKey, str]:
    """A key and its secret, which is shown this once.  Scopes operate, clock and watch are the operator's to give.

    Refuses: malformed, scope_unknown, forbidden, not_found, limit_reached.
    """
    wanted = sorted(set(scopes), key=_scope_order)
    if not wanted:
        raise Refusal("malformed", field="scopes", why=f"choose from {', '.join(rules.SCOPES)}")
    secret = rules.new_key_secret()
    with atomic():
        person = Person.objects.select_for_update(no_key=True).filter(pk=person_id, is_active=True).first()
        if person is None or person.is_guest:
            raise Refusal("not_found")
        if rules.OPERATOR_SCOPES & set(wanted) and not person.is_operator:
            raise Refusal("forbidden")
        if merchant_id is not None and not queries.may_act_for(person_id, merchant_id):
            raise Refusal("not_found")
        if len(queries.keys_of(person_id)) >= rules.KEYS_MOST:
            raise Refusal("limit_reached", most=rules.KEYS_MOST)
        key = ApiKey.objects.create(
            person=person, merchant_id=merchant_id, name=rules.clean_name(name), hint=secret[:12],
            secret_hash=rules.code_hash(secret), scopes=wanted, created_at=clock.now(),
        )  # fmt: skip
        _audit(Actor("person", person_id), "create_api_key", key)
    return key, secret


def revoke_api_key(*, key_id: int, by: Actor) -> None:
    """Ends a key at once; a second time changes nothing.  Refuses: not_found."""
    with atomic():
        key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
        may = key is not None and (by.kind == "system" or by.person_id == key.person_id or _is_operator(by))
        if key is None or not may:
            raise Refusal("not_found")
        if key.revoked_at is None:
            key.revoked_at = clock.now()
            key.save(update_fields=["revoked_at"])
            _audit(by, "revoke_api_key", key)


def _is_operator(by: Actor) -> bool:
    return by.person_id is not None and queries.is_operator(by.person_id)


def _scope_order(scope: str) -> int:
    if scope not in rules.SCOPES:
        raise Refusal("scope_unknown", scope=scope, scopes=", ".join(rules.SCOPES))
    return rules.SCOPES.index(scope)


def _audit(by: Actor, verb: str, key: ApiKey) -> None:
    facts: dict[str, Any] = {"name": key.name, "scopes": key.scopes, "merchant": key.merchant_id}
    audit.record(by, verb, ("accounts.key", key.pk), after=facts)
