"""Has it happened yet?  The one place where the launcher's side polls; always with a bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

STEP_SECONDS = 0.02


def until(happened: Callable[[], bool], seconds: float, *, step_seconds: float = STEP_SECONDS) -> bool:
    """Ask again and again until it is so, or the time is up."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() >= deadline:
            return False
        pause(step_seconds)
    return True


def pause(seconds: float) -> None:
    """A pause that a signal's handler may run in."""
    threading.Event().wait(seconds)
