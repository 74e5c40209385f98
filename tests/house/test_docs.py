"""The documents say what is there: settings, paths, refusals."""

import re
from pathlib import Path

import pytest

from meadow.config import settings, settings_table

ROOT = Path(__file__).resolve().parents[2]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_table_of_settings_is_the_one_the_code_makes() -> None:
    text = (ROOT / "docs" / "operate.md").read_text("utf-8")
    shown = text.split("<!-- settings -->\n")[1].split("\n<!-- /settings -->")[0]
    assert shown == settings_table.table(), "copy what meadow.config.settings_table.table() returns"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_a_document_names_exists(path: Path) -> None:
    text = path.read_text("utf-8")
    named = set(re.findall(r"`((?:src|tests|docs|bench|requirements)/[\w./*-]+)`", text))
    named |= {f"{path.parent.relative_to(ROOT)}/{link}" for link in re.findall(r"\]\(([\w./-]+)\)", text)}
    missing = sorted(name for name in named if not list(ROOT.glob(name.rstrip("/"))))
    assert not missing


def test_bad_settings_name_themselves() -> None:
    with pytest.raises(ValueError, match="MEADOW_SANDBOX"):
        settings.read({"MEADOW_SANDBOX": "perhaps"})
    with pytest.raises(ValueError, match="MEADOW_PROXIES"):
        settings.read({"MEADOW_PROXIES": "two"})


def test_a_real_installation_has_no_test_clock(tmp_path: Path) -> None:
    read = settings.read({"MEADOW_SANDBOX": "0", "MEADOW_TEST_CLOCK": "1", "MEADOW_DATA": str(tmp_path)})
    assert not read.test_clock
    assert len(read.secret_key) >= 48
    assert settings.read({"MEADOW_DATA": str(tmp_path)}).secret_key == read.secret_key
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("from-a-file\n")
    assert settings.read({"MEADOW_SECRET_KEY_FILE": str(tmp_path / "s")}).secret_key == "from-a-file"
