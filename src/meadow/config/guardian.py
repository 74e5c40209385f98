"""Who cleans up when a supervisor is killed outright?  A small process that reads a pipe until it closes.

The kernel closes the pipe however its holder ends.  Then every process of that instance is ended, and, for a
throwaway instance, its folder removed.  It works wherever pipes do, and from threads too, unlike a death signal.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from meadow.config.waiting import until

#: Every process of an instance carries its folder under this name, so strays are found without pid files.
MARK = "MEADOW_INSTANCE"
MARKER_FILE = ".throwaway"


class Guardian:
    """Watches over one folder; `remove` also deletes it at the end."""

    def __init__(self, folder: Path, *, remove: bool = True) -> None:
        self._folder = folder
        source = Path(__file__).resolve().parents[2]
        environment = {**os.environ, "PYTHONPATH": str(source)}
        environment.pop(MARK, None)
        if remove:
            (folder / MARKER_FILE).touch()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "meadow.config.guardian", str(folder), *(["--remove"] if remove else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C reaches the whole terminal group; the guardian must outlive it.
            start_new_session=True,
            cwd="/",
            env=environment,
        )

    def finish(self) -> None:
        """Let it do its work now, and wait for the end of it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


def end_strays(folder: Path) -> int:
    """End what still runs for this instance: first politely, then not.  The number found."""
    found = strays(folder)
    for process in found:
        _signal(process, signal.SIGTERM)
    if not until(lambda: not strays(folder), 5.0):
        for process in strays(folder):
            _signal(process, signal.SIGKILL)
        until(lambda: not strays(folder), 5.0)
    return len(found)


def strays(folder: Path) -> list[psutil.Process]:
    wanted = str(folder)
    me = os.getpid()
    return [process for process in psutil.process_iter(["status"]) if process.pid != me and _is_of(process, wanted)]


def _is_of(process: psutil.Process, wanted: str) -> bool:
    if process.info["status"] == psutil.STATUS_ZOMBIE:
        return False
    try:
        return process.environ().get(MARK) == wanted
    except (psutil.Error, OSError):
        return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _main(folder: Path, *, remove: bool) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 64):
        continue
    end_strays(folder)
    if not remove or not (folder / MARKER_FILE).exists():
        return
    # Imported here: a guardian waits for hours in as little memory as may be.
    from meadow.config.postgres.remains import end_survivors
    from meadow.config.postgres.server import socket_folder

    for data in folder.iterdir():
        if (data / "PG_VERSION").exists():
            end_survivors(data, grace_seconds=0)
            shutil.rmtree(socket_folder(data), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), remove="--remove" in sys.argv[2:])
