"""Detectors from draft to live and back, judging, backtest and replay: one function, one answer."""

import random
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection

from meadow.accounts import services as people
from meadow.governance import queries, services
from meadow.governance.models import Decision, Detector, DetectorChange, Occurrence, OccurrenceText
from meadow.governance.rules.detectors import Ruleset, Running, bucket, is_overturned, outcome_of
from meadow.governance.services import Happening
from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

pytestmark = pytest.mark.django_db
MEI = ("accounts.creator", 7)
POST = ("content.recommendation", 42)


def _write(detector_id: str = "diversion.phones", condition: str = "phones > 0", **more: Any) -> Detector:
    facts: dict[str, Any] = {
        "event_type": "text", "rule": "conduct.diversion", "action": "block", "reason_en": "No telephone numbers.",
        "reason_zh": "请勿发布电话号码。", "by": SYSTEM,
    }  # fmt: skip
    return services.write_detector(detector_id=detector_id, condition=condition, **(facts | more))


def _move(detector_id: str, *steps: str, version: int = 1, percent: int = 0) -> Detector:
    for step in steps:
        made = services.move_detector(
            detector_id=detector_id, version=version, to=step, percent=percent if step == "partial" else 0, by=SYSTEM
        )
    return made


def _live(detector_id: str = "diversion.phones", condition: str = "phones > 0", **more: Any) -> Detector:
    _write(detector_id, condition, **more)
    return _move(detector_id, "shadow", "live")


def test_a_condition_is_validated_with_the_column_of_its_fault_in_both_languages() -> None:
    assert services.validate(event_type="text", condition="links > 3 and actor_age_days < 7").is_good
    for condition, code, column in (
        ("links >", "not_an_expression", 8), ("links > 3 and nothing", "unknown_feature", 15),
        ("links > 'a'", "wrong_kind", 9), ("link_hosts == 3", "wrong_kind", 1),
    ):  # fmt: skip
        found = services.validate(event_type="text", condition=condition)
        assert (found.is_good, found.code, found.column) == (False, code, column), condition
        assert found.why
        assert "（" in found.why_zh
    with pytest.raises(Refusal, match="malformed"):
        services.validate(event_type="nothing", condition="links > 3")
    with pytest.raises(Refusal) as refused:
        _write(condition="links > 'a'")
    assert refused.value.code == "detector_faulty"
    assert "9" in refused.value.text("zh")


def test_a_detector_goes_from_draft_over_shadow_and_percentage_to_live_and_back_each_step_logged() -> None:
    _write()
    with pytest.raises(Refusal, match="stale_state"):
        _move("diversion.phones", "live")  # nothing goes live that was not in shadow
    stamp = queries.current_stamp()
    _move("diversion.phones", "shadow", "partial", "live", percent=10)
    assert queries.current_stamp() > stamp
    _write(condition="phones > 1")
    _move("diversion.phones", "shadow", "partial", version=2, percent=50)
    assert queries.detector("diversion.phones", 1).state == "live"  # answers for those outside of the percentage
    _move("diversion.phones", "live", version=2)
    assert queries.detector("diversion.phones", 1).state == "retired"
    _move("diversion.phones", "retired", version=2)
    _move("diversion.phones", "shadow", version=1)
    log = [
        (c.detector.version, c.from_state, c.to_state, c.percent) for c in queries.detector_changes("diversion.phones")
    ]
    assert log == [
        (1, "retired", "shadow", 0), (2, "live", "retired", 0), (2, "partial", "live", 0), (1, "live", "retired", 0),
        (2, "shadow", "partial", 50), (2, "draft", "shadow", 0), (2, "", "draft", 0),
        (1, "partial", "live", 0), (1, "shadow", "partial", 10), (1, "draft", "shadow", 0), (1, "", "draft", 0),
    ]  # fmt: skip
    assert [(d.version, d.condition) for d in queries.detectors()] == [(2, "phones > 1"), (1, "phones > 0")]


