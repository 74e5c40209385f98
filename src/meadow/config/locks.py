"""Who may touch a data folder now?  File locks that the kernel drops by itself when their holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meadow.config.trouble import Trouble
from meadow.config.waiting import until

PATIENCE_SECONDS = 180.0


class FileLock:
    """One `flock` on one file, shared or exclusive; a killed holder loses it at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def take(self, *, shared: bool = False) -> bool:
        """Try once.  Python's descriptors are not inherited, so no child can hold the lock on."""
        if self._fd is None:
            self._fd = _open(self.path)
        try:
            fcntl.flock(self._fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            self.drop()
            return False
        return True

    def write(self, text: str) -> None:
        assert self._fd is not None, "only the holder writes"
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text.encode(), 0)

    def drop(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


@contextmanager
def held(path: Path, *, patience_seconds: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Wait for the exclusive lock; polled, so that a stuck holder ends in a sentence and not in a hang."""
    lock = FileLock(path)
    if not until(lock.take, patience_seconds):
        raise Trouble(f"Another command has held {path} for too long: stop it, then run this one again.")
    try:
        yield
    finally:
        lock.drop()


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except PermissionError:
        # Made by root earlier: reading is enough to lock.
        return os.open(path, os.O_RDONLY)
