"""Does each web process take a CPU for itself where there are just enough, and give it back however it ends?"""

import subprocess
import sys
from pathlib import Path

import pytest

from meadow.config import cpus
from meadow.config.settings import CHECKOUT, read

KEEPS = """
import os, sys
from pathlib import Path
from meadow.config.cpus import keep_to_one
kept = keep_to_one(Path(sys.argv[1]), sys.argv[2])
assert kept is None or (os.sched_getaffinity(0), os.sched_getscheduler(0)) == ({kept}, os.SCHED_BATCH)
print(kept, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("processes", "there", "shared"),
    [(2, {0, 1}, "0,1"), (2, {5, 3}, "3,5"), (4, {0, 1}, "0,1,0,1"), (2, {0}, ""), (2, {0, 1, 2}, ""), (2, set(), "")],
)
def test_cpus_are_shared_out_only_where_no_process_would_have_two(processes: int, there: set[int], shared: str) -> None:
    assert cpus.shared_out(processes, there) == shared


class Web:
    """A process that keeps to a CPU until it is killed."""

    def __init__(self, folder: Path, listed: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", KEEPS, str(folder), listed], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={"PYTHONPATH": str(CHECKOUT / "src")},
        )  # fmt: skip
        assert self.process.stdout is not None
        self.cpu = self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_no_two_processes_take_one_cpu_and_a_killed_one_gives_it_back(tmp_path: Path) -> None:
    there = sorted(cpus.allowed())
    first, second = there[0], there[-1]
    webs = [Web(tmp_path, f"{first},{second}") for _ in range(3)]
    assert [web.cpu for web in webs] == [str(first), str(second), "None"]
    webs[0].kill()
    webs.append(Web(tmp_path, f"{first},{second}"))
    assert webs[-1].cpu == str(first)
    for web in webs[1:]:
        web.kill()


def test_where_nothing_is_shared_out_a_process_goes_where_it_is_sent(tmp_path: Path) -> None:
    web = Web(tmp_path, "")
    assert web.cpu == "None"
    web.kill()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_stops_no_process(tmp_path: Path) -> None:
    web = Web(tmp_path / "nowhere", f"{min(cpus.allowed())},{max(cpus.allowed())}")
    assert web.cpu == "None"
    web.kill()


def test_a_cpu_that_is_not_there_is_left_alone(tmp_path: Path) -> None:
    web = Web(tmp_path, f"100000,{min(cpus.allowed())}")
    assert web.cpu == str(min(cpus.allowed()))
    web.kill()


@pytest.mark.parametrize("wrong", ["0", "-1", "33", "many"])
@pytest.mark.parametrize("name", ["MEADOW_WEB_PROCESSES", "MEADOW_WEB_THREADS"])
def test_a_number_of_processes_or_threads_that_cannot_be_is_refused_by_name(name: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is '?{wrong}'?; set it to a whole number"):
        read({"MEADOW_SECRET_KEY": "k" * 40, name: wrong})
    assert read({"MEADOW_SECRET_KEY": "k" * 40, name: "3"})
