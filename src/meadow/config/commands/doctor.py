"""`./meadow doctor`: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

import click

from meadow.config import diagnosis
from meadow.config.database import data_folder, provided, settings_now
from meadow.config.diagnosis import Finding
from meadow.config.locks import FileLock
from meadow.config.postgres import Server
from meadow.config.trouble import Trouble

SIGNS = {"good": ("✓", "green"), "warning": ("!", "yellow"), "bad": ("✗", "red")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(as_json: bool) -> int:
    """What is wrong with this installation, and how to mend it.  Ends with 1 if anything is red."""
    found = []
    for finding in _findings():
        found.append(finding)
        if not as_json:
            _show(finding)
    is_good = all(finding.state != "bad" for finding in found)
    if as_json:
        click.echo(json.dumps({"good": is_good, "checks": [asdict(finding) for finding in found]}))
    return 0 if is_good else 1


def _findings() -> Iterator[Finding]:
    folder = data_folder()
    yield from diagnosis.of_machine(settings_now())
    given = bool(settings_now().database_url)
    if not given and not (Server(folder / "postgres").data_dir / "PG_VERSION").exists():
        yield Finding("PostgreSQL", "warning", "no data yet", "Start Meadow for the first time: ./meadow up.")
        return
    lock = FileLock(folder / "up.lock")
    is_running = given or not lock.take()
    lock.drop()
    try:
        with provided():
            import django

            django.setup()
            yield from diagnosis.of_database(is_running=is_running)
    except Trouble as trouble:
        yield Finding("PostgreSQL", "bad", "does not start", str(trouble))


def _show(finding: Finding) -> None:
    sign, colour = SIGNS[finding.state]
    click.echo(f"{click.style(sign, fg=colour)} {finding.name:<13} {finding.text}")
    if finding.mend:
        click.echo(f"  {'':<13} -> {finding.mend}")
