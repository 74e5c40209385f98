"""The rulebook: packs published once, changes drafted, consulted on and announced, and merchants who say no."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection

from meadow.accounts import services as people
from meadow.governance import queries, rules, services
from meadow.governance.models import Rule, RuleDraft
from meadow.kernel import clock, sweeps
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.models import AuditEntry, OutboxEvent

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=7)


def _draft(rule_id: str = "conduct.fraud", **more: Any) -> RuleDraft:
    facts = {
        "title_en": "No deception at all", "title_zh": "禁止任何欺诈", "text_en": "Nobody deceives anybody.",
        "text_zh": "不得欺骗任何人。", "why": "The old text left gaps.", "by": SYSTEM,
    }  # fmt: skip
    return services.draft_rule(rule_id=rule_id, **(facts | more))


def _announce(rule_id: str = "conduct.fraud", **more: Any) -> Rule:
    made = _draft(rule_id, **more)
    services.open_consultation(draft_id=made.pk, by=SYSTEM)
    return services.publish_draft(draft_id=made.pk, effective_from=clock.now() + WEEK + timedelta(hours=1), by=SYSTEM)


def _merchant() -> tuple[int, Actor]:
    ada = people.add_person(email="ada@example.com", name="Ada")
    return people.open_merchant(person_id=ada.pk, name="Ada's").pk, Actor("person", ada.pk)


def test_the_packs_are_published_once_and_hold_at_once_in_both_languages() -> None:
    made = services.publish_rules()
    assert services.publish_rules() == 0
    held = queries.rules_in_force()
    assert len(held) == made == len(rules.RULEBOOK)
    assert {rule.jurisdiction for rule in held} == {"global", "cn"}
    for rule in held:
        assert rule.title_en
        assert any("\u4e00" <= c <= "\u9fff" for c in rule.text_zh), rule
        assert rule.text_en.isascii(), rule


def test_a_newer_shipped_version_is_announced_and_never_overwrites_what_was_changed_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services.publish_rules()
    mine = _announce("conduct.harassment")
    newer = tuple(
        replace(rule, version=2, text_en="Changed.") for rule in rules.RULEBOOK
        if rule.rule_id in ("conduct.fraud", "conduct.harassment")
    )  # fmt: skip
    monkeypatch.setattr(rules, "RULEBOOK", rules.RULEBOOK + newer)
    assert services.publish_rules() == 2
    assert services.publish_rules() == 0
    coming = queries.rule_version("conduct.fraud", 2)
    assert (coming.text_en, coming.effective_from - coming.published_at) == ("Changed.", WEEK)
    assert queries.rule_in_force("conduct.fraud").version == 1  # type: ignore[union-attr]
    assert queries.rulebook()[0] != mine
    assert [d.rule_id for d in queries.drafts(for_operator=True)] == ["conduct.harassment"]
    assert mine.version == Rule.objects.filter(rule_id="conduct.harassment").count() == 2


def test_g9_2_a_rule_goes_from_draft_over_consultation_to_published_with_seven_days_notice() -> None:
    services.publish_rules()
    bo = people.add_person(email="bo@example.com")
    made = _draft()
    with pytest.raises(Refusal, match="not_found"):
        queries.draft(made.public_id)  # nobody but operators sees it yet
    with pytest.raises(Refusal, match="not_found"):
        services.comment_on_draft(draft_id=made.pk, person_id=bo.pk, text="hm")
    with pytest.raises(Refusal, match="stale_state"):
        services.publish_draft(draft_id=made.pk, effective_from=clock.now() + WEEK * 2, by=SYSTEM)
    with pytest.raises(Refusal, match="rule_draft_open"):
        _draft()
    services.open_consultation(draft_id=made.pk, by=SYSTEM)
    assert [d.pk for d in queries.drafts()] == [made.pk]
    services.comment_on_draft(draft_id=made.pk, person_id=bo.pk, text="Say what a false claim is.")
    services.change_draft(draft_id=made.pk, text_en="Nobody deceives anybody, by word or picture.", by=SYSTEM)
    assert [c["text"] for c in queries.comments_on(made.pk)] == ["Say what a false claim is."]
    for days in (0, 6):
        with pytest.raises(Refusal) as refused:
            services.publish_draft(draft_id=made.pk, effective_from=clock.now() + timedelta(days=days), by=SYSTEM)
        assert refused.value.code == "notice_too_short"
    rule = services.publish_draft(draft_id=made.pk, effective_from=clock.now() + timedelta(days=8), by=SYSTEM)
    assert (rule.version, rule.text_en) == (2, "Nobody deceives anybody, by word or picture.")
    assert [r.pk for r in queries.coming_rules()] == [rule.pk]
    subject = ("catalog.shop", 5)
    before = services.decide(subject=subject, action="suspend", rule="conduct.fraud", reason="x", by=SYSTEM)
    sweeps.advance(clock.now() + timedelta(days=9))
    after = services.decide(subject=subject, action="suspend", rule="conduct.fraud", reason="x", by=SYSTEM)
    assert (before.rule_version, after.rule_version) == (1, 2)
    assert queries.rule_version("conduct.fraud", 1).text_en.startswith("Nobody deceives buyers")
    with pytest.raises(Refusal, match="not_found"):
        queries.rule_version("conduct.fraud", 3)
    with pytest.raises(Refusal, match="stale_state"):
        services.comment_on_draft(draft_id=made.pk, person_id=bo.pk, text="too late")
    assert services.erase_comments(person_id=bo.pk) == 1
    assert queries.comments_on(made.pk) == []
    assert AuditEntry.objects.filter(verb="publish_rule").count() == 1


def test_versions_hold_in_their_order_and_the_table_refuses_backdating() -> None:
    services.publish_rules()
    first = _announce()
    later = _draft()
    services.open_consultation(draft_id=later.pk, by=SYSTEM)
    with pytest.raises(Refusal, match="notice_too_short"):
        services.publish_draft(
            draft_id=later.pk, effective_from=first.effective_from - timedelta(minutes=30), by=SYSTEM
        )
    services.withdraw_draft(draft_id=later.pk, by=SYSTEM)
    assert queries.draft(later.public_id).state == "withdrawn"
    with pytest.raises(Refusal, match="stale_state"):
        services.change_draft(draft_id=later.pk, text_en="x", by=SYSTEM)
    with pytest.raises(DatabaseError), atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO governance_rule (rule_id, version, jurisdiction, title_en, title_zh, text_en, text_zh,"
            " published_at, effective_from, repeals) SELECT 'a.b', 1, 'cn', 'a', 'a', 'a', 'a', now(),"
            " now() - interval '1 day', false"
        )


def test_a_repealed_rule_can_be_read_and_nothing_is_decided_by_it() -> None:
    services.publish_rules()
    _announce("cn.goods.tobacco", repeals=True)
    assert queries.rule_in_force("cn.goods.tobacco") is not None
    sweeps.advance(clock.now() + timedelta(days=8))
    assert queries.rule_in_force("cn.goods.tobacco") is None
    assert "cn.goods.tobacco" not in {rule.rule_id for rule in queries.rules_in_force()}
    with pytest.raises(Refusal, match="rule_unknown"):
        services.decide(subject=("catalog.shop", 5), action="suspend", rule="cn.goods.tobacco", reason="x", by=SYSTEM)
    assert len(queries.rulebook()) == len(rules.RULEBOOK) + 1
    with pytest.raises(Refusal, match="rule_unknown"):
        _draft("new.rule", repeals=True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rule_id": "Bad"}, "rule"), ({"rule_id": "nodot"}, "rule"), ({"title_zh": " "}, "title_zh"),
        ({"text_en": ""}, "text_en"), ({"why": ""}, "why"), ({"jurisdiction": "mars"}, "jurisdiction"),
    ],
)  # fmt: skip
def test_a_draft_says_everything_in_both_languages(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Refusal) as refused:
        _draft(**change)
    assert refused.value.params["field"] == field


def test_only_operators_change_the_rulebook() -> None:
    made = _draft("conduct.new")
    mei = Actor("person", people.add_person(email="mei@example.com").pk)
    for call in (
        lambda: _draft("conduct.other", by=mei),
        lambda: services.change_draft(draft_id=made.pk, by=mei, text_en="x"),
        lambda: services.open_consultation(draft_id=made.pk, by=mei),
        lambda: services.publish_draft(draft_id=made.pk, effective_from=clock.now() + WEEK * 2, by=mei),
        lambda: services.withdraw_draft(draft_id=made.pk, by=mei),
    ):
        with pytest.raises(Refusal, match="forbidden"):
            call()


def test_g9_4_the_rulebook_is_given_in_a_machine_readable_form_with_the_table_of_penalties() -> None:
    services.publish_rules()
    _announce()
    export = queries.rulebook_export()
    assert export["format"] == "meadow.rulebook/1"
    fraud = [rule for rule in export["rules"] if rule["id"] == "conduct.fraud"]
    assert [(rule["version"], rule["in_force"]) for rule in fraud] == [(2, False), (1, True)]
    assert set(fraud[0]["text"]) == {"en", "zh"}
    cited = {rule["id"] for rule in export["rules"] if rule["in_force"]}
    penalties = export["penalties"]
    assert {kind["rule"] for kind in penalties["violations"].values()} <= cited
    assert [step["grade"] for step in penalties["steps"]] == [1, 2, 3, 4, 5, 6]
    assert {limit for step in penalties["steps"] for limit in step["limits"]} == set(penalties["limits"])
    later = queries.rulebook_export(clock.now() + timedelta(days=8))
    assert [r["in_force"] for r in later["rules"] if r["id"] == "conduct.fraud"] == [True, False]


def test_g9_3_a_merchant_accepts_the_rules_and_each_acceptance_is_kept() -> None:
    services.publish_rules()
    merchant_id, ada = _merchant()
    assert services.accept_rules(merchant_id=merchant_id, by=ada) == len(rules.RULEBOOK)
    assert services.accept_rules(merchant_id=merchant_id, by=ada) == 0
    _announce()
    assert [rule.rule_id for rule in queries.unanswered_rules(merchant_id)] == ["conduct.fraud"]
    assert services.accept_rules(merchant_id=merchant_id, by=ada) == 1
    stranger = Actor("person", people.add_person(email="bo@example.com").pk)
    with pytest.raises(Refusal, match="not_found"):
        services.accept_rules(merchant_id=merchant_id, by=stranger)
    with pytest.raises(DatabaseError, match="append-only"), atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_ruleanswer")


def test_g9_3_a_merchant_that_does_not_accept_leaves_under_the_old_rules() -> None:
    services.publish_rules()
    merchant_id, ada = _merchant()
    with pytest.raises(Refusal, match="nothing_to_refuse"):
        services.leave_under_old_rules(merchant_id=merchant_id, rule_id="conduct.fraud", by=ada)
    _announce()
    services.leave_under_old_rules(merchant_id=merchant_id, rule_id="conduct.fraud", by=ada)
    event = OutboxEvent.objects.get(kind="MerchantLeaving")
    assert event.body == {"merchant_id": merchant_id, "rule_id": "conduct.fraud", "rule_version": 2}
    with pytest.raises(Refusal, match="already_leaving"):
        services.leave_under_old_rules(merchant_id=merchant_id, rule_id="conduct.fraud", by=ada)
    with pytest.raises(Refusal, match="merchant_leaving"):
        services.require_staying(merchant_id)
    sweeps.advance(clock.now() + timedelta(days=10))
    # The changed rule holds for everybody else; what this merchant still owes is judged by the old one.
    mine = services.decide(
        subject=("accounts.merchant", merchant_id), action="suspend", rule="conduct.fraud", reason="x", by=SYSTEM
    )
    other = services.decide(
        subject=("accounts.merchant", merchant_id + 1), action="suspend", rule="conduct.fraud", reason="x", by=SYSTEM
    )
    assert (mine.rule_version, other.rule_version) == (1, 2)
    services.finish_farewell(merchant_id=merchant_id)
    assert queries.is_leaving(merchant_id)
    with pytest.raises(Refusal, match="stale_state"):
        services.finish_farewell(merchant_id=merchant_id)


def test_g9_3_a_merchant_that_changes_its_mind_stays_by_accepting() -> None:
    services.publish_rules()
    merchant_id, ada = _merchant()
    _announce()
    services.leave_under_old_rules(merchant_id=merchant_id, rule_id="conduct.fraud", by=ada)
    assert services.accept_rules(merchant_id=merchant_id, by=ada) > 0
    services.require_staying(merchant_id)
    assert not queries.is_leaving(merchant_id)
    sweeps.advance(clock.now() + timedelta(days=60))
    with pytest.raises(Refusal, match="nothing_to_refuse"):  # thirty days after the change the question is settled
        services.leave_under_old_rules(merchant_id=merchant_id, rule_id="conduct.fraud", by=ada)
