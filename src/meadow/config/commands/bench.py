"""`./meadow bench`: each hot path as a share of what PostgreSQL alone reaches on fixed statements in the same run."""

import json
import sys
from pathlib import Path

import click

from meadow.config.settings import CHECKOUT

GROUPS = ("shop", "money", "tokens", "rules")


@click.command("bench")
@click.option("--only", "groups", type=click.Choice(GROUPS), multiple=True, help="Groups of paths; repeatable.")
@click.option("--size", "sizes", type=int, multiple=True, help="Rows stored; repeatable.  Default: 500 and 50000.")
@click.option("--full", is_flag=True, help="Each group at its own sizes, up to ten million rows: about an hour.")
@click.option("--rounds", default=3, show_default=True, help="Pairs of slices that are compared.")
@click.option("--seconds", default=2.0, show_default=True, help="Length of a slice.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a run on standard output.")
@click.option("--write", is_flag=True, help="Writes docs/benchmarks.md; groups not measured keep their figures.")
def command(
    groups: tuple[str, ...],
    sizes: tuple[int, ...],
    rounds: int,
    seconds: float,
    *,
    full: bool,
    as_json: bool,
    write: bool,
) -> int:
    """Measures the hot paths beside pgbench, in alternating slices, on a private instance."""
    sys.path.insert(0, str(CHECKOUT))
    from bench import report, run

    wanted = list(groups or GROUPS)
    plan = [([group], list(run.FULL[group])) for group in wanted] if full else [(wanted, list(sizes or run.SIZES))]
    faults = 0
    for together, at in plan:
        measured = run.run(
            groups=together, sizes=at, rounds=rounds, seconds=seconds, say=lambda line: click.echo(line, err=as_json)
        )
        if as_json:
            click.echo(json.dumps(measured))
        if write:
            report.write(measured, CHECKOUT / "docs" / "benchmarks.md", Path(report.KEPT))
        violated = {name: times for name, times in measured["violations"].items() if times}
        if violated:
            click.echo(f"Invariants were violated under load: {violated}.  Look at the worker's log.", err=True)
            faults = 1
    return faults
