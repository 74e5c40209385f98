"""What every test stands on: real PostgreSQL, a fast hasher, seeded tables that survive, a clock that starts anew."""

import hashlib
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

SOURCE = Path(__file__).resolve().parents[1] / "src"

os.environ.setdefault("MEADOW_DATA", os.path.join(tempfile.gettempdir(), f"meadow-test-{os.getuid()}"))
os.environ.setdefault("MEADOW_LANGUAGE", "en")

# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of two workers begins with half of the long tests, so that none of them is left alone with one at the end."""
    long = [item for item in items if item.get_closest_marker("slow")]
    short = [item for item in items if not item.get_closest_marker("slow")]
    half = len(short) // 2
    items[:] = [*long[::2], *short[:half], *long[1::2], *short[half:]]


@pytest.fixture(autouse=True)
def _fast_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Each worker's database is a copy of one that was migrated once: running all migrations takes 20 s, a copy one."""
    from django.conf import settings
    from django.db import connection

    name = f"made_{settings.DATABASES['default']['NAME']}"
    source = hashlib.sha256()
    for path in sorted(SOURCE.glob("meadow/**/migrations/*")):
        if path.is_file():
            source.update(path.name.encode() + path.read_bytes())
    wanted = source.hexdigest()
    given = {**connection.get_connection_params(), "dbname": "postgres"}
    given.pop("cursor_factory", None)
    given.pop("context", None)
    with psycopg.connect(**given, autocommit=True) as server:
        # Several workers start at once; the first one makes it.
        server.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        row = server.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
        if row is None or row[0] != wanted:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
            environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PGDATABASE": name, "MEADOW_TEST_DATABASE": name}
            done = subprocess.run(
                [sys.executable, "-c", _MIGRATE], env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-4000:]
            server.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(wanted)))
    connection.settings_dict["TEST"]["TEMPLATE"] = name


@pytest.fixture(scope="session")
def made_database(django_db_modify_db_settings: None) -> str:
    """The address of the migrated database: nobody works in it, everybody copies it."""
    from django.db import connection

    return address_of(connection.settings_dict["TEST"]["TEMPLATE"])


@pytest.fixture
def copied_database(made_database: str) -> Iterator[str]:
    """The address of a migrated, empty database for a private instance: copied in a second, dropped afterwards."""
    name, made = f"copy_{secrets.token_hex(6)}", conninfo_to_dict(made_database)["dbname"]
    with psycopg.connect(address_of("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(made)))
        yield address_of(name)
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def own_address(transactional_db: None) -> str:
    """The address of this test's own database, for a process beside it; what it is to see must be committed."""
    from django.db import connection

    return address_of(connection.settings_dict["NAME"])


def address_of(database: str) -> str:
    """Another database on the server that the tests were given."""
    address, _, options = os.environ.get("DATABASE_URL", "postgresql:///meadow").partition("?")
    return f"{address.rpartition('/')[0]}/{database}?{options}"


_MIGRATE = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meadow.config.django_settings")
from django.conf import settings
settings.DATABASES["default"]["NAME"] = os.environ["MEADOW_TEST_DATABASE"]
import django
django.setup()
from meadow.config.migrating import migrate
migrate()
"""


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
