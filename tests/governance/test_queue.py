"""The operators' queue: nobody holds what another holds, every act can be taken back once, nothing private is read."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from tests.governance.office import Office, open_office

from meadow.governance import queries, services
from meadow.governance.models import Case, CaseAct, Decision, Report, Violation
from meadow.governance.rules import cases as laws
from meadow.governance.services import Against
from meadow.kernel import clock, outbox
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.models import AuditEntry

pytestmark = pytest.mark.django_db
WRONG = Against("It sells what it must not.")


@pytest.fixture
def office(db: None) -> Office:
    return open_office()


def held_post(office: Office, action: str = "hold") -> Decision:
    """A live rule holds Mei's post; the case is in the queue."""
    services.write_detector(
        detector_id="goods.knives", event_type="text", condition="weak_terms > 0", rule="goods.prohibited",
        action=action, reason_en="It may be forbidden.", reason_zh="可能属于违禁商品。", by=SYSTEM,
    )  # fmt: skip
    for step in ("shadow", "live"):
        services.move_detector(detector_id="goods.knives", version=1, to=step, by=SYSTEM)
    verdict = services.judge(
        "text", {"weak_terms": 1, "surface": "recommendation"}, office.post, office.creator, text="A very sharp one."
    )
    assert verdict.outcome == action
    return queries.decision(verdict.decision_id or "")


def reported(office: Office, by: Any = None) -> Report:
    return services.report(
        subject=office.post, rule_id="conduct.fraud", person_id=(by or office.world.bo).pk, text="They pay for this."
    )


def take(office: Office, by: Actor | None = None) -> Case:
    case = services.next_case(by=by or office.otto)
    assert case is not None
    return case


def refused(code: str, verb: Any, **facts: Any) -> None:
    with pytest.raises(Refusal, match=code):
        verb(**facts)


def cases(office: Office, number: int) -> None:
    for n in range(1, number + 1):
        services.file_case(
            kind="review", key=f"x:{n}", subject=("catalog.product", n), rule_id="goods.prohibited", weight=n
        )


def test_two_operators_get_two_cases_and_the_same_one_again(office: Office) -> None:
    cases(office, 3)
    mine, theirs = take(office), take(office, office.olga)
    assert (mine.weight, theirs.weight) == (3, 2)
    assert take(office) == mine  # asking again burns nothing
    refused("case_held", services.claim_case, case_id=mine.pk, by=office.olga)
    refused("case_not_yours", services.approve_case, case_id=mine.pk, by=office.olga)
    services.release_case(case_id=mine.pk, by=office.olga)  # not hers to give back
    refused("case_held", services.claim_case, case_id=mine.pk, by=office.olga)
    services.release_case(case_id=mine.pk, by=office.otto)
    assert services.claim_case(case_id=mine.pk, by=office.olga).held_by_id == office.olga.person_id
    for verb in (services.next_case, queries.waiting_cases):
        if verb is services.next_case:
            refused("forbidden", verb, by=Actor("person", office.world.bo.pk))
            refused("forbidden", verb, by=SYSTEM)


def test_a_lease_runs_out_by_machine_time_and_not_by_the_clock_of_the_house(office: Office) -> None:
    cases(office, 1)
    mine = take(office)
    with clock.at(clock.now() + timedelta(days=3)):
        assert services.next_case(by=office.olga) is None
    Case.objects.filter(pk=mine.pk).update(held_until=clock.machine_now() - timedelta(seconds=1))
    refused("case_not_yours", services.approve_case, case_id=mine.pk, by=office.otto)
    assert take(office, office.olga) == mine
    refused("case_not_yours", services.approve_case, case_id=mine.pk, by=office.otto)


@pytest.mark.django_db(transaction=True)
def test_at_once_no_two_people_are_ever_given_one_case() -> None:
    office = open_office()
    cases(office, 12)
    gate = Barrier(4)

    def work(by: Actor) -> list[int]:
        gate.wait()
        done = []
        try:
            for _ in range(4):
                case = services.next_case(by=by)
                if case is None:
                    break
                try:
                    services.approve_case(case_id=case.pk, by=by)
                except Refusal as refusal:
                    if refusal.code != "case_not_yours":  # the same person was faster in the other window
                        raise
                else:
                    done.append(case.pk)
        finally:
            connection.close()
        return done

    with ThreadPoolExecutor(4) as pool:
        # Each of the two works in two windows at once: the same person may meet themselves, another never.
        found = list(pool.map(work, [office.otto, office.olga, office.otto, office.olga]))
    otto, olga = set(found[0]) | set(found[2]), set(found[1]) | set(found[3])
    assert not otto & olga
    by = {act.case_id: act.person_id for act in CaseAct.objects.all()}
    assert len(by) == CaseAct.objects.count()  # nobody decided what was decided


