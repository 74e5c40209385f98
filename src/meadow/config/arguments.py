"""How are arguments that cannot be used told?  In one sentence, exit code 2, without click's usage lines."""

from __future__ import annotations

from typing import NoReturn

import click


class Wrong(click.ClickException):
    """Input that cannot be used."""

    exit_code = 2


class OneSentence(click.Command):
    """A command that says what is wrong with its arguments in one sentence."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise Wrong(error.format_message()) from None


def fail(sentence: str) -> NoReturn:
    raise Wrong(sentence)
