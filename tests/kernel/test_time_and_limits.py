"""The clock, sweeps, rate limits, idempotent answers, signatures and the audit trail, on real PostgreSQL."""

from datetime import datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from meadow.kernel import audit, clock, cursors, db, idempotency, limits, signing, sweeps
from meadow.kernel.errors import Refusal
from meadow.kernel.idempotency import Answer
from meadow.kernel.models import AuditEntry, DeadLetter, SweepFailure


@pytest.fixture
def own_sweeps(monkeypatch: pytest.MonkeyPatch) -> dict[str, sweeps.Sweep]:
    registry: dict[str, sweeps.Sweep] = {}
    monkeypatch.setattr(sweeps, "_sweeps", registry)
    return registry


def _letter(due: datetime, kind: str = "a") -> DeadLetter:
    """A row with a due time; dead letters serve as the table of a sweep here."""
    return DeadLetter.objects.create(subject="s", kind=kind, body={}, occurred_at=due, died_at=due, error="")


def _sweep(name: str, log: list[tuple[str, int, datetime]], *, poison: int | None = None) -> None:
    rows = sweeps.DueRows(DeadLetter.objects.filter(kind=name, error=""), "died_at")

    def act(row: DeadLetter) -> None:
        if row.pk == poison:
            raise ValueError("poison")
        log.append((name, row.pk, clock.now()))
        DeadLetter.objects.filter(pk=row.pk).update(error="done")

    def run(limit: int, until: datetime) -> int:
        return sweeps.process_due(name, rows, act, limit=limit, until=until)

    sweeps.sweep(name, next_due=rows)(run)


@pytest.mark.django_db
def test_advance_works_off_all_sweeps_in_global_due_order_at_their_due_time(own_sweeps: object) -> None:
    start, log = clock.now(), list[tuple[str, int, datetime]]()
    _sweep("a", log)
    _sweep("b", log)
    first, second, third = (
        _letter(start + timedelta(days=1), "a"),
        _letter(start + timedelta(days=2), "b"),
        _letter(start + timedelta(days=3), "a"),
    )
    _letter(start + timedelta(days=30), "a")
    assert sweeps.advance(start + timedelta(days=10)) == 3
    assert log == [
        ("a", first.pk, first.died_at),
        ("b", second.pk, second.died_at),
        ("a", third.pk, third.died_at),
    ]
    assert timedelta(0) <= clock.now() - (start + timedelta(days=10)) < timedelta(minutes=1)


@pytest.mark.django_db
def test_the_clock_never_goes_back_and_is_fixed_without_a_sandbox(settings: object) -> None:
    with pytest.raises(Refusal) as refused:
        sweeps.advance(clock.now() - timedelta(seconds=1))
    assert refused.value.code == "malformed"
    settings.MEADOW = type("Fixed", (), {"test_clock": False})()  # type: ignore[attr-defined]
    with pytest.raises(Refusal) as refused:
        sweeps.advance(clock.now() + timedelta(days=1))
    assert refused.value.code == "clock_fixed"


@pytest.mark.django_db
def test_a_row_that_raises_is_set_aside_and_holds_up_nobody(own_sweeps: object) -> None:
    start, log = clock.now(), list[tuple[str, int, datetime]]()
    bad, good = _letter(start), _letter(start + timedelta(seconds=1))
    _sweep("a", log, poison=bad.pk)
    sweeps.run_due(start + timedelta(seconds=2))
    sweeps.run_due(start + timedelta(seconds=2))
    assert [pk for _, pk, _ in log] == [good.pk]
    assert SweepFailure.objects.get().error == "ValueError: poison"


@pytest.mark.django_db
def test_a_quiet_worker_looks_at_all_timers_with_few_statements() -> None:
    known = len(sweeps._sweeps)
    with CaptureQueriesContext(connection) as asked:
        sweeps.run_due(clock.now() - timedelta(days=1))
    assert known > 40
    assert len(asked) <= 12, [each["sql"] for each in asked]


@pytest.mark.django_db(transaction=True)
def test_two_schedulers_at_once_do_each_due_row_once(own_sweeps: object) -> None:
    start, log = clock.now(), list[tuple[str, int, datetime]]()
    _sweep("a", log)
    for n in range(60):
        _letter(start + timedelta(milliseconds=n))
    barrier = Barrier(2)

    def work() -> None:
        barrier.wait()
        try:
            sweeps.run_due(start + timedelta(seconds=1))
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    sweeps.run_due(start + timedelta(seconds=1))
    assert len(log) == len({pk for _, pk, _ in log}) == 60


@pytest.mark.django_db(transaction=True)
def test_workers_stand_still_while_the_clock_is_advanced() -> None:
    seen: list[bool] = []

    def work() -> None:
        try:
            with sweeps.working() as may:
                seen.append(may)
        finally:
            connection.close()

    db.execute("SELECT pg_advisory_lock(%s)", [clock.LOCK])
    try:
        thread = Thread(target=work)
        thread.start()
        thread.join(10)
    finally:
        db.execute("SELECT pg_advisory_unlock(%s)", [clock.LOCK])
    assert seen == [False]


