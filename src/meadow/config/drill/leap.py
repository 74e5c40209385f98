"""Moves an installation's clock: a process beside it, started once, that takes one order a line: SECONDS, or SECONDS work.

With "work" all that falls due on the way is done first, as long as that takes; otherwise it is left to the worker.
"""

from __future__ import annotations

import sys
from datetime import timedelta

WORK, DONE = "work", "done"


def main() -> None:
    import django

    django.setup()
    for line in sys.stdin:
        _leap(*line.split())
        sys.stdout.write(f"{DONE}\n")
        sys.stdout.flush()


def _leap(seconds: str, how: str = "") -> None:
    from meadow.kernel import clock, sweeps

    to = clock.now() + timedelta(seconds=int(seconds))
    if how == WORK:
        sweeps.advance(to)
    else:
        clock.set_to(to)


if __name__ == "__main__":
    main()
