"""`./meadow bench`: each hot path as a share of what PostgreSQL alone reaches on fixed statements in the same run."""

import json
import sys
from pathlib import Path

import click

from meadow.config.settings import CHECKOUT


@click.command("bench")
@click.option("--size", "sizes", type=int, multiple=True, help="Rows stored; repeatable.  Default: 500 and 50000.")
@click.option("--rounds", default=3, show_default=True, help="Pairs of slices that are compared.")
@click.option("--seconds", default=2.0, show_default=True, help="Length of a slice.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--write", is_flag=True, help="Writes docs/benchmarks.md.")
def command(sizes: tuple[int, ...], rounds: int, seconds: float, *, as_json: bool, write: bool) -> int:
    """Measures the hot paths beside pgbench, in alternating slices, on a private instance."""
    sys.path.insert(0, str(CHECKOUT))
    from bench import report, run

    measured = run.run(
        sizes=list(sizes) or [run.SMALL, run.LARGE], rounds=rounds, seconds=seconds,
        say=lambda line: click.echo(line, err=as_json),
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps(measured))
    if write:
        Path(CHECKOUT / "docs" / "benchmarks.md").write_text(report.page(measured), encoding="utf-8")
    violated = {name: times for name, times in measured["violations"].items() if times}
    if violated:
        click.echo(f"Invariants were violated under load: {violated}.  Look at the worker's log.", err=True)
    return 1 if violated else 0
