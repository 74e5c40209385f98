"""`./meadow manage ...`: Django's own commands on this installation's database."""

from __future__ import annotations

import click

from meadow.config.database import provided


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Django's own commands (migrate, shell, ...)."""
    from django.core.management import execute_from_command_line

    with provided():
        execute_from_command_line(["./meadow manage", *(arguments or ("help",))])
