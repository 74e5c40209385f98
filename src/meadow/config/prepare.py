"""Is the database ready to be served?  Migrates it, fills an empty one with the sample, says who may sign in.

Run by the supervisor in a process of its own.  Lines that begin with `| ` on standard error are progress, one
that begins with `! ` is the reason of a failure; standard output is one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from meadow.config.messages import compile_messages

OLDEST_SERVER = 150000
#: Any fixed number: two starts on one database take turns.
TURN = 6_021_023


def main(arguments: list[str]) -> int:
    import django
    from django.db import OperationalError, ProgrammingError

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meadow.config.django_settings")
    try:
        django.setup()
        print(json.dumps(prepare(sample="--sample" in arguments)))
        return 0
    except OperationalError as error:
        _fail(f"The database did not answer ({_first_line(error)}): check DATABASE_URL and that its server runs.")
    except ProgrammingError as error:
        _fail(f"The database refused the tables ({_first_line(error)}): give its user the right to create them.")
    except Exception as error:  # the supervisor shows one sentence; the traceback is above it
        _fail(f"Preparing the database failed ({type(error).__name__}: {_first_line(error)}).")
        raise
    return 1


def prepare(*, sample: bool) -> dict[str, Any]:
    from django.contrib.auth import get_user_model
    from django.db import connection, transaction

    _check_server(connection)
    compile_messages()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [TURN])
    migrate()
    _publish_rulebook()
    people = get_user_model().objects
    loaded = False
    if sample and find_spec("meadow.config.sample") and not people.exists():
        _say("Loading the sample ...")
        with transaction.atomic():
            import_module("meadow.config.sample").load()
        loaded = True
    connection.close()
    return {"sample_loaded": loaded, "sign_ins": _sign_ins(), "operator_code": _operator_code()}


def _publish_rulebook() -> None:
    """The rules and packs that ship are open to everybody from the first start on; what is new comes with an upgrade."""
    from meadow.governance import services

    services.publish_rules()
    services.publish_packs()


def migrate() -> None:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from meadow.config import migrating

    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        _say(f"Preparing the database: {len(missing)} migrations ...")
        migrating.migrate()


def _check_server(connection: Any) -> None:
    connection.ensure_connection()
    version = connection.connection.info.server_version
    if version < OLDEST_SERVER:
        _fail(f"The database is PostgreSQL {version // 10000}; Meadow needs 15 or newer: upgrade it, or use another.")
        sys.exit(1)


def _sign_ins() -> list[Any]:
    if not find_spec("meadow.config.sample"):
        return []
    return list(getattr(import_module("meadow.config.sample"), "sign_ins", list)())


def _operator_code() -> str:
    """A new one-time code while there is no operator."""
    from django.contrib.auth import get_user_model

    from meadow.accounts import services

    if get_user_model().objects.filter(is_operator=True).exists():
        return ""
    return str(services.issue_operator_code())


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0]


def _say(text: str) -> None:
    print(f"| {text}", file=sys.stderr, flush=True)


def _fail(sentence: str) -> None:
    print(f"! {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