@pytest.mark.django_db
def test_a_limit_lets_a_burst_through_and_then_says_when(monkeypatch: pytest.MonkeyPatch) -> None:
    start = clock.machine_now()
    monkeypatch.setattr(clock, "machine_now", lambda: start)
    for _ in range(3):
        limits.hit("t", "k", per=timedelta(seconds=60), burst=3)
    with pytest.raises(Refusal) as refused:
        limits.hit("t", "k", per=timedelta(seconds=60), burst=3)
    assert refused.value.params["retry_after"] in (20, 21)
    limits.hit("t", "other", per=timedelta(seconds=60), burst=3)
    monkeypatch.setattr(clock, "machine_now", lambda: start + timedelta(seconds=21))
    limits.hit("t", "k", per=timedelta(seconds=60), burst=3)
    with pytest.raises(Refusal):
        limits.hit("t", "k", per=timedelta(seconds=60), burst=3)


@pytest.mark.django_db
def test_a_repeated_request_has_one_effect_and_the_same_answer() -> None:
    done: list[int] = []

    def effect() -> Answer:
        done.append(1)
        return Answer(201, b'{"n":1}')

    def ask(key: str | None, body: object) -> Answer:
        return idempotency.run_once(identity="p1", path="/x", key=key, body=body, effect=effect)

    first, again = ask("k", {"a": 1, "b": None}), ask("k", {"b": None, "a": 1})
    assert (first.replayed, again.replayed, again.content, len(done)) == (False, True, b'{"n":1}', 1)
    for key, body, code in [
        (None, {}, "idempotency_key_required"),
        ("x" * 256, {}, "idempotency_key_required"),
        ("k", {"a": 1}, "idempotency_mismatch"),
    ]:
        with pytest.raises(Refusal) as refused:
            ask(key, body)
        assert refused.value.code == code


@pytest.mark.django_db
def test_a_refused_request_is_judged_again() -> None:
    answers: list[Refusal | Answer] = [Refusal("stale_state", state="x"), Answer(200, b"{}")]

    def effect() -> Answer:
        answer = answers.pop(0)
        if isinstance(answer, Refusal):
            raise answer
        return answer

    with pytest.raises(Refusal):
        idempotency.run_once(identity="p", path="/y", key="k", body={}, effect=effect)
    assert idempotency.run_once(identity="p", path="/y", key="k", body={}, effect=effect).status == 200


@pytest.mark.django_db(transaction=True)
def test_the_same_request_in_flight_is_told_to_wait() -> None:
    codes: list[str] = []

    def other() -> None:
        try:
            idempotency.run_once(identity="p", path="/z", key="k", body={}, effect=lambda: Answer(200, b"{}"))
        except Refusal as refusal:
            codes.append(refusal.code)
        finally:
            connection.close()

    def effect() -> Answer:
        thread = Thread(target=other)
        thread.start()
        thread.join(10)
        return Answer(200, b"{}")

    idempotency.run_once(identity="p", path="/z", key="k", body={}, effect=effect)
    assert codes == ["in_flight"]


def test_signed_texts_are_bound_to_their_purpose_and_to_every_character() -> None:
    text = signing.sign({"a": 1, "b": "中"}, "view")
    assert signing.unsign(text, "view") == {"a": 1, "b": "中"}
    assert signing.unsign(text, "click") is None
    for i in range(len(text)):
        for replacement in ("A", "B"):
            changed = text[:i] + replacement + text[i + 1 :]
            assert changed == text or signing.unsign(changed, "view") is None
    assert signing.unsign(text[:-1], "view") is None
    assert signing.unsign("é" * 30, "view") is None
    assert cursors.unseal(cursors.seal([3, "x"], "feed"), "feed") == [3, "x"]
    with pytest.raises(Refusal):
        cursors.unseal(cursors.seal([3], "feed"), "orders")


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["UPDATE kernel_auditentry SET verb = 'x'", "DELETE FROM kernel_auditentry"])
def test_the_audit_trail_cannot_be_changed(change: str) -> None:
    audit.record(audit.SYSTEM, "did", ("thing", 1), after={"a": 1})
    with pytest.raises(DatabaseError), db.atomic():
        db.execute(change)
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db
def test_a_refusal_raised_in_sql_arrives_as_one() -> None:
    with pytest.raises(Refusal) as refused, db.atomic():
        db.execute(
            "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'out_of_x', DETAIL = '{\"left\": 2}'; END $$"
        )
    assert (refused.value.code, refused.value.params) == ("out_of_x", {"left": 2})


@pytest.mark.django_db
def test_what_a_function_tells_of_meanwhile_still_has_its_turn_in_due_order(own_sweeps: object) -> None:
    start, log = clock.now(), list[tuple[str, int, datetime]]()
    _sweep("a", log)
    for days in (1, 3):
        _letter(start + timedelta(days=days), "a")
    told: list[datetime] = []

    def next_due() -> datetime | None:
        """Waits for something a day after the first letter, once that is done."""
        return start + timedelta(days=2) if len(log) == 1 and not told else None

    def run(limit: int, until: datetime) -> int:
        told.append(clock.now())
        log.append(("function", 0, until))
        return 1

    sweeps.sweep("function", next_due=next_due)(run)
    sweeps.advance(start + timedelta(days=10))
    assert [(name, at) for name, _, at in log] == [
        ("a", start + timedelta(days=1)), ("function", start + timedelta(days=2)), ("a", start + timedelta(days=3)),
    ]  # fmt: skip
