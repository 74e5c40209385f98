"""Decisions: they cite a rule version, they are never changed, and what reverses them is a row of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from meadow.accounts import queries as accounts
from meadow.accounts import services as people
from meadow.governance import queries, services
from meadow.governance.models import Decision, DecisionText, Partner, Rule
from meadow.kernel import clock, outbox
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.models import AuditEntry, OutboxEvent

pytestmark = pytest.mark.django_db
POST = ("content.recommendation", 42)
PAGE = "https://item.taobao.com/item.htm?id=1"


def _creator() -> int:
    person = people.add_person(email="mei@example.com", name="Mei")
    applied = people.apply_as_creator(person_id=person.pk, name="Mei")
    return people.approve_creator(creator_id=applied.pk, by=SYSTEM).pk


def _suspend(creator_id: int, **more: Any) -> Decision:
    return services.decide(
        subject=("accounts.creator", creator_id), action="suspend", rule="conduct.fraud", reason="invented orders",
        by=SYSTEM, **more,
    )  # fmt: skip


def _partner(**more: Any) -> Partner:
    facts: dict[str, Any] = {
        "name": "Taobao", "hosts": ["Item.Taobao.com"], "product_patterns": ["item.taobao.com/item.htm?id={digits}"],
        "contract": "2026-01", "after_sale_contact": "care@taobao.example", "by": SYSTEM,
    }  # fmt: skip
    return services.add_partner(**(facts | more))


def test_a_decision_names_its_rule_version_and_is_carried_out() -> None:
    creator_id = _creator()
    made = _suspend(creator_id, inputs={"orders": 3})
    assert (made.rule_id, made.rule_version, made.inputs) == ("conduct.fraud", 1, {"orders": 3})
    body = OutboxEvent.objects.get(kind="DecisionMade").body
    assert body == {
        "decision_id": made.pk, "subject_kind": "accounts.creator", "subject_id": creator_id, "action": "suspend",
        "rule_id": "conduct.fraud", "rule_version": 1, "until": None,
    }  # fmt: skip
    # Governance knows at once, before the owner has carried it out.
    assert queries.is_suspended("accounts.creator", creator_id)
    outbox.drain_all()
    assert accounts.creator(creator_id).state == "suspended"
    services.reverse_decision(decision_id=made.pk, reason="it was a mistake", by=SYSTEM)
    assert not queries.is_suspended("accounts.creator", creator_id)
    outbox.drain_all()
    assert accounts.creator(creator_id).state == "active"
    assert [d.action for d in queries.decisions_about("accounts.creator", creator_id)] == ["reverse", "suspend"]
    assert queries.decision(made.public_id) == made


def test_g9_1_a_decision_that_cites_no_published_rule_version_cannot_be_stored() -> None:
    with pytest.raises(Refusal, match="rule_unknown"):
        services.decide(subject=POST, action="suspend", rule="no.such.rule", reason="x", by=SYSTEM)
    services.publish_rules()
    facts = {"subject_kind": "a.b", "subject_id": 1, "action": "suspend"}
    for cited in ({"rule_id": "conduct.fraud", "rule_version": 99}, {"rule_id": "none", "rule_version": 1},
                  {"rule_id": None, "rule_version": 1}, {"rule_id": "conduct.fraud", "rule_version": None}):  # fmt: skip
        with pytest.raises(DatabaseError), atomic():
            Decision.objects.create(**facts, **cited)
    made = Decision.objects.create(**facts, rule_id="conduct.fraud", rule_version=1)
    with pytest.raises(DatabaseError), atomic():
        DecisionText.objects.create(decision=made, salt=uuid4(), reason="")


def test_a_stored_decision_and_a_published_rule_are_never_changed() -> None:
    made = services.decide(subject=POST, action="suspend", rule="conduct.fraud", reason="x", by=SYSTEM)
    for sql in (
        "UPDATE governance_decision SET action = 'restore'",
        "UPDATE governance_decisiontext SET reason = 'y'",
        "UPDATE governance_decisiontext SET reason = 'y', erased_at = now()",
        "DELETE FROM governance_decisiontext",
        "DELETE FROM governance_decision",
        "UPDATE governance_rule SET text_en = 'y'",
        "DELETE FROM governance_rule",
    ):
        with pytest.raises(DatabaseError, match="append-only"), atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    made.refresh_from_db()
    assert made.reason == "x"


def test_publishing_the_rules_again_adds_nothing() -> None:
    published = services.publish_rules()
    assert published == len(queries.rulebook()) > 0
    assert services.publish_rules() == 0
    for rule in queries.rulebook():
        assert rule.title_en
        assert rule.text_zh


def test_only_operators_decide_and_reverse() -> None:
    mei = people.add_person(email="mei@example.com")
    stranger = Actor("person", mei.pk)
    made = services.decide(subject=POST, action="suspend", rule="conduct.fraud", reason="x", by=SYSTEM)
    with pytest.raises(Refusal, match="forbidden"):
        services.decide(subject=POST, action="suspend", rule="conduct.fraud", reason="x", by=stranger)
    with pytest.raises(Refusal, match="forbidden"):
        services.reverse_decision(decision_id=made.pk, reason="x", by=stranger)
    people.appoint_operator(person_id=mei.pk, by=SYSTEM)
    assert services.reverse_decision(decision_id=made.pk, reason="x", by=stranger).decided_by_id == mei.pk


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"action": "banish"}, "action"),
        ({"action": "reverse"}, "action"),
        ({"reason": "  "}, "reason"),
        ({"subject": ("creator", 1)}, "subject"),
        ({"subject": ("accounts.creator", 0)}, "subject"),
        ({"until": clock.machine_now() - timedelta(days=1)}, "until"),
        ({"action": "restore", "until": clock.machine_now() + timedelta(days=1)}, "until"),
    ],
)
def test_a_decision_must_be_whole(change: dict[str, Any], field: str) -> None:
    facts: dict[str, Any] = {
        "subject": POST, "action": "suspend", "rule": "conduct.fraud", "reason": "x", "by": SYSTEM
    }  # fmt: skip
    with pytest.raises(Refusal) as caught:
        services.decide(**facts | change)
    assert (caught.value.code, caught.value.params["field"]) == ("malformed", field)


def test_a_decision_is_reversed_once_and_a_reversal_never() -> None:
    made = services.decide(subject=POST, action="suspend", rule="conduct.fraud", reason="x", by=SYSTEM)
    reversal = services.reverse_decision(decision_id=made.pk, reason="y", by=SYSTEM)
    assert (reversal.rule_id, reversal.rule_version, reversal.reverses_id) == ("conduct.fraud", 1, made.pk)
    with pytest.raises(Refusal, match="decision_reversed"):
        services.reverse_decision(decision_id=made.pk, reason="y", by=SYSTEM)
    with pytest.raises(Refusal, match="stale_state"):
        services.reverse_decision(decision_id=reversal.pk, reason="y", by=SYSTEM)
    with pytest.raises(Refusal, match="not_found"):
        services.reverse_decision(decision_id=999_999, reason="y", by=SYSTEM)


def test_a_suspension_ends_at_its_time_and_by_a_restoring_decision() -> None:
    now = clock.now()
    services.decide(
        subject=POST, action="suspend", rule="conduct.fraud", reason="x", by=SYSTEM, until=now + timedelta(hours=1)
    )
    assert queries.is_suspended(*POST)
    assert not queries.is_suspended(*POST, at=now + timedelta(hours=2))
    services.decide(subject=POST, action="suspend", rule="conduct.fraud", reason="x", by=SYSTEM)
    assert queries.is_suspended(*POST, at=now + timedelta(hours=2))
    restored = services.decide(subject=POST, action="restore", rule="conduct.fraud", reason="x", by=SYSTEM)
    assert not queries.is_suspended(*POST)
    services.reverse_decision(decision_id=restored.pk, reason="x", by=SYSTEM)
    assert queries.is_suspended(*POST)
    services.decide(subject=POST, action="restore", rule="conduct.fraud", reason="x", by=SYSTEM)
    services.decide(subject=POST, action="suspend", rule="conduct.fraud", reason="x", by=SYSTEM)
    assert queries.suspended_among(POST[0], [POST[1], 43]) == {42}


def test_a_suspended_creator_is_restored_exactly_through_both_contexts() -> None:
    creator_id = _creator()
    first, second = _suspend(creator_id), _suspend(creator_id, until=clock.now() + timedelta(days=1))
    outbox.drain_all()
    services.reverse_decision(decision_id=first.pk, reason="x", by=SYSTEM)
    outbox.drain_all()
    assert accounts.creator(creator_id).state == "suspended"
    services.reverse_decision(decision_id=second.pk, reason="x", by=SYSTEM)
    outbox.drain_all()
    assert accounts.creator(creator_id).state == "active"
    assert accounts.restrictions("accounts.creator", creator_id) == set()


def test_g1_4_a_blocked_link_is_recorded_with_its_rule_and_an_allowed_one_is_not() -> None:
    _partner()
    assert services.check_link(url=PAGE, surface="post", subject=POST).verdict == "allow"
    assert not Decision.objects.exists()
    answer = services.check_link(url="https://evil.com/?u=taobao.com", surface="post", subject=POST)
    assert answer.verdict == "block"
    record = Decision.objects.get()
    assert (record.action, record.rule_id, record.rule_version) == ("block_link", answer.rule_id, answer.rule_version)
    assert record.reason == answer.reason
    assert record.inputs["url"] == "https://evil.com/?u=taobao.com"
    assert record.inputs["host"] == "evil.com"
    assert not OutboxEvent.objects.filter(kind="DecisionMade").exists()
    services.check_link(url="https://bad\x00\ud800.com", surface="post", subject=POST)
    assert services.check_link(url="https://example.com", surface="chat", subject=POST).verdict == "warn"
    assert Decision.objects.count() == 2
    with pytest.raises(Refusal, match="malformed"):
        services.check_link(url=PAGE, surface="nowhere", subject=POST)


def test_links_given_and_links_in_the_text_must_all_pass() -> None:
    _partner()
    answers = services.require_links(surface="post", subject=POST, urls=[PAGE], text=f"见 {PAGE}2 很好")
    assert [answer.verdict for answer in answers] == ["allow", "allow"]
    with pytest.raises(Refusal) as caught:
        services.require_links(surface="post", subject=POST, urls=[PAGE], text="加 ev\u200bil.com")
    assert (caught.value.code, caught.value.status, caught.value.params["why"]) == ("link_blocked", 422, "hidden")
    assert "link.plain v1" in caught.value.text("en")
    assert "link.plain v1" in caught.value.text("zh")
    assert "隐藏字符" in caught.value.params["reason_zh"]
    with pytest.raises(Refusal, match="malformed"):
        services.require_links(surface="post", subject=POST, urls=[PAGE] * 21)
    assert services.require_links(surface="post", subject=POST, text="no links") == []


def test_g1_3_when_a_partner_ends_new_links_are_refused_at_once_and_old_ones_warn() -> None:
    partner = _partner()
    assert queries.judge_link(PAGE, "post").verdict == "allow"
    services.end_partner(partner_id=partner.pk, reason="contract over", by=SYSTEM)
    assert (queries.judge_link(PAGE, "post").verdict, queries.judge_link(PAGE, "shown").verdict) == ("block", "warn")
    assert [entry.verb for entry in AuditEntry.objects.filter(subject_kind="governance.partner").order_by("id")] == [
        "add_partner", "end_partner",
    ]  # fmt: skip
    assert queries.partners(active_only=True) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"hosts": ["com.cn"]}, "pattern_invalid"),
        ({"hosts": ["127.0.0.1"]}, "pattern_invalid"),
        ({"product_patterns": ["other.com/{id}"]}, "pattern_invalid"),
        ({"product_patterns": ["item.taobao.com/"]}, "pattern_invalid"),
        ({"product_patterns": []}, "malformed"),
        ({"after_sale_contact": ""}, "malformed"),
        ({"contract": " "}, "malformed"),
        ({"name": ""}, "malformed"),
    ],
)
def test_a_partner_answers_for_product_pages_of_its_own_hosts(change: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal, match=code) as caught:
        _partner(**change)
    assert caught.value.text("en")
    assert not Partner.objects.exists()


def test_partners_are_the_operators_to_keep() -> None:
    mei = people.add_person(email="mei@example.com")
    partner = _partner()
    with pytest.raises(Refusal, match="partner_exists"):
        _partner()
    with pytest.raises(Refusal, match="forbidden"):
        _partner(name="Other", by=Actor("person", mei.pk))
    with pytest.raises(Refusal, match="forbidden"):
        services.end_partner(partner_id=partner.pk, reason="x", by=Actor("person", mei.pk))
    with pytest.raises(Refusal, match="not_found"):
        services.end_partner(partner_id=999_999, reason="x", by=SYSTEM)


def test_g1_6_the_report_of_blocked_hosts_says_why_and_how_often() -> None:
    for url in ("https://evil.com/1", "https://evil.com/2", "https://1.2.3.4/"):
        services.check_link(url=url, surface="post", subject=POST)
    report = queries.blocked_hosts()
    assert [(row["host"], row["rule_id"], row["code"], row["times"]) for row in report] == [
        ("evil.com", "link.partners", "not_partner", 2),
        ("1.2.3.4", "link.plain", "number", 1),
    ]


def test_judging_a_link_costs_one_statement(django_assert_num_queries: Callable[..., Any]) -> None:
    _partner()
    with django_assert_num_queries(1):
        services.check_link(url=PAGE, surface="post", subject=POST)


def test_the_admin_shows_governance_read_only(client: Client) -> None:
    otto = people.add_person(email="otto@example.com")
    people.appoint_operator(person_id=otto.pk, by=SYSTEM)
    client.force_login(otto, backend="allauth.account.auth_backends.AuthenticationBackend")
    made = services.decide(subject=POST, action="suspend", rule="conduct.fraud", reason="x", by=SYSTEM)
    for model in ("rule", "decision", "partner"):
        assert client.get(f"/admin/governance/{model}/").status_code == 200
        assert client.get(f"/admin/governance/{model}/add/").status_code == 403
    assert client.get(f"/admin/governance/decision/{made.pk}/change/").status_code == 200
    assert client.post(f"/admin/governance/decision/{made.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_two_operators_reverse_one_decision_at_once_and_one_does() -> None:
    made = services.decide(subject=POST, action="suspend", rule="conduct.fraud", reason="x", by=SYSTEM)
    assert Rule.objects.filter(rule_id="conduct.fraud").exists()
    barrier = Barrier(2)

    def reverse() -> str:
        try:
            barrier.wait(10)
            return services.reverse_decision(decision_id=made.pk, reason="x", by=SYSTEM).action
        except Refusal as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(future.result(30) for future in [pool.submit(reverse) for _ in range(2)])
    assert answers == ["decision_reversed", "reverse"]
    assert OutboxEvent.objects.filter(kind="DecisionReversed").count() == 1
