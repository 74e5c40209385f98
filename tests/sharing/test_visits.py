"""Which requests are people: C1.5 in pure form, header by header."""

import pytest

from meadow.sharing.rules import proves_navigation, visit_of, why_not_counted, why_not_followed

PHONE = {"User-Agent": "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/111.0 Mobile Safari/537.36"}
NAVIGATE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
TAPPED = PHONE | NAVIGATE | {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-User": "?1"}


@pytest.mark.parametrize(
    ("method", "more", "why"),
    [
        ("HEAD", {}, "head"),
        ("OPTIONS", {}, "head"),
        ("GET", {"Sec-Purpose": "prefetch"}, "prefetch"),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}, "prefetch"),
        ("GET", {"Purpose": "prefetch"}, "prefetch"),
        ("GET", {"X-Purpose": "preview"}, "prefetch"),
        ("GET", {"X-Moz": "prefetch"}, "prefetch"),
        ("GET", {"Sec-Fetch-Dest": "iframe"}, "frame"),
        ("GET", {"Sec-Fetch-Dest": "object"}, "frame"),
        ("GET", {"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"}, "subresource"),
        ("GET", {"Sec-Fetch-Dest": "script"}, "subresource"),
        ("GET", {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site"}, "script"),
        ("GET", {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}, "bot"),
        ("GET", {"User-Agent": "Mozilla/5.0 (compatible; Baiduspider/2.0)"}, "bot"),
        ("GET", {"User-Agent": "facebookexternalhit/1.1"}, "bot"),
        ("GET", {"User-Agent": "WhatsApp/2.23.20.0"}, "bot"),
        ("GET", {"User-Agent": "TelegramBot (like TwitterBot)"}, "bot"),
        ("GET", {"User-Agent": "Mastodon/4.2.1 (http.rb/5.1.1; +https://example.social/)"}, "bot"),
    ],
)
def test_c1_5_what_no_person_sees_is_not_counted(method, more, why):
    visit = visit_of(method, TAPPED | more)
    assert why_not_counted(visit) == why
    assert not proves_navigation(visit)


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.42",
        "Mozilla/5.0 (Linux; Android 9; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/80.0 Mobile Safari/537.36",
        "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Instagram 300.0", "", "Weibo (iPhone14__weibo__13.9.2__iphone)",
    ],
)  # fmt: skip
def test_people_in_apps_and_old_browsers_are_viewers(agent):
    assert why_not_counted(visit_of("GET", {"User-Agent": agent})) is None


@pytest.mark.parametrize(
    ("more", "proved"),
    [
        ({}, True),
        ({"Sec-Fetch-User": ""}, False),  # sent here by a script of another site
        ({"Sec-Fetch-User": "", "Sec-Fetch-Site": "none"}, True),  # address bar, scan, another app
        ({"Sec-Fetch-User": "", "Sec-Fetch-Site": "same-origin"}, True),  # our own page
        ({"Sec-Fetch-User": "", "Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Mode": "cors"}, False),
        ({"Sec-Fetch-Mode": "", "Sec-Fetch-Dest": ""}, False),  # a browser that says nothing proves nothing
    ],
)
def test_only_a_navigation_that_the_browser_vouches_for_is_a_click_at_once(more, proved):
    assert proves_navigation(visit_of("GET", TAPPED | more)) is proved


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (PHONE, None),
        (PHONE | NAVIGATE | {"Sec-Fetch-Site": "same-origin"}, None),
        (PHONE | {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}, None),
        (PHONE | {"Host": "shop.example:8000", "Origin": "http://shop.example:8000"}, None),
        (PHONE | {"Host": "shop.example", "Referer": "https://shop.example/S/X"}, None),
        (TAPPED, "cross_site"),
        (PHONE | NAVIGATE | {"Sec-Fetch-Site": "same-site"}, "cross_site"),
        (PHONE | {"Host": "shop.example", "Origin": "https://evil.example"}, "cross_site"),
        (PHONE | {"Host": "shop.example", "Referer": "https://evil.example/shop.example"}, "cross_site"),
        (PHONE | {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"}, "subresource"),
        (PHONE | {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "iframe"}, "frame"),
        (PHONE | {"Sec-Fetch-Site": "same-origin", "Sec-Purpose": "prefetch"}, "prefetch"),
        ({"User-Agent": "Googlebot/2.1"}, "bot"),
    ],
)
def test_c1_7_a_nonce_is_followed_from_our_own_page_by_a_person_or_not_at_all(headers, why):
    assert why_not_followed(visit_of("POST", headers)) == why
