"""`./meadow check`: what tools can tell about the source, in under a minute."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import click

from meadow.config.settings import CHECKOUT

#: Slowest first, so that the short ones fill the other core.
TOOLS: dict[str, list[str]] = {
    "types": ["-m", "mypy"],
    # Its package has no `-m` entry, and a script's first line names a folder that may have moved.
    "imports": ["-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
    "house": ["-m", "pytest", "tests/house", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"],
    "migrations": ["-m", "django", "makemigrations", "--check", "--dry-run"],
    "lint": ["-m", "ruff", "check", ".", "meadow"],
    "format": ["-m", "ruff", "format", "--check", ".", "meadow"],
}


@dataclass(frozen=True)
class Outcome:
    name: str
    is_good: bool
    seconds: float
    said: str


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(TOOLS)))
def command(names: tuple[str, ...]) -> int:
    """Lint, types, import contracts, migrations, file sizes.  Names choose some of them."""
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        outcomes = list(pool.map(_run, names or TOOLS))
    for outcome in outcomes:
        click.echo(f"{'ok    ' if outcome.is_good else 'FAILED'}  {outcome.name:<11} {outcome.seconds:5.1f} s")
    failed = [outcome for outcome in outcomes if not outcome.is_good]
    for outcome in failed:
        click.echo(f"\n--- {outcome.name}\n{outcome.said.rstrip()}")
    click.echo(f"\n{len(outcomes) - len(failed)} of {len(outcomes)} good in {time.monotonic() - began:.1f} s.")
    return 1 if failed else 0


def _run(name: str) -> Outcome:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *TOOLS[name]],
        env=_environment(), cwd=CHECKOUT, capture_output=True, text=True, errors="replace", check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return Outcome(name, done.returncode == 0, time.monotonic() - began, done.stdout + done.stderr)


def _environment() -> dict[str, str]:
    """No database: none of these may need one, and the person's own must not be asked."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEADOW_")}
    return {
        **kept,
        "DATABASE_URL": "postgresql://nobody@/none?host=/nonexistent",
        "DJANGO_SETTINGS_MODULE": "meadow.config.django_settings",
        "MEADOW_SECRET_KEY": "only for looking at the source",
        "PYTHONPATH": str(CHECKOUT / "src"),
    }
