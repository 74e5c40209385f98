"""`./meadow drill`: long proofs on a private installation, with a seed and a report."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from functools import partial

import click

from meadow.config.drill import channel, crash, provider, race, replay, stateful
from meadow.config.drill.ground import Report, Say
from meadow.config.supervise import quiet
from meadow.config.trouble import Trouble

Run = Callable[[int, float, Say], Report]
DRILLS: dict[str, Run] = {
    "race": race.run,
    "crash": crash.run,
    "provider": provider.run,
    "replay": replay.run,
    "backtest": replay.run_backtest,
    "channel": channel.run,
    "random": stateful.run,
}


@click.command()
@click.argument("name", type=click.Choice(list(DRILLS)))
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), help="The same seed gives the same drill.  [default: random]"
)
@click.option("--size", type=click.FloatRange(0.001, 10), default=1.0, show_default=True, help="1 is the full drill.")
@click.option(
    "--operations", type=click.IntRange(1, 10_000_000), help="random: how many operations.  [default: 100000]"
)
@click.option("--clients", type=click.IntRange(1, 64), help="random: how many clients at once.  [default: 8]")
@click.option(
    "--kills", type=click.IntRange(1, 10_000), help="crash: how often something is killed.  [default: 50 each]"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(
    name: str,
    seed: int | None,
    size: float,
    operations: int | None,
    clients: int | None,
    kills: int | None,
    as_json: bool,
) -> None:
    """Prove something at length: `race`, buyers who race for stock; `crash`, worker, web and PostgreSQL killed while
    money moves; `provider`, a payment provider lost; `channel`, an outside channel lost; `random`, clients who do what they like; `replay`, a month of
    decisions made again; `backtest`, a million events against fifty rules."""
    began = time.monotonic()
    chosen = secrets.randbelow(2**31) if seed is None else seed
    say = quiet if as_json else click.echo
    say(f"Drill {name}, seed {chosen}")
    if (operations or clients) and name != "random" or kills and name != "crash":
        raise Trouble("--operations and --clients are for the drill random, --kills for crash: leave them out here.")
    if operations:
        size = operations / stateful.OPERATIONS
    if kills:
        size = kills / crash.KILLS
    run: Run = partial(stateful.run, clients=clients) if clients else DRILLS[name]
    report = run(chosen, size, say)
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
