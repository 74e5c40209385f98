"""Appeals: one and one more, never decided by who decided before, on a clock that is called out, with published numbers."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from tests.governance.office import Office, open_office, pass_time

from meadow.accounts import services as people
from meadow.content.models import Recommendation
from meadow.governance import queries, services
from meadow.governance.models import Appeal, Case, Decision, Sanction, Violation
from meadow.governance.rules import appeals as laws
from meadow.governance.rules.appeals import Decided
from meadow.governance.services import Against
from meadow.kernel import clock, outbox
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.models import AuditEntry, OutboxEvent
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.ledger import services as ledger_services

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def office(db: None) -> Office:
    return open_office()


def sanctioned(office: Office, severity: str = "grave", **more: Any) -> Violation:
    return services.record_violation(
        party=office.creator, kind="fraud", severity=severity, reason="invented orders", by=office.otto, **more
    )


def appeal(office: Office, decision: Decision | int, text: str = "It was my cousin.", **more: Any) -> Appeal:
    pk = decision if isinstance(decision, int) else decision.pk
    return services.open_appeal(decision_id=pk, person_id=office.world.mei.pk, text=text, **more)


def refused(code: str, verb: Any, *args: Any, **facts: Any) -> None:
    with pytest.raises(Refusal, match=code):
        verb(*args, **facts)


def state_of(office: Office) -> dict[str, Any]:
    """Everything that a sanction of the creator and its reversal touch."""
    return office.snapshot() | {
        "points": queries.points_of(*office.creator),
        "limits": [(one.what, one.decision, one.held) for one in queries.limits_on(office.world.mei.pk)],
        "free": ledger.available(f"creator:{office.creator[1]}:available", "CNY"),
        "held": [h.remaining_minor for s in Sanction.objects.all() for h in holds_of(s)],
    }


def holds_of(sanction: Sanction) -> list[Any]:
    return [one for one in ledger.holds_of(("governance.sanction", sanction.pk)) if one.state == "open"]


def earn(office: Office, minor: int) -> None:
    name = f"creator:{office.creator[1]}:available"
    ledger_services.post(
        key=f"earned:{minor}", cause=("test", 1), kind="test",
        transfers=[ledger_services.Transfer("psp:sandbox", name, Money(minor, "CNY"))],
    )  # fmt: skip


def test_g9_5_one_appeal_a_sanction_and_one_more_on_new_evidence(office: Office) -> None:
    violation = sanctioned(office)
    sanction = Sanction.objects.get()
    first = appeal(office, sanction.decision)
    # The sanction, its violation and whatever else followed are one matter.
    assert first.decision_id == violation.decision_id
    assert Sanction.objects.get().state == "appealed"
    refused("appeal_open", appeal, office, violation.decision_id)
    services.decide_appeal(appeal_id=first.pk, reverse=False, reason="The orders shared one device.", by=office.olga)
    assert Sanction.objects.get().state == "upheld"
    refused("evidence_needed", appeal, office, sanction.decision)
    second = appeal(office, sanction.decision, evidence="The device was sold in May, here is the receipt.")
    assert second.round == 2
    karl = people.add_person(email="karl@example.com", name="Karl")
    people.appoint_operator(person_id=karl.pk, by=SYSTEM)
    refused("own_decision", services.decide_appeal, appeal_id=second.pk, reverse=False, reason="x", by=office.olga)
    services.decide_appeal(appeal_id=second.pk, reverse=False, reason="It says June.", by=Actor("person", karl.pk))
    refused("appeal_used", appeal, office, sanction.decision, evidence="More.")


def test_g9_5_two_taps_at_once_make_one_appeal(office: Office) -> None:
    made = sanctioned(office)
    appeal(office, made.decision_id)
    for again in (made.decision_id, Sanction.objects.get().decision_id):
        refused("appeal_open", appeal, office, again)
    assert Appeal.objects.count() == 1
    assert Case.objects.filter(kind="appeal").count() == 1


def test_only_who_it_weighs_on_may_appeal_and_only_for_half_a_year(office: Office) -> None:
    made = sanctioned(office)
    for stranger in (office.world.bo, office.world.ada, office.world.otto):
        refused("not_found", services.open_appeal, decision_id=made.decision_id, person_id=stranger.pk, text="me too")
    refused("malformed", appeal, office, made.decision_id, text="  ")
    upheld = services.uphold_decision(decision_id=made.decision_id, reason="seen", by=office.otto)
    refused("not_appealable", appeal, office, upheld)
    assert appeal(office, made.decision_id).person_id == office.world.mei.pk
    shop = office.suspend(office.shop)
    mine = services.open_appeal(decision_id=shop.decision_id or 0, person_id=office.world.ada.pk, text="Look again.")
    assert (mine.party_kind, mine.party_id) == office.merchant  # the shop's owner answers for the shop
    refused("not_found", services.withdraw_appeal, appeal_id=mine.pk, person_id=office.world.mei.pk)
    late = services.decide(subject=office.post, action="suspend", rule="conduct.fraud", reason="copied", by=office.otto)
    with clock.at(clock.now() + timedelta(days=184)):
        refused("appeal_too_late", appeal, office, late)


def test_g9_5_who_took_part_is_neither_given_it_nor_lets_it_decide(office: Office) -> None:
    made = appeal(office, sanctioned(office).decision_id)
    case = Case.objects.get(kind="appeal")
    assert office.otto.person_id in case.barred
    assert services.next_case(by=office.otto) is None
    refused("own_decision", services.claim_case, case_id=case.pk, by=office.otto)
    for verb, facts in (
        (services.decide_appeal, {"reverse": True, "reason": "x"}),
        (services.pause_appeal, {"cause": "answer", "text": "When?"}),
    ):
        refused("own_decision", verb, appeal_id=made.pk, by=office.otto, **facts)
        refused("forbidden", verb, appeal_id=made.pk, by=Actor("person", office.world.bo.pk), **facts)
    # Nor an operator who is the one concerned.
    people.appoint_operator(person_id=office.world.mei.pk, by=SYSTEM)
    mei = Actor("person", office.world.mei.pk)
    refused("own_decision", services.decide_appeal, appeal_id=made.pk, reverse=True, reason="x", by=mei)
    assert services.next_case(by=office.olga) == case
    refused("stale_state", services.resume_appeal, appeal_id=made.pk, by=office.olga)


@pytest.mark.parametrize("seed", range(4))
def test_g9_5_a_reversed_appeal_restores_points_posts_and_money_exactly(office: Office, seed: int) -> None:
    """Whatever violations came before, between and after: the reversed one leaves nothing of itself."""
    chance = random.Random(seed)
    earn(office, 10_000)
    with clock.at(clock.now()):
        for number in range(chance.randrange(3)):
            services.record_violation(
                party=office.creator, kind="spam", severity="serious", reason=f"number {number}", by=office.otto
            )
        outbox.drain_all()
        before = state_of(office)
        severity = chance.choice(["minor", "serious", "grave", "extreme"])
        made = sanctioned(office, severity, items=[office.post])
        if chance.random() < 0.5:
            outbox.drain_all()
        opened = appeal(office, made.decision_id)
        during = state_of(office)
        assert during["points"] > before["points"]
        services.decide_appeal(appeal_id=opened.pk, reverse=True, reason="It was somebody else.", by=office.olga)
        outbox.drain_all()
        after = state_of(office)
    assert after["points"] == before["points"]
    assert after["free"] == before["free"]
    assert after["held"] == before["held"]
    assert [one[::2] for one in after["limits"]] == [one[::2] for one in before["limits"]]
    assert {k: after[k] for k in office.snapshot()} == {k: before[k] for k in office.snapshot()}
    opened.refresh_from_db()
    assert (opened.state, opened.decided_by_id) == ("reversed", office.olga.person_id)
    assert opened.outcome is not None
    assert opened.outcome.reverses_id == made.decision_id
    refused("decision_reversed", appeal, office, made.decision_id)


def test_g9_5_the_clock_says_when_and_stops_only_for_a_named_reason(office: Office) -> None:
    urgent = appeal(office, sanctioned(office).decision_id)
    assert urgent.due_at - urgent.opened_at == laws.URGENT
    blocked = services.check_link(url="https://elsewhere.example/item", surface="post", subject=office.creator)
    assert blocked.verdict == "block"
    usual = appeal(office, queries.decisions_about(*office.creator, limit=1)[0])
    assert usual.due_at - usual.opened_at == laws.USUAL
    refused("malformed", services.pause_appeal, appeal_id=urgent.pk, cause="holiday", text="away", by=office.olga)
    refused("malformed", services.pause_appeal, appeal_id=urgent.pk, cause="answer", text=" ", by=office.olga)
    pass_time(hours=10)
    left = queries.left_on_clock(queries.appeal(urgent.pk))
    paused = services.pause_appeal(
        appeal_id=urgent.pk, cause="answer", text="Which device did you use in May?", by=office.olga
    )
    assert OutboxEvent.objects.filter(kind="AppealAsked").exists() or paused.state == "paused"
    pass_time(days=5)
    stopped = queries.appeal(urgent.pk)
    assert stopped.state == "paused"
    assert left is not None
    assert abs(left - (queries.left_on_clock(stopped) or timedelta(0))) < timedelta(seconds=5)
    services.add_to_appeal(appeal_id=urgent.pk, person_id=office.world.mei.pk, text="The old one, sold since.")
    going = queries.appeal(urgent.pk)
    assert going.state == "open"
    assert going.due_at - stopped.due_at > timedelta(days=4.9)
    assert [n.kind for n in queries.notes_on(urgent.pk)] == ["paused", "said", "resumed"]
    # A pause ends by itself, and there are three at most.
    for _ in range(2):
        services.pause_appeal(appeal_id=urgent.pk, cause="third_party", text="We asked the bank.", by=office.olga)
        services.add_to_appeal(appeal_id=urgent.pk, person_id=office.world.mei.pk, text="Good.")
        assert queries.appeal(urgent.pk).state == "paused"  # it is not the author that is waited for
        pass_time(days=14.1)
        assert queries.appeal(urgent.pk).state == "open"
    refused("pauses_used", services.pause_appeal, appeal_id=urgent.pk, cause="answer", text="And?", by=office.olga)


def test_g9_5_an_overdue_appeal_is_called_out_and_what_can_be_lifted_is_lifted(office: Office) -> None:
    earn(office, 10_000)
    made = sanctioned(office)
    outbox.drain_all()
    assert ledger.available(f"creator:{office.creator[1]}:available", "CNY") == 0
    opened = appeal(office, made.decision_id)
    pass_time(days=3.1)
    opened.refresh_from_db()
    sanction = Sanction.objects.get()
    assert (opened.state, sanction.state) == ("overdue", "appealed")
    assert opened.overdue_at == opened.due_at
    assert sanction.lifted_at == opened.lifted_at == opened.due_at
    assert queries.limits_on(office.world.mei.pk) == []
    assert ledger.available(f"creator:{office.creator[1]}:available", "CNY") == 10_000
    assert queries.points_of(*office.creator) > 0  # it is lifted, not forgiven
    assert Case.objects.get(kind="appeal").state == "escalated"
    services.decide_appeal(appeal_id=opened.pk, reverse=False, reason="Late, and still so.", by=office.olga)
    assert Sanction.objects.get().state == "upheld"
    assert queries.limits_on(office.world.mei.pk) == []


def test_g2_6_an_appeal_stops_no_safety_action_but_has_a_clock(office: Office) -> None:
    now = clock.now()
    safety = office.suspend(office.shop, ground="fraud", review_by=now + timedelta(days=29))
    opened = services.open_appeal(decision_id=safety.decision_id or 0, person_id=office.world.ada.pk, text="Not us.")
    outbox.drain_all()
    assert office.snapshot()["shop"] == "suspended"
    assert opened.due_at - opened.opened_at == laws.URGENT
    pass_time(days=4)
    opened.refresh_from_db()
    assert (opened.state, opened.lifted_at) == ("overdue", None)
    assert office.snapshot()["shop"] == "suspended"
    assert Case.objects.get(kind="appeal").state == "escalated"
    services.decide_appeal(appeal_id=opened.pk, reverse=True, reason="A namesake.", by=office.olga)
    outbox.drain_all()
    safety.refresh_from_db()
    assert (safety.state, safety.ending) == ("lifted", "reversed")
    assert office.snapshot()["shop"] == "open"


def test_g9_5_an_overdue_appeal_lifts_a_suspension_that_protects_nobody(office: Office) -> None:
    now = clock.now()
    before = office.snapshot()
    made = office.suspend(
        office.shop, ground="policy", rule="conduct.fraud", starts_at=now + timedelta(days=7.5),
        review_by=now + timedelta(days=30),
    )  # fmt: skip
    pass_time(days=8)
    made.refresh_from_db()
    opened = services.open_appeal(decision_id=made.decision_id or 0, person_id=office.world.ada.pk, text="Why?")
    pass_time(days=3.1)
    made.refresh_from_db()
    opened.refresh_from_db()
    assert (made.state, made.ending, opened.state) == ("lifted", "appeal", "overdue")
    assert office.snapshot() == before
    # It can still be found right or wrong afterwards.
    done = services.decide_appeal(appeal_id=opened.pk, reverse=False, reason="It was right.", by=office.olga)
    assert (done.state, office.snapshot()) == ("upheld", before)


def test_withdrawing_leaves_the_decision_and_uses_the_turn(office: Office) -> None:
    made = sanctioned(office)
    opened = appeal(office, made.decision_id)
    services.withdraw_appeal(appeal_id=opened.pk, person_id=office.world.mei.pk)
    assert Sanction.objects.get().state == "upheld"
    assert not Case.objects.filter(kind="appeal").exclude(state="closed").exists()
    refused("evidence_needed", appeal, office, made.decision_id)
    refused("stale_state", services.add_to_appeal, appeal_id=opened.pk, person_id=office.world.mei.pk, text="oh")
    refused("stale_state", services.decide_appeal, appeal_id=opened.pk, reverse=True, reason="x", by=office.olga)


def test_every_state_and_event_of_an_appeal_is_decided() -> None:
    for state in laws.APPEAL.states:
        for event in laws.APPEAL.events:
            allowed = state in laws.APPEAL.sources(event)
            if allowed:
                assert laws.APPEAL.next(state, event) in laws.APPEAL.states
            else:
                with pytest.raises(Refusal, match="stale_state"):
                    laws.APPEAL.next(state, event)


def test_g9_5_the_numbers_are_counted_by_hand() -> None:
    assert laws.median_hours([]) is None
    assert laws.median_hours([3 * HOUR, HOUR, 2 * HOUR]) == 2
    assert laws.median_hours([HOUR, 2 * HOUR, 3 * HOUR, 100 * HOUR]) == 2
    one = Decided("r", "reversed", HOUR, False)
    other = Decided("r", "upheld", HOUR, False)
    assert laws.overturn_bp([]) is None
    assert laws.overturn_bp([one, other, other]) == 3333


def test_g9_5_statistics_are_published_by_rule_and_leave_pauses_out(office: Office) -> None:
    first = sanctioned(office)
    office.suspend(office.product)
    one = appeal(office, first.decision_id)
    pass_time(hours=10)
    services.pause_appeal(appeal_id=one.pk, cause="answer", text="When?", by=office.olga)
    pass_time(hours=100)
    services.add_to_appeal(appeal_id=one.pk, person_id=office.world.mei.pk, text="May.")
    pass_time(hours=10)
    services.decide_appeal(appeal_id=one.pk, reverse=True, reason="So it was.", by=office.olga)
    two = services.open_appeal(
        decision_id=queries.decisions_about(*office.product)[0].pk, person_id=office.world.ada.pk, text="Safe."
    )
    pass_time(hours=50)
    services.decide_appeal(appeal_id=two.pk, reverse=False, reason="Not safe.", by=office.olga)
    late = appeal(office, sanctioned(office).decision_id)
    pass_time(hours=80)
    found = queries.appeal_statistics()
    assert (found.total.appealed, found.total.upheld, found.total.reversed) == (3, 1, 1)
    assert (found.total.pending, found.total.overdue, found.total.overturn_bp) == (1, 1, 5000)
    by_rule = {one.rule_id: one for one in found.rules}
    fraud, safety = by_rule["conduct.fraud"], by_rule["operation.safety"]
    assert (fraud.decisions, fraud.appealed, fraud.reversed, fraud.overturn_bp) == (2, 2, 1, 10_000)
    assert (fraud.median_hours, safety.median_hours) in {(20, 50), (19, 49), (20, 49), (19, 50)}
    assert (safety.upheld, safety.overturn_bp) == (1, 0)
    assert queries.appeal(late.pk).state == "overdue"
    quality = {one.rule_id: one for one in queries.rule_quality()}
    assert (quality["conduct.fraud"].reviewed, quality["conduct.fraud"].overturn_bp) == (1, 10_000)


def test_the_answer_is_in_the_trail_and_told(office: Office) -> None:
    opened = appeal(office, sanctioned(office).decision_id)
    services.decide_appeal(appeal_id=opened.pk, reverse=False, reason="Seen.", reason_zh="已核实。", by=office.olga)
    entry = AuditEntry.objects.get(verb="decide_appeal")
    assert (entry.person_id, entry.before, (entry.after or {})["state"]) == (
        office.olga.person_id, {"state": "open"}, "upheld"
    )  # fmt: skip
    assert OutboxEvent.objects.get(kind="AppealDecided").body["outcome"] == "upheld"
    assert queries.appeal(opened.public_id, person_id=office.world.mei.pk).reason_zh == "已核实。"
    refused("not_found", queries.appeal, opened.public_id, person_id=office.world.bo.pk)
    assert services.erase_appeals(person_id=office.world.mei.pk) == 1
    assert Appeal.objects.get().text == ""


@pytest.mark.django_db(transaction=True)
def test_g9_5_two_reviewers_at_once_give_one_answer() -> None:
    office = open_office()
    karl = people.add_person(email="karl@example.com", name="Karl")
    people.appoint_operator(person_id=karl.pk, by=SYSTEM)
    opened = appeal(office, sanctioned(office).decision_id)
    outbox.drain_all()
    gate = Barrier(2)

    def answer(by: Actor, reverse: bool) -> str:
        gate.wait()
        try:
            return services.decide_appeal(appeal_id=opened.pk, reverse=reverse, reason="seen", by=by).state
        except Refusal as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(answer, office.olga, True), pool.submit(answer, Actor("person", karl.pk), False)]
        codes = sorted(one.result() for one in answers)
    assert "stale_state" in codes
    assert codes[0] in {"reversed", "stale_state"}
    assert (
        Decision.objects.filter(action__in=("uphold", "reverse"), cause=opened.decision).count()
        + (Decision.objects.filter(reverses=opened.decision).count())
        == 1
    )


def operator(name: str) -> Actor:
    made = people.add_person(email=f"{name}@example.com", name=name)
    people.appoint_operator(person_id=made.pk, by=SYSTEM)
    return Actor("person", made.pk)


def shown(office: Office) -> str:
    outbox.drain_all()
    return Recommendation.objects.get(pk=office.world.post.pk).state


def test_g9_5_an_overdue_appeal_shows_what_was_taken_down_and_a_late_no_hides_it_again(office: Office) -> None:
    services.record_violation(
        party=office.creator,
        kind="spam",
        severity="serious",
        reason="Advertising.",
        by=office.otto,
        items=[office.post],
    )
    assert shown(office) != "published"
    limits = queries.limits_on(office.world.mei.pk)
    root = next(one for one in limits if one.what == "links").decision
    opened = services.open_appeal(decision_id=root, person_id=office.world.mei.pk, text="It was no advertising.")
    assert shown(office) != "published"  # an appeal stops nothing by itself
    pass_time(days=3.1)
    assert shown(office) == "published"
    opened.refresh_from_db()
    assert (opened.state, opened.lifted_at is not None) == ("overdue", True)
    assert queries.limits_on(office.world.mei.pk) == []
    # Nothing was found wrong by being late: the rule's quality counts no reversal.
    assert [one.reversed for one in queries.rule_quality()] == [0]
    services.decide_appeal(appeal_id=opened.pk, reverse=False, reason="It is one.", by=office.olga)
    assert shown(office) != "published"
    assert [one.what for one in queries.limits_on(office.world.mei.pk)] == ["taken_down"]
    again = services.open_appeal(
        decision_id=root, person_id=office.world.mei.pk, text="Look again.", evidence="The invoice."
    )
    pass_time(days=3.1)
    assert shown(office) == "published"
    services.decide_appeal(appeal_id=again.pk, reverse=True, reason="It is none.", by=operator("olaf"))
    assert shown(office) == "published"
    assert queries.points_of(*office.creator) == 0


def test_g2_6_what_protects_others_stays_down_however_late_the_answer(office: Office) -> None:
    services.record_violation(
        party=office.creator, kind="goods", severity="minor", reason="A banned thing.", by=office.otto,
        items=[office.post],
    )  # fmt: skip
    taken = next(one for one in queries.limits_on(office.world.mei.pk) if one.what == "taken_down")
    opened = services.open_appeal(decision_id=taken.decision, person_id=office.world.mei.pk, text="It is not banned.")
    pass_time(days=8)
    opened.refresh_from_db()
    assert opened.state == "overdue"
    assert shown(office) != "published"


def test_an_overdue_appeal_shows_nothing_that_another_decision_keeps_away(office: Office) -> None:
    services.record_violation(
        party=office.creator, kind="spam", severity="minor", reason="Advertising.", by=office.otto, items=[office.post]
    )
    made = office.suspend(office.post)
    taken = next(one for one in queries.limits_on(office.world.mei.pk) if one.decision != made.decision.public_id)
    services.open_appeal(decision_id=taken.decision, person_id=office.world.mei.pk, text="No.")
    pass_time(days=8)
    assert shown(office) != "published"
    assert queries.suspension(made.pk).state == "active"


def test_g9_5_what_was_held_and_then_rejected_is_shown_as_one_while_the_answer_is_late(office: Office) -> None:
    services.write_detector(
        detector_id="spam.words", event_type="text", condition="weak_terms > 0", rule="conduct.harassment",
        action="hold", reason_en="It may be spam.", reason_zh="疑似垃圾内容。", by=SYSTEM,
    )  # fmt: skip
    for step in ("shadow", "live"):
        services.move_detector(detector_id="spam.words", version=1, to=step, by=SYSTEM)
    services.judge("text", {"weak_terms": 1, "surface": "recommendation"}, office.post, office.creator, text="Buy!")
    case = services.next_case(by=office.otto)
    assert case is not None
    services.reject_case(case_id=case.pk, by=office.otto, against=Against("Spam.", rule="conduct.harassment"))
    assert shown(office) != "published"
    root = queries.limits_on(office.world.mei.pk)[0].decision
    services.open_appeal(decision_id=root, person_id=office.world.mei.pk, text="It is a reason.")
    pass_time(days=8)
    assert shown(office) == "published"
    services.decide_appeal(appeal_id=Appeal.objects.get().pk, reverse=False, reason="It is spam.", by=office.olga)
    assert shown(office) != "published"
