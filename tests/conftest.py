"""What every test stands on: real PostgreSQL, a fast hasher, seeded tables that survive, a clock that starts anew."""

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

os.environ.setdefault("MEADOW_DATA", os.path.join(tempfile.gettempdir(), f"meadow-test-{os.getuid()}"))
os.environ.setdefault("MEADOW_LANGUAGE", "en")


@pytest.fixture(autouse=True)
def _fast_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Makes the flush after committing tests keep what migrations seeded, and pass the append-only triggers.

    Only tables that hold rows are emptied, by DELETE with triggers off: far quicker than truncating all of them.
    """
    from django.db import connection
    from django.db.backends.postgresql.operations import DatabaseOperations

    def with_rows(tables: list[str]) -> list[str]:
        query = " UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT 1 FROM \"{t}\")" for t in tables)
        with connection.cursor() as cursor:
            cursor.execute(query)
            return [row[0] for row in cursor.fetchall()]

    with django_db_blocker.unblock():
        seeded = set(with_rows(connection.introspection.table_names()))

    def sql_flush(self: Any, style: Any, tables: list[str], **options: Any) -> list[str]:
        used = with_rows([table for table in tables if table not in seeded])
        return [
            "SET LOCAL session_replication_role = replica",
            *(f'DELETE FROM "{table}"' for table in used),
            "UPDATE kernel_clockoffset SET offset_us = 0",
            "SET LOCAL session_replication_role = DEFAULT",
        ]

    DatabaseOperations.sql_flush = sql_flush  # type: ignore[method-assign]
    yield
    # The fast lane and the click writer keep connections of their own, which would hold the database open.
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