def test_a_version_keeps_its_text_and_the_log_of_changes_is_append_only() -> None:
    _live()
    for sql in (
        "UPDATE governance_detector SET condition = 'links > 0'",
        "DELETE FROM governance_detector",
        "UPDATE governance_detectorchange SET note = 'x'",
        "DELETE FROM governance_occurrence",
    ):
        services.judge("text", {"phones": 1}, POST, MEI)
        with pytest.raises(DatabaseError, match="append-only"), atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_only_operators_write_and_move_detectors() -> None:
    _write()
    stranger = Actor("person", people.add_person(email="mei@example.com").pk)
    with pytest.raises(Refusal, match="forbidden"):
        _write(by=stranger)
    with pytest.raises(Refusal, match="forbidden"):
        services.move_detector(detector_id="diversion.phones", version=1, to="shadow", by=stranger)


@pytest.mark.parametrize(
    "more",
    [
        {"detector_id": "Bad Name"}, {"action": "explode"}, {"layer": "none"}, {"violation": "fraud"},
        {"violation": "none", "severity": "minor"}, {"reason_zh": " "}, {"event_type": "none"},
        {"examples": [({"phones": "many"}, True)]},
    ],
)  # fmt: skip
def test_a_detector_that_makes_no_sense_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="malformed"):
        _write(**more)


def test_a_rules_examples_are_run_when_it_is_saved() -> None:
    made = _write(examples=[({"phones": 2}, True), ({"phones": 0}, False), ({}, False)])
    assert len(made.examples) == 3
    with pytest.raises(Refusal) as refused:
        _write(examples=[({"phones": 2}, True), ({"phones": 3}, False)])
    assert refused.value.params["number"] == 2


def test_g9_1_an_automatic_decision_cites_detector_rule_and_version_and_lists_all_that_fired() -> None:
    _live()
    _live("link.many", "links > 3", action="review", rule="link.partners", layer="link")
    _write("shadow.all", "length >= 0", action="block")
    _move("shadow.all", "shadow")
    verdict = services.judge("text", {"phones": 1, "links": 4, "length": 80}, POST, MEI, text="call 139 0000 0000")
    assert (verdict.outcome, verdict.rule, verdict.reason_in("zh-hans")) == (
        "block", "conduct.diversion v1", "请勿发布电话号码。",
    )  # fmt: skip
    made = queries.decision(str(verdict.decision_id))
    assert (made.action, made.rule_id, made.rule_version, made.detector.detector_id) == (
        "block", "conduct.diversion", 1, "diversion.phones",
    )  # fmt: skip
    assert (made.party_kind, made.party_id, made.layer) == (*MEI, "rule")
    assert [(f["detector"], f["version"], f["state"], f["enforced"], f["layer"]) for f in made.fired] == [
        ("diversion.phones", 1, "live", True, "rule"), ("link.many", 1, "live", True, "link"),
        ("shadow.all", 1, "shadow", False, "rule"),
    ]  # fmt: skip
    logged = Occurrence.objects.get(pk=verdict.occurrence_id)
    assert logged.features == '{"length":80,"links":4,"phones":1}'
    assert len(logged.fired) == 3
    assert logged.words.text == "call 139 0000 0000"
    # Shadow alone decides nothing, and an event that nothing meets leaves no decision.
    calm = services.judge("text", {"length": 3}, POST, MEI)
    assert (calm.outcome, calm.decision_id, len(calm.fired)) == ("allow", None, 1)


def test_unknown_features_count_as_missing_and_wrong_ones_are_a_defect() -> None:
    _live(condition="phones > 0 or links > 5")
    assert services.judge("text", {}, POST).outcome == "allow"
    assert services.judge("text", {"links": 6}, POST).outcome == "block"
    assert services.judge("text", {"phones": None, "links": 2}, POST).outcome == "allow"
    for features in ({"nothing": 1}, {"phones": "many"}, {"phones": True}, {"link_hosts": "a"}, {"phones": 2**60}):
        with pytest.raises(Refusal, match="malformed"):
            services.judge("text", features, POST)
    with pytest.raises(Refusal, match="malformed"):
        services.judge("nothing", {}, POST)
    assert Occurrence.objects.count() == 3


