"""Moves an installation's clock: run beside it, as `-m ... SECONDS [work]`.

With "work" all that falls due on the way is done first, as long as that takes; otherwise it is left to the worker.
"""

from __future__ import annotations

import sys
from datetime import timedelta

WORK = "work"


def main(seconds: int, *, works: bool) -> None:
    import django

    django.setup()
    from meadow.kernel import clock, sweeps

    to = clock.now() + timedelta(seconds=seconds)
    if works:
        sweeps.advance(to)
    else:
        clock.set_to(to)


if __name__ == "__main__":
    main(int(sys.argv[1]), works=WORK in sys.argv[2:])
