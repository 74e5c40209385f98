"""API keys: shown once, found in one statement, within scopes, ended at once."""

from datetime import timedelta
from typing import Any

import pytest

from meadow.accounts import queries, services
from meadow.accounts.models import ApiKey, Merchant, Person
from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal

pytestmark = pytest.mark.django_db


def test_a_key_is_kept_as_a_hash_only(mei: Person) -> None:
    key, secret = services.create_api_key(person_id=mei.pk, name="feed", scopes=["share", "content", "share"])
    assert key.scopes == ["content", "share"]
    stored = str(ApiKey.objects.values().get())
    assert secret not in stored
    assert secret[12:] not in stored
    assert secret.startswith(key.hint)


def test_a_key_is_found_in_one_statement_and_one_more_a_minute_notes_its_use(
    mei: Person, django_assert_num_queries: Any
) -> None:
    key, secret = services.create_api_key(person_id=mei.pk, name="feed", scopes=["share"])
    with django_assert_num_queries(2):
        actor = services.authenticate_key(secret=secret)
    assert (actor.person_id, actor.key_id, actor.scopes, actor.merchant_id) == (mei.pk, key.pk, {"share"}, None)
    with django_assert_num_queries(1):
        services.authenticate_key(secret=secret)
    used = ApiKey.objects.get().last_used_at
    assert used is not None
    assert clock.machine_now() - used < timedelta(minutes=1)


@pytest.mark.parametrize(
    "text", ["", "mdw_", "mdw_" + "A" * 43, "Bearer x", "mdw_" + "A" * 5000, "mdw_\x00" + "A" * 42]
)
def test_what_is_no_key_is_nobody(text: str) -> None:
    assert queries.actor_for_key(text) is None
    with pytest.raises(Refusal) as caught:
        services.authenticate_key(secret=text, address="192.0.2.1")
    assert (caught.value.code, caught.value.status) == ("key_invalid", 401)


def test_guessing_keys_is_slowed_down_by_address_and_good_keys_are_not(mei: Person) -> None:
    _, secret = services.create_api_key(person_id=mei.pk, name="feed", scopes=["share"])
    for _ in range(20):
        with pytest.raises(Refusal, match="key_invalid"):
            services.authenticate_key(secret="mdw_guess", address="192.0.2.1")
    with pytest.raises(Refusal, match="rate_limited"):
        services.authenticate_key(secret="mdw_guess", address="192.0.2.1")
    with pytest.raises(Refusal, match="key_invalid"):
        services.authenticate_key(secret="mdw_guess", address="192.0.2.2")
    assert services.authenticate_key(secret=secret, address="192.0.2.1").person_id == mei.pk


def test_a_revoked_key_ends_at_once_and_only_its_owner_ends_it(mei: Person, ada: Person, otto: Person) -> None:
    key, secret = services.create_api_key(person_id=mei.pk, name="feed", scopes=["share"])
    with pytest.raises(Refusal, match="not_found"):
        services.revoke_api_key(key_id=key.pk, by=Actor("person", ada.pk))
    services.revoke_api_key(key_id=key.pk, by=Actor("person", mei.pk))
    services.revoke_api_key(key_id=key.pk, by=Actor("person", otto.pk))
    assert queries.actor_for_key(secret) is None
    assert queries.keys_of(mei.pk) == []


def test_a_key_of_a_closed_account_is_nobody(mei: Person) -> None:
    _, secret = services.create_api_key(person_id=mei.pk, name="feed", scopes=["share"])
    Person.objects.filter(pk=mei.pk).update(is_active=False)
    assert queries.actor_for_key(secret) is None


def test_scopes_are_those_that_exist_and_the_operators_are_the_operators(mei: Person, otto: Person) -> None:
    with pytest.raises(Refusal, match="scope_unknown"):
        services.create_api_key(person_id=mei.pk, name="k", scopes=["everything"])
    with pytest.raises(Refusal, match="malformed"):
        services.create_api_key(person_id=mei.pk, name="k", scopes=[])
    with pytest.raises(Refusal, match="forbidden"):
        services.create_api_key(person_id=mei.pk, name="k", scopes=["clock"])
    _, secret = services.create_api_key(person_id=otto.pk, name="k", scopes=["clock", "buy"])
    actor = services.authenticate_key(secret=secret)
    queries.require_scope(actor, "clock")
    with pytest.raises(Refusal, match="scope_missing"):
        queries.require_scope(actor, "money")
    Person.objects.filter(pk=otto.pk).update(is_operator=False)
    assert services.authenticate_key(secret=secret).scopes == {"buy"}


def test_a_key_is_bound_only_to_a_merchant_that_its_person_acts_for(mei: Person, ada: Person) -> None:
    merchant: Merchant = services.open_merchant(person_id=ada.pk, name="Ada's Cups")
    with pytest.raises(Refusal, match="not_found"):
        services.create_api_key(person_id=mei.pk, name="k", scopes=["ship"], merchant_id=merchant.pk)
    _, secret = services.create_api_key(person_id=ada.pk, name="k", scopes=["ship"], merchant_id=merchant.pk)
    assert services.authenticate_key(secret=secret).merchant_id == merchant.pk


def test_keys_are_limited_in_number(mei: Person) -> None:
    keys = [services.create_api_key(person_id=mei.pk, name="k", scopes=["buy"])[0] for _ in range(20)]
    with pytest.raises(Refusal, match="limit_reached"):
        services.create_api_key(person_id=mei.pk, name="k", scopes=["buy"])
    services.revoke_api_key(key_id=keys[0].pk, by=SYSTEM)
    services.create_api_key(person_id=mei.pk, name="k", scopes=["buy"])
