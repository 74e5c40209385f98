"""Notices, chats and marketing: everything by the contact policy, exactly once, and private where it is private."""

import ast
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError
from tests.api.client import Api
from tests.web.world import browser

from meadow.accounts import queries as people_queries
from meadow.accounts import services as people
from meadow.accounts.models import MerchantStaff
from meadow.accounts.queries import Person
from meadow.config.settings import Settings
from meadow.governance import services as governance
from meadow.governance.models import ContactRecord, Violation
from meadow.governance.queries import contact as contact_queries
from meadow.governance.queries import talk
from meadow.governance.services import contact as contacts
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.models import AuditEntry
from meadow.messaging import queries, rules, services
from meadow.messaging.models import ChatLine, Message, Send

pytestmark = pytest.mark.django_db
SOURCE = Path(__file__).resolve().parents[2] / "src" / "meadow"


def _person(name: str, locale: str = "en") -> Person:
    return people.add_person(email=f"{name}@example.com", name=name, locale=locale)


def _work() -> None:
    """What is due is done, as the worker does it."""
    while outbox.drain():
        pass
    sweeps.advance(clock.now() + timedelta(seconds=1))


@pytest.fixture
def noon(monkeypatch: Any) -> datetime:
    """The clock stands at the next noon in Shanghai, far from everybody's quiet hours."""
    at = clock.now().astimezone(UTC).replace(hour=4, minute=0) + timedelta(days=1)
    sweeps.advance(at)
    return at


@pytest.fixture
def shop() -> tuple[Any, Actor]:
    ada = _person("ada")
    return people.open_merchant(person_id=ada.pk, name="Green Ear"), Actor("person", ada.pk)


def _send(shop: tuple[Any, Actor], audience: list[str], key: str = "spring-1", text: str = "Hello.") -> Any:
    return services.send_marketing(
        merchant_id=shop[0].pk, client_msg_id=key, title="Spring", text=text, audience=audience, by=shop[1]
    )


def _agree(person: Person, shop: tuple[Any, Actor]) -> None:
    contacts.set_stance(person_id=person.pk, stance="consent", party=("accounts.merchant", shop[0].pk))


def test_a8_every_way_a_message_leaves_is_in_the_one_file_that_asks_the_policy() -> None:
    makes = {("Message", "objects"), ("ChatLine", "objects")}
    places: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        here = str(path.relative_to(SOURCE))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("django.core.mail"):
                places.setdefault("mail", set()).add(here)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                made = node.func
                inner = made.value
                if (
                    made.attr in {"create", "bulk_create", "get_or_create", "update_or_create"}
                    and isinstance(inner, ast.Attribute)
                    and (getattr(inner.value, "id", ""), inner.attr) in makes
                ):
                    places.setdefault("made", set()).add(here)
    # Codes to sign in or to prove one's presence, which somebody asks for themselves, are the accounts' own; accounts/mail.py is a mail server.
    assert places == {
        "mail": {
            "messaging/services/delivery.py", "accounts/mail.py", "accounts/services/people.py",
            "accounts/services/presence.py",
        },
        "made": {"messaging/services/delivery.py"},
    }  # fmt: skip


def test_a8_3_no_notice_that_ships_sells_anything() -> None:
    for words in rules.NOTICES.values():
        for text in (words.title_en, words.title_zh, words.text_en, words.text_zh):
            assert not talk.sells(text), text
    assert talk.sells("Your order is paid. Take the coupon SPRING, 20% off!")
    assert talk.sells("订单已支付，满100减20")
    assert talk.sells("See https://example.com/sale")


def test_a8_1_the_report_adds_up_and_says_why_somebody_was_skipped(shop: Any, noon: Any) -> None:
    agreed, silent = _person("bo"), _person("cy", "zh-hans")
    _agree(agreed, shop)
    sent = _send(shop, [agreed.public_id, silent.public_id, "per_nobody"])
    _work()
    report = queries.report_of_send(sent.public_id, person_id=shop[1].person_id)
    assert (report.audience, report.delivered, report.skipped, report.waiting) == (3, 1, 2, 0)
    assert report.reasons == {"no_consent": 1, "no_recipient": 1}
    with pytest.raises(Refusal, match="not_found"):
        queries.report_of_send(sent.public_id, person_id=agreed.pk)
    with pytest.raises(Refusal, match="not_found"):
        _send((shop[0], Actor("person", agreed.pk)), [])
    assert [one.verdict for one in contact_queries.commercial_contacts(agreed.pk)] == ["allow"]


