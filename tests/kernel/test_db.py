"""How the database is spoken to, whoever runs it."""

from threading import Thread

import pytest
from django.db import connection

from meadow.config import invariants
from meadow.kernel import db


@pytest.mark.django_db
def test_plans_are_never_compiled_whatever_the_server_is_set_to() -> None:
    # Our functions forbid sequential scans by their cost, which a server with JIT takes for hard work: 45 ms a call.
    assert db.one("SELECT setting, source FROM pg_settings WHERE name = 'jit'") == {
        "setting": "off",
        "source": "client",
    }


@pytest.mark.django_db(transaction=True)
def test_invariants_see_one_moment_while_others_write(monkeypatch: pytest.MonkeyPatch) -> None:
    def count() -> int:
        return int(db.call("SELECT count(*) FROM kernel_deadletter"))

    def write_meanwhile() -> None:
        try:
            db.execute(
                "INSERT INTO kernel_deadletter (subject, kind, body, occurred_at, died_at, error) "
                "VALUES ('s', 'k', '{}', now(), now(), '')"
            )
        finally:
            connection.close()

    def moved_between_two_looks() -> int:
        before = count()
        other = Thread(target=write_meanwhile)
        other.start()
        other.join(10)
        return count() - before

    monkeypatch.setattr(invariants, "named", lambda: {"moved": moved_between_two_looks})
    assert invariants.run() == {"moved": 0}
    assert count() == 1
