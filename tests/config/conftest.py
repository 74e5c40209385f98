"""Folders that PostgreSQL's user can reach, and nothing of ours left running."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meadow.config.guardian import end_strays
from meadow.config.postgres import remains
from meadow.config.postgres.seat import embedded_binaries


@pytest.fixture
def place() -> Iterator[Path]:
    """pytest's own folders are private to root, so root's tests need an open one."""
    folder = Path(tempfile.mkdtemp(prefix="meadow-config-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)
    yield folder
    end_strays(folder)
    for version in folder.rglob("PG_VERSION"):
        if version.parent.parent.name != "base":
            remains.end_survivors(version.parent, grace_seconds=0)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fill(made_database: str) -> Callable[[str], None]:
    """Gives an empty database the tables of a migrated one: a tenth of the time of its migrations."""

    def do(dsn: str) -> None:
        programs = embedded_binaries()
        made = subprocess.run([programs / "pg_dump", "--no-owner", made_database], capture_output=True, text=True)
        if made.returncode:
            # The server given for tests is newer than our programs: then the migrations take their time.
            assert "server version mismatch" in made.stderr, made.stderr
            return
        load = [programs / "psql", "-q", "-1", "-v", "ON_ERROR_STOP=1", dsn]
        done = subprocess.run(load, input=made.stdout, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    return do
