"""Where clicks wait while the database is away: one file per process in the data folder, adopted when its owner is gone.

Writing a click twice is harmless, so a file is emptied only after all of it was written.
"""

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

from meadow.sharing import rules
from meadow.sharing.rules import ClickFacts

log = logging.getLogger("meadow.sharing")

Taken = tuple[ClickFacts, int | None]

_lock = threading.Lock()
_own: IO[str] | None = None


def folder() -> Path:
    return Path(settings.MEADOW.data) / "clicks"


def put_aside(clicks: Iterable[Taken]) -> int:
    """Appends clicks to this process's file; returns how many found room."""
    kept = 0
    with _lock:
        file = _open_own()
        size = sum(path.stat().st_size for path in folder().glob("*.jsonl"))
        for facts, person_id in clicks:
            if size > rules.LIMITS["spool_bytes"]:
                log.error("the spool of clicks is full; counts are being lost, attribution is not")
                break
            line = json.dumps(rules.payload_of(facts) | {"person": person_id}, separators=(",", ":")) + "\n"
            file.write(line)
            size += len(line)
            kept += 1
        file.flush()
    return kept


def is_empty() -> bool:
    """Whether nothing waits in any file."""
    return not any(path.stat().st_size for path in folder().glob("*.jsonl"))


@contextmanager
def taken_back() -> Iterator[list[Taken]]:
    """What waits in this process's file and in those of processes that are gone; forgotten if the block succeeds."""
    with _lock:
        files = [*([_own] if _own is not None else []), *_orphans()]
        try:
            yield [taken for file in files for taken in _read(file)]
            for file in files:
                file.seek(0)
                file.truncate()
        finally:
            for file in files:
                if file is not _own:
                    _close(file)


def _open_own() -> IO[str]:
    global _own
    if _own is None:
        folder().mkdir(parents=True, exist_ok=True)
        _own = (folder() / f"{os.getpid()}-{time.time_ns()}.jsonl").open("a+", encoding="utf-8")
        fcntl.flock(_own, fcntl.LOCK_EX)
    return _own


def _orphans() -> Iterator[IO[str]]:
    """The files whose owner no longer holds its lock."""
    for path in sorted(folder().glob("*.jsonl")):
        if _own is not None and path.name == Path(_own.name).name:
            continue
        try:
            file = path.open("a+", encoding="utf-8")
        except OSError:
            continue
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        yield file


def _read(file: IO[str]) -> Iterator[Taken]:
    file.seek(0)
    for line in file:
        try:
            payload = json.loads(line)
            yield rules.click_from(payload), payload["person"]
        except (ValueError, KeyError):
            log.warning("half a click in the spool was left out")  # the process died while writing it


def _close(file: IO[str]) -> None:
    """An emptied file of a process that is gone goes too."""
    path = Path(file.name)
    if path.exists() and not path.stat().st_size:
        path.unlink(missing_ok=True)
    file.close()
