"""A PostgreSQL that is gone when its user is, even when the user was killed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from meadow.config.guardian import Guardian
from meadow.config.postgres import seat
from meadow.config.postgres.server import CARELESS, Server


@contextmanager
def ephemeral(*, fsync: bool = False, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """A running server with an empty database, in a folder that is removed afterwards."""
    with private_folder() as folder:
        server = Server(folder / "postgres", {**({} if fsync else CARELESS), **(settings or {})})
        server.start()
        server.create_database()
        yield server
        server.stop(force=True)


@contextmanager
def private_folder() -> Iterator[Path]:
    """A new folder that a guardian clears, with every process of ours that works in it, when we end."""
    folder = Path(tempfile.mkdtemp(prefix="meadow-", dir=_temporary_place()))
    if os.geteuid() == 0:
        # PostgreSQL's user passes through; the data folder below is private to it.
        folder.chmod(0o711)
    guardian = Guardian(folder)
    try:
        yield folder
    finally:
        guardian.finish()


def _temporary_place() -> Path:
    """Root's own temporary folder may be closed to PostgreSQL's user."""
    usual = Path(tempfile.gettempdir())
    if os.geteuid() != 0 or seat.may_enter(usual, seat.NOBODY_ID, seat.NOBODY_ID):
        return usual
    seat.make_parents(seat.SYSTEM_FOLDER)
    return seat.SYSTEM_FOLDER
