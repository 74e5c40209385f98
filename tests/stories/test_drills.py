"""Do the drills run at one per cent of their size, find nothing, and fail loudly when there is something to find?"""

import json
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from meadow.config.commands.drill import DRILLS, command
from meadow.config.drill import channel, crash, provider, race, stateful
from meadow.config.drill.ground import Report
from meadow.config.supervise import Instance
from meadow.config.trouble import Trouble

FIELDS = ["seed", "operations", "orders", "violations", "lost", "doubled", "seconds", "faults"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "drill", [race, crash, channel, provider, stateful]
)  # those on rules: tests/governance/test_replay.py
def test_drill_at_one_per_cent_finds_nothing(
    drill: ModuleType, monkeypatch: pytest.MonkeyPatch, copied_database: str
) -> None:
    name = next(name for name, run in DRILLS.items() if run is drill.run)
    # A whole instance, but for a PostgreSQL of its own: making its tables would take most of the time.
    monkeypatch.setattr(drill, "Instance", partial(Instance, database_url=copied_database))
    done = CliRunner().invoke(command, [name, "--json", "--seed", "7", "--size", "0.01"], catch_exceptions=False)
    report = json.loads(done.stdout)
    assert list(report) == FIELDS
    assert report["orders"] >= crash.LEAST_ORDERS if name == "crash" else report["orders"] >= race.LEAST_STOCK
    assert report["violations"]
    assert (set(report["violations"].values()), report["lost"], report["doubled"]) == ({0}, 0, 0)


@pytest.mark.parametrize("found", [{"lost": 1}, {"doubled": 2}, {"violations": {"ledger": 3}}])
def test_drill_that_finds_something_fails_and_names_its_seed(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, Any]
) -> None:
    monkeypatch.setitem(DRILLS, "race", lambda seed, share, say: Report(seed, **found))
    with pytest.raises(Trouble, match="seed 5"):
        CliRunner().invoke(command, ["race", "--seed", "5"], catch_exceptions=False)


def test_faults_are_told_with_what_the_instance_logged(tmp_path: Path) -> None:
    log = tmp_path / "instance.log"
    lines = [
        {"level": "error", "message": "Service Unavailable"},
        {"level": "error", "message": "Internal Server Error", "error": "why"},
    ]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert stateful._errors(log) == [json.dumps(lines[1])]
    assert stateful._errors(None) == []


def test_full_size_is_what_the_proof_asks() -> None:
    assert race.Size.of(1.0) == race.Size(buyers=100, stock=10, checkouts=16)
    assert crash.Size.of(1.0) == crash.Size(kills=50, orders=500)
