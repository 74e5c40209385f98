"""`./meadow token` resolves a text of any number of lines from standard input as the paste box does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from tests.sharing import market

from meadow.config.settings import CHECKOUT
from meadow.sharing import queries, rules, services


def call(text: str, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MEADOW_", "DATABASE_URL"))}
    return subprocess.run(
        [sys.executable, "-m", "meadow.config.cli", "token", *words], input=text, text=True, capture_output=True,
        env={**kept, **settings, "PYTHONPATH": str(CHECKOUT / "src")}, check=False, cwd="/", timeout=120,
    )  # fmt: skip


@pytest.fixture
def here(transactional_db: None) -> str:
    """The address of the test's own database."""
    of = connection.settings_dict
    return f"postgresql://{of['USER']}@/{of['NAME']}?host={of['HOST']}" + (f"&port={of['PORT']}" if of["PORT"] else "")


def test_it_resolves_a_text_of_many_lines_to_the_first_live_token(here: str, tmp_path: Path) -> None:
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    token, dead = services.mint_tokens(
        creator_id=mei.pk,
        targets=[services.Target("catalog.product", bowl, shop.id, bowl), services.Target("catalog.shop", 1, shop.id)],
    )
    services.revoke_token(token_id=dead.pk, creator_id=mei.pk)
    code, gone = rules.code_of(token.number), rules.code_of(dead.number)
    text = f"first line 哈哈\n￥{gone}￥\nsecond\n{queries.forms(token, creator_name='Mei').text}\nlast"
    settings = {"DATABASE_URL": here, "MEADOW_DATA": str(tmp_path)}
    done = call(text, "--json", **settings)
    answer: Any = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert [each["code"] for each in answer["tokens"]] == [gone, code]
    assert (answer["live"], answer["problem"]) == (True, None)
    assert (answer["resolved"]["code"], answer["resolved"]["creator"]["name"]) == (code, "Mei")
    said = call(f"￥{gone}￥", **settings)
    assert said.returncode == 1
    assert "token_revoked" in said.stdout
    unknown = json.loads(call(rules.code_of(rules.draw_number()), "--json", **settings).stdout)
    assert (unknown["problem"], unknown["resolved"], len(unknown["tokens"])) == ("not_a_token", None, 1)


def test_without_a_database_it_says_so_and_still_tells_what_is_well_formed(tmp_path: Path) -> None:
    code = rules.code_of(1)
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "MEADOW_DATA": str(tmp_path)}
    for settings in (nowhere, {"MEADOW_DATA": str(tmp_path / "never")}):
        done = call(f"look ￥{code}￥", "--json", **settings)
        answer = json.loads(done.stdout)
        assert done.returncode == 1
        assert (answer["problem"], answer["tokens"][0]["code"]) == ("unavailable", code)
        assert answer["database"]
    assert not (tmp_path / "never" / "postgres").exists()
    assert "No share token" in call("no token", **nowhere).stdout
