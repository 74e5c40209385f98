"""How a measurement is made: alternating slices of limit and subject, medians of ratios, CPU from the system's books."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

REFERENCE = Path(__file__).parent / "reference"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Slice:
    """One slice of load: what was done, for how long, and the CPU that two groups of processes spent on it."""

    done: int
    seconds: float
    server_cpu: float = 0.0
    database_cpu: float = 0.0
    errors: int = 0
    p99_ms: float = 0.0

    @property
    def per_second(self) -> float:
        return self.done / self.seconds if self.seconds else 0.0


@dataclass
class Result:
    """One path's figures: shares of the limit per pair of slices, and what the subject itself did."""

    path: str
    size: int
    statements: int
    limits: list[float] = field(default_factory=list)
    subjects: list[Slice] = field(default_factory=list)
    unit: str = "requests"

    def as_dict(self) -> dict[str, Any]:
        shares = [s.per_second / limit for s, limit in zip(self.subjects, self.limits, strict=True) if limit]
        done = sum(s.done for s in self.subjects) or 1
        return {
            "path": self.path, "size": self.size, "unit": self.unit, "statements": self.statements,
            "limit_per_second": round(median(self.limits), 1),
            "per_second": round(median(s.per_second for s in self.subjects), 1),
            "share": round(median(shares), 3), "share_min": round(min(shares), 3), "share_max": round(max(shares), 3),
            "server_cpu_us": round(sum(s.server_cpu for s in self.subjects) / done * 1e6),
            "database_cpu_us": round(sum(s.database_cpu for s in self.subjects) / done * 1e6),
            "p99_ms": round(median(s.p99_ms for s in self.subjects), 2),
            "errors": sum(s.errors for s in self.subjects),
        }  # fmt: skip


def alternate(
    result: Result, *, limit: Callable[[float], float], subject: Callable[[float], Slice], rounds: int, seconds: float
) -> Result:
    """Warms both up, then runs them in turn; the machine's speed drifts, so only pairs are compared."""
    limit(seconds / 4)
    subject(seconds / 4)
    for _ in range(rounds):
        result.limits.append(limit(seconds))
        result.subjects.append(subject(seconds))
    return result


@dataclass(frozen=True)
class Pgbench:
    """pgbench on the fixed statements, with prepared statements over the same socket."""

    binary: Path
    dsn: str
    variables: dict[str, int]
    clients: int = 8

    def script(self, name: str) -> Callable[[float], float]:
        """A function that runs one script for some seconds and returns transactions a second."""
        return lambda seconds: self.run(name, seconds)

    def run(self, name: str, seconds: float, clients: int | None = None) -> float:
        command = [
            str(self.binary), "-n", "-M", "prepared", "-c", str(clients or self.clients), "-j", "2",
            "-T", str(max(1, round(seconds))), "-f", str(REFERENCE / f"{name}.sql"),
            *(f"-D{key}={value}" for key, value in self.variables.items()), self.dsn,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = re.search(r"tps = ([0-9.]+)", done.stdout)
        if done.returncode or not found:
            raise RuntimeError(f"pgbench failed on {name}: {done.stderr.strip()[-500:]}")
        return float(found.group(1))


def cpu_of(pids: list[int]) -> float:
    """User and system seconds spent by processes and the children they have waited for."""
    total = 0.0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue
        parts = text.rsplit(") ", 1)[1].split()
        total += sum(int(parts[n]) for n in (11, 12)) / TICKS
    return total


def descendants(pid: int) -> list[int]:
    """A process and all below it."""
    found, todo = [], [pid]
    while todo:
        current = todo.pop()
        found.append(current)
        for task in Path(f"/proc/{current}/task").glob("*/children"):
            try:
                todo += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found


class Watch:
    """Adds up what the server's and the database's processes spend during a slice."""

    def __init__(self, server: Callable[[], list[int]], database: Callable[[], list[int]]) -> None:
        self.server, self.database = server, database

    def __enter__(self) -> "Watch":
        self.server_pids, self.database_pids = self.server(), self.database()
        self._before = (cpu_of(self.server_pids), cpu_of(self.database_pids))
        self._began = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._began
        # A backend that ended meanwhile takes its account with it; connections persist, so that is rare.
        self.server_cpu = max(0.0, cpu_of(self.server_pids) - self._before[0])
        self.database_cpu = max(0.0, cpu_of(self.database_pids) - self._before[1])
