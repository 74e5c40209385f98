"""Which database does a command use?  DATABASE_URL, or the embedded server, started for as long as needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meadow.config.postgres import Server
from meadow.config.postgres.seat import make_parents
from meadow.config.settings import CHECKOUT, Settings, current
from meadow.config.trouble import Trouble, from_os


def settings_now() -> Settings:
    """The settings as they are set; a wrong one is a sentence."""
    try:
        return current()
    except ValueError as error:
        raise Trouble(f"{error}.") from None


def data_folder() -> Path:
    """Made before anything else writes into it, so that PostgreSQL's user may pass."""
    folder = Path(os.environ.get("MEADOW_DATA") or CHECKOUT / ".data").expanduser().absolute()
    try:
        make_parents(folder)
    except OSError as error:
        raise from_os(error, "making the data folder") from error
    return settings_now().data


@contextmanager
def provided() -> Iterator[str]:
    """The database's address, for Django too.  A server that `up` runs is shared and left running."""
    given = settings_now().database_url
    if given:
        yield given
        return
    with Server(data_folder() / "postgres") as server:
        os.environ["DATABASE_URL"] = server.create_database()
        # Read again: the settings of this process now have a database.
        current.cache_clear()
        try:
            yield os.environ["DATABASE_URL"]
        finally:
            del os.environ["DATABASE_URL"]
            current.cache_clear()
