"""The work of the drills on rules, in a process of its own beside a private installation.  Prints one JSON object.

Run in the installation's environment: `python -m meadow.config.drill.judged NAME SEED SIZE`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from meadow.config.drill.events import PEOPLE, fixed_rules, text_event
from meadow.config.drill.ground import dice_of

MONTH_EVENTS, BACKTEST_EVENTS = 200_000, 1_000_000
DAYS = 30
BATCH = 1_000
STAGES = ("shadow", "partial", "live")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meadow.config.django_settings")
    import django

    django.setup()
    name, rest = sys.argv[1], sys.argv[2:]
    parts: dict[str, Callable[..., dict[str, Any]]] = {"month": month, "fill": fill, "half": half, "agree": agree}
    answer = parts[name](*rest)
    sys.stdout.write(json.dumps(answer))


def month(seed: str, size: str) -> dict[str, Any]:
    """A month of texts under rules that come and go, with violations, sanctions and reversals; then all of it again."""
    from meadow.governance import queries
    from meadow.kernel import clock, sweeps

    dice, began = dice_of(int(seed)), time.perf_counter()
    events = max(2_000, round(MONTH_EVENTS * float(size)))
    _write_rules(("shadow", "live"))
    start = clock.now() + timedelta(hours=1)
    reversed_ = 0
    for day in range(DAYS):
        _change_a_rule(dice)
        todays = events * (day + 1) // DAYS - events * day // DAYS
        _judge_day(dice, start + timedelta(days=day), todays)
        reversed_ += _reverse_some(dice, todays)
        sweeps.advance(start + timedelta(days=day + 1))
    simulated = time.perf_counter() - began
    began = time.perf_counter()
    found = queries.replay()
    chain = queries.verify_chain()
    return {
        "events": found.events, "decisions": found.decisions, "rulesets": found.rulesets, "parties": found.parties,
        "reversed": reversed_, "simulated_seconds": round(simulated, 1),
        "replay_seconds": round(time.perf_counter() - began, 1), "asked": events,
        "violations": {
            "replay_events_differing": len(found.differing), "replay_sanctions_differing": len(found.sanctions_differing),
            "replay_events_missing": abs(events - found.events), "replay_erased": found.erased,
            **{f"replay_chain_{name}": count for name, count in chain.items()},
        },
    }  # fmt: skip


def fill(seed: str, size: str) -> dict[str, Any]:
    """Logs the events of a backtest; every rule runs in shadow, so what each fired is known beforehand."""
    from meadow.governance import queries, services
    from meadow.kernel import clock

    dice, began = dice_of(int(seed)), time.perf_counter()
    events = max(2_000, round(BACKTEST_EVENTS * float(size)))
    _write_rules(("shadow",))
    start = clock.now() - timedelta(days=DAYS)
    # Rules ask for features, not for who posted what when: a thousand texts in a hundred guises are as good as new ones.
    texts = [text_event(dice) for _ in range(min(events, 20_000))]
    for first in range(0, events, BATCH):
        batch = [
            _happening(dice.choice(texts), dice, number + 1, start + timedelta(days=DAYS) * number / events)
            for number in range(first, min(events, first + BATCH))
        ]
        services.judge_batch(batch)
    middle, end = start + timedelta(days=DAYS) / 2, start + timedelta(days=DAYS)
    return {
        "events": events, "rules": len(queries.current_ruleset("text").detectors),
        "since": start.isoformat(), "middle": middle.isoformat(), "until": end.isoformat(),
        "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def half(since: str, until: str) -> dict[str, Any]:
    """One part of the backtest: what all running rules would have done between two moments."""
    from meadow.governance import queries

    found = queries.backtest_all(
        event_type="text", since=datetime.fromisoformat(since), until=datetime.fromisoformat(until)
    )
    return {"events": found.events, "hits": {str(position): hits for position, hits in found.hits.items()}}


def agree(hits: str) -> dict[str, Any]:
    """How far a backtest's hits are from what was fired live, over all rules."""
    from meadow.governance import queries

    wanted = Counter({int(position): count for position, count in json.loads(hits).items()})
    ruleset = queries.current_ruleset("text")
    live = {quality.detector: quality.hits for quality in queries.quality(days=DAYS * 2)}
    off = sum(abs(wanted[n] - live.get(detector.pk, 0)) for n, detector in enumerate(ruleset.detectors))
    return {"off": off, "hits": sum(live.values())}


def _write_rules(steps: tuple[str, ...]) -> None:
    from meadow.governance import services
    from meadow.kernel.audit import SYSTEM

    services.publish_rules()
    for rule in fixed_rules():
        services.write_detector(
            detector_id=rule["id"], event_type="text", condition=rule["condition"], rule=rule["rule"],
            action=rule["action"], layer=rule["layer"], violation=rule.get("violation", ""),
            severity=rule.get("severity", ""), reason_en="By a rule of the drill.", reason_zh="演练规则。", by=SYSTEM,
        )  # fmt: skip
        for step in steps:
            services.move_detector(detector_id=rule["id"], version=1, to=step, by=SYSTEM)


def _change_a_rule(dice: Random) -> None:
    """Every day one rule moves on, back, or to another percentage."""
    from meadow.governance import queries, services
    from meadow.kernel.audit import SYSTEM

    detector = queries.detector(dice.choice(fixed_rules())["id"])
    to = dice.choice([stage for stage in STAGES if stage != detector.state])
    services.move_detector(
        detector_id=detector.detector_id, version=detector.version, to=to,
        percent=dice.randrange(10, 90) if to == "partial" else 0, by=SYSTEM,
    )  # fmt: skip


def _judge_day(dice: Random, day: datetime, events: int) -> None:
    from meadow.governance import services
    from meadow.kernel import clock

    for first in range(0, events, BATCH):
        moment = day + timedelta(hours=20) * first / max(1, events)
        batch = [
            _happening(text_event(dice), dice, dice.randrange(1, 10**9), None)
            for _ in range(min(BATCH, events - first))
        ]
        with clock.at(moment):
            services.judge_batch(batch)


def _reverse_some(dice: Random, events: int) -> int:
    """One decision in some hundred is taken back; which ones, chance decides."""
    from meadow.governance import queries, services
    from meadow.kernel.audit import SYSTEM
    from meadow.kernel.errors import Refusal

    done = 0
    newest = queries.newest_decision()
    for _ in range(max(1, events // 2_000)):
        try:
            services.reverse_decision(
                decision_id=dice.randrange(max(1, newest - events // 20), newest + 1), reason="A mistake.", by=SYSTEM
            )
            done += 1
        except Refusal:
            continue  # it was no decision of its own, or is taken back already
    return done


def _happening(features: dict[str, Any], dice: Random, subject_id: int, at: datetime | None) -> Any:
    from meadow.governance.services import Happening

    person = ("accounts.person", 1 + min(dice.randrange(PEOPLE), dice.randrange(PEOPLE)))
    return Happening("text", features, ("content.comment", subject_id), person, at=at)


if __name__ == "__main__":
    main()
