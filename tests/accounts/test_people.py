"""Guests, people and what belongs to one person."""

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import IntegrityError

from meadow.accounts import queries, services
from meadow.accounts.models import ClaimCode, Person
from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.models import OutboxEvent

pytestmark = pytest.mark.django_db


def _events() -> list[tuple[str, dict[str, Any]]]:
    return list(OutboxEvent.objects.order_by("id").values_list("kind", "body"))


def _code_for(email: str) -> str:
    mail = queries.mailbox(email)[0]
    return next(line.strip() for line in mail.text.splitlines() if line.startswith("    "))


@pytest.fixture(autouse=True)
def _mail_twin(settings: Any) -> None:
    settings.EMAIL_BACKEND = "meadow.accounts.mail.SandboxMailBackend"


def test_an_email_belongs_to_one_person_in_any_case(mei: Person) -> None:
    with pytest.raises(Refusal, match="email_taken"):
        services.add_person(email="MEI@example.com")
    with pytest.raises(IntegrityError), atomic():
        Person.objects.create(email="Mei@Example.com")


def test_guests_have_no_email_so_there_may_be_many() -> None:
    one, other = services.make_guest(locale="zh-CN"), services.make_guest(locale="en-GB")
    assert (one.locale, other.locale) == ("zh-hans", "en")
    assert one.is_guest
    assert not one.has_usable_password()
    with pytest.raises(IntegrityError), atomic():
        Person.objects.filter(pk=one.pk).update(email="x@example.com")


def test_a_guest_becomes_a_person_by_the_code_in_their_mail() -> None:
    guest = services.make_guest(locale="zh")
    services.send_claim_code(guest_id=guest.pk, email="Bo@Example.com")
    assert "验证码" in queries.mailbox("bo@example.com")[0].subject
    person = services.claim_guest(guest_id=guest.pk, code=_code_for("bo@example.com").lower())
    assert person.pk == guest.pk
    assert (person.is_guest, person.email) == (False, "bo@example.com")
    assert EmailAddress.objects.get(user=person).verified
    assert _events() == [("PersonJoined", {"person_id": guest.pk})]


def test_a_guest_who_has_an_account_hands_their_orders_to_it(mei: Person) -> None:
    OutboxEvent.objects.all().delete()
    guest = services.make_guest(locale="en")
    services.send_claim_code(guest_id=guest.pk, email="mei@example.com")
    assert services.claim_guest(guest_id=guest.pk, code=_code_for("mei@example.com")).pk == mei.pk
    guest.refresh_from_db()
    assert (guest.claimed_by_id, guest.is_active) == (mei.pk, False)
    assert _events() == [("GuestClaimed", {"guest_id": guest.pk, "person_id": mei.pk})]


def test_a_claim_verifies_an_address_that_was_signed_up_and_never_verified() -> None:
    waiting = Person.objects.create(email="bo@example.com")
    EmailAddress.objects.create(user=waiting, email="bo@example.com", verified=False, primary=True)
    guest = services.make_guest(locale="en")
    services.send_claim_code(guest_id=guest.pk, email="bo@example.com")
    assert services.claim_guest(guest_id=guest.pk, code=_code_for("bo@example.com")) == waiting
    assert EmailAddress.objects.get(user=waiting).verified


def test_a_claim_code_works_once_and_after_five_wrong_tries_never() -> None:
    guest = services.make_guest(locale="en")
    services.send_claim_code(guest_id=guest.pk, email="bo@example.com")
    code = _code_for("bo@example.com")
    for _ in range(5):
        with pytest.raises(Refusal, match="code_wrong"):
            services.claim_guest(guest_id=guest.pk, code="0000-0000")
    with pytest.raises(Refusal, match="code_wrong"):
        services.claim_guest(guest_id=guest.pk, code=code)
    services.send_claim_code(guest_id=guest.pk, email="bo@example.com")
    fresh = _code_for("bo@example.com")
    services.claim_guest(guest_id=guest.pk, code=fresh)
    with pytest.raises(Refusal, match="code_wrong"):
        services.claim_guest(guest_id=guest.pk, code=fresh)


def test_a_claim_code_ends_after_a_quarter_of_an_hour() -> None:
    guest = services.make_guest(locale="en")
    services.send_claim_code(guest_id=guest.pk, email="bo@example.com")
    ClaimCode.objects.update(expires_at=clock.machine_now() - timedelta(seconds=1))
    with pytest.raises(Refusal, match="code_wrong"):
        services.claim_guest(guest_id=guest.pk, code=_code_for("bo@example.com"))


def test_nobody_floods_a_mailbox_with_codes() -> None:
    guest = services.make_guest(locale="en")
    for _ in range(6):
        services.send_claim_code(guest_id=guest.pk, email="bo@example.com")
    with pytest.raises(Refusal, match="rate_limited"):
        services.send_claim_code(guest_id=guest.pk, email="bo@example.com")
    assert len(queries.mailbox("bo@example.com")) == 6


