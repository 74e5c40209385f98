"""`./meadow` itself: what it says when something is missing, and that two first calls at once are safe."""

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from meadow.config.settings import CHECKOUT

SCRIPT = CHECKOUT / "meadow"
COMMAND_LINE = "import os, sys\nprint('ran', *sys.argv[1:])\nprint('src' in os.environ['PYTHONPATH'])\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without requirements, so that installing needs no network."""
    shutil.copy(SCRIPT, tmp_path / "meadow")
    for folder, name, text in [
        ("requirements", "run.txt", "# nothing\n"),
        ("requirements", "test.txt", "# nothing either\n"),
        ("src/meadow", "__init__.py", ""),
        ("src/meadow/config", "__init__.py", ""),
        ("src/meadow/config", "cli.py", COMMAND_LINE),
    ]:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / name).write_text(text)
    return tmp_path


@pytest.fixture
def launcher(checkout: Path) -> Any:
    loader = SourceFileLoader("launcher", str(checkout / "meadow"))
    spec = spec_from_loader("launcher", loader)
    assert spec is not None
    module = module_from_spec(spec)
    writing, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = writing
    return module


def start(checkout: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, checkout / "meadow", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def test_two_first_calls_at_once_make_one_environment(checkout: Path) -> None:
    both = [start(checkout, "quote", "--json"), start(checkout, "quote", "--json")]
    said = [process.communicate(timeout=180) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    # Standard output is the command's own, also on the first call.
    assert [out for out, _ in said] == ["ran quote --json\nTrue\n"] * 2
    assert sum("Making a Python environment" in err for _, err in said) == 1

    quick = start(checkout, "doctor")
    assert quick.communicate(timeout=180) == ("ran doctor\nTrue\n", "")

    # The mark is the checksum of what was installed.
    (checkout / "requirements" / "run.txt").write_text("# something new\n")
    again = start(checkout, "doctor")
    assert "Installed in" in again.communicate(timeout=180)[1]


def test_a_killed_installation_begins_anew(launcher: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def pretend(command: list[str]) -> Any:
        asked.append(command[1:])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(launcher, "run", pretend)
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").touch()
    launcher.make_venv()
    assert asked == [["-m", "pip", "--version"]]
    (checkout / ".venv" / ".unfinished").touch()
    launcher.make_venv()
    assert asked[1:] == [["-m", "venv", "--clear", str(checkout / ".venv")]]


def complaint_of(launcher: Any, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert launcher.main(list(words) or ["up"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    return str(err.splitlines()[-1])


def test_a_missing_venv_module_is_named(
    launcher: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher.importlib.util, "find_spec", lambda name: None)
    assert "apt-get install python3-venv" in complaint_of(launcher, capsys)


def test_a_full_disk_is_named_before_anything_is_made(
    launcher: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(launcher.shutil, "disk_usage", lambda path: usage(1, 1, 5 * 1024**2))
    assert "Only 5 MB are free" in complaint_of(launcher, capsys)
    assert not (checkout / ".venv").exists()


def test_a_checkout_that_may_not_be_written_is_named(
    launcher: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher.os, "access", lambda path, mode: False)
    assert "run as its owner, or clone it anew" in complaint_of(launcher, capsys)


def test_an_old_python_is_told_unless_a_newer_one_stands_by(
    launcher: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(launcher.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit) as ended:
        launcher.main(["up"])
    assert ended.value.code == 1
    assert "needs Python 3.11 or newer and found only 3.9" in capsys.readouterr().err

    taken: list[str] = []

    def replace_ourselves(program: str, words: list[str]) -> None:
        taken.append(program)
        raise SystemExit(0)

    monkeypatch.setattr(launcher.shutil, "which", lambda name: f"/usr/bin/{name}" if name == "python3.12" else None)
    monkeypatch.setattr(launcher.os, "execv", replace_ourselves)
    with pytest.raises(SystemExit):
        launcher.use_new_enough_python(["up"])
    assert taken == ["/usr/bin/python3.12"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "differs from the one"),
        ("[Errno 13] Permission denied: '/x/.venv'", "cannot be written"),
        ("WARNING: Retrying after NewConnectionError\nERROR: No matching distribution found", "check the network"),
        ("ERROR: something unheard of", "something unheard of"),
    ],
)
def test_what_pip_meant_is_said_in_one_sentence(launcher: Any, said: str, told: str) -> None:
    sentence = launcher.reason(said, "The packages could not be installed")
    assert told in sentence
    assert "\n" not in sentence


def test_an_installer_that_fails_is_one_sentence(
    launcher: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    fake = checkout / ".venv" / "bin" / "python"
    fake.write_text(
        "#!/bin/sh\ncase \"$*\" in *--version) exit 0;; esac\necho 'ERROR: No matching distribution found'\nexit 1\n"
    )
    fake.chmod(0o755)
    assert "package index did not answer" in complaint_of(launcher, capsys, "test")
    assert "No matching distribution" in (checkout / ".venv" / "install.log").read_text()


def test_the_launcher_is_an_executable_file() -> None:
    assert os.access(SCRIPT, os.X_OK)
