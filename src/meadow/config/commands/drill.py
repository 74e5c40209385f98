"""`./meadow drill`: long proofs on a private installation, with a seed and a report."""

from __future__ import annotations

import json
import secrets
import time

import click

from meadow.config.drill import channel, crash, provider, race, replay
from meadow.config.drill.ground import Report
from meadow.config.supervise import quiet
from meadow.config.trouble import Trouble

DRILLS = {
    "race": race.run,
    "crash": crash.run,
    "provider": provider.run,
    "replay": replay.run,
    "backtest": replay.run_backtest,
    "channel": channel.run,
}


@click.command()
@click.argument("name", type=click.Choice(list(DRILLS)))
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), help="The same seed gives the same drill.  [default: random]"
)
@click.option("--size", type=click.FloatRange(0.001, 10), default=1.0, show_default=True, help="1 is the full drill.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(name: str, seed: int | None, size: float, as_json: bool) -> None:
    """Prove something at length: `race`, buyers who race for stock; `crash`, a worker killed while it settles;
    `provider`, one of two payment providers lost with orders in flight; `channel`, an outside channel lost likewise;
    `replay`, a month of decisions made again; `backtest`, a million events against fifty rules."""
    began = time.monotonic()
    chosen = secrets.randbelow(2**31) if seed is None else seed
    say = quiet if as_json else click.echo
    say(f"Drill {name}, seed {chosen}")
    report = DRILLS[name](chosen, size, say)
    report.seconds = round(time.monotonic() - began, 1)
    click.echo(json.dumps(report.as_json()) if as_json else _told(report))
    if not report.is_clean:
        raise Trouble(f"The drill {name} failed with seed {chosen}: see its report; the same seed repeats it.")


def _told(report: Report) -> str:
    broken = {name: count for name, count in report.violations.items() if count}
    return (
        f"{report.operations} operations, {report.orders} orders, {report.lost} lost, {report.doubled} doubled, "
        f"{len(report.violations)} checks, violated: {broken or 'none'}, {report.seconds} seconds"
    )
