"""Do timers and events go on while the worker takes in a large file?"""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection

from meadow.config import worker
from meadow.kernel import clock, sweeps


@pytest.fixture
def two_sweeps(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event, threading.Event]]:
    """A long sweep that stands still until it is let go, and a quick one that tells when it runs after it."""
    began, go, ran = threading.Event(), threading.Event(), threading.Event()
    monkeypatch.setattr(sweeps, "_sweeps", {})

    def due() -> datetime | None:
        return None if ran.is_set() and began.is_set() else clock.now() - timedelta(seconds=1)

    @sweeps.sweep("test.long", next_due=lambda: None if began.is_set() else due(), is_long=True)
    def long(limit: int, until: datetime) -> int:
        began.set()
        assert go.wait(30)
        return 1

    @sweeps.sweep("test.quick", next_due=lambda: due() if began.is_set() else None)
    def quick(limit: int, until: datetime) -> int:
        ran.set()
        return 1

    yield began, go, ran
    go.set()


@pytest.mark.django_db(transaction=True)
def test_a_long_sweep_holds_up_no_other(
    two_sweeps: tuple[threading.Event, threading.Event, threading.Event],
) -> None:
    began, go, ran = two_sweeps
    stop = threading.Event()

    def work() -> None:
        try:
            worker.run(stop)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert began.wait(30)
        assert ran.wait(30), "the quick sweep waits for the long one"
        assert not go.is_set()
    finally:
        go.set()
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    assert "long-sweeps" not in {one.name for one in threading.enumerate()}


@pytest.mark.django_db
def test_moving_the_clock_works_off_long_sweeps_too(
    two_sweeps: tuple[threading.Event, threading.Event, threading.Event],
) -> None:
    began, go, ran = two_sweeps
    go.set()
    sweeps.advance(clock.now() + timedelta(seconds=1))
    assert began.is_set()
    assert ran.is_set()
