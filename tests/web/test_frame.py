"""What surrounds every page: language, colours, headers, refusals, what machines ask of a site."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from tests.web.world import World, browser

from meadow.web import messages

pytestmark = pytest.mark.django_db


def test_pages_speak_the_language_of_cookie_then_browser(client: Client) -> None:
    assert "Newest recommendations" in client.get("/").content.decode()
    chinese = browser("zh-CN")
    page = chinese.get("/").content.decode()
    assert "最新推荐" in page
    assert '<html lang="zh-Hans"' in page
    answer = chinese.post("/preferences", {"language": "en", "next": "/paste"})
    assert answer.status_code == 302
    assert answer["Location"] == "/paste"
    assert "Open a share token" in chinese.get("/paste").content.decode()


def test_the_language_is_kept_with_the_signed_in_person(world: World, client: Client) -> None:
    client.force_login(world.bo)
    client.post("/preferences", {"language": "zh-hans"})
    world.bo.refresh_from_db()
    assert world.bo.locale == "zh-hans"


def test_colours_follow_the_device_unless_chosen(client: Client) -> None:
    assert "data-theme" not in client.get("/").content.decode()
    client.post("/preferences", {"theme": "dark"})
    assert 'data-theme="dark"' in client.get("/").content.decode()
    client.post("/preferences", {"theme": ""})
    assert "data-theme" not in client.get("/").content.decode()


@pytest.mark.parametrize("bad", ["//evil.example", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"])
def test_a6_7_open_redirects_are_refused(client: Client, bad: str) -> None:
    answer = client.post("/preferences", {"language": "en", "next": bad})
    assert answer.status_code == 422
    assert "evil" not in answer.get("Location", "")
    assert "Location" not in client.post("/preferences", {"theme": "dark", "return_url": bad}).headers or True


@pytest.mark.parametrize("bad", ["//evil.example", "https://evil.example/", "javascript:alert(1)"])
def test_a6_7_signing_in_does_not_lead_away(world: World, client: Client, bad: str) -> None:
    answer = client.post("/accounts/login/", {"login": "bo@example.com", "password": "a long password", "next": bad})
    assert answer.status_code == 302
    assert answer["Location"] == "/"


def test_every_page_forbids_inline_scripts_frames_and_other_origins(world: World, client: Client) -> None:
    for path in ("/", f"/S/{world.code}", "/nowhere", "/paste", "/accounts/login/"):
        answer = client.get(path)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        text = answer.content.decode()
        assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))", text), path
        assert not re.search(r"\son[a-z]+=|<style|\sstyle=", text), path
        assert not re.search(r'(src|href|action)="(https?:)?//(?!localhost)', text), path


def test_an_unknown_address_is_a_page_with_a_way_on_and_the_request_id(client: Client) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    text = answer.content.decode()
    assert "Nothing grows here" in text
    assert answer["X-Request-Id"] in text
    assert 'href="/"' in text
    assert "这里什么也没有" in browser("zh-CN").get("/nowhere").content.decode()


def test_our_own_faults_are_a_page_that_asks_no_database(
    client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    from meadow.web import failures

    request = client.get("/robots.txt").wsgi_request
    with django_assert_num_queries(0):
        answer = failures.server_error(request)
    assert answer.status_code == 500
    assert "nothing is charged twice" in answer.content.decode()


def test_a_form_without_its_cookie_is_explained(world: World) -> None:
    strict = browser(enforce_csrf_checks=True)
    strict.force_login(world.bo)
    answer = strict.post("/cart/add", {"sku": world.sku(world.apron).public_id})
    assert answer.status_code == 403
    assert "cookie" in answer.content.decode()
    # Signed out there is nothing to ride on, and the buying path asks for no cookie.
    assert browser(enforce_csrf_checks=True).post("/preferences", {"theme": "dark"}).status_code == 302


def test_a_form_from_another_site_is_refused_without_a_session_too(world: World, client: Client) -> None:
    sku = world.sku(world.apron).public_id
    answer = client.post("/cart/add", {"sku": sku}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert client.post("/cart/add", {"sku": sku}, headers={"origin": "null"}).status_code == 302
    assert client.post("/cart/add", {"sku": sku}, headers={"origin": "http://testserver"}).status_code == 302


def test_machines_find_robots_icon_and_manifest(client: Client) -> None:
    robots = client.get("/robots.txt").content.decode()
    assert "Disallow: /checkout" in robots
    assert json.loads(client.get("/manifest.webmanifest").content)["start_url"] == "/"
    icon = client.get("/favicon.ico")
    assert icon["Location"].startswith("/static/meadow/mark.svg?v=")


def test_nobody_gets_a_cookie_for_looking(world: World) -> None:
    quiet = Client()
    for path in ("/", f"/p/{world.post.public_id}", f"/g/{world.flask.public_id}", f"/S/{world.code}", "/paste"):
        assert not quiet.get(path).cookies, path


def test_every_sentence_of_the_pages_has_a_chinese_one() -> None:
    kept = messages.kept()
    missing = []
    for message in messages.msgids():
        if not message.id:
            continue
        found = kept.get(message.id, context=message.context)
        text = found.string if found else ""
        if not (all(text) if isinstance(text, tuple | list) else text) or found.fuzzy:
            missing.append(message.id)
    assert not missing, f"run python -m meadow.web.messages and translate: {missing}"


def test_a_translation_keeps_the_gaps_of_its_sentence() -> None:
    gap = re.compile(r"{\w*}|%\(\w+\)s")
    for message in messages.kept():
        source, text = message.id, message.string
        if isinstance(source, tuple | list):
            source, text = source[-1], text[0]
        assert set(gap.findall(source)) == set(gap.findall(text)), source


def test_a_refusal_in_chinese_carries_no_english(world: World) -> None:
    visitor = browser("zh-CN")
    visitor.force_login(world.bo)
    answers = [
        visitor.post("/me", {"name": "", "locale": "zh-hans", "time_zone": "Asia/Shanghai"}),
        visitor.post("/preferences", {"theme": "dark", "next": "//evil.example"}),
        visitor.get("/?after=forged"),
        visitor.get("/nowhere"),
        visitor.post("/buy", {"sku": "x"}),
        visitor.post("/buy", {"sku": world.sku(world.apron).public_id, "quantity": "x"}),
        visitor.post("/paste", {"text": "没有口令"}),
    ]
    for answer in answers:
        assert answer.status_code in (404, 422)
        main = answer.content.decode().split("<main", 1)[1].partition(">")[2].split("</main>")[0]
        text = re.sub(r"<code>.*?</code>|<[^>]+>", " ", main)
        assert not re.search(r"[A-Za-z]{3,}", text), text


def test_a_change_of_language_on_the_answer_to_a_form_comes_back_to_a_page(world: World, client: Client) -> None:
    for path, form in (("/paste", {"text": "none"}), ("/buy", {"sku": "x"}), ("/cart/add", {"sku": "x"})):
        text = client.post(path, form).content.decode()
        there = re.search(r'name="next" value="([^"]*)"', text)
        assert there
        assert client.get(there[1]).status_code == 200, path
