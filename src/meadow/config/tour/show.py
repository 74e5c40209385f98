"""How the tour tells what it does: each step with its time as it happens, or nothing at all."""

from __future__ import annotations

import sys
import time

import click
import segno

from meadow.kernel.money import decimal_text


class Show:
    """Numbered steps on standard output; a quiet one is for `--json`."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._began = time.monotonic()
        self._steps = 0

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self._began, 2)

    def note(self, text: str) -> None:
        """A line between steps, with its time."""
        self._say(f"{self._time()}      {text}")

    def step(self, text: str) -> None:
        self._steps += 1
        self._say(click.style(f"{self._time()}  {self._steps:2}  {text}", bold=True))

    def line(self, text: str) -> None:
        self._say(f"{'':14}{text}")

    def split(self, what: str, currency: str, merchant: int, creator: int, platform: int) -> None:
        """One line of the money: who gets or gives how much."""
        parts = {"merchant": merchant, "creator": creator, "platform": platform}
        cells = "  ".join(f"{name}{decimal_text(minor, currency):>12}" for name, minor in parts.items())
        self.line(f"{what:<12}{cells}  {currency}")

    def qr(self, url: str) -> None:
        """The QR code for eyes and phones, where there is a terminal to draw it in."""
        if self._is_quiet or not sys.stdout.isatty():
            return
        segno.make_qr(url, error="q").terminal(border=2, compact=True)

    def _time(self) -> str:
        return f"{self.seconds:6.1f} s"

    def _say(self, text: str) -> None:
        if not self._is_quiet:
            click.echo(text)