def test_what_a_rule_held_is_shown_again_when_it_is_approved(office: Office) -> None:
    made = held_post(office)
    assert [one.what for one in queries.limits_on(office.world.mei.pk)] == ["hidden"]
    case = take(office)
    page = queries.case_page(case.pk)
    assert page.decision == made
    assert (page.events[0].text, page.parties) == ("A very sharp one.", (office.creator,))
    act = services.approve_case(case_id=case.pk, by=office.otto, note="A bread knife.")
    assert Decision.objects.get(reverses=made).decided_by_id == office.otto.person_id
    assert queries.limits_on(office.world.mei.pk) == []
    assert services.next_case(by=office.otto) is None
    # Undone: it waits again, in the same hands.
    back = services.undo_act(act_id=act.pk, by=office.otto)
    assert (back.state, back.held_by_id) == ("open", office.otto.person_id)
    assert [one.what for one in queries.limits_on(office.world.mei.pk)] == ["hidden"]
    assert queries.case_page(back.pk).decision != made
    services.approve_case(case_id=back.pk, by=office.otto)
    assert queries.limits_on(office.world.mei.pk) == []


def test_rejecting_takes_it_down_in_the_name_of_the_rule_and_undo_brings_it_back(office: Office) -> None:
    made = held_post(office)
    outbox.drain_all()
    before = office.snapshot()  # held: nobody sees it until somebody has looked
    case = take(office)
    refused("malformed", services.reject_case, case_id=case.pk, by=office.otto, against=Against("  "))
    act = services.reject_case(case_id=case.pk, by=office.otto, against=WRONG)
    outbox.drain_all()
    taken = Decision.objects.get(action="suspend")
    assert (taken.rule_id, taken.cause, taken.party_id) == ("goods.prohibited", made, office.creator[1])
    assert office.snapshot()["posts"][office.world.post.pk] == "taken_down"
    services.undo_act(act_id=act.pk, by=office.otto)
    outbox.drain_all()
    assert office.snapshot() == before


def test_rejecting_as_a_violation_costs_points_and_undo_gives_them_back(office: Office) -> None:
    before = office.snapshot()
    reported(office)
    case = take(office)
    act = services.reject_case(
        case_id=case.pk, by=office.otto, against=Against("Invented orders.", violation="fraud", severity="grave")
    )
    outbox.drain_all()
    violation = Violation.objects.get()
    assert (violation.party_id, violation.severity) == (office.creator[1], "grave")
    assert office.snapshot()["posts"][office.world.post.pk] == "taken_down"
    assert Report.objects.get().outcome == "upheld"
    services.undo_act(act_id=act.pk, by=office.otto)
    outbox.drain_all()
    assert Report.objects.get().outcome == ""
    assert queries.points_of(*office.creator) == 0
    assert office.snapshot() == before


def test_dismissed_reports_are_counted_and_change_nothing(office: Office) -> None:
    before = office.snapshot()
    reported(office)
    services.approve_case(case_id=take(office).pk, by=office.otto)
    assert queries.report_record(office.world.bo.pk)["dismissed"] == 1
    assert office.snapshot() == before
    assert not Decision.objects.filter(subject_kind="content.recommendation").exists()


def test_an_account_is_never_stopped_from_the_queue_without_points_or_a_date(office: Office) -> None:
    services.report(subject=office.creator, rule_id="conduct.fraud", person_id=office.world.bo.pk)
    case = take(office)
    refused("malformed", services.reject_case, case_id=case.pk, by=office.otto, against=WRONG)
    services.reject_case(
        case_id=case.pk, by=office.otto, against=Against("Invented orders.", violation="fraud", severity="serious")
    )
    assert queries.points_of(*office.creator) > 0


