"""`./meadow up`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
from types import FrameType

import click

from meadow.config.database import data_folder, settings_now
from meadow.config.supervise import Instance
from meadow.config.waiting import pause


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--sample/--no-sample", default=True, help="Fill an empty database with sample shops and people.")
def command(port: int, host: str, sample: bool) -> None:
    """Start everything here: PostgreSQL, web and worker.  Ctrl-C stops it; the data stay."""
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        if not stopping:
            # Only once: a second Ctrl-C must not cut the clean stop short.
            stopping = True
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    settings = settings_now()
    instance = Instance(
        data_folder(),
        port=port,
        host=host,
        web_workers=settings.web_processes,
        web_threads=settings.web_threads,
        sample=sample,
        database_url=settings.database_url,
        say=click.echo,
    )
    try:
        instance.start()
        _greet(instance)
        while True:
            pause(3600)
    except KeyboardInterrupt:
        click.echo("Stopping ...")
    finally:
        instance.stop()
    click.echo("Stopped. `./meadow up` goes on with the same data.")


def _greet(instance: Instance) -> None:
    sign_ins = instance.prepared.get("sign_ins", [])
    if sign_ins:
        click.echo("\nSample people, to sign in with:")
        for person in sign_ins:
            click.echo("  " + "   ".join(f"{value}" for value in person.values()))
    code = instance.prepared.get("operator_code")
    if code:
        click.echo(f"\nNobody operates this installation yet. One-time code for the first operator: {code}")
    click.echo(f"\nMeadow runs at {instance.url}   (Ctrl-C stops it)")
