"""`./meadow link`: does it answer as the policy does, without a database, and refuse bad input in one sentence?"""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.config.test_commands import call

from meadow.config import cli

PARTNERS = "name,host,product-link pattern\nTaobao,item.taobao.com,item.taobao.com/item.htm?id={digits}\n" \
    "Shop,shop.example.com,/item/{digits}.html\nShop,shop.example.com,https://shop.example.com/p/*\n"  # fmt: skip


@pytest.fixture
def partners(tmp_path: Path) -> str:
    path = tmp_path / "partners.csv"
    path.write_text(PARTNERS, encoding="utf-8-sig")
    return str(path)


def test_it_prints_decision_address_rule_and_reason_without_a_database(partners: str) -> None:
    done = call(
        "link", "--partners", partners, "https://taobao.com@evil.com/x", "Item.Taobao.com/item.htm?id=5#top",
        "shop.example.com/item/4.html", "https://shop.example.com/p/blue-cup", "\x1b[31mevil.com",
        DATABASE_URL="postgresql://nobody@127.0.0.1:9/none",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows[0] == [
        "block", "-", "link.plain v1", "user_name",
        "A name stands before the host, which hides that it leads to evil.com. Remove what is before the @.",
    ]  # fmt: skip
    assert rows[1][:4] == ["allow", "https://item.taobao.com/item.htm?id=5#top", "link.partners v1", "partner"]
    assert [row[0] for row in rows[2:]] == ["allow", "allow", "block"]
    assert "\x1b" not in done.stdout


def test_it_reads_lines_and_prints_json_on_any_surface() -> None:
    import subprocess
    import sys

    from meadow.config.settings import CHECKOUT

    done = subprocess.run(
        [sys.executable, "-m", "meadow.config.cli", "link", "--json", "--surface", "chat"],
        input=b"https://example.com/a\r\n\n  \nhttps://a\xff.com\njavascript:1", capture_output=True, check=False,
        env={"PYTHONPATH": str(CHECKOUT / "src"), "PATH": "/usr/bin:/bin"}, cwd="/", timeout=60,
    )  # fmt: skip
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["decision"], one["code"]) for one in found] == [
        ("warn", "not_partner"), ("block", "malformed"), ("block", "scheme"),
    ]  # fmt: skip
    assert found[0] == {
        "url": "https://example.com/a", "surface": "chat", "decision": "warn", "normalised": "https://example.com/a",
        "host": "example.com", "rule": "link.partners", "rule_version": 1, "code": "not_partner",
        "reason": "example.com belongs to no partner. Link a product of a shop here, or a partner's product page.",
        "reason_zh": "example.com 不属于合作方，请改用本站商品或合作方商品页的链接。", "partner": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a,b\n", "Line 1 needs three cells"),
        ("a,shop.example.com,\n", "Line 1 needs three cells"),
        ("a,localhost,/x/{id}\n", "Line 1"),
        ("name,host,pattern\na,shop.example.com,other.example.com/x/{id}\n", "Line 2"),
        ("a,shop.example.com,shop.example.com\n", "whole site"),
        ("a,shop.example.com,/x/{what}\n", "no placeholder what"),
        (b"\xff\xfe", "no UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path: Path, content: str | bytes | None, told: str) -> None:
    path = tmp_path / "partners.csv"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = CliRunner().invoke(cli.meadow, ["link", "--partners", str(path), "https://evil.com"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_surface_or_option_is_refused_in_one_sentence() -> None:
    for words in (("link", "--surface", "moon", "x.com"), ("link", "--nothing")):
        done = CliRunner().invoke(cli.meadow, words)
        assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
