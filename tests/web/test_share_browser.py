"""A landing and a creator's share in a real browser that lacks what in-app browsers lack, and asks nobody else."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.web.test_browser import CHROMIUM, Tab, chromium, shown_world
from tests.web.world import World

from meadow.sharing.models import Click

__all__ = ["chromium", "shown_world"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; apt-get install chromium"),
]
# What an in-app browser takes away before the page's own scripts run.
WEBVIEW = """
for (const name of ["clipboard", "share", "canShare", "serviceWorker"])
  Object.defineProperty(navigator, name, { value: undefined });
document.execCommand = undefined;
"""


def test_c5_a_landing_works_in_a_webview_without_clipboard_or_share_and_asks_no_other_origin(
    shown_world: World, chromium: Any, live_server: Any
) -> None:
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.42"
    tab = Tab(chromium, live_server, user_agent=agent)
    tab.context.add_init_script(WEBVIEW)
    # C5.3: what others add to the link, doubled or in another order, changes nothing.
    tab.go(f"/S/{shown_world.code}?utm_source=wx&from=groupmessage&utm_source=wx&isappinstalled=0")
    page = tab.page
    assert page.get_by_role("button", name="Buy now").is_visible()
    assert page.evaluate("history.length") <= 2, "the way back leads back"
    page.get_by_role("button", name="Buy now").click()
    assert "/checkout/" in page.url
    assert Click.objects.get().token_id == shown_world.token.pk
    assert {urlsplit(url).netloc for url in tab.asked} == {urlsplit(live_server.url).netloc}
    assert not tab.faults


@pytest.mark.parametrize("language", ["zh-CN", "en-US"])
def test_a_creators_share_can_be_used_without_a_clipboard_and_fits_small_screens(
    shown_world: World, chromium: Any, live_server: Any, language: str
) -> None:
    tab = Tab(chromium, live_server, locale=language)
    tab.context.add_init_script(WEBVIEW)
    page = tab.page
    tab.go("/accounts/login/?next=/share")
    page.locator("details summary").last.click()
    page.fill("#id_login", "mei@example.com")
    page.fill("#id_password", "a long password")
    page.locator("details form button").click()
    path = f"/share/{shown_world.token.public_id}?to=wechat_group"
    for name, where in (("share", path), ("shares", "/share")):
        tab.go(where)
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 740})
            assert tab.overflow() <= 0, (name, width)
            tab.shot(f"{name}-{language[:2]}-{width}")
    tab.go(path)
    page.locator("[data-copy=p_text]").click()
    chosen = page.evaluate("document.activeElement.value.slice(0, document.activeElement.selectionEnd)")
    assert shown_world.code in chosen
    assert {urlsplit(url).netloc for url in tab.asked} == {urlsplit(live_server.url).netloc}
    assert not tab.faults