def test_a_change_counts_at_once_and_a_rolled_back_one_never() -> None:
    assert services.judge("text", {"phones": 1}, POST).outcome == "allow"
    _live()
    assert services.judge("text", {"phones": 1}, POST).outcome == "block"

    def fail_midway() -> None:
        with atomic():
            _move("diversion.phones", "shadow")
            # Compiled in here, at a stamp that is never given again.
            assert services.weigh("text", {"phones": 1}, POST).outcome == "allow"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_midway()
    assert services.judge("text", {"phones": 1}, POST).outcome == "block"
    # A set is compiled once per process and stamp.
    first = queries.current_ruleset("text")
    assert queries.current_ruleset("text") is first
    sys.modules["meadow.governance.queries.detectors"]._compiled.clear()  # as in another process
    other = queries.current_ruleset("text")
    assert (other.stamp, other.detectors) == (first.stamp, first.detectors)


def test_a_percentage_is_a_stable_part_of_the_subjects_and_grows_without_losing_any() -> None:
    subjects = [("accounts.creator", n) for n in range(1, 2001)]
    low = {s for s in subjects if bucket("diversion.phones", s) < 10}
    high = {s for s in subjects if bucket("diversion.phones", s) < 50}
    assert low < high
    assert 140 < len(low) < 260
    assert 900 < len(high) < 1100
    assert low != {s for s in subjects if bucket("link.many", s) < 10}
    _write()
    _move("diversion.phones", "shadow", "partial", percent=10)
    for subject in subjects[:60]:
        assert services.judge("text", {"phones": 1}, subject).outcome == ("block" if subject in low else "allow")


def test_within_the_percentage_the_new_version_answers_and_the_old_one_outside() -> None:
    old = Running(1, "a.b", 1, "phones > 0", "r", "block", "rule", "live")
    new = Running(2, "a.b", 2, "phones > 1", "r", "review", "rule", "partial", 50)
    ruleset = Ruleset(1, "text", (old, new))
    for number in range(200):
        subject = ("accounts.creator", number)
        is_inside = bucket("a.b", subject) < 50
        one = ruleset.program.decide(ruleset.program.row({"phones": 1}))
        two = ruleset.program.decide(ruleset.program.row({"phones": 2}))
        assert outcome_of(ruleset, one, subject)[0] == ("allow" if is_inside else "block")
        assert outcome_of(ruleset, two, subject)[0] == ("review" if is_inside else "block")


CONDITIONS = [
    "phones > 0", "links > 3 and actor_age_days < 7", "any_of(terms, {'wx', 'qr'})", "strong_terms > 0 or weak_terms > 4",
    "surface == 'comment' and not is_automation", "length < 5 and repeats_day >= 3", "contains(text, 'zhuan')",
    "actor_events_hour > 20", "surface in {'ad', 'listing'} and weak_terms > 1", "bank_cards + payment_codes > 0",
]  # fmt: skip


def _random_features(r: random.Random) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "phones": r.choice([0, 0, 0, 1]), "links": r.randrange(6), "actor_age_days": r.randrange(30),
        "terms": r.sample(["wx", "qr", "hb", "tb"], r.randrange(3)), "strong_terms": r.choice([0, 0, 1]),
        "weak_terms": r.randrange(6), "surface": r.choice(["comment", "ad", "listing", "recommendation"]),
        "is_automation": r.random() < 0.1, "length": r.randrange(300), "repeats_day": r.randrange(5),
        "text": r.choice(["hello", "zhuan zhang", "ok"]), "actor_events_hour": r.randrange(25),
        "bank_cards": r.choice([0, 0, 1]), "payment_codes": 0,
    }  # fmt: skip
    return {name: value for name, value in whole.items() if r.random() > 0.15}


