"""`./meadow tour`: the main job step by step, over HTTP, on a private installation or on the running one."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from meadow.config.database import data_folder
from meadow.config.supervise import Instance, running_at
from meadow.config.tour import goods, job
from meadow.config.tour.people import Cast, claim, gather, operator_here
from meadow.config.tour.show import Show
from meadow.config.tour.talk import Talk
from meadow.config.trouble import Trouble


@click.command()
@click.option(
    "--catalog", type=click.Path(path_type=Path), help="A product file: Shopify, WooCommerce or Google Merchant."
)
@click.option("--currency", metavar="CODE", help="The shop's currency.  [default: the file's, else the installation's]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.option("--here", is_flag=True, help="On the installation that runs here, instead of a private one.")
@click.option("--yes", is_flag=True, help="With --here: also where there is something already; the clock moves on.")
@click.option("--operator-code", metavar="CODE", help="With --here: the one-time code that `up` printed.")
def command(
    catalog: Path | None, currency: str | None, as_json: bool, here: bool, yes: bool, operator_code: str | None
) -> None:
    """Show the main job: import a catalogue, share it, sell it, split the money, give it back.

    A private installation is started for it and removed afterwards.
    """
    content = goods.generated() if catalog is None else goods.of_file(catalog)
    show = Show(is_quiet=as_json)
    with _cast(show, here=here, yes=yes, operator_code=operator_code) as cast:
        told = job.do(cast, content, show, currency.upper() if currency else None)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        click.echo(f"\nDone in {told['seconds']:.1f} seconds.")
    broken = sorted(name for name, violations in told["invariants"].items() if violations)
    if broken:
        raise Trouble(f"Invariants are violated: {', '.join(broken)}. Do not trust this build with money.")


@contextmanager
def _cast(show: Show, *, here: bool, yes: bool, operator_code: str | None) -> Iterator[Cast]:
    suffix = f"+{secrets.token_hex(3)}"
    if not here:
        with Instance(say=show.note) as instance, _with_log(instance):
            otto = claim(instance.url, instance.prepared["operator_code"], suffix)
            yield gather(instance.url, otto, suffix)
        return
    url = _address()
    _check_empty(Talk(url), yes=yes)
    show.note(f"On the installation that runs at {url}")
    otto, borrowed = operator_here(url, operator_code, suffix)
    cast = gather(url, otto, suffix, borrowed)
    try:
        yield cast
    finally:
        cast.leave()


@contextmanager
def _with_log(instance: Instance) -> Iterator[None]:
    """The log of a private installation goes with it, so what it says last is told with the failure."""
    try:
        yield
    except Trouble as trouble:
        lines = instance.log_file.read_text(errors="replace").splitlines() if instance.log_file else []
        found = [json.loads(line).get("error") for line in lines if line.startswith("{")]
        last = next((str(error).strip().splitlines()[-1] for error in reversed(found) if error), None)
        raise Trouble(f"{trouble} Its log says: {last}" if last else str(trouble)) from trouble


def _address() -> str:
    """Where the running installation answers."""
    if given := os.environ.get("MEADOW_BASE_URL"):
        return given
    found = running_at(data_folder())
    if not found.startswith("http"):
        raise Trouble("No Meadow runs here: start it with `./meadow up`, or name it in MEADOW_BASE_URL.")
    return found


def _check_empty(anyone: Talk, *, yes: bool) -> None:
    if not yes and anyone.get("products?limit=1")["items"]:
        raise Trouble(
            "There is something in this installation already; the tour adds a shop and an order and moves its clock "
            "eleven days on: say --yes if that is meant."
        )
