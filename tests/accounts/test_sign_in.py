"""Signing up and in at the real pages: by mailed code, by password; how often one may try."""

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from meadow.accounts import queries, services
from meadow.accounts.adapter import AccountAdapter
from meadow.accounts.models import Mail, Person
from meadow.kernel.models import OutboxEvent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mail_twin(settings: Any) -> None:
    settings.EMAIL_BACKEND = "meadow.accounts.mail.SandboxMailBackend"


def _post(client: Client, name: str, **data: str) -> Any:
    return client.post(reverse(name), data, headers={"accept-language": "en"})


def _code(email: str) -> str:
    text = queries.mailbox(email)[0].text
    found = re.search(r"^\s*([A-Z0-9]{3,4}(?:-?[A-Z0-9]{3,4})+)\s*$", text, re.M)
    assert found, text
    return found[1]


def _signed_in(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_signing_up_takes_an_email_and_the_code_mailed_to_it(client: Client) -> None:
    _post(client, "account_signup", email="Bo@Example.com")
    person = Person.objects.get(email="bo@example.com")
    assert (person.locale, person.has_usable_password(), person.is_guest) == ("en", False, False)
    assert _signed_in(client) is None
    assert queries.identity_keys(person.pk) == {f"person:{person.pk}"}
    _post(client, "account_email_verification_sent", code=_code("bo@example.com"))
    assert _signed_in(client) == str(person.pk)
    assert EmailAddress.objects.get(user=person).verified
    assert OutboxEvent.objects.get(kind="PersonJoined").body == {"person_id": person.pk}


def test_signing_in_by_a_mailed_code(client: Client, mei: Person) -> None:
    _post(client, "account_request_login_code", email="MEI@example.com")
    assert _signed_in(client) is None
    _post(client, "account_confirm_login_code", code=_code("mei@example.com"))
    assert _signed_in(client) == str(mei.pk)


def test_a_mailed_code_allows_three_tries(client: Client, mei: Person) -> None:
    _post(client, "account_request_login_code", email="mei@example.com")
    code = _code("mei@example.com")
    for _ in range(3):
        _post(client, "account_confirm_login_code", code="AAAA-AAAA")
    _post(client, "account_confirm_login_code", code=code)
    assert _signed_in(client) is None


def test_signing_in_by_password(client: Client) -> None:
    person = services.add_person(email="ada@example.com", password="a long enough one")
    _post(client, "account_login", login="ada@example.com", password="not this one")
    assert _signed_in(client) is None
    _post(client, "account_login", login="Ada@example.com", password="a long enough one")
    assert _signed_in(client) == str(person.pk)


def test_password_tries_are_limited_by_email_whatever_the_address(client: Client) -> None:
    services.add_person(email="ada@example.com", password="a long enough one")
    for n in range(10):
        Client(REMOTE_ADDR=f"192.0.2.{n}").post(
            reverse("account_login"), {"login": "ada@example.com", "password": "guess"}
        )
    _post(client, "account_login", login="ada@example.com", password="a long enough one")
    assert _signed_in(client) is None


def test_codes_for_one_mailbox_are_limited_whatever_the_address(mei: Person) -> None:
    answers = [
        Client(REMOTE_ADDR=f"192.0.2.{n}").post(reverse("account_request_login_code"), {"email": "mei@example.com"})
        for n in range(9)
    ]
    assert Mail.objects.filter(recipient="mei@example.com").count() <= 6
    assert answers[-1].status_code in (200, 429)


def test_a_stranger_cannot_tell_whether_an_email_has_an_account(client: Client, mei: Person) -> None:
    known = _post(client, "account_request_login_code", email="mei@example.com")
    unknown = _post(Client(), "account_request_login_code", email="nobody@example.com")
    assert (known.status_code, known.headers["location"]) == (unknown.status_code, unknown.headers["location"])
    again = _post(Client(), "account_signup", email="mei@example.com")
    fresh = _post(Client(), "account_signup", email="fresh@example.com")
    assert (again.status_code, again.headers["location"]) == (fresh.status_code, fresh.headers["location"])
    assert Person.objects.filter(email="mei@example.com").count() == 1


def test_guests_and_closed_accounts_do_not_sign_in(client: Client, mei: Person) -> None:
    Person.objects.filter(pk=mei.pk).update(is_active=False)
    _post(client, "account_request_login_code", email="mei@example.com")
    assert not Mail.objects.filter(subject__icontains="code").exists() or _signed_in(client) is None


def test_a_bad_email_is_told_at_the_form(client: Client) -> None:
    answer = _post(client, "account_signup", email="bo@example")
    assert answer.status_code == 200
    assert not Person.objects.exists()


def test_passkey_pages_are_there(client: Client, mei: Person) -> None:
    options = client.get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"})
    assert options.status_code == 200
    assert options.json()["request_options"]["publicKey"]["challenge"]
    client.force_login(mei, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(reverse("mfa_list_webauthn")).status_code == 200
    assert client.get(reverse("account_signup_by_passkey")).status_code in (200, 302)


def test_the_admin_shows_everything_read_only_to_operators_alone(client: Client, otto: Person, mei: Person) -> None:
    backend = "allauth.account.auth_backends.AuthenticationBackend"
    client.force_login(mei, backend=backend)
    assert client.get("/admin/accounts/person/").status_code == 302
    client.force_login(otto, backend=backend)
    for model in ("person", "creator", "merchant", "merchantstaff", "apikey", "standing", "mail"):
        assert client.get(f"/admin/accounts/{model}/").status_code == 200
        assert client.get(f"/admin/accounts/{model}/add/").status_code == 403
    page = client.get(f"/admin/accounts/person/{mei.pk}/change/").content.decode()
    assert "mei@example.com" in page
    assert mei.password not in page
    assert client.post(f"/admin/accounts/person/{mei.pk}/change/", {"name": "X"}).status_code == 403
    assert client.get("/admin/account/emailaddress/").status_code == 404
    assert client.get("/admin/auth/group/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_same_sign_up_twice_at_once_makes_one_person(at_once: Callable[..., list[Any]]) -> None:
    def sign_up() -> int:
        return Client().post(reverse("account_signup"), {"email": "bo@example.com"}).status_code  # type: ignore[no-any-return]

    answers = at_once(sign_up, sign_up)
    assert 302 in answers
    assert set(answers) <= {302, 429}  # the second may be told to wait before another code is mailed
    assert Person.objects.filter(email="bo@example.com").count() == 1
    assert OutboxEvent.objects.filter(kind="PersonJoined").count() == 1


def test_a_sign_up_that_lost_the_race_goes_on_to_signing_in(rf: RequestFactory, mei: Person) -> None:
    form, request = SimpleNamespace(cleaned_data={"email": "mei@example.com"}), rf.post("/")
    adapter = AccountAdapter(request)
    with pytest.raises(ImmediateHttpResponse) as caught:
        adapter.save_user(request, adapter.new_user(request), form)
    assert caught.value.response.headers["location"] == reverse("account_login")
