"""`./meadow screen`: what the check of texts says of lines, by the production rules and without a database."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from meadow.config.arguments import OneSentence, fail
from meadow.config.settings import CHECKOUT

if TYPE_CHECKING:
    from meadow.governance.queries.screening import TextHit, TextVerdict

PAGE = CHECKOUT / "docs" / "governance.md"


@click.command(cls=OneSentence)
@click.option("--surface", metavar="NAME", default="post", show_default=True, help="Where it would stand.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each text, a line each.")
@click.option("--measure", is_flag=True, help="Instead: recall and precision on the texts that this checkout keeps.")
@click.option("--write", is_flag=True, help="With --measure: puts the tables into docs/governance.md.")
def command(surface: str, as_json: bool, measure: bool, write: bool) -> None:
    """What the check of texts says: allow, warn, review or block, by which rule, layer and place in the text.

    Each line of standard input is one text.  Printed are, with tabs between them, the verdict and for each hit a line
    with the rule and its version, the layer (exact, folded, squeezed, sound), the place in characters and the words.
    The packs are those that ship with this release; links are judged by `./meadow link`.

    Example: echo '加v信 abc_123 便宜' | ./meadow screen --surface comment
    """
    import django

    django.setup()
    from meadow.governance.queries import screening

    if measure or write:
        _measure(write=write, as_json=as_json)
        return
    place = screening.surface_of(surface)
    if place is None:
        fail(f"--surface is {surface!r}: use one of {', '.join(screening.SURFACE_NAMES)}.")
    for text in _lines():
        verdict = screening.screen_text(place, text)
        click.echo(json.dumps(as_object(verdict), ensure_ascii=False) if as_json else _rows(verdict))


def as_object(verdict: TextVerdict) -> dict[str, Any]:
    """The JSON of one verdict; start and end are places in the raw line, end behind the last character."""
    return {
        "verdict": verdict.verdict,
        "reason": verdict.reason_en,
        "reason_zh": verdict.reason_zh,
        "hits": [_hit(hit) for hit in verdict.hits],
    }


def _hit(hit: TextHit) -> dict[str, Any]:
    return {
        "verdict": hit.verdict, "rule": hit.rule_id, "rule_version": hit.rule_version, "topic": hit.topic,
        "term": hit.term, "layer": hit.layer, "start": hit.start, "end": hit.end, "shown": hit.shown,
    }  # fmt: skip


def _rows(verdict: TextVerdict) -> str:
    """The verdict, and below it a line for each hit."""
    rows: list[str] = [verdict.verdict]
    for hit in verdict.hits:
        shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in hit.shown)
        rows.append("\t".join(["", hit.verdict, hit.rule, hit.layer, f"{hit.start}-{hit.end}", shown]))
    return "\n".join(rows)


def _lines() -> Iterator[str]:
    if sys.stdin.isatty():
        fail("Send texts to standard input, one on each line.")
    for line in sys.stdin.buffer:
        # An empty line is a text too: what is printed stays in step with what is read.
        yield line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")


def _measure(*, write: bool, as_json: bool) -> None:
    sys.path.insert(0, str(CHECKOUT))
    from bench import texts

    if write:
        texts.write(PAGE)
    click.echo(json.dumps(texts.figures(), ensure_ascii=False) if as_json else texts.tables())
