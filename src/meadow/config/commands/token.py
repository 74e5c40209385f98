"""`./meadow token`: what a pasted text resolves to, by the production function on this installation's database."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from meadow.config.arguments import OneSentence, fail
from meadow.config.database import data_folder, provided, settings_now
from meadow.config.postgres import Server
from meadow.config.trouble import Trouble

MOST_BYTES = 1_000_000


@click.command(cls=OneSentence)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> int:
    """Finds the share token in a text on standard input and says what it leads to.

    The whole input is one text of any number of lines, as it was copied from a chat.  Ends with 0 if a live token was
    found, with 1 if none was, if it is dead, or if the database cannot be asked.

    Example: echo 'look ￥7KQ2M0XA9VTD3￥ nice' | ./meadow token
    """
    if sys.stdin.isatty():
        fail("Send a text to standard input: pbpaste | ./meadow token")
    text = sys.stdin.buffer.read(MOST_BYTES).decode("utf-8", "replace")
    try:
        _require_data()
        with provided():
            answer = _resolved(text)
    except Trouble as trouble:
        answer = _found(text, "unavailable", database=str(trouble))
    click.echo(json.dumps(answer, ensure_ascii=False) if as_json else _told(answer))
    return 0 if answer["live"] else 1


def _resolved(text: str) -> dict[str, Any]:
    """What the database knows of the first live token, by the function that the paste box calls."""
    import django

    django.setup()
    from django.db import DatabaseError

    from meadow.api.landings import resolved_document
    from meadow.kernel.errors import Refusal
    from meadow.sharing import services

    try:
        found = services.resolve(text=text, callers=[], is_seen=False)
    except Refusal as refusal:
        return _found(text, refusal.code)
    except DatabaseError as error:
        return _found(text, "unavailable", database=str(error).strip().splitlines()[0])
    return _found(text, found.problem) | {"live": found.is_live, "resolved": resolved_document(found)}


def _found(text: str, problem: str | None, **more: str) -> dict[str, Any]:
    """The well-formed tokens of a text, whether or not anybody was ever given them, and what is wrong with it."""
    import django

    django.setup()
    from meadow.sharing import queries

    tokens = [_spelled(*pair) for pair in queries.tagged_in(text).items()]
    problem = problem if tokens else "not_a_token"
    return {"tokens": tokens, "live": False, "problem": problem, "resolved": None, **more}


def _spelled(number: int, tag: int) -> dict[str, Any]:
    """A well-formed token, whether or not anybody was ever given it."""
    from meadow.sharing import queries

    outlet_tag, form = queries.read_tag(tag)
    return {"code": queries.code_of(number), "outlet_tag": outlet_tag or None, "form": form or None}


def _require_data() -> None:
    """Never makes an installation only to look into it."""
    if not settings_now().database_url and not (Server(data_folder() / "postgres").data_dir / "PG_VERSION").exists():
        raise Trouble("There is no installation here yet: start it once with ./meadow up.")


def _told(answer: dict[str, Any]) -> str:
    if not answer["tokens"]:
        return "No share token was found in this text."
    if "database" in answer:
        codes = ", ".join(token["code"] for token in answer["tokens"])
        return f"Well formed: {codes}. What they lead to nobody can tell just now: {answer['database']}"
    found = answer["resolved"]
    if found is None:
        return "What looks like a share token here was never given to anybody."
    product = found["product"]
    what = f"“{product['title']}”" if product else found["target"]
    state = "live" if answer["live"] else f"dead ({answer['problem']})"
    ad = ", an advertisement" if found["ad_label"] else ""
    return f"{found['code']}  {state}  {found['creator']['name']} shares {what}{ad}\n{found['url']}"
