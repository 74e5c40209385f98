"""Does `./meadow quote` answer with the production rules, and refuse bad input in one sentence?"""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner, Result

from meadow.config.commands.quote import command

V = ["--goods", "10000", "--shipping", "1000", "--rate", "20"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def answer(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_c3_1_vectors_as_json() -> None:
    assert answer(*V, "--refund", "4000", "--refund", "6000:1000") == {
        "currency": "CNY",
        "settlement": {"merchant_minor": 8500, "creator_minor": 1800, "platform_minor": 700},
        "refunds": [
            {
                "goods_minor": 4000, "shipping_minor": 0,
                "merchant_minor": 3000, "creator_minor": 720, "platform_minor": 280,
            },
            {
                "goods_minor": 6000, "shipping_minor": 1000,
                "merchant_minor": 5500, "creator_minor": 1080, "platform_minor": 420,
            },
        ],
        "final": {"escrow_minor": 0, "merchant_minor": 0, "creator_minor": 0, "platform_minor": 0},
    }  # fmt: skip


def test_c3_1_small_vectors() -> None:
    assert answer("--goods", "7", "--rate", "15")["settlement"] == {
        "merchant_minor": 6, "creator_minor": 1, "platform_minor": 0,
    }  # fmt: skip
    assert answer("--goods", "3", "--rate", "15.00")["settlement"]["merchant_minor"] == 3


def test_without_refunds_final_is_the_settlement() -> None:
    found = answer(*V)
    assert found["refunds"] == []
    assert found["final"] == {"escrow_minor": 0} | found["settlement"]


def test_the_table_shows_decimals_of_the_currency() -> None:
    result = run(*V, "--refund", "4000", "--currency", "CNY")
    assert result.exit_code == 0
    assert "85.00" in result.output
    assert "-7.20" in result.output
    assert "8500" in run(*V, "--currency", "JPY").output
    assert "below_minimum" in run("--goods", "3", "--rate", "15").output


@pytest.mark.parametrize(
    "bad",
    [
        ["--goods", "-5", "--rate", "20"],
        ["--goods", "5", "--shipping", "-1", "--rate", "20"],
        ["--goods", "5", "--rate", "-1"],
        ["--goods", "5", "--rate", "101"],
        ["--goods", "5", "--rate", "100.01"],
        ["--goods", "5", "--rate", "1.234"],
        ["--goods", "5", "--rate", "nan"],
        ["--goods", "5", "--rate", "inf"],
        ["--goods", "5", "--rate", "1e1"],
        ["--goods", "nan", "--rate", "1"],
        ["--goods", "1_000", "--rate", "1"],
        ["--goods", "５", "--rate", "1"],
        ["--goods", "10.5", "--rate", "1"],
        ["--goods", "9" * 16, "--rate", "1"],
        ["--goods", "9" * 5000, "--rate", "1"],
        ["--goods", "10000", "--rate", "20", "--refund", "10001"],
        ["--goods", "10000", "--rate", "20", "--refund", "6000", "--refund", "4001"],
        ["--goods", "10000", "--rate", "20", "--refund", "1:1"],
        ["--goods", "10000", "--rate", "20", "--refund", "-1"],
        ["--goods", "10000", "--rate", "20", "--refund", "1:"],
        ["--goods", "10000", "--rate", "20", "--refund", "1:2:3"],
        ["--goods", "10000", "--rate", "20", "--currency", "XXX"],
        ["--goods", "10000", "--rate", "97"],
        ["--rate", "20"],
        ["--goods", "20"],
        ["--goods", "20", "--rate"],
        ["--goods", "20", "--rate", "1", "--unheard-of"],
        ["--goods", "20", "--rate", "1", "more"],
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(bad: list[str]) -> None:
    result = run(*bad, "--json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.stderr


def test_it_needs_no_database_and_no_django() -> None:
    code = (
        "import sys; from meadow.config.commands.quote import command\n"
        "try: command.main(sys.argv[1:], standalone_mode=False)\n"
        "finally: from django.apps import apps; assert not apps.ready\n"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": "src"}
    done = subprocess.run(
        [sys.executable, "-c", code, *V, "--json"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["settlement"]["creator_minor"] == 1800
