"""Cases: the same content from a cluster is one case, reports merge, and numbers of reports punish nobody."""

from datetime import timedelta

import pytest

from meadow.accounts import services as people
from meadow.governance import queries, services
from meadow.governance.models import Case, Decision, Report
from meadow.governance.services import Happening
from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal

pytestmark = pytest.mark.django_db
POST = ("content.recommendation", 42)


def _post(account: int, content: str = "buy at my place", cluster: str = "10.1.2.0/24") -> Happening:
    return Happening(
        "text", {"length": len(content)}, ("content.comment", account + 1), ("accounts.person", account + 1),
        content=content, cluster=cluster,
    )  # fmt: skip


def test_g3_2_the_same_content_from_a_cluster_is_one_case_with_all_accounts_listed() -> None:
    services.judge_batch([_post(n) for n in range(4)])
    services.judge_batch([_post(n, cluster="other network") for n in range(4, 8)])
    services.judge_batch([_post(n, content=f"text {n}") for n in range(8, 20)])
    services.judge_batch([_post(3), _post(3)])  # the same account again adds nobody
    assert Case.objects.count() == 0
    services.judge_batch([_post(n) for n in range(30, 34)])
    case = Case.objects.get()
    assert (case.kind, case.rule_id, case.weight) == ("same_content", "conduct.evasion", 8)
    wanted = [("accounts.person", n + 1) for n in (0, 1, 2, 3, 30, 31, 32, 33)]
    assert queries.accounts_in(case.pk) == wanted
    assert queries.open_cases() == [case]
    assert Decision.objects.count() == 0  # somebody looks first
    services.close_case(case_id=case.pk)
    assert queries.open_cases() == []
    with clock.at(clock.now() + timedelta(hours=25)):
        services.judge_batch([_post(n) for n in range(4)])
        assert queries.open_cases() == []  # yesterday's posts do not count again
    with pytest.raises(Refusal, match="stale_state"):
        services.close_case(case_id=case.pk)


def test_g3_6_a_hundred_false_reports_from_one_cluster_do_nothing_by_themselves() -> None:
    services.publish_rules()
    before = queries.limits_on(1)
    for number in range(100):
        reporter = people.add_person(email=f"r{number}@example.com").pk
        services.report(subject=POST, rule_id="conduct.fraud", person_id=reporter, text="fraud!", cluster="farm 7")
    case = Case.objects.get()
    assert (case.weight, len(queries.reports_in(case.pk))) == (1, 100)
    assert Decision.objects.count() == 0
    assert not queries.is_suspended(*POST)
    assert queries.limits_on(1) == before == []
    # Three independent people weigh more than a farm.
    other = ("content.recommendation", 43)
    for number in range(3):
        services.report(
            subject=other, rule_id="conduct.fraud", person_id=people.add_person(email=f"i{number}@example.com").pk
        )
    assert [(c.subject_id, c.weight) for c in queries.open_cases()] == [(43, 3), (42, 1)]


def test_g8_5_duplicate_reports_merge_into_one_case() -> None:
    services.publish_rules()
    bo, eve = (people.add_person(email=f"{name}@example.com").pk for name in ("bo", "eve"))
    first = services.report(subject=POST, rule_id="conduct.fraud", person_id=bo, text="look")
    assert services.report(subject=POST, rule_id="goods.prohibited", person_id=bo, text="again") == first
    second = services.report(subject=POST, rule_id="goods.prohibited", person_id=eve)
    assert (first.case_id, Report.objects.count()) == (second.case_id, 2)
    assert queries.report_of(first.public_id).text == "look"
    services.close_case(case_id=first.case_id)
    third = services.report(subject=POST, rule_id="conduct.fraud", person_id=bo)
    assert third.case_id != first.case_id
    with pytest.raises(Refusal, match="rule_unknown"):
        services.report(subject=POST, rule_id="none.such", person_id=bo)
    with pytest.raises(Refusal, match="malformed"):
        services.report(subject=("bad", 1), rule_id="conduct.fraud", person_id=bo)
    assert services.erase_reports(person_id=bo) == 1
    assert queries.report_of(first.public_id).text == ""


def test_who_is_always_wrong_weighs_nothing_and_nobody_reports_without_end() -> None:
    services.publish_rules()
    eve, bo = (people.add_person(email=f"{name}@example.com").pk for name in ("eve", "bo"))
    for number in range(1, 6):
        made = services.report(subject=("content.comment", number), rule_id="conduct.fraud", person_id=eve)
        assert services.resolve_reports(case_id=made.case_id, upheld=False) == 1
    assert queries.report_record(eve) == {"reports": 5, "upheld": 0, "dismissed": 5}
    services.report(subject=POST, rule_id="conduct.fraud", person_id=eve)
    case_id = services.report(subject=POST, rule_id="conduct.fraud", person_id=bo).case_id
    assert queries.independent_reports(case_id) == 1
    for number in range(100, 144):
        services.report(subject=("content.comment", number), rule_id="conduct.fraud", person_id=eve)
    with pytest.raises(Refusal, match="rate_limited"):
        services.report(subject=("content.comment", 200), rule_id="conduct.fraud", person_id=eve)


def test_what_is_held_for_a_look_is_a_case_and_its_author_sees_it() -> None:
    mei = people.add_person(email="mei@example.com").pk
    services.write_detector(
        detector_id="goods.weak", event_type="text", condition="weak_terms > 0", rule="goods.prohibited",
        action="review", reason_en="It may name goods that are not sold here.", reason_zh="可能涉及禁售商品。", by=SYSTEM,
    )  # fmt: skip
    for step in ("shadow", "live"):
        services.move_detector(detector_id="goods.weak", version=1, to=step, by=SYSTEM)
    verdict = services.judge("text", {"weak_terms": 1}, POST, ("accounts.person", mei))
    assert (verdict.is_hidden, verdict.is_allowed) == (True, False)
    case = Case.objects.get()
    assert (case.kind, case.subject_kind, case.subject_id) == ("review", *POST)
    assert queries.accounts_in(case.pk) == [("accounts.person", mei)]
    (limit,) = queries.limits_on(mei)
    assert (limit.what, limit.subject, limit.rule_id) == ("hidden", POST, "goods.prohibited")
    services.reverse_decision(decision_id=queries.decision(str(verdict.decision_id)).pk, reason="a toy", by=SYSTEM)
    assert queries.limits_on(mei) == []


def test_g9_1_a_case_cites_a_rule_that_people_can_read_or_none() -> None:
    with pytest.raises(Refusal) as refused:
        services.file_case(kind="tracking", key="x", subject=POST, rule_id="orders.no_such_rule")
    assert refused.value.code == "rule_unknown"
    assert Case.objects.count() == 0
    services.publish_rules()
    case = services.file_case(kind="tracking", key="x", subject=POST, rule_id="orders.tracking")
    assert queries.rule_in_force(case.rule_id) is not None