def test_a8_2_the_same_client_msg_id_delivers_once(shop: Any, noon: Any) -> None:
    bo = _person("bo")
    _agree(bo, shop)
    first = _send(shop, [bo.public_id])
    assert _send(shop, [bo.public_id]).pk == first.pk
    with pytest.raises(Refusal, match="send_mismatch"):
        _send(shop, [bo.public_id], text="Other words.")
    _work()
    assert _send(shop, [bo.public_id]).pk == first.pk
    _work()
    assert Message.objects.filter(person=bo).count() == 1
    assert len(mail.outbox) == 1


def test_a8_4_one_tap_unsubscribe_needs_no_sign_in_and_counts_mid_send(shop: Any, noon: Any) -> None:
    bo = _person("bo")
    _agree(bo, shop)
    _send(shop, [bo.public_id])
    _work()
    link = mail.outbox[0].extra_headers["List-Unsubscribe"].strip("<>")
    assert link in mail.outbox[0].body
    second = _send(shop, [bo.public_id], key="spring-2")
    token = link.rsplit("/", 1)[-1]
    assert services.unsubscribe(token=token) == services.unsubscribe(token=token) == shop[0].pk
    sweeps.advance(clock.now() + timedelta(days=1))
    _work()
    assert queries.report_of_send(second.public_id, person_id=shop[1].person_id).delivered <= 0
    assert ContactRecord.objects.filter(person=bo, verdict="allow").count() == 1
    with pytest.raises(Refusal, match="not_found"):
        services.unsubscribe(token=token[:-2] + "xx")


def test_a8_5_a_send_in_quiet_hours_waits_and_still_honours_the_caps(shop: Any, noon: datetime) -> None:
    bo = _person("bo")
    _agree(bo, shop)
    sweeps.advance(noon.replace(hour=15))  # 23:00 in Shanghai
    sends = [_send(shop, [bo.public_id], key=f"night-{n}") for n in range(2)]
    _work()
    reports = [queries.report_of_send(s.public_id, person_id=shop[1].person_id) for s in sends]
    assert [r.waiting for r in reports] == [1, 1]
    sweeps.advance(noon + timedelta(hours=20, minutes=1))  # 08:01
    reports = [queries.report_of_send(s.public_id, person_id=shop[1].person_id) for s in sends]
    assert sorted((r.delivered, r.skipped, *r.reasons) for r in reports) == [(0, 1, "cap_channel_day"), (1, 0)]


def test_g8_3_a_stranger_says_one_plain_thing_until_answered(shop: Any) -> None:
    bo, merchant = _person("bo"), shop[0]

    def write(text: str) -> ChatLine:
        return services.write_to_merchant(merchant_id=merchant.pk, person_id=bo.pk, text=text)

    with pytest.raises(Refusal, match="first_message_plain"):
        write("Look at https://example.com/x")
    line = write("Is it warm?")
    with pytest.raises(Refusal, match="wait_for_answer"):
        write("Hello?")
    held = queries.thread_for(line.thread.public_id, person_id=shop[1].person_id)
    answers = [
        services.answer(thread_id=held.thread.public_id, person_id=shop[1].person_id, text=f"Yes {n}") for n in range(5)
    ]
    with pytest.raises(Refusal, match="contact_refused"):
        services.answer(thread_id=held.thread.public_id, person_id=shop[1].person_id, text="And a sixth")
    assert write("Look at https://example.com/x").pk > answers[-1].pk
    contacts.set_stance(person_id=bo.pk, stance="block", party=("accounts.merchant", merchant.pk))
    with pytest.raises(Refusal, match="contact_refused") as refused:
        services.answer(thread_id=held.thread.public_id, person_id=shop[1].person_id, text="Buy!")
    assert "屏蔽" in refused.value.text("zh")
    with pytest.raises(Refusal, match="not_found"):
        services.answer(thread_id=held.thread.public_id, person_id=_person("eve").pk, text="Me too")


