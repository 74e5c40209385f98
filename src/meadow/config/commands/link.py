"""`./meadow link`: what the link policy decides about addresses, by the production rules and without a database."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from meadow.config.arguments import OneSentence, fail

if TYPE_CHECKING:
    from meadow.governance.queries import LinkDecision


@click.command(cls=OneSentence)
@click.option("--surface", metavar="NAME", default="post", show_default=True, help="Where it would stand.")
@click.option("--partners", metavar="FILE", help="CSV of partners: name, host, product-link pattern.  [default: none]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each address, a line each.")
@click.argument("urls", metavar="URL...", nargs=-1)
def command(surface: str, partners: str | None, as_json: bool, urls: tuple[str, ...]) -> None:
    """What the link policy says of addresses: allow, warn or block, the address in its one form, the rule and why.

    Without URLs, each line of standard input is one.  Patterns name product pages, such as
    shop.example.com/item/{digits}; {id} and {slug} are the other placeholders.

    Example: ./meadow link --surface post 'https://taobao.com@evil.com/item.htm?id=1'
    """
    import django

    django.setup()
    from django.conf import settings

    from meadow.governance import queries

    place = surface.strip().lower().replace("-", "_")
    if place not in queries.SURFACES:
        fail(f"--surface is {surface!r}: use one of {', '.join(queries.SURFACES)}.")
    allowed = queries.build_allowlist(_partners(partners) if partners is not None else ())
    own = settings.MEADOW.base_url
    for url in urls or _lines():
        answer = queries.decide_link(url, place, allowed, own=own)
        click.echo(json.dumps(as_object(url, place, answer)) if as_json else _row(answer))


def as_object(url: str, surface: str, answer: LinkDecision) -> dict[str, Any]:
    """The JSON of one decision."""
    return {
        "url": url, "surface": surface, "decision": answer.verdict, "normalised": answer.url or None,
        "host": answer.host or None, "rule": answer.rule_id, "rule_version": answer.rule_version, "code": answer.code,
        "reason": answer.reason_en, "reason_zh": answer.reason_zh, "partner": answer.partner,
    }  # fmt: skip


def _row(answer: LinkDecision) -> str:
    """Five cells with tabs between them: decision, address, rule, code, reason."""
    reason = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in answer.reason_en)
    return "\t".join([answer.verdict, answer.url or "-", answer.rule, answer.code, reason])


def _lines() -> Iterator[str]:
    if sys.stdin.isatty():
        fail("Name an address, or send addresses to standard input, one on each line.")
    return _each(sys.stdin.buffer)


def _each(lines: Iterable[bytes]) -> Iterator[str]:
    for line in lines:
        # Bytes that are no UTF-8 are no address either; the decision says so.
        text = line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")
        if text.strip():
            yield text


def _partners(path: str) -> Any:
    from meadow.governance import queries

    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return queries.read_partner_file(file)
    except queries.PartnerFileError as error:
        fail(f"--partners {path}: {error}")
    except UnicodeDecodeError:
        fail(f"--partners {path}: it is no UTF-8 text. Save it as CSV in UTF-8.")
    except OSError as error:
        fail(f"--partners {path}: {error.strerror or error}. Name a CSV file that can be read.")
