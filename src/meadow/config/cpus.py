"""Where a machine has no more CPUs than web processes, each of these keeps to a CPU of its own (decision 0012)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import IO

VARIABLE = "MEADOW_CPUS"
_held: list[IO[bytes]] = []


def shared_out(processes: int, cpus: Collection[int]) -> str:
    """The CPU of each process as "0,1,…", for `VARIABLE`; nothing where there is one CPU, or more than processes."""
    if not 1 < len(cpus) <= processes:
        return ""
    ordered = sorted(cpus)
    return ",".join(str(ordered[number % len(ordered)]) for number in range(processes))


def allowed() -> set[int]:
    """The CPUs this process may run on; none where the system does not tell."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def keep_to_one(folder: Path, listed: str) -> int | None:
    """Keeps this thread, and all that it starts, to the first CPU of the list that no other process has taken.

    There a thread that wakes waits until the running one rests, so that several requests cross from thread to thread at
    once.  What a process took is free again when it ends, however it ends.  None if there is nothing to choose.
    """
    for number, cpu in enumerate(listed.split(",") if listed else ()):
        with suppress(OSError):  # another process has it, or the machine does not let us: then the next one, or none
            taken = (folder / f"web-{number}.lock").open("wb")
            fcntl.flock(taken, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.sched_setaffinity(0, {int(cpu)})
            _held.append(taken)
            with suppress(OSError):
                os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
            return int(cpu)
    return None
