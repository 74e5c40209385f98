"""How the database is spoken to, whoever runs it."""

import pytest

from meadow.kernel import db


@pytest.mark.django_db
def test_plans_are_never_compiled_whatever_the_server_is_set_to() -> None:
    # Our functions forbid sequential scans by their cost, which a server with JIT takes for hard work: 45 ms a call.
    assert db.one("SELECT setting, source FROM pg_settings WHERE name = 'jit'") == {
        "setting": "off",
        "source": "client",
    }
