"""The worker: drains the outbox, runs the sweeps, checks the invariants, and says that it is alive.

Kill it at any moment and start another: all it knows stands in the database.
"""

import logging
import os
import signal
import threading
from datetime import timedelta
from types import FrameType

import django
from django.db import OperationalError, connection

log = logging.getLogger("meadow.worker")

POLL_SECONDS = 0.05
SWEEP_EVERY = timedelta(seconds=1)
CHECK_EVERY = timedelta(minutes=5)
LONG_STOP_SECONDS = 10.0
BEAT_EVERY = timedelta(seconds=5)


def main() -> None:
    """Works until SIGTERM or SIGINT."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meadow.config.django_settings")
    os.environ.setdefault("MEADOW_PROCESS", "meadow-worker")
    django.setup()
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    run(stop)


def run(stop: threading.Event) -> None:
    """The loop: drain often, sweep each second, check invariants every few minutes; long sweeps run beside it."""
    beside = threading.Thread(target=_run_long, args=(stop,), name="long-sweeps", daemon=True)
    beside.start()
    _loop(stop)
    # What it is at is begun again elsewhere once its lease is over, as after a kill.
    beside.join(LONG_STOP_SECONDS)


def _run_long(stop: threading.Event) -> None:
    """Takes in files and what else takes minutes, so that timers and events never wait for it."""
    from meadow.kernel import clock, sweeps

    try:
        while not stop.is_set():
            done = 0
            try:
                with sweeps.working() as may:
                    done = sweeps.run_due(clock.now(), most=1, only_long=True) if may else 0
            except OperationalError:
                log.warning("the database does not answer; trying again in a second")
                connection.close()
            except Exception:  # as in the loop
                log.exception("a long sweep failed; trying again in a second")
                connection.close()
            if not done:
                stop.wait(SWEEP_EVERY.total_seconds())
    finally:
        connection.close()


def _loop(stop: threading.Event) -> None:
    from meadow.kernel import clock

    swept = checked = beaten = clock.machine_now() - timedelta(days=1)
    while not stop.is_set():
        busy = False
        try:
            now = clock.machine_now()
            if now - beaten >= BEAT_EVERY:
                beaten = now
                _beat()
            if now - checked >= CHECK_EVERY:
                checked = now
                _check()
            sweep = now - swept >= SWEEP_EVERY
            if sweep:
                swept = now
            busy = _work(sweep=sweep)
        except OperationalError:
            log.warning("the database does not answer; trying again in a second")
            connection.close()
            stop.wait(1)
        except Exception:  # the loop is the last one who may fall
            log.exception("a round of the worker failed; trying again in a second")
            connection.close()
            stop.wait(1)
        if not busy:
            stop.wait(POLL_SECONDS)


def _work(*, sweep: bool) -> bool:
    from meadow.kernel import clock, outbox, sweeps

    with sweeps.working() as may:
        if not may:
            return False
        drained = outbox.drain()
        done = sweeps.run_due(clock.now(), most=500, only_long=False) if sweep else 0
    return bool(drained or done)


def _beat() -> None:
    from meadow.kernel import heartbeats

    heartbeats.beat("worker")


def _check() -> None:
    """Runs every invariant; a violation is an error in the log and red in ./meadow doctor."""
    from meadow.catalog import services as catalog
    from meadow.config import invariants
    from meadow.kernel import heartbeats, idempotency, limits
    from meadow.ledger import services as ledger

    # First, so that the invariants check the sums that are read from now on.
    ledger.take_snapshot()
    found = invariants.run()
    for name, violations in found.items():
        if violations:
            log.error("invariant %s is violated %s times", name, violations)
    heartbeats.beat("invariants", note=found)
    limits.forget_old()
    idempotency.forget_old()
    catalog.forget_face_changes()


if __name__ == "__main__":
    main()
