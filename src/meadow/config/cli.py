"""What can be said on the command line?  One table; each command is imported when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from importlib.util import find_spec
from typing import NoReturn

import click

from meadow.config.trouble import Trouble, from_os

#: Name on the command line: the line that `--help` shows.  The module is `meadow.config.commands.<name>`.
COMMANDS = {
    "up": "Start everything here: PostgreSQL, web and worker.",
    "tour": "Show the main job step by step, from a catalogue to the split and back to zero.",
    "quote": "What each party gets of an amount, and gives back at each refund.",
    "token": "What a pasted text resolves to: the first live share token in it.",
    "link": "What the link policy says of an address: allow, warn or block, and by which rule.",
    "screen": "What the check of texts says of each line of standard input, and how well it sees.",
    "test": "Run the test suite; what follows goes to pytest.",
    "check": "Lint, types, import contracts, migrations, file sizes.",
    "drill": "Long proofs: buyers who race, workers that are killed.",
    "bench": "Measure the hot paths beside what PostgreSQL alone reaches.",
    "doctor": "What is wrong with this installation, and how to mend it.",
    "manage": "Django's own commands (migrate, shell, ...).",
}


class Commands(click.Group):
    """Looks commands up in the table, so that `--help` and one command never load all the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in COMMANDS if find_spec(_module(name))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        found = getattr(importlib.import_module(_module(cmd_name)), "command", None)
        assert isinstance(found, click.Command), f"{_module(cmd_name)} names its click command `command`"
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def meadow() -> None:
    """Meadow: creators recommend, shops sell, anyone shares anywhere, the platform settles.

    Start with `./meadow up`, or watch the whole job with `./meadow tour`.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Every failure that a person can mend leaves as one sentence on standard error."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meadow.config.django_settings")
    try:
        code = meadow.main(args=arguments, prog_name="./meadow", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except Exception as error:  # the outermost frame: words for what is known, a traceback for the rest
        click.echo(_sentence(error), err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _sentence(error: Exception) -> str:
    if isinstance(error, Trouble):
        return str(error)
    if isinstance(error, BrokenPipeError):
        sys.exit(141)
    if isinstance(error, OSError):
        return str(from_os(error, "running this command"))
    if type(error).__name__ == "OperationalError":
        said = str(error).strip().splitlines()[0]
        return f"The database did not answer ({said}): check DATABASE_URL and that its server runs."
    raise error


def _module(name: str) -> str:
    return f"meadow.config.commands.{name}"


if __name__ == "__main__":
    main()
