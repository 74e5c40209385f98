"""The drills on rules at one per cent: a month of decisions made again, and a backtest that agrees with what fired live."""

import json
from collections import Counter

import pytest
from bench import governance as bench

from meadow.config.drill import judged
from meadow.config.drill.events import fixed_rules
from meadow.governance import queries
from meadow.governance.models import Decision, Occurrence

pytestmark = pytest.mark.django_db


def test_a_simulated_month_replays_to_identical_decisions() -> None:
    found = judged.month("7", "0.01")
    assert set(found["violations"].values()) == {0}
    assert (found["events"], found["rulesets"]) == (2_000, judged.DAYS)
    assert found["decisions"] > 30
    assert found["reversed"] > 0
    assert Occurrence.objects.count() == 2_000
    assert Decision.objects.filter(action="violation").exists()
    # The measurements of storing and sealing run on the same rules.
    stored, sealed = bench.store(0), bench.chain(0)
    assert stored["rules"] > 40
    assert (sealed["sealed"] > 0, sealed["faults"]) == (True, 0)


def test_a_backtest_in_two_parts_agrees_with_what_was_fired_live() -> None:
    facts = judged.fill("11", "0.002")
    assert facts["rules"] == len(fixed_rules()) == 50
    parts = [judged.half(facts["since"], facts["middle"]), judged.half(facts["middle"], facts["until"])]
    whole = judged.half(facts["since"], facts["until"])
    hits = Counter(parts[0]["hits"]) + Counter(parts[1]["hits"])
    assert (parts[0]["events"] + parts[1]["events"], hits) == (whole["events"], Counter(whole["hits"]))
    found = judged.agree(json.dumps(hits))
    assert found["off"] == 0
    assert found["hits"] > 50
    # Every event is judged, also where many share one moment and a batch ends between them.
    assert whole["events"] == facts["events"] == Occurrence.objects.count()
    report = queries.backtest(event_type="text", condition="links > 5", days=40)
    assert report.hits == whole["hits"][str([r["id"] for r in fixed_rules()].index("link.many"))]


def test_the_measurements_run_on_the_fixed_rules() -> None:
    alone, recorded = bench.rules(0.05), bench.record(0.05)
    assert (alone["rules"], recorded["rules"]) == (50, 50)
    assert alone["fired_per_event"] > 0
    assert min(alone["per_second"], recorded["per_second"]) > 100
