"""The pages in a real browser: the whole purchase at 360 px without JavaScript, nothing from elsewhere, nothing too wide."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.web.world import ADDRESS, World, make_world, settle_down

from meadow.trade.models import Order, OrderLine

CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
SHOTS = os.environ.get("MEADOW_SHOTS", "")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; apt-get install chromium"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    # Playwright keeps an event loop in this thread, which Django takes for an async caller.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as play:
        quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*quiet, "--disable-sync", "--no-first-run"])
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def shown_world(transactional_db: None) -> World:
    return make_world()


class Tab:
    """A page that remembers what it asked for and what went wrong."""

    def __init__(self, chromium: Any, live_server: Any, **options: Any) -> None:
        settings = {"viewport": {"width": 360, "height": 640}, "locale": "en-US"} | options
        self.context = chromium.new_context(**settings)
        self.page = self.context.new_page()
        self.home = live_server.url
        self.asked: list[str] = []
        self.documents: list[str] = []
        self.faults: list[str] = []
        self.page.on("request", self._asked)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def _asked(self, request: Any) -> None:
        self.asked.append(request.url)
        if request.is_navigation_request():
            self.documents.append(f"{request.method} {urlsplit(request.url).path}")

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def go(self, path: str) -> None:
        self.page.goto(self.home + path)

    def overflow(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def shot(self, name: str) -> None:
        if SHOTS:
            self.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))
            self.page.screenshot(path=str(Path(SHOTS) / f"{name}-full.png"), full_page=True)


def fill_address(page: Any) -> None:
    for name, value in ADDRESS.items():
        if name == "country":
            page.select_option("#f_country", value)
        else:
            page.fill(f"#f_{name}", value)


def test_a6_6_a_whole_purchase_on_a_small_screen_without_javascript(
    shown_world: World, chromium: Any, live_server: Any
) -> None:
    tab = Tab(chromium, live_server, java_script_enabled=False)
    tab.go(f"/S/{shown_world.code}")
    page = tab.page
    buy = page.get_by_role("button", name="Buy now")
    box = buy.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 640, "the button to buy is on the first screen"
    tab.documents.clear()
    page.get_by_label("Forest").check()
    buy.click()
    fill_address(page)
    page.get_by_role("button", name="Pay", exact=True).click()
    assert "/o/" in page.url
    # A redirect is a round trip too: buy, its page, pay, its page.
    assert len(tab.documents) <= 4, tab.documents
    order = Order.objects.get()
    assert order.state == "paid"
    assert OrderLine.objects.get(kind="goods").unit_price_minor == 13900
    shown_world.ship(order.pk)
    settle_down()
    page.reload()
    page.get_by_role("button", name=re.compile("confirm receipt")).click()
    assert "You have received it" in page.content()
    assert {urlsplit(url).netloc for url in tab.asked} == {urlsplit(live_server.url).netloc}
    assert not tab.faults


def test_a6_1_the_same_with_cookies_off(shown_world: World, chromium: Any, live_server: Any) -> None:
    tab = Tab(chromium, live_server)
    page = tab.page
    page.route("**/*", _without_cookies)
    tab.go(f"/S/{shown_world.code}")
    page.get_by_role("button", name="Buy now").click()
    fill_address(page)
    page.get_by_role("button", name="Pay", exact=True).click()
    assert "/o/" in page.url
    assert OrderLine.objects.get(kind="goods").creator_id == shown_world.creator.pk


def _without_cookies(route: Any) -> None:
    headers = {name: value for name, value in route.request.headers.items() if name != "cookie"}
    route.continue_(headers=headers)


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_nothing_is_wider_than_the_screen_and_nothing_comes_from_elsewhere(
    shown_world: World, chromium: Any, live_server: Any, language: str
) -> None:
    tab = Tab(chromium, live_server, locale=language)
    for name, path in pages_of(tab, shown_world).items():
        tab.go(path)
        for width in (320, 360, 768, 1280):
            tab.page.set_viewport_size({"width": width, "height": 740})
            assert tab.overflow() <= 0, (name, width)
            assert not tab.page.evaluate(_SPILT), (name, width, tab.page.evaluate(_SPILT))
            if width in (360, 1280):
                tab.shot(f"{name}-{language[:2]}-{width}")
    assert {urlsplit(url).netloc for url in tab.asked} == {urlsplit(live_server.url).netloc}
    faults = [fault for fault in tab.faults if "404" not in fault]
    assert not faults


# Text that stands out of its box, and so lies over its neighbours.
_SPILT = """() => {
  const spilt = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    let box = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !box.checkVisibility() || box.closest(".unseen, .skip, option, script, svg")) continue;
    while (getComputedStyle(box).display.startsWith("inline") && box.parentElement) box = box.parentElement;
    if (getComputedStyle(box).overflowX !== "visible") continue;
    const range = document.createRange(); range.selectNodeContents(walk.currentNode);
    const right = Math.max(...[...range.getClientRects()].map(r => r.right));
    if (right > box.getBoundingClientRect().right + 1) spilt.push(walk.currentNode.textContent.trim().slice(0, 60));
  }
  return spilt;
}"""


def pages_of(tab: Tab, world: World) -> dict[str, str]:
    """Addresses of the pages worth looking at, with something in the cart and an order under way."""
    page = tab.page
    tab.go(f"/g/{world.apron.public_id}")
    page.click("button[formaction='/cart/add']")
    tab.go(f"/g/{world.flask.public_id}")
    page.click(".buybar .button:not(.line)")
    checkout = urlsplit(page.url).path
    tab.go(f"/g/{world.flask.public_id}")
    page.click(".buybar .button:not(.line)")
    fill_address(page)
    page.click("button[value='pay']")
    order = urlsplit(page.url).path
    return {
        "feed": "/", "landing": f"/S/{world.code}", "post": f"/p/{world.post.public_id}",
        "product": f"/g/{world.flask.public_id}", "shop": f"/shop/{world.shop.public_id}", "cart": "/cart",
        "checkout": checkout, "order": order, "paste": "/paste", "signin": "/accounts/login/",
        "signup": "/accounts/signup/", "missing": "/nowhere",
    }  # fmt: skip


def test_a_passkey_is_made_and_signs_in_under_the_strict_policy(
    shown_world: World, chromium: Any, live_server: Any
) -> None:
    tab = Tab(chromium, live_server)
    page = tab.page
    device = tab.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send(
        "WebAuthn.addVirtualAuthenticator",
        {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
                     "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}},
    )  # fmt: skip
    tab.go("/accounts/login/?next=/accounts/2fa/webauthn/add/")
    page.get_by_text("Use a password").click()
    page.fill("#id_login", "bo@example.com")
    page.fill("#id_password", "a long password")
    page.locator("details form button").click()
    # A step that guards the account asks for the password again.
    page.fill("#id_password", "a long password")
    page.locator("main form button[type=submit]").click()
    tab.shot("passkey-add")
    page.fill("#id_name", "This phone")
    page.check("#id_passwordless")
    page.click("#mfa_webauthn_add")
    page.wait_for_url(re.compile("recovery-codes|/accounts/2fa/webauthn/$|/accounts/2fa/$"))
    tab.go("/me")
    page.get_by_role("button", name="Sign out").click()
    if page.url.endswith("/logout/"):
        page.locator("main button[type=submit]").click()
    tab.go("/accounts/login/?next=/me")
    page.click("#passkey_login")
    page.wait_for_url(lambda url: urlsplit(url).path == "/me")
    assert "Bo" in page.inner_text("h1")
    assert not tab.faults


def test_what_takes_the_focus_can_be_seen_and_what_is_tapped_is_large(
    shown_world: World, chromium: Any, live_server: Any
) -> None:
    tab = Tab(chromium, live_server)
    for path in ("/", f"/S/{shown_world.code}", f"/g/{shown_world.flask.public_id}", "/accounts/login/"):
        tab.go(path)
        small = tab.page.evaluate(
            """() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")]
                .filter(e => e.checkVisibility() && !e.closest("p, .skip, .facts, .note") && !e.closest("label"))
                .map(e => [e.getBoundingClientRect(), e.outerHTML.slice(0, 90)])
                .filter(([box, html]) => box.width > 0 && (box.width < 24 || box.height < 24))
                .map(([box, html]) => html)"""
        )
        assert not small, (path, small)
        nameless = tab.page.evaluate(
            """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
                .filter(e => !e.labels.length && !e.getAttribute("aria-label")).map(e => e.outerHTML.slice(0, 90))"""
        )
        assert not nameless, (path, nameless)


def test_the_colours_of_text_stand_off_their_grounds_in_both_themes(
    shown_world: World, chromium: Any, live_server: Any
) -> None:
    for theme in ("light", "dark"):
        tab = Tab(chromium, live_server, color_scheme=theme)
        for path in ("/", f"/S/{shown_world.code}", f"/p/{shown_world.post.public_id}", "/accounts/login/", "/cart"):
            tab.go(path)
            faint = tab.page.evaluate(_CONTRAST)
            assert not faint, (theme, path, faint)


# Every visible text against the nearest opaque ground behind it, by the formula of WCAG 2.2 (1.4.3).
_CONTRAST = """() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length && (c[3] === undefined || c[3] === 1)) return c; } return [255, 255, 255]; };
  const faint = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (!text || !e.checkVisibility() || e.closest(".unseen, .skip, [disabled], script, noscript, option")) continue;
    const style = getComputedStyle(e), size = parseFloat(style.fontSize);
    const need = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700) ? 3 : 4.5;
    const [a, b] = [light(parse(style.color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < need) faint.push(`${text.slice(0, 30)} ${ratio.toFixed(2)} < ${need}`);
  }
  return faint;
}"""