def test_g12_3_a_message_that_leads_outside_is_delivered_with_a_warning_and_the_third_counts(shop: Any) -> None:
    bo = _person("bo")
    line = services.write_to_merchant(merchant_id=shop[0].pk, person_id=bo.pk, text="Is it warm?")
    assert not line.leads_outside
    for number in range(3):
        said = services.answer(
            thread_id=line.thread.public_id, person_id=shop[1].person_id, text="加微信 meadow_fan88 转账便宜 20"
        )
        assert said.leads_outside
        assert Violation.objects.filter(party_kind="accounts.merchant", party_id=shop[0].pk).count() == number // 2


def test_b6_3_operators_read_a_private_line_by_a_report_alone_and_it_is_written_down(shop: Any) -> None:
    bo, otto, eve = _person("bo"), _person("otto"), _person("eve")
    people.claim_operator(code=people.issue_operator_code(), person_id=otto.pk)
    line = services.write_to_merchant(merchant_id=shop[0].pk, person_id=bo.pk, text="A secret.")
    with pytest.raises(Refusal, match="not_found"):
        queries.thread_for(line.thread.public_id, person_id=otto.pk)
    assert queries.around(line.pk, eve.pk) == []
    by = Actor("person", otto.pk)
    with pytest.raises(Refusal, match="report_needed"):
        governance.open_private(report_id="rep_nothing", by=by, why="looking around")
    governance.publish_rules()
    report = governance.report(
        subject=("messaging.chatline", line.pk), rule_id="conduct.fraud", person_id=shop[1].person_id
    )
    governance.claim_case(case_id=report.case_id, by=by)
    opened = governance.open_private(report_id=report.public_id, by=by, why="reported as diversion")
    assert [row["text"] for row in opened.lines] == ["A secret."]
    assert AuditEntry.objects.filter(verb="open_private", person_id=otto.pk).count() == 1


def test_a_decision_reaches_the_person_it_concerns_once(shop: Any) -> None:
    made = governance.decide(
        subject=("accounts.merchant", shop[0].pk), action="suspend", rule="conduct.fraud", reason="invented orders",
        by=SYSTEM,
    )  # fmt: skip
    _work()
    found = queries.inbox(shop[1].person_id)
    assert [m.kind for m in found] == ["service"]
    assert made.public_id in queries.said(found[0], "zh-hans").text
    assert queries.unread(shop[1].person_id) == 1
    services.mark_read(message_id=found[0].public_id, person_id=shop[1].person_id)
    assert queries.unread(shop[1].person_id) == 0
    with pytest.raises(Refusal, match="not_found"):
        services.mark_read(message_id=found[0].public_id, person_id=_person("eve").pk)
    assert len(mail.outbox) == 1


@pytest.fixture
def two_at_most(settings: Any) -> None:
    settings.MEADOW = replace(settings.MEADOW, confirm_audience=2)


def _colleague(shop: tuple[Any, Actor], name: str = "cai", role: str = "staff") -> Actor:
    person = _person(name)
    MerchantStaff.objects.create(merchant=shop[0], person=person, role=role)
    return Actor("person", person.pk)