def test_a_guest_is_handed_over_once_and_only_as_a_guest(mei: Person, ada: Person) -> None:
    guest = services.make_guest(locale="en")
    services.attach_guest(guest_id=guest.pk, person_id=mei.pk)
    services.attach_guest(guest_id=guest.pk, person_id=mei.pk)
    assert [kind for kind, _ in _events()].count("GuestClaimed") == 1
    for guest_id, person_id in [(guest.pk, ada.pk), (mei.pk, ada.pk), (ada.pk, ada.pk), (999_999_999, ada.pk)]:
        with pytest.raises(Refusal, match="not_found"):
            services.attach_guest(guest_id=guest_id, person_id=person_id)


def test_one_person_is_known_by_what_only_they_have(mei: Person, ada: Person) -> None:
    guest = services.make_guest(locale="en")
    services.attach_guest(guest_id=guest.pk, person_id=mei.pk)
    services.change_profile(person_id=mei.pk, phone="138 0013 8000")
    services.set_payout_identity(person_id=mei.pk, provider="alipay", account="mei@alipay", by=SYSTEM)
    keys = queries.identity_keys(mei.pk)
    assert {f"person:{mei.pk}", f"person:{guest.pk}", "email:mei@example.com", "phone:+8613800138000"} < keys
    assert len(keys) == 5
    assert not keys & queries.identity_keys(ada.pk)
    assert keys & queries.identity_keys(guest.pk) == {f"person:{mei.pk}", f"person:{guest.pk}"}
    services.set_payout_identity(person_id=ada.pk, provider="alipay", account=" MEI@alipay", by=SYSTEM)
    assert len(keys & queries.identity_keys(ada.pk)) == 1
    stranger = services.make_guest(locale="en")
    assert keys & queries.identity_keys(stranger.pk, contact_email="Mei+x@example.com") == {"email:mei@example.com"}
    assert keys & queries.identity_keys(stranger.pk, contact_phone="+8613800138000") == {"phone:+8613800138000"}


def test_an_unverified_email_identifies_nobody() -> None:
    person = Person.objects.create(email="x@example.com")
    EmailAddress.objects.create(user=person, email="x@example.com", verified=False, primary=True)
    assert queries.identity_keys(person.pk) == {f"person:{person.pk}"}


def test_identity_keys_of_many_people_cost_two_statements(
    mei: Person, ada: Person, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(2):
        assert set(queries.identity_keys_of([mei.pk, ada.pk])) == {mei.pk, ada.pk}


def test_a_profile_changes_only_what_is_given(mei: Person) -> None:
    services.change_profile(person_id=mei.pk, name="Mei Lin", time_zone="Europe/Paris")
    changed = services.change_profile(person_id=mei.pk, locale="en-US")
    assert (changed.name, changed.locale, changed.time_zone) == ("Mei Lin", "en", "Europe/Paris")
    with pytest.raises(Refusal, match="malformed"):
        services.change_profile(person_id=mei.pk, time_zone="Moon/Base")


def test_the_mail_twin_keeps_mail_and_warns_outside_a_sandbox(settings: Any, caplog: Any) -> None:
    message = EmailMultiAlternatives("Hello", "text", "a@example.com", ["B@example.com", "c@example.com"])
    message.attach_alternative("<p>html</p>", "text/html")
    assert message.send() == 1
    assert queries.mailbox("b@example.com")[0].html == "<p>html</p>"
    assert len(queries.newest_mail()) == 2
    assert not caplog.records
    settings.MEADOW = dataclasses.replace(settings.MEADOW, sandbox=False)
    get_connection()
    assert "not sent" in caplog.text


@pytest.mark.parametrize(
    "given", ["", "cre_\x00", "x" * 9999, "cre_zzzzzzzzzzzzzzzzzzzz", "mer_zzzzzzzzzzzzzzzzzzzz", "\ud800"]
)
def test_a_text_that_names_nobody_is_not_found(given: str) -> None:
    for find in (queries.creator, queries.merchant, queries.person_by_public_id):
        with pytest.raises(Refusal, match="not_found"):
            find(given)
    assert queries.mailbox(given) == []


@pytest.mark.django_db(transaction=True)
def test_two_tabs_claim_one_guest_once(at_once: Callable[..., list[Any]]) -> None:
    guest = services.make_guest(locale="en")
    services.send_claim_code(guest_id=guest.pk, email="bo@example.com")
    code = _code_for("bo@example.com")
    answers = at_once(*[lambda: services.claim_guest(guest_id=guest.pk, code=code).pk] * 2)
    assert sorted(map(str, answers)) == sorted([str(guest.pk), "code_wrong"])
    assert [kind for kind, _ in _events()] == ["PersonJoined"]


@pytest.mark.django_db(transaction=True)
def test_two_guests_claim_one_new_email_at_once(at_once: Callable[..., list[Any]]) -> None:
    guests = [services.make_guest(locale="en") for _ in range(2)]
    codes = []
    for guest in guests:
        services.send_claim_code(guest_id=guest.pk, email="bo@example.com")
        codes.append(_code_for("bo@example.com"))
    answers = at_once(
        lambda: services.claim_guest(guest_id=guests[0].pk, code=codes[0]).pk,
        lambda: services.claim_guest(guest_id=guests[1].pk, code=codes[1]).pk,
    )
    assert answers[0] == answers[1]
    assert sorted(kind for kind, _ in _events()) == ["GuestClaimed", "PersonJoined"]
    assert Person.objects.filter(email="bo@example.com").count() == 1
