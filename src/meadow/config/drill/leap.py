"""Moves an installation's clock and does nothing of what falls due: run beside it, as `-m ... SECONDS`."""

from __future__ import annotations

import sys
from datetime import timedelta


def main(seconds: int) -> None:
    import django

    django.setup()
    from meadow.kernel import clock

    clock.set_to(clock.now() + timedelta(seconds=seconds))


if __name__ == "__main__":
    main(int(sys.argv[1]))