def test_a8_7_more_than_so_many_wait_for_a_second_person(shop: Any, noon: Any, two_at_most: None) -> None:
    assert Settings().confirm_audience == 10_000
    many = [_person(name) for name in ("bo", "cy", "di")]
    for person in many:
        _agree(person, shop)
    ids = [person.public_id for person in many]
    few = _send(shop, [_person("eve").public_id, _person("fay").public_id])
    assert (few.state, few.confirm_by) == ("accepted", None)
    colleague, clerk = _colleague(shop), _colleague(shop, "fin", "finance")
    sent = _send(shop, ids, key="spring-2", text="Many words.")
    assert (sent.state, sent.confirm_by - sent.at) == ("unconfirmed", timedelta(minutes=30))
    _work()
    report = queries.report_of_send(sent.public_id, person_id=shop[1].person_id)
    assert (report.state, report.waiting, report.delivered) == ("unconfirmed", 3, 0)
    # Who could confirm is told; neither the writer, nor a stranger, nor who may not send can.
    assert "Many words." not in [queries.said(one, "en").text for one in queries.inbox(many[0].pk)]
    assert queries.said(queries.inbox(colleague.person_id)[0], "en").title == "A message to many waits for you"
    assert queries.inbox(clerk.person_id) == []
    for by, code in ((shop[1], "other_must_confirm"), (clerk, "not_found"), (Actor("person", many[0].pk), "not_found")):
        with pytest.raises(Refusal, match=code):
            services.confirm_send(send_id=sent.public_id, by=by)
    with pytest.raises(IntegrityError), atomic():  # nor does the database take the writer's own yes
        Send.objects.filter(pk=sent.pk).update(state="accepted", confirmed_by_id=shop[1].person_id)
    assert services.confirm_send(send_id=sent.public_id, by=colleague).state == "accepted"
    with pytest.raises(Refusal, match="stale_state"):
        services.confirm_send(send_id=sent.public_id, by=colleague)
    _work()
    report = queries.report_of_send(sent.public_id, person_id=shop[1].person_id)
    assert (report.delivered, report.waiting, report.skipped) == (3, 0, 0)


def test_a8_7_what_nobody_confirms_within_half_an_hour_expires(shop: Any, noon: Any, two_at_most: None) -> None:
    many = [_person(name) for name in ("bo", "cy", "di")]
    for person in many:
        _agree(person, shop)
    colleague = _colleague(shop)
    sent = services.send_marketing(
        merchant_id=shop[0].pk, client_msg_id="all", title="Spring", text="Hello.", audience=None, by=shop[1]
    )
    assert (sent.audience, sent.state) == (3, "unconfirmed")
    sweeps.advance(clock.now() + timedelta(minutes=29))
    sent.refresh_from_db()
    assert sent.state == "unconfirmed"
    sweeps.advance(clock.now() + timedelta(minutes=1, seconds=1))
    sent.refresh_from_db()
    assert (sent.state, sent.confirmed_by) == ("expired", None)
    with pytest.raises(Refusal, match="stale_state"):
        services.confirm_send(send_id=sent.public_id, by=colleague)
    _work()
    report = queries.report_of_send(sent.public_id, person_id=shop[1].person_id)
    assert (report.delivered, report.waiting, report.skipped, report.reasons) == (0, 0, 3, {"expired": 3})
    assert not Message.objects.filter(kind="marketing").exists()
    # The same client_msg_id is the same send, which stays expired.
    again = services.send_marketing(
        merchant_id=shop[0].pk, client_msg_id="all", title="Spring", text="Hello.", audience=None, by=shop[1]
    )
    assert (again.pk, again.state) == (sent.pk, "expired")


def test_a8_7_the_page_and_the_api_ask_the_second_person_too(shop: Any, noon: Any, two_at_most: None) -> None:
    many = [_person(name) for name in ("bo", "cy", "di")]
    for person in many:
        _agree(person, shop)
    colleague, ada = _colleague(shop), browser("zh-CN")
    ada.force_login(people_queries.person(shop[1].person_id))
    cai = browser()
    cai.force_login(people_queries.person(colleague.person_id))
    first, second = (_send(shop, [p.public_id for p in many], key=f"k{n}", text=f"No {n}.") for n in (1, 2))
    seen = ada.get("/inbox/sends").content.decode()
    assert seen.count("待第二人确认") == 2
    assert "/confirm" not in seen
    assert ada.post(f"/inbox/sends/{first.public_id}/confirm").status_code == 403
    assert f"/inbox/sends/{first.public_id}/confirm" in cai.get("/inbox/sends").content.decode()
    assert cai.post(f"/inbox/sends/{first.public_id}/confirm").status_code == 302
    assert ">Sent<" in cai.get("/inbox/sends").content.decode()
    writer, other = (
        Api(people.create_api_key(person_id=by.person_id, name="k", scopes=["share"])[1]) for by in (shop[1], colleague)
    )
    assert writer.post(f"sends/{second.public_id}/confirm").code == "other_must_confirm"
    assert other.post(f"sends/{second.public_id}/confirm").json["state"] == "accepted"
    assert other.post(f"sends/{second.public_id}/confirm").code == "stale_state"
    assert {send.state for send in Send.objects.all()} == {"accepted"}
