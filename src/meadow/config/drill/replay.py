"""Whether the decision log of a simulated month gives the same decisions again, and how long a large backtest takes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from meadow.config.drill.ground import Report, Say
from meadow.config.supervise import Instance
from meadow.config.trouble import Trouble

MOST_BACKTEST_SECONDS = 30.0


def run(seed: int, share: float, say: Say) -> Report:
    """A month of events judged again by the rules of their time: decisions, sanctions and the sealed chain."""
    report = Report(seed)
    with Instance(worker=False, web_workers=1, say=say) as instance:
        say("Simulating a month of posts under rules that change every day ...")
        found = _beside(instance, "month", str(seed), str(share))
    say(
        f"{found['events']:,} events in {found['simulated_seconds']} s, {found['decisions']:,} decisions of "
        f"{found['parties']:,} parties, {found['reversed']} taken back; judged again by {found['rulesets']} rule sets "
        f"in {found['replay_seconds']} s"
    )
    report.operations = found["events"]
    report.violations = found["violations"]
    return report


def run_backtest(seed: int, share: float, say: Say) -> Report:
    """A million events tried against fifty rules by two processes, compared with what was fired live."""
    report = Report(seed)
    with Instance(worker=False, web_workers=1, say=say) as instance:
        say("Logging the events ...")
        facts = _beside(instance, "fill", str(seed), str(share))
        say(f"{facts['events']:,} events judged and logged in {facts['seconds']} s; now the backtest ...")
        began = time.monotonic()
        parts = [(facts["since"], facts["middle"]), (facts["middle"], facts["until"])]
        with ThreadPoolExecutor(2) as pool:
            halves = list(pool.map(lambda part: _beside(instance, "half", *part), parts))
        seconds = time.monotonic() - began
        hits: Counter[str] = Counter()
        for one in halves:
            hits.update(one["hits"])
        agreed = _beside(instance, "agree", json.dumps(hits))
    events = sum(one["events"] for one in halves)
    say(
        f"{events:,} events against {facts['rules']} rules in {seconds:.1f} s, {agreed['hits']:,} hits, {agreed['off']} off"
    )
    report.operations = events
    report.violations = {
        "backtest_events_missing": abs(events - facts["events"]), "backtest_hits_differing": agreed["off"],
        "backtest_took_too_long": int(seconds > MOST_BACKTEST_SECONDS),
    }  # fmt: skip
    return report


def _beside(instance: Instance, *arguments: str) -> Any:
    """Runs a part of the drill in a process of its own and reads what it found."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "meadow.config.drill.judged", *arguments],
        env=instance.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Trouble(f"The drill stopped in its part {arguments[0]}: {done.stderr.strip()[-1500:]}")
    return json.loads(done.stdout)
