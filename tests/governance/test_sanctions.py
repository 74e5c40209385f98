"""Violations and sanctions as they are stored and carried out: limits, posts and money, and back to exactly before."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection
from tests.governance.office import open_office, pass_time

from meadow.accounts import queries as accounts
from meadow.accounts import services as people
from meadow.governance import queries, services
from meadow.governance.models import Case, Decision, Sanction, Violation
from meadow.governance.rules import points
from meadow.governance.services import Against
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.models import OutboxEvent
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.ledger import services as ledger_services

pytestmark = pytest.mark.django_db
POST = ("content.recommendation", 42)


def _mei() -> tuple[int, tuple[str, int]]:
    person = people.add_person(email="mei@example.com", name="Mei")
    applied = people.apply_as_creator(person_id=person.pk, name="Mei")
    return person.pk, ("accounts.creator", people.approve_creator(creator_id=applied.pk, by=SYSTEM).pk)


def _violate(party: tuple[str, int], kind: str = "spam", severity: str = "serious", **more: Any) -> Violation:
    return services.record_violation(
        party=party, kind=kind, severity=severity, reason="advertising in comments", by=SYSTEM, **more
    )


def _earn(party: tuple[str, int], minor: int, currency: str = "CNY", key: str = "k") -> None:
    name = f"{party[0].rpartition('.')[2]}:{party[1]}:available"
    ledger_services.post(
        key=f"{key}:{currency}:{name}", cause=("test", 1), kind="test",
        transfers=[ledger_services.Transfer("psp:sandbox", name, Money(minor, currency))],
    )  # fmt: skip


def _state(person_id: int, party: tuple[str, int]) -> dict[str, Any]:
    """Everything a sanction can touch."""
    return {
        "points": queries.points_of(*party), "standing": accounts.creator(party[1]).state,
        "limits": [(x.what, x.until, x.held) for x in queries.limits_on(person_id)],
        "free": ledger.available(f"creator:{party[1]}:available", "CNY"),
    }  # fmt: skip


def test_g3_1_a_violation_costs_points_and_leads_to_a_limit_that_its_holder_sees_whole() -> None:
    person_id, mei = _mei()
    made = _violate(mei, reason_zh="评论区广告")
    assert queries.points_of(*mei) == 4000
    (limit,) = queries.limits_on(person_id)
    assert (limit.what, limit.rule_id, limit.rule_version, limit.party) == ("links", "conduct.harassment", 1, mei)
    assert (limit.reason, limit.reason_zh) == ("advertising in comments", "评论区广告")
    assert limit.until == made.at + timedelta(days=7)
    with pytest.raises(Refusal) as refused:
        services.require_allowed(parties=queries.parties_of(person_id), act="links")
    assert refused.value.code == "limited"
    assert "conduct.harassment v1" in refused.value.text("en")
    services.require_allowed(parties=queries.parties_of(person_id), act="message")
    other = people.add_person(email="bo@example.com").pk
    services.require_allowed(parties=queries.parties_of(other), act="links")
    assert queries.limits_on(other) == []


def test_g3_3_a_sanction_expires_by_itself_and_its_points_decay_after() -> None:
    person_id, mei = _mei()
    _violate(mei)
    sweeps.advance(clock.now() + timedelta(days=8))
    assert Sanction.objects.get().state == "expired"
    assert queries.limits_on(person_id) == []
    assert 3000 < queries.points_of(*mei) < 4000
    sweeps.advance(clock.now() + timedelta(days=90))
    assert queries.points_of(*mei) == 0


def test_g3_3_reversal_restores_points_posts_money_and_standing_exactly() -> None:
    person_id, mei = _mei()
    _earn(mei, 10_000)
    _violate(mei)
    with clock.at(clock.now()):
        before = _state(person_id, mei)
        grave = _violate(mei, "fraud", "grave", items=[POST, ("content.recommendation", 43)])
        outbox.drain_all()
        assert queries.is_suspended(*POST)
        during = _state(person_id, mei)
        assert (during["points"], during["free"]) == (28_000, 0)
        assert ("payout", Sanction.objects.get(violation=grave).until, ((10_000, "CNY"),)) in during["limits"]
        sanction = Sanction.objects.get(violation=grave)
        services.appeal_sanction(sanction_id=sanction.pk)
        services.reverse_sanction(sanction_id=sanction.pk, reason="it was somebody else", by=SYSTEM)
        outbox.drain_all()
        assert _state(person_id, mei) == before
    assert not queries.is_suspended(*POST)
    assert Sanction.objects.get(pk=sanction.pk).state == "reversed"
    assert {e for e in Decision.objects.exclude(reverses=None).values_list("reverses__action", flat=True)} == {
        "violation", "suspend", "limit",
    }  # fmt: skip
    with pytest.raises(Refusal, match="decision_reversed"):
        services.reverse_sanction(sanction_id=sanction.pk, reason="again", by=SYSTEM)


def test_g3_3_an_extreme_violation_suspends_the_account_and_its_reversal_restores_it() -> None:
    person_id, mei = _mei()
    made = _violate(mei, "fraud", "extreme")
    outbox.drain_all()
    assert accounts.creator(mei[1]).state == "suspended"
    assert queries.is_suspended(*mei)
    whats = {limit.what for limit in queries.limits_on(person_id)}
    assert whats == {"links", "message", "post", "account"}
    services.reverse_decision(decision_id=made.pk, reason="mistaken", by=SYSTEM)
    outbox.drain_all()
    assert accounts.creator(mei[1]).state == "active"
    assert queries.limits_on(person_id) == []


def test_g3_3_an_upheld_sanction_goes_on_and_can_be_appealed_once_more() -> None:
    _, mei = _mei()
    _violate(mei)
    sanction = Sanction.objects.get()
    with pytest.raises(Refusal, match="stale_state"):
        services.uphold_sanction(sanction_id=sanction.pk, reason="seen", by=SYSTEM)
    services.appeal_sanction(sanction_id=sanction.pk)
    assert services.uphold_sanction(sanction_id=sanction.pk, reason="seen again", by=SYSTEM).state == "upheld"
    services.appeal_sanction(sanction_id=sanction.pk)
    sweeps.advance(clock.now() + timedelta(days=8))
    sanction.refresh_from_db()
    assert sanction.state == "appealed"  # the answer is still owed, its limits are over
    services.uphold_sanction(sanction_id=sanction.pk, reason="once more", by=SYSTEM)
    sweeps.advance(clock.now() + timedelta(days=1))
    sanction.refresh_from_db()
    assert sanction.state == "expired"


def test_reversing_an_earlier_violation_lowers_the_sanctions_of_later_ones() -> None:
    person_id, mei = _mei()
    first = _violate(mei, "fraud", "serious")
    second = _violate(mei, "fraud", "serious")
    assert [s.grade for s in Sanction.objects.order_by("pk")] == [3, 4]
    appealed = services.appeal_sanction(sanction_id=Sanction.objects.get(violation=second).pk)
    services.reverse_decision(decision_id=first.pk, reason="mistaken", by=SYSTEM)
    appealed.refresh_from_db()
    assert (appealed.grade, appealed.state) == (3, "appealed")  # lower, and its appeal goes on
    assert {limit.what for limit in queries.limits_on(person_id)} == {"links", "message", "post"}
    assert queries.replay().is_identical


def test_g3_4_money_is_held_on_the_ledger_with_cause_and_end_and_never_debited() -> None:
    person_id, mei = _mei()
    _earn(mei, 10_000)
    _earn(mei, 700, "USD")
    _violate(mei, "goods", "grave", stake=Money(4_000, "CNY"))
    sanction = Sanction.objects.get()
    (hold,) = ledger.holds_of(("governance.sanction", sanction.pk))
    assert (hold.remaining_minor, hold.currency, hold.state, hold.until) == (4_000, "CNY", "open", sanction.until)
    assert ledger.available(f"creator:{mei[1]}:available", "CNY") == 6_000
    assert ledger.balance(f"creator:{mei[1]}:available", "CNY") == 10_000
    held = [limit.held for limit in queries.limits_on(person_id) if limit.what == "payout"]
    assert held == [((4_000, "CNY"),)]
    with pytest.raises(Refusal, match="limited"):
        services.require_allowed(parties=[mei], act="payout")
    sweeps.advance(clock.now() + timedelta(days=31))
    assert ledger.available(f"creator:{mei[1]}:available", "CNY") == 10_000
    assert [h.state for h in ledger.holds_of(("governance.sanction", sanction.pk))] != ["open"]
    services.require_allowed(parties=[mei], act="payout")
    assert ledger.run_invariants() == dict.fromkeys(ledger.run_invariants(), 0)


def test_a_lifted_sanction_stands_without_effect() -> None:
    person_id, mei = _mei()
    _earn(mei, 5_000)
    _violate(mei, "fraud", "grave")
    sanction = Sanction.objects.get()
    services.appeal_sanction(sanction_id=sanction.pk)
    services.lift_sanction(sanction_id=sanction.pk, reason="the appeal is overdue")
    assert queries.limits_on(person_id) == []
    assert ledger.available(f"creator:{mei[1]}:available", "CNY") == 5_000
    sanction.refresh_from_db()
    assert sanction.state == "appealed"
    services.lift_sanction(sanction_id=sanction.pk, reason="again")
    services.uphold_sanction(sanction_id=sanction.pk, reason="seen", by=SYSTEM)
    assert queries.limits_on(person_id) == []
    services.reverse_sanction(sanction_id=sanction.pk, reason="mistaken after all", by=SYSTEM)
    assert queries.points_of(*mei) == 0


def test_g3_5_every_limit_that_stops_a_verb_is_on_the_holders_list_with_reason_rule_and_end() -> None:
    r = random.Random(35)
    person_id, mei = _mei()
    person = ("accounts.person", person_id)
    for _ in range(12):
        _violate(r.choice([mei, person]), r.choice(sorted(points.CURRENT.offences)), r.choice(["minor", "serious"]))
        services.decide(subject=mei, action="suspend", rule="operation.safety", reason="looking", by=SYSTEM)
        shown = queries.limits_on(person_id)
        for act in points.LIMITS_OF_SANCTIONS:
            stopping = queries.limit_on(queries.parties_of(person_id), act)
            assert stopping is None or stopping in shown, act
        for limit in shown:
            assert limit.reason
            assert limit.rule_id
            assert limit.rule_version
            assert limit.decision.startswith("dec_")
        assert any(limit.what == "suspended" and limit.rule_id == "operation.safety" for limit in shown)
        sweeps.advance(clock.now() + timedelta(days=r.randrange(1, 20)))


def test_points_and_sanctions_of_random_histories_are_what_the_log_alone_gives() -> None:
    r = random.Random(31)
    person_id, mei = _mei()
    _earn(mei, 50_000)
    for step in range(40):
        standing = list(Violation.objects.values_list("pk", flat=True))
        reversed_ = set(Decision.objects.exclude(reverses=None).values_list("reverses_id", flat=True))
        left = [pk for pk in standing if pk not in reversed_]
        if left and r.random() < 0.4:
            services.reverse_decision(decision_id=r.choice(left), reason="mistaken", by=SYSTEM)
        else:
            _violate(mei, r.choice(sorted(points.CURRENT.offences)), r.choice(["minor", "minor", "serious", "grave"]))
        sweeps.advance(clock.now() + timedelta(hours=r.randrange(1, 200)))
        assert queries.replay().is_identical, step
        log = [entry for entry in queries.violation_log(*mei) if not entry.is_reversed]
        force = points.limits_in_force(points.sanctions_due(log), clock.now())
        shown = {limit.what for limit in queries.limits_on(person_id) if limit.sanction}
        assert shown == set(force), step
    for pk in Violation.objects.values_list("pk", flat=True):
        if not Decision.objects.filter(reverses_id=pk).exists():
            services.reverse_decision(decision_id=pk, reason="all mistaken", by=SYSTEM)
    outbox.drain_all()
    assert _state(person_id, mei) == {"points": 0, "standing": "active", "limits": [], "free": 50_000}
    assert queries.verify_chain()["changed_decisions"] == 0


def test_violations_are_append_only_and_only_operators_record_them() -> None:
    person_id, mei = _mei()
    made = _violate(mei)
    for sql in ("UPDATE governance_violation SET severity = 'minor'", "DELETE FROM governance_violation"):
        with pytest.raises(DatabaseError, match="append-only"), atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    stranger = Actor("person", person_id)
    for call in (
        lambda: services.record_violation(party=mei, kind="spam", severity="minor", reason="x", by=stranger),
        lambda: services.reverse_decision(decision_id=made.pk, reason="x", by=stranger),
        lambda: services.uphold_decision(decision_id=made.pk, reason="x", by=stranger),
        lambda: services.lift_sanction(sanction_id=Sanction.objects.get().pk, reason="x", by=stranger),
    ):
        with pytest.raises(Refusal, match="forbidden"):
            call()
    for wrong in ({"party": POST}, {"kind": "none"}, {"severity": "none"}, {"reason": " "}, {"items": [("bad", 1)]}):
        with pytest.raises(Refusal, match="malformed"):
            services.record_violation(
                **{"party": mei, "kind": "spam", "severity": "minor", "reason": "x", "by": SYSTEM} | wrong
            )
    with pytest.raises(Refusal, match="not_found"):
        queries.sanction("san_none")


def test_a_detectors_hit_can_cost_points_and_a_reversal_gives_them_back() -> None:
    person_id, mei = _mei()
    services.write_detector(
        detector_id="diversion.third", event_type="message", condition="diversions_30d >= 3", rule="conduct.diversion",
        action="warn", reason_en="No deals outside.", reason_zh="请勿站外交易。", by=SYSTEM, violation="diversion",
        severity="serious",
    )  # fmt: skip
    for step in ("shadow", "live"):
        services.move_detector(detector_id="diversion.third", version=1, to=step, by=SYSTEM)
    chat = ("messaging.message", 9)
    assert services.judge("message", {"diversions_30d": 2}, chat, mei).outcome == "allow"
    verdict = services.judge("message", {"diversions_30d": 3}, chat, mei)
    assert (verdict.outcome, verdict.is_allowed, queries.points_of(*mei)) == ("warn", True, 6000)
    assert {limit.what for limit in queries.limits_on(person_id)} == {"links", "message"}
    sanction = Sanction.objects.get()
    assert queries.root_of(sanction).public_id == verdict.decision_id
    services.reverse_sanction(sanction_id=sanction.pk, reason="a delivery number", by=SYSTEM)
    assert (queries.points_of(*mei), queries.limits_on(person_id)) == (0, [])
    assert queries.quality()[0].reversed == 1
    assert OutboxEvent.objects.filter(kind="DecisionReversed").count() == 3


@pytest.mark.django_db(transaction=True)
def test_reversing_twice_at_once_counts_once() -> None:
    _, mei = _mei()
    _earn(mei, 9_000)
    made = _violate(mei, "fraud", "grave")
    barrier = Barrier(2)

    def reverse(_: int) -> str:
        try:
            barrier.wait()
            services.reverse_decision(decision_id=made.pk, reason="mistaken", by=SYSTEM)
            return "done"
        except Refusal as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(reverse, range(2))) == ["decision_reversed", "done"]
    assert ledger.available(f"creator:{mei[1]}:available", "CNY") == 9_000
    assert queries.points_of(*mei) == 0


@pytest.mark.django_db(transaction=True)
def test_two_violations_at_once_count_both() -> None:
    _, mei = _mei()
    services.publish_rules()
    barrier = Barrier(2)

    def violate(number: int) -> None:
        try:
            barrier.wait()
            _violate(mei, items=[POST, ("content.recommendation", 40 + number)])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(violate, range(2)))
    assert queries.points_of(*mei) == 8000
    assert sorted(s.grade for s in Sanction.objects.all()) == [1, 2]
    assert queries.replay().is_identical


def test_g3_3_what_has_no_end_is_reviewed_called_out_and_then_ends_by_itself() -> None:
    office = open_office()
    services.record_violation(
        party=office.creator, kind="fraud", severity="extreme", reason="Invented orders.", by=office.otto
    )
    outbox.drain_all()
    sanction = queries.sanctions_of(*office.creator)[0]
    assert (sanction.grade, sanction.until) == (6, None)
    assert sanction.review_by == sanction.issued_at + points.REVIEW_AFTER
    # Its holder sees when somebody looks at it again.
    assert {one.review_by for one in queries.limits_on(office.world.mei.pk)} == {sanction.review_by}
    assert office.snapshot()["creator"] == "suspended"
    with pytest.raises(IntegrityError), atomic():
        Sanction.objects.filter(pk=sanction.pk).update(review_by=None)
    pass_time(days=90.1)
    case = Case.objects.get(kind="sanction")
    assert (case.state, case.key) == ("escalated", sanction.public_id)
    assert office.snapshot()["creator"] == "suspended"
    # Kept by somebody who looked: ninety days more from now.
    services.claim_case(case_id=case.pk, by=office.olga)
    services.reject_case(case_id=case.pk, by=office.olga, against=Against("The orders are still unpaid."))
    sanction.refresh_from_db()
    assert sanction.review_by is not None
    assert timedelta(0) <= clock.now() + points.REVIEW_AFTER - sanction.review_by < timedelta(minutes=1)
    assert sanction.called_out_at is None
    pass_time(days=90.1)
    assert Case.objects.exclude(state="closed").get().kind == "sanction"
    pass_time(days=7)
    sanction.refresh_from_db()
    assert (sanction.state, office.snapshot()["creator"]) == ("expired", "active")
    assert queries.limits_on(office.world.mei.pk) == []
    assert not Case.objects.exclude(state="closed").exists()
    assert queries.points_of(*office.creator) > 0  # what was done stays on the record until it has decayed


def test_g3_3_a_review_that_approves_ends_what_had_no_end() -> None:
    office = open_office()
    services.record_violation(party=office.creator, kind="fraud", severity="extreme", reason="x", by=office.otto)
    pass_time(days=90.1)
    case = Case.objects.get(kind="sanction")
    services.claim_case(case_id=case.pk, by=office.otto)
    services.approve_case(case_id=case.pk, by=office.otto, note="Paid back.")
    outbox.drain_all()
    assert queries.sanctions_of(*office.creator)[0].state == "expired"
    assert office.snapshot()["creator"] == "active"
    assert not services.may_undo(queries.acts_of(office.otto.person_id or 0)[0])