def test_escalating_hands_it_to_somebody_else_first_in_line(office: Office) -> None:
    cases(office, 2)
    case = take(office)
    act = services.escalate_case(case_id=case.pk, by=office.otto, note="I know the shop.")
    assert Case.objects.get(pk=case.pk).state == "escalated"
    assert take(office) != case
    assert [one.pk for one in queries.waiting_cases(for_person=office.olga.person_id or 0)][0] == case.pk
    assert case not in queries.waiting_cases(for_person=office.otto.person_id or 0)
    back = services.undo_act(act_id=act.pk, by=office.otto)
    assert (back.state, back.barred, back.held_by_id) == ("open", [], office.otto.person_id)
    services.escalate_case(case_id=services.claim_case(case_id=case.pk, by=office.otto).pk, by=office.otto, note="Do.")
    act = CaseAct.objects.latest("pk")
    assert take(office, office.olga) == case
    refused("cannot_undo", services.undo_act, act_id=act.pk, by=office.otto)  # it is in her hands
    services.approve_case(case_id=case.pk, by=office.olga)
    refused("cannot_undo", services.undo_act, act_id=act.pk, by=office.otto)


def test_undo_is_ones_own_the_latest_and_for_a_day(office: Office) -> None:
    cases(office, 1)
    act = services.approve_case(case_id=take(office).pk, by=office.otto)
    refused("not_found", services.undo_act, act_id=act.pk, by=office.olga)
    with clock.at(clock.now() + timedelta(days=1, seconds=1)):
        refused("cannot_undo", services.undo_act, act_id=act.pk, by=office.otto)
    services.undo_act(act_id=act.pk, by=office.otto)
    refused("cannot_undo", services.undo_act, act_id=act.pk, by=office.otto)
    # The same came in anew meanwhile: the old case cannot be open beside it.
    again = services.claim_case(case_id=act.case_id, by=office.otto)
    act = services.approve_case(case_id=again.pk, by=office.otto)
    cases(office, 1)
    refused("stale_state", services.undo_act, act_id=act.pk, by=office.otto)
    assert CaseAct.objects.get(pk=act.pk).undone_at is None


@pytest.mark.django_db(transaction=True)
def test_undoing_twice_at_once_counts_once() -> None:
    office = open_office()
    held_post(office)
    act = services.approve_case(case_id=take(office).pk, by=office.otto)
    outbox.drain_all()
    gate = Barrier(2)

    def undo(_: int) -> str:
        gate.wait()
        try:
            services.undo_act(act_id=act.pk, by=office.otto)
            return "done"
        except Refusal as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(undo, range(2))) == ["cannot_undo", "done"]
    assert Decision.objects.filter(action="hold").count() == 2


def test_appeals_and_suspensions_are_answered_from_the_queue_too(office: Office) -> None:
    made = office.suspend(office.shop)
    services.open_appeal(decision_id=made.decision_id or 0, person_id=office.world.ada.pk, text="Not us.")
    assert services.next_case(by=office.otto) is None
    act = services.approve_case(case_id=take(office, office.olga).pk, by=office.olga, note="A namesake.")
    outbox.drain_all()
    assert office.snapshot()["shop"] == "open"
    refused("cannot_undo", services.undo_act, act_id=act.pk, by=office.olga)
    again = office.suspend(office.shop, at_review="escalate")
    with clock.at(again.review_by):
        services.pass_due(suspension=again)
        case = take(office)
        services.reject_case(case_id=case.pk, by=office.otto, against=Against("The leak is open still."))
        again.refresh_from_db()
        assert (again.state, again.review_by - clock.now()) == ("active", timedelta(days=30))
    assert Case.objects.get(pk=case.pk).state == "closed"


