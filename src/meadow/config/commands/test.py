"""`./meadow test`: the whole suite on a PostgreSQL of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import click

from meadow.config.messages import compile_messages
from meadow.config.postgres import ephemeral
from meadow.config.settings import CHECKOUT

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_PACKAGES = ("chromium", "fonts-noto-cjk")
#: The person's own settings must not change what the suite sees; these name tools, not behaviour.
KEPT_SETTINGS = ("MEADOW_PG_BINARIES", "MEADOW_CATALOGS")


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> int:
    """Run the test suite; what follows goes to pytest."""
    if not any(os.path.exists(CHECKOUT / word.split("::")[0]) for word in arguments):
        _provide_browser()
    compile_messages()
    with _database() as dsn, tempfile.TemporaryDirectory(prefix="meadow-test-") as data:
        kept = {n: v for n, v in os.environ.items() if not n.startswith("MEADOW_") or n in KEPT_SETTINGS}
        # Many tests start whole processes, which would otherwise compile every file each time.
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        environment = {**kept, "DATABASE_URL": dsn, "MEADOW_DATA": data, "PYTHONPATH": str(CHECKOUT / "src")}
        return _pytest(arguments, environment)


def _pytest(arguments: tuple[str, ...], environment: dict[str, str]) -> int:
    spread = (
        []
        if any(word.startswith(("-n", "--numprocesses", "--pdb")) for word in arguments)
        else ["-n", "2", "--dist", "worksteal"]
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "pytest", *spread, *arguments], env=environment, cwd=CHECKOUT
    )
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # pytest got it too and is writing its summary.
            continue


@contextmanager
def _database() -> Iterator[str]:
    given = os.environ.get("DATABASE_URL")
    if given:
        click.echo("Testing on the PostgreSQL that DATABASE_URL names.", err=True)
        yield given
        return
    with ephemeral() as server:
        click.echo(f"Testing on PostgreSQL {server.seat.major} from {server.seat.binaries}.", err=True)
        yield server.dsn()


def _provide_browser() -> None:
    """Browser tests need Chromium, which no Python package carries."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        click.echo(
            "Browser tests will be skipped, because there is no Chromium: "
            f"install it (on Debian, as root: apt-get install {' '.join(BROWSER_PACKAGES)}).",
            err=True,
        )
        return
    click.echo("Installing Chromium for the browser tests ...", err=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *BROWSER_PACKAGES]
    for step in (["apt-get", "update", "-q"], install):
        done = subprocess.run(step, env=environment, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            click.echo(f"Browser tests will be skipped: Chromium could not be installed ({last}).", err=True)
            return
