"""The outbox: at least once, in order per subject, failures set aside, dead letters replayed."""

from collections import defaultdict
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from meadow.kernel import clock, db, outbox
from meadow.kernel.errors import Refusal
from meadow.kernel.events import OrderClosed, OrderPlaced, PersonJoined, ReceiptConfirmed
from meadow.kernel.models import OutboxEvent


@pytest.fixture(autouse=True)
def _handlers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_handlers", defaultdict(list))


def _emit(*events: object) -> None:
    with db.atomic():
        outbox.emit(*events)  # type: ignore[arg-type]


@pytest.mark.django_db
def test_an_event_reaches_its_handlers_whole_and_once() -> None:
    seen: list[ReceiptConfirmed] = []
    outbox.handles(ReceiptConfirmed)(seen.extend)
    event = ReceiptConfirmed(1, 2, 3, ((4, 5, 6), (7, 8, 9)))
    _emit(event)
    assert outbox.drain() == 1
    assert outbox.drain() == 0
    assert seen == [event]


@pytest.mark.django_db
def test_an_event_is_gone_when_its_cause_rolls_back() -> None:

    def cause() -> None:
        with db.atomic():
            outbox.emit(PersonJoined(1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        cause()
    assert OutboxEvent.objects.count() == 0


@pytest.mark.django_db
def test_order_per_subject_is_kept_across_kinds() -> None:
    seen: dict[int, list[str]] = defaultdict(list)
    outbox.handles(OrderPlaced)(lambda batch: [seen[e.order_id].append("placed") for e in batch] and None)
    outbox.handles(OrderClosed)(lambda batch: [seen[e.order_id].append("closed") for e in batch] and None)
    for n in range(40):
        _emit(OrderPlaced(n, 1, 1, 1), OrderClosed(n, "x"), OrderPlaced(n, 1, 1, 1))
    assert outbox.drain_all() == 120
    assert all(names == ["placed", "closed", "placed"] for names in seen.values())
    assert len(seen) == 40


@pytest.mark.django_db
def test_a_failing_event_holds_up_its_own_subject_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, str]] = []

    def placed(batch: list[OrderPlaced]) -> None:
        for event in batch:
            if event.order_id == 1:
                raise ValueError("poison")
            seen.append((event.order_id, "placed"))

    outbox.handles(OrderPlaced)(placed)
    outbox.handles(OrderClosed)(lambda batch: seen.extend((e.order_id, "closed") for e in batch))
    for n in (1, 2):
        _emit(OrderPlaced(n, 1, 1, 1), OrderClosed(n, "x"))
    outbox.drain_all()
    assert seen == [(2, "placed"), (2, "closed")]
    assert outbox.lag()["failing"] == 1
    start = clock.machine_now()
    for tries in range(1, len(outbox.RETRY_AFTER) + 1):
        monkeypatch.setattr(clock, "machine_now", lambda t=tries: start + timedelta(days=t))
        outbox.drain_all()
    letters = outbox.dead_letters()
    assert [(letter.kind, letter.error) for letter in letters] == [("OrderPlaced", "ValueError: poison")]
    outbox.drain_all()
    assert (1, "closed") in seen

    outbox._handlers["OrderPlaced"] = [lambda batch: seen.extend((e.order_id, "again") for e in batch)]
    outbox.replay(letters[0].pk)
    outbox.drain_all()
    assert seen[-1] == (1, "again")
    with pytest.raises(Refusal):
        outbox.replay(letters[0].pk)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_handle_each_event_once_and_in_order() -> None:
    seen: list[tuple[int, int]] = []
    outbox.handles(OrderPlaced)(lambda batch: seen.extend((e.order_id, e.buyer_id) for e in batch))
    for step in range(5):
        _emit(*(OrderPlaced(n, step, 1, 1) for n in range(60)))
    barrier = Barrier(3)

    def work() -> None:
        barrier.wait()
        try:
            while OutboxEvent.objects.exists():
                outbox.drain(limit=20)
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(seen) == len(set(seen)) == 300
    steps: dict[int, list[int]] = defaultdict(list)
    for order, step in seen:
        steps[order].append(step)
    assert all(order == [0, 1, 2, 3, 4] for order in steps.values())
