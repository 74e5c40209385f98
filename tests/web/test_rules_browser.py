"""The operators' queue in a real browser: worked by keyboard alone, and by buttons where single letters are off."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from tests.governance.office import open_office
from tests.web.test_browser import CHROMIUM, Tab, chromium

from meadow.governance import services
from meadow.governance.models import Case, CaseAct

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; apt-get install chromium"),
]
__all__ = ["chromium"]


def test_the_queue_is_worked_by_keyboard_next_approve_reject_escalate_undo(
    transactional_db: None, chromium: Any, live_server: Any
) -> None:
    office = open_office()
    subjects = (office.post, office.product, office.shop, office.token)
    for subject, person in zip(subjects, (office.world.bo, office.world.ada, office.world.mei, office.world.bo),
                               strict=True):  # fmt: skip
        services.report(subject=subject, rule_id="conduct.fraud", person_id=person.pk, text=f"About {subject[0]}.")
    signed_in = Client()
    signed_in.force_login(office.world.otto)
    tab = Tab(chromium, live_server)
    name = settings.SESSION_COOKIE_NAME
    tab.context.add_cookies([{"name": name, "value": signed_in.cookies[name].value, "url": live_server.url}])
    page = tab.page

    def press(key: str) -> None:
        with page.expect_navigation():
            page.keyboard.press(key)

    tab.go("/console/queue")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.hasAttribute('data-row')")
    press("n")
    assert "/console/cases/" in page.url
    first = page.url
    press("a")  # approved; the next one comes by itself
    assert page.url != first
    second = page.url
    press("u")  # taken back: the first is in one's hands again
    assert page.url == first
    tab.go(second.removeprefix(live_server.url))
    # Rejecting asks for its reason first; letters typed there are letters.
    page.keyboard.press("r")
    assert page.evaluate("document.activeElement.id") == "note"
    page.keyboard.type("a reason")
    page.keyboard.press("Escape")
    press("r")
    tab.go(first.removeprefix(live_server.url))
    page.keyboard.press("e")
    page.keyboard.type("For Olga.")
    page.keyboard.press("Escape")
    press("e")
    acts = list(CaseAct.objects.order_by("pk").values_list("act", "note", "undone_at"))
    assert [(act, note) for act, note, _ in acts] == [
        ("approve", ""),
        ("reject", "a reason"),
        ("escalate", "For Olga."),
    ]
    assert [undone is None for _, _, undone in acts] == [False, True, True]
    # Single letters can be switched off, and then do nothing.
    page.keyboard.press("?")
    page.locator("#use_keys").uncheck()
    page.locator("#keys").evaluate("box => document.activeElement.blur()")
    here = page.url
    page.keyboard.press("a")
    page.reload()
    page.keyboard.press("n")
    assert page.url == here
    assert CaseAct.objects.count() == 3
    assert Case.objects.filter(state="closed").count() == 1
    assert not [fault for fault in tab.faults if "404" not in fault]
