"""Does `./meadow tour` do the main job over HTTP, tell it in its JSON, and say in a sentence when something fails?"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from meadow.config.commands.quote import as_object, quote
from meadow.config.commands.tour import command
from meadow.config.settings import CHECKOUT
from meadow.config.tour import goods
from meadow.config.trouble import Trouble

FIELDS = {
    "catalog", "token", "order", "settlement", "refunds", "final", "attribution", "invariants", "seconds",
}  # fmt: skip


@pytest.fixture
def running(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An installation that runs: web on a port, and a worker beside it; the operator's one-time code."""
    from django.db import connection

    from meadow.accounts.services import issue_operator_code
    from meadow.config import worker

    stop = threading.Event()

    def work() -> None:
        try:
            worker.run(stop)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    monkeypatch.setenv("MEADOW_BASE_URL", live_server.url)
    thread.start()
    yield issue_operator_code()
    stop.set()
    thread.join(30)


def tour(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


@pytest.mark.django_db(transaction=True)
def test_tour_tells_every_field_and_ends_at_zero(running: str) -> None:
    told = tour("--here", "--operator-code", running)
    assert set(told) == FIELDS
    assert set(told["catalog"]) == {"format", "rows", "products", "skus", "images", "rejected"}
    assert set(told["token"]) == {"text", "digits", "url"}
    assert set(told["order"]) == {"id", "currency", "goods_minor", "shipping_minor", "paid_minor"}
    assert set(told["attribution"]) == {"creator", "clicks", "rule", "reason"}
    assert told["catalog"]["products"] == len(goods.GOODS)
    assert told["settlement"] == {"merchant_minor": 8500, "creator_minor": 1800, "platform_minor": 700}
    assert set(told["final"].values()) == {0}
    assert told["invariants"]
    assert set(told["invariants"].values()) == {0}
    order = told["order"]
    steps = [(refund["goods_minor"], refund["shipping_minor"]) for refund in told["refunds"]]
    said = as_object(quote(order["currency"], order["goods_minor"], order["shipping_minor"], 2000, steps))
    assert {name: told[name] for name in ("settlement", "refunds", "final")} | {"currency": "CNY"} == said


@pytest.mark.django_db(transaction=True)
def test_tour_takes_every_kind_of_file(running: str, tmp_path: Path) -> None:
    google = tmp_path / "feed.xml"
    google.write_text(
        '<?xml version="1.0"?><rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>t</title>'
        "<item><g:id>1</g:id><g:title>Lamp</g:title><g:price>12.50 EUR</g:price><g:availability>in_stock"
        "</g:availability><g:link>https://x.example.com/1</g:link></item></channel></rss>"
    )
    woo = tmp_path / "woo.csv"
    woo.write_text("ID,Type,SKU,Name,Published,In stock?,Stock,Regular price\n1,simple,A,Cup,1,1,3,9.99\n")
    table = tmp_path / "feed.tsv"
    table.write_text("id\ttitle\tprice\tavailability\tlink\n7\tTea\t1.00 USD\tin_stock\thttps://x.example.com/7\n")
    first = tour("--here", "--operator-code", running, "--catalog", str(google))
    assert (first["order"]["currency"], first["order"]["goods_minor"]) == ("EUR", 1250)
    # From here on there is an operator, whom the tour finds by itself.
    for file, currency, minor in ((woo, "CNY", 999), (table, "USD", 100)):
        told = tour("--here", "--yes", "--catalog", str(file))
        assert (told["order"]["currency"], told["order"]["goods_minor"]) == (currency, minor)


@pytest.mark.django_db(transaction=True)
def test_tour_refuses_an_installation_that_is_not_empty(running: str) -> None:
    tour("--here", "--operator-code", running)
    with pytest.raises(Trouble, match="--yes"):
        CliRunner().invoke(command, ["--here", "--json"], catch_exceptions=False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"nothing\nof,the,sort\n", "not taken in"),
        (
            b"Handle,Title,Variant Price,Variant Inventory Tracker,Variant Inventory Qty\na,A,1.00,shopify,0\n",
            "on sale",
        ),
    ],
)
def test_tour_says_why_a_file_will_not_do(running: str, tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "goods.csv"
    file.write_bytes(content)
    arguments = ["--here", "--operator-code", running, "--catalog", str(file), "--json"]
    with pytest.raises(Trouble, match=words):
        CliRunner().invoke(command, arguments, catch_exceptions=False)


@pytest.mark.django_db(transaction=True)
def test_tour_fails_where_the_quote_differs(running: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from meadow.config.tour import job

    monkeypatch.setattr(job, "as_object", lambda answer: {"settlement": "otherwise"})
    with pytest.raises(Trouble, match="quote"):
        CliRunner().invoke(command, ["--here", "--operator-code", running, "--json"], catch_exceptions=False)


def test_missing_file_is_said_before_anything_starts() -> None:
    with pytest.raises(Trouble, match="no file"):
        CliRunner().invoke(command, ["--catalog", "/nowhere.csv"], catch_exceptions=False)


def test_currency_is_read_from_the_prices_of_a_feed() -> None:
    assert goods.currency_of(b"<g:price>12.50 EUR</g:price><g:price>1 EUR</g:price>") == "EUR"
    assert goods.currency_of(goods.generated()) is None
    assert goods.currency_of(b"5 XYZ") is None


def test_private_tour_prints_one_json_object_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "meadow.config.cli", "tour", "--json"],
        capture_output=True, text=True, timeout=280, cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(CHECKOUT / "src"), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == FIELDS
    assert not list(tmp_path.glob("meadow-*"))
