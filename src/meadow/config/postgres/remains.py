"""Which processes of a PostgreSQL data folder are really alive, and how are the stray ones ended?

A pid alone proves nothing: it may be a zombie that process 1 never reaps, or belong to another program
by now.  A PostgreSQL process is known by its name and by its working directory, the data folder.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from meadow.config.waiting import until

STALE_FILES = ("postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock")


def members(data: Path) -> list[psutil.Process]:
    """Living PostgreSQL processes that work in this data folder."""
    wanted = str(data.resolve())
    return [process for process in psutil.process_iter(["name", "status"]) if _works_in(process, wanted)]


def postmaster_pid(data: Path) -> int | None:
    """The pid in the pid file, if that very process is alive and works in this folder."""
    try:
        first = (data / "postmaster.pid").read_text().splitlines()[0]
        pid = abs(int(first))
    except (FileNotFoundError, IndexError, ValueError):
        return None
    return pid if any(process.pid == pid for process in members(data)) else None


def end_survivors(data: Path, *, grace_seconds: float = 1.0) -> None:
    """Backends outlive a killed postmaster while they work: let them finish, then quit, then kill."""
    if _gone(data, grace_seconds):
        return
    for step in (signal.SIGQUIT, signal.SIGKILL):
        for process in members(data):
            _signal(process, step)
        if _gone(data, 5.0):
            return


def remove_stale_files(data: Path, socket_folder: Path) -> None:
    """Only after `end_survivors`: a second postmaster beside living backends would ruin the data."""
    for folder in (data, socket_folder):
        for name in STALE_FILES:
            (folder / name).unlink(missing_ok=True)


def _works_in(process: psutil.Process, wanted: str) -> bool:
    info = process.info
    if info["name"] != "postgres" or info["status"] == psutil.STATUS_ZOMBIE:
        return False
    try:
        return _folder_of(process) == wanted
    except (psutil.Error, OSError):
        return False


def _folder_of(process: psutil.Process) -> str:
    try:
        return str(process.cwd())
    except psutil.AccessDenied:
        # Root in a container often lacks the right to look into another user's process; that user may.
        if os.geteuid() != 0 or not sys.platform.startswith("linux"):
            raise
        with _eyes_of(process.uids().real, process.gids().real):
            return os.readlink(f"/proc/{process.pid}/cwd")


@contextmanager
def _eyes_of(uid: int, gid: int) -> Iterator[None]:
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _gone(data: Path, seconds: float) -> bool:
    return until(lambda: not members(data), seconds)