def test_live_shadow_backtest_and_replay_agree_on_every_event_while_rules_come_and_go() -> None:
    r = random.Random(20130801)
    for number, condition in enumerate(CONDITIONS):
        _write(f"try.r{number}", condition, action=r.choice(["warn", "review", "block", "note"]))
        _move(f"try.r{number}", "shadow")
    for number in range(200):
        if number % 20 == 10:
            name = f"try.r{r.randrange(len(CONDITIONS))}"
            state = queries.detector(name).state
            step = r.choice([s for s in ("shadow", "partial", "live") if s != state])
            _move(name, step, percent=40)
        batch = [
            Happening(
                "text",
                _random_features(r),
                ("content.comment", number * 5 + k + 1),
                ("accounts.person", r.randrange(1, 9)),
            )
            for k in range(5)
        ]
        for given, verdict in zip(batch, services.judge_batch(batch), strict=True):
            weighed = services.weigh(given.event_type, given.features, given.subject)
            assert (weighed.outcome, weighed.fired) == (verdict.outcome, verdict.fired)
    found = queries.replay()
    assert found.is_identical, found
    assert (found.events, found.rulesets) == (1000, 11)
    assert found.decisions == Decision.objects.exclude(occurrence=None).exclude(action="reverse").count() > 50
    # The log remembers the rules of each stamp; backtesting each condition alone finds what was fired live.
    for number, condition in enumerate(CONDITIONS):
        pk = queries.detector(f"try.r{number}").pk
        hits = Occurrence.objects.filter(fired__contains=[pk]).count()
        report = queries.backtest(event_type="text", condition=condition, days=2)
        assert (report.events, report.hits) == (1000, hits), condition
        mine = next((o for o in report.overlap if o.detector_id == f"try.r{number}"), None)
        assert hits == 0 or (mine is not None and mine.both == mine.hits == hits)
    # An answer that was tampered with comes to light.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute('UPDATE governance_occurrence SET features = \'{"phones":9,"links":9}\' WHERE id % 100 = 0')
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    assert not queries.replay().is_identical


def test_a_backtest_counts_hits_people_overlap_what_is_missing_and_shows_a_sample_of_twenty() -> None:
    _live("link.many", "links > 3", action="review")
    services.judge_batch(
        [
            Happening(
                "text",
                {"links": 5} if n % 4 else {"length": 9},
                ("content.comment", n + 1),
                ("accounts.person", n % 10 + 1),
            )
            for n in range(100)
        ]
    )
    report = queries.backtest(
        event_type="text", condition="links > 4 and length != 1", days=7, violation="spam", severity="serious"
    )
    assert (report.events, report.hits, report.missing, report.missing_by) == (100, 0, 100, {"length": 75, "links": 25})
    assert report.unknown == 100
    report = queries.backtest(event_type="text", condition="links > 4", days=7, violation="spam", severity="serious")
    assert (report.hits, report.missing, report.people, sum(report.by_day.values())) == (75, 25, 10, 75)
    assert sum(report.limited.values()) == 10  # seven or eight serious spams each are far up the ladder
    assert [(o.detector_id, o.both, o.hits) for o in report.overlap] == [("link.many", 75, 75)]
    assert len(report.sample) == 20
    assert all(s["features"] == {"links": 5} for s in report.sample)
    assert queries.backtest(event_type="text", condition="links > 4", days=7).limited == {}
    for wrong in ({"days": 0}, {"event_type": "none"}):
        with pytest.raises(Refusal, match="malformed"):
            queries.backtest(**{"event_type": "text", "condition": "links > 4", "days": 7} | wrong)
    with pytest.raises(Refusal, match="detector_faulty"):
        queries.backtest(event_type="text", condition="links > ", days=7)