def test_views_of_the_queue_are_kept(office: Office) -> None:
    cases(office, 3)
    reported(office)
    me = office.otto.person_id or 0
    services.save_filter(name="heavy", query={"kinds": ["review"], "least_weight": 2}, by=office.otto)
    services.save_filter(name="heavy", query={"kinds": ["review"], "least_weight": "3"}, by=office.otto)
    kept = queries.filters_of(me)
    assert [(one.name, one.query["least_weight"]) for one in kept] == [("heavy", 3)]
    wanted = queries.filter_of(kept[0].query)
    assert [one.weight for one in queries.waiting_cases(wanted, for_person=me)] == [3]
    assert services.next_case(by=office.otto, wanted=wanted) == Case.objects.get(weight=3)
    by_rule = queries.filter_of({"rule": "conduct.fraud", "subject_kind": "content.recommendation"})
    assert [one.kind for one in queries.waiting_cases(by_rule, for_person=me)] == ["report"]
    assert queries.waiting_cases(queries.filter_of({"escalated": True}), for_person=me) == []
    assert queries.filters_of(office.olga.person_id or 0) == []
    for wrong in ({"kinds": ["x"]}, {"least_weight": "x"}, {"least_weight": -1}, {"colour": 1}, {"rule": "r" * 99}):
        refused("malformed", services.save_filter, name="x", query=wrong, by=office.otto)
    services.drop_filter(name="heavy", by=office.otto)
    refused("not_found", services.drop_filter, name="heavy", by=office.otto)
    counts = queries.queue_counts()
    assert (counts["waiting"], counts["held"], counts["kinds"]) == (4, 1, {"report": 1, "review": 3})
    for number in range(laws.MOST_FILTERS):
        services.save_filter(name=f"view {number}", query={}, by=office.otto)
    refused("filters_full", services.save_filter, name="one more", query={}, by=office.otto)


def test_b6_3_private_messages_are_read_by_a_report_only_and_never_unlogged(office: Office) -> None:
    message = ("messaging.testmessage", 77)
    asked: list[tuple[int, int]] = []

    def read(message_id: int, reporter: int) -> list[dict[str, Any]]:
        asked.append((message_id, reporter))
        return [{"from": "Mei", "text": "pay me on the side"}] if reporter == office.world.bo.pk else []

    services.register_private(message[0], read)
    verdict = services.judge("message", {"surface": "chat", "phones": 1}, message, office.creator, text="call 138…")
    case = services.file_case(
        kind="review", key="m:77", subject=message, rule_id="conduct.diversion",
        members=[(office.creator, verdict.occurrence_id)],
    )  # fmt: skip
    services.claim_case(case_id=case.pk, by=office.otto)
    shown = queries.case_page(case.pk).events[0]
    assert (shown.text, shown.is_private) == ("", True)
    why = {"by": office.otto, "why": "to judge the report"}
    refused("report_needed", services.open_private, report_id="rpt_" + "0" * 20, **why)
    refused("report_needed", services.open_private, report_id=case.public_id, **why)
    about = {"subject": message, "rule_id": "conduct.diversion"}
    foreign = services.report(**about, person_id=office.world.ada.pk)
    refused("case_not_yours", services.open_private, report_id=foreign.public_id, **why)
    services.claim_case(case_id=foreign.case_id, by=office.otto)
    # A report by somebody who is none of the two opens nothing.
    refused("report_needed", services.open_private, report_id=foreign.public_id, **why)
    assert not AuditEntry.objects.filter(verb="open_private").exists()
    own = services.report(**about, person_id=office.world.bo.pk)
    refused("malformed", services.open_private, report_id=own.public_id, by=office.otto, why=" ")
    refused("case_not_yours", services.open_private, report_id=own.public_id, by=office.olga, why="curious")
    for stranger in (Actor("person", office.world.ada.pk), SYSTEM):
        refused("forbidden", services.open_private, report_id=own.public_id, by=stranger, why="curious")
    opened = services.open_private(report_id=own.public_id, **why)
    assert opened.lines == [{"from": "Mei", "text": "pay me on the side"}]
    log = queries.private_openings(message)
    assert [(one["person_id"], one["report"], one["why"]) for one in log] == [
        (office.otto.person_id, own.public_id, "to judge the report")
    ]
    # What is public is no private thing, report or not.
    post = reported(office)
    services.claim_case(case_id=post.case_id, by=office.otto)
    refused("report_needed", services.open_private, report_id=post.public_id, **why)
    assert asked == [(77, office.world.ada.pk), (77, office.world.bo.pk)]


def test_quality_says_how_often_a_rule_erred(office: Office) -> None:
    held_post(office)
    services.approve_case(case_id=take(office).pk, by=office.otto)
    found = {one.rule_id: one for one in queries.rule_quality()}
    assert (found["goods.prohibited"].decisions, found["goods.prohibited"].overturn_bp) == (1, 10_000)
    # That a suspension ended says nothing about whether it was right.
    made = office.suspend(office.shop)
    services.lift_suspension(suspension_id=made.pk, reason="over", by=office.olga)
    assert {one.rule_id: one.reviewed for one in queries.rule_quality()}["operation.safety"] == 0
