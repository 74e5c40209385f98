"""Signing up and in, the account's page, the sandbox's mailbox."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from tests.web.world import World, browser

from meadow.accounts.models import Creator, Person

pytestmark = pytest.mark.django_db


def test_signing_in_by_a_mailed_code(world: World, client: Client) -> None:
    assert "Mail me a sign-in code" in client.get("/accounts/login/").content.decode()
    answer = client.post("/accounts/login/code/", {"email": "bo@example.com", "next": "/me"})
    page = client.get(answer["Location"]).content.decode()
    assert "bo@example.com" in page
    code = re.search(r"^\s*([A-Z0-9-]{6,12})\s*$", mail.outbox[0].body, re.MULTILINE)
    assert code, mail.outbox[0].body
    answer = client.post(answer["Location"].split("?")[0], {"code": code[1]})
    assert answer.status_code == 302
    assert client.get("/me").status_code == 200


def test_signing_up_proves_the_address_first(world: World, client: Client) -> None:
    answer = client.post("/accounts/signup/", {"email": "new@example.com"})
    assert answer.status_code == 302
    assert "new@example.com" in client.get(answer["Location"]).content.decode()
    assert client.get("/me").status_code == 302
    assert mail.outbox[0].to == ["new@example.com"]


def test_signing_in_sets_the_persons_language(world: World) -> None:
    Person.objects.filter(pk=world.bo.pk).update(locale="zh-hans")
    english = browser("en")
    english.post("/accounts/login/", {"login": "bo@example.com", "password": "a long password"})
    assert "最新推荐" in english.get("/").content.decode()


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_pages_of_signing_in_are_ours_and_whole_in_each_language(world: World, language: str) -> None:
    visitor = browser(language)
    paths = ["login/", "signup/", "signup/passkey/", "login/code/", "password/reset/"]
    signed_in = browser(language)
    signed_in.force_login(world.bo)
    for client, path in [(visitor, p) for p in paths] + [(signed_in, p) for p in ("email/", "2fa/", "logout/")]:
        answer = client.get(f"/accounts/{path}")
        assert answer.status_code in (200, 302), path
        if answer.status_code == 302:
            continue
        text = answer.content.decode()
        assert 'class="brand"' in text, path
        main = re.sub(r"<[^>]+>|&\w+;", " ", text.split("<main", 1)[1].partition(">")[2].split("</main>")[0])
        if language == "zh-CN":
            left = set(re.findall(r"[A-Za-z]{4,}", main)) - {
                "example",
                "Meadow",
                "JavaScript",
                "Authenticator",
                "English",
            }
            assert not left, (path, left)


def test_my_account_shows_and_changes_name_language_and_zone(world: World, client: Client) -> None:
    assert client.get("/me")["Location"].startswith("/accounts/login/")
    client.force_login(world.bo)
    text = client.get("/me").content.decode()
    assert "Asia/Shanghai" in text
    answer = client.post("/me", {"name": "Bo B.", "locale": "zh-hans", "time_zone": "Europe/Berlin"})
    assert answer.status_code == 302
    world.bo.refresh_from_db()
    assert (world.bo.name, world.bo.locale, world.bo.time_zone) == ("Bo B.", "zh-hans", "Europe/Berlin")
    assert "已保存" in client.get("/me").content.decode()
    assert client.post("/me", {"name": "", "locale": "en", "time_zone": "Mars/Olympus"}).status_code == 422


def test_the_roles_of_a_person_are_listed(world: World, client: Client) -> None:
    client.force_login(world.mei)
    assert "Mei &lt;Lin&gt;" in client.get("/me").content.decode()
    client.force_login(world.ada)
    assert "Green Ear Ltd" in client.get("/me").content.decode()
    client.force_login(world.otto)
    assert "Operator" in client.get("/me").content.decode()


def test_applying_as_a_creator(world: World, client: Client) -> None:
    client.force_login(world.bo)
    client.post("/me/apply", {"name": "Bo cooks", "about": "Pans"})
    assert Creator.objects.get(person=world.bo).state == "applied"
    text = client.get("/me").content.decode()
    assert "Being looked at" in text
    assert "Apply as a creator" not in text
    assert client.post("/me/apply", {"name": "Bo cooks"}).status_code == 409


def test_the_mailbox_is_the_sandboxs_alone(world: World, client: Client, settings: Any) -> None:
    settings.EMAIL_BACKEND = "meadow.accounts.mail.SandboxMailBackend"
    client.post("/accounts/login/code/", {"email": "bo@example.com"})
    assert "bo@example.com" in client.get("/sandbox/mail").content.decode()
    assert "No mail yet" in client.get("/sandbox/mail?to=nobody@example.com").content.decode()
    settings.MEADOW = replace(settings.MEADOW, sandbox=False)
    assert client.get("/sandbox/mail").status_code == 404