def test_private_words_do_not_show_in_a_sample_and_erased_ones_are_gone() -> None:
    bo = ("accounts.person", 3)
    services.judge("message", {"surface": "chat", "text": "meet me"}, ("messaging.message", 1), bo, text="meet me")
    services.judge("text", {"surface": "comment", "text": "hello"}, ("content.comment", 1), bo, text="hello")
    chat = queries.backtest(event_type="message", condition="contains(text, 'meet')", days=1)
    assert (chat.hits, chat.sample[0]["text"], "text" in chat.sample[0]["features"]) == (1, "", False)
    comment = queries.backtest(event_type="text", condition="contains(text, 'hello')", days=1)
    assert (comment.hits, comment.sample[0]["text"]) == (1, "hello")
    assert services.erase_texts(actor=bo) == 2
    assert services.erase_texts(actor=bo) == 0
    gone = queries.backtest(event_type="text", condition="contains(text, 'hello')", days=1)
    assert (gone.events, gone.hits, gone.missing, gone.unknown) == (1, 0, 1, 1)
    assert set(OccurrenceText.objects.values_list("text", "features")) == {("", "")}
    assert queries.replay().is_identical
    with pytest.raises(DatabaseError), atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE governance_occurrencetext SET text = 'back', erased_at = NULL")


def test_texts_of_judged_events_are_emptied_when_their_time_is_over() -> None:
    from meadow.kernel import sweeps

    services.judge("text", {"links": 1}, POST, MEI, text="hello")
    sweeps.advance(clock.now() + timedelta(days=179))
    assert OccurrenceText.objects.get().text == "hello"
    sweeps.advance(clock.now() + timedelta(days=2))
    assert OccurrenceText.objects.get().text == ""


def test_a_rule_whose_decisions_are_taken_back_too_often_goes_back_to_shadow_by_itself() -> None:
    detector = _live()
    verdicts = [services.judge("text", {"phones": 1}, ("content.comment", n), MEI) for n in range(1, 9)]
    pks = [queries.decision(str(v.decision_id)).pk for v in verdicts]
    for pk in pks[:4]:
        services.uphold_decision(decision_id=pk, reason="a phone number", by=SYSTEM)
    services.reverse_decision(decision_id=pks[4], reason="a size", by=SYSTEM)
    assert queries.detector("diversion.phones").state == "live"  # 1 of 5
    services.reverse_decision(decision_id=pks[5], reason="a price", by=SYSTEM)
    found = queries.quality(detector.pk)[0]
    assert (found.hits, found.decisions, found.reviewed, found.reversed, found.overturn_percent) == (8, 8, 6, 2, 33)
    demoted = queries.detector("diversion.phones")
    assert (demoted.state, "taken back" in demoted.note) == ("shadow", True)
    last = DetectorChange.objects.order_by("-stamp").first()
    assert last is not None
    assert (last.from_state, last.to_state, last.person_id) == ("live", "shadow", None)
    assert services.judge("text", {"phones": 1}, POST, MEI).outcome == "allow"
    # Put to work again, it starts with a clean sheet.
    _move("diversion.phones", "live")
    services.reverse_decision(decision_id=pks[6], reason="a size", by=SYSTEM)
    assert queries.detector("diversion.phones").state == "live"
    assert [is_overturned(5, 1), is_overturned(5, 2), is_overturned(4, 4)] == [False, True, False]


def test_a_rule_that_cites_an_old_version_says_so() -> None:
    from meadow.governance.models import Rule

    made = _live()
    assert not queries.cites_old_rule(made)
    old = made.rule
    Rule.objects.create(
        rule_id=old.rule_id, version=2, title_en="x", title_zh="x", text_en="x", text_zh="x",
        published_at=clock.now(), effective_from=clock.now(),
    )  # fmt: skip
    assert queries.cites_old_rule(made)
    assert services.judge("text", {"phones": 1}, POST, MEI).rule_version == 2
