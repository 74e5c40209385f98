"""Folders that PostgreSQL's user can reach, and nothing of ours left running."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from meadow.config.guardian import end_strays
from meadow.config.postgres import remains


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
