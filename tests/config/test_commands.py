"""The command line's own parts: the table of commands, one sentence for a failure, doctor, translations."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from meadow.config import cli, diagnosis
from meadow.config.commands import check
from meadow.config.commands import test as test_command
from meadow.config.diagnosis import Finding
from meadow.config.messages import compile_messages
from meadow.config.settings import CHECKOUT, read
from meadow.config.trouble import Trouble, from_os


def call(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("MEADOW_", "DATABASE_URL"))}
    return subprocess.run(
        [sys.executable, "-m", "meadow.config.cli", *words],
        env={**kept, **settings, "PYTHONPATH": str(CHECKOUT / "src")},
        capture_output=True, text=True, check=False, cwd="/", timeout=180,
    )  # fmt: skip


def test_help_names_every_command_that_is_there_without_loading_them() -> None:
    said = CliRunner().invoke(cli.meadow, ["--help"]).output
    for name in ("up", "test", "check", "doctor", "manage"):
        assert f"  {name} " in said


def test_a_command_that_is_missing_breaks_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.COMMANDS, "nowhere", "Not built.")
    assert "nowhere" not in CliRunner().invoke(cli.meadow, ["--help"]).output
    assert "No such command" in CliRunner().invoke(cli.meadow, ["nowhere"]).output


def test_every_command_named_in_the_table_is_a_click_command() -> None:
    context = cli.meadow.make_context("meadow", ["--help"], resilient_parsing=True)
    assert isinstance(cli.meadow, cli.Commands)
    for name in cli.meadow.list_commands(context):
        found = cli.meadow.get_command(context, name)
        assert found is not None
        assert found.help


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Trouble("Port 1 is taken: use --port 2."), "Port 1 is taken: use --port 2."),
        (OSError(28, "No space left on device"), "The disk is full"),
        (PermissionError(13, "Permission denied", "/x"), "You may not write /x"),
        (OSError(30, "Read-only file system", "/x"), "/x is on a read-only disk"),
    ],
)
def test_a_known_failure_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, told: str
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli.meadow, "main", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main(["up"])
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


def test_an_unknown_failure_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli.meadow, "main", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["up"])


def test_an_unreachable_database_is_a_sentence(tmp_path: Path) -> None:
    done = call("up", MEADOW_DATA=str(tmp_path / "data"), DATABASE_URL="postgresql://x@/x?host=/nonexistent")
    assert done.returncode == 1
    assert done.stderr.startswith("The database did not answer (")
    assert done.stderr.endswith("check DATABASE_URL and that its server runs.\n")


def test_a_wrong_setting_is_a_sentence(tmp_path: Path) -> None:
    done = call("doctor", MEADOW_DATA=str(tmp_path / "data"), MEADOW_SANDBOX="perhaps")
    assert (done.returncode, done.stderr) == (1, "MEADOW_SANDBOX is 'perhaps'; set it to 1 or 0.\n")


def test_doctor_prints_one_json_object_and_nothing_else(tmp_path: Path) -> None:
    done = call("doctor", "--json", MEADOW_DATA=str(tmp_path / "data"))
    found = json.loads(done.stdout)
    assert found["good"] is True
    assert done.returncode == 0
    assert {"Python", "packages", "disk", "base URL", "PostgreSQL"} <= {one["name"] for one in found["checks"]}


def states(settings: dict[str, str]) -> dict[str, str]:
    given = read({"MEADOW_SECRET_KEY": "k" * 40, **settings})
    return {finding.name: finding.state for finding in diagnosis.of_machine(given)}


def test_doctor_knows_an_unsafe_setting() -> None:
    assert states({})["settings"] == "good"
    assert states({"MEADOW_BASE_URL": "https://shop.example"})["settings"] == "warning"
    assert states({"MEADOW_BASE_URL": "http://192.0.2.7:8000"})["base URL"] == "warning"
    assert states({"MEADOW_BASE_URL": "http://shop.example", "MEADOW_SANDBOX": "0"})["base URL"] == "bad"
    assert states({"MEADOW_BASE_URL": "shop.example"})["base URL"] == "bad"


@pytest.mark.django_db
def test_doctor_finds_a_dead_letter_a_late_outbox_and_a_silent_worker() -> None:
    from datetime import timedelta

    from meadow.kernel import clock, heartbeats
    from meadow.kernel.models import DeadLetter, Heartbeat, OutboxEvent

    def found() -> dict[str, Finding]:
        return {one.name: one for one in diagnosis.of_database(is_running=True)}

    heartbeats.beat("worker")
    sound = found()
    assert {name: one.state for name, one in sound.items() if one.state == "bad"} == {}
    assert sound["invariants"].text.endswith("kept")

    long_ago = clock.machine_now() - timedelta(hours=1)
    happened = {"subject": "order:1", "kind": "OrderPaid", "body": {}, "occurred_at": long_ago}
    letter = DeadLetter.objects.create(**happened, died_at=long_ago, error="broken")
    OutboxEvent.objects.create(**happened, lane=0, emitted_at=long_ago, tries=0)
    Heartbeat.objects.filter(name="worker").update(seen_at=long_ago)
    ill = found()
    assert [ill[name].state for name in ("dead letters", "outbox", "worker")] == ["bad", "bad", "bad"]
    assert f"replay({letter.pk})" in ill["dead letters"].mend
    assert all(one.mend for one in ill.values() if one.state != "good")


def test_check_runs_each_tool_and_fails_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "TOOLS", {"good": ["-c", "print('fine')"], "ill": ["-c", "raise SystemExit('line 7')"]})
    done = CliRunner().invoke(check.command, [], standalone_mode=False)
    assert done.return_value == 1
    assert "FAILED  ill" in done.output
    assert "ok      good" in done.output
    assert "line 7" in done.output
    assert "fine" not in done.output


def test_test_says_why_browser_tests_are_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(test_command.shutil, "which", lambda name: None)
    monkeypatch.setattr(test_command.os, "geteuid", lambda: 1000)
    test_command._provide_browser()
    assert "skipped, because there is no Chromium" in capsys.readouterr().err


def test_translations_are_compiled_when_older(tmp_path: Path) -> None:
    folder = tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    (folder / "django.po").write_text(head + 'msgid "Cart"\nmsgstr "购物车"\n', encoding="utf-8")
    assert compile_messages(tmp_path) == 1
    assert "购物车".encode() in (folder / "django.mo").read_bytes()
    assert compile_messages(tmp_path) == 0
    assert [path.name for path in sorted(folder.iterdir())] == ["django.mo", "django.po"]


def test_an_unnamed_os_error_still_says_what_was_being_done() -> None:
    assert str(from_os(OSError(5, "Input/output error", "/x"), "making the data folder")).startswith(
        "Failed while making the data folder: Input/output error (/x)"
    )
