"""`./meadow quote`: what each party gets of an amount, and gives back at each refund, by the production rules."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any

import click

from meadow.config.arguments import OneSentence, fail
from meadow.config.settings import Settings
from meadow.kernel.errors import Refusal
from meadow.kernel.money import decimal_text, exponent
from meadow.ledger.queries import LARGEST_MINOR, NOTHING, Split, shipping_split, split, step

_WHOLE = re.compile(r"[0-9]{1,4000}", re.ASCII)
_RATE = re.compile(r"([0-9]{1,9})(?:\.([0-9]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quote:
    """The answer: the settlement of goods and shipping, and each refund's step with the running rest."""

    currency: str
    goods: Split
    shipping: Split
    refunds: tuple[tuple[int, int, Split], ...]

    @property
    def settlement(self) -> Split:
        return self.goods + self.shipping

    @property
    def final(self) -> Split:
        rest = self.settlement
        for _, _, back in self.refunds:
            rest = rest - back
        return rest


def quote(currency: str, goods_minor: int, shipping_minor: int, rate_bp: int, refunds: list[tuple[int, int]]) -> Quote:
    """Splits a line of goods and its shipping, then reverses both refund by refund.

    Refuses: fees_exceed_goods, refund_exceeds_line, malformed.
    """
    goods, shipping = split(goods_minor, rate_bp), shipping_split(shipping_minor)
    steps, goods_back, shipping_back = [], 0, 0
    for of_goods, of_shipping in refunds:
        back = step(goods, goods_back, goods_back + of_goods)
        back = back + step(shipping, shipping_back, shipping_back + of_shipping)
        goods_back, shipping_back = goods_back + of_goods, shipping_back + of_shipping
        steps.append((of_goods, of_shipping, back))
    return Quote(currency, goods, shipping, tuple(steps))


@click.command(cls=OneSentence)
@click.option("--goods", metavar="MINOR", help="What is paid for goods, in minor units (fen, cents).")
@click.option("--shipping", metavar="MINOR", default="0", show_default=True, help="What is paid for shipping.")
@click.option("--rate", metavar="PERCENT", help="Commission rate in per cent, up to two decimals, such as 12.5.")
@click.option("--refund", "refunds", metavar="GOODS[:SHIPPING]", multiple=True, help="A refund; may be repeated.")
@click.option("--currency", metavar="CODE", help="ISO 4217 code.  [default: the installation's]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    goods: str | None, shipping: str, rate: str | None, refunds: tuple[str, ...], currency: str | None, as_json: bool
) -> None:
    """What each party gets of an amount, and gives back at each refund.

    Example: ./meadow quote --goods 10000 --shipping 1000 --rate 20 --refund 4000 --refund 6000:1000
    """
    if goods is None or rate is None:
        fail("Say what is quoted: --goods in minor units and --rate in per cent, such as --goods 10000 --rate 20.")
    code = (currency or os.environ.get("MEADOW_CURRENCY") or Settings().currency).upper()
    goods_minor, shipping_minor = _minor("--goods", goods), _minor("--shipping", shipping)
    rate_bp, wanted = _basis_points(rate), [_refund(text) for text in refunds]
    try:
        exponent(code)
        _check_refunds(goods_minor, shipping_minor, wanted)
        answer = quote(code, goods_minor, shipping_minor, rate_bp, wanted)
    except Refusal as refusal:
        fail(_said(refusal, code))
    click.echo(json.dumps(as_object(answer)) if as_json else _table(answer))


def as_object(answer: Quote) -> dict[str, Any]:
    """The JSON of a quote; what is reversed is a positive number."""
    return {
        "currency": answer.currency,
        "settlement": _parties(answer.settlement),
        "refunds": [
            {"goods_minor": of_goods, "shipping_minor": of_shipping} | _parties(back)
            for of_goods, of_shipping, back in answer.refunds
        ],
        # A settled order has nothing left in escrow, and its refunds draw on the parties.
        "final": {"escrow_minor": 0} | _parties(answer.final),
    }


def _parties(part: Split) -> dict[str, int]:
    return {"merchant_minor": part.merchant, "creator_minor": part.creator, "platform_minor": part.platform}


def _table(answer: Quote) -> str:
    rows = [("", "merchant", "creator", "platform", "sum"), _row("settlement", answer.settlement, answer)]
    for n, (_, _, back) in enumerate(answer.refunds, 1):
        rows.append(_row(f"refund {n}", NOTHING - back, answer))
    if answer.refunds:
        rows.append(_row("final", answer.final, answer))
    first = max(len(row[0]) for row in rows)
    width = max(len(cell) for row in rows for cell in row[1:])
    lines = ["  ".join([row[0].ljust(first), *(cell.rjust(width) for cell in row[1:])]) for row in rows]
    lines.append(f"\nIn {answer.currency}; the platform's part of the settlement is {_fees(answer)}.")
    if answer.goods.void == "below_minimum":
        lines.append("No commission: it rounds to less than one minor unit (below_minimum).")
    return "\n".join(lines)


def _row(name: str, part: Split, answer: Quote) -> tuple[str, ...]:
    amounts = (part.merchant, part.creator, part.platform, part.total)
    return (name, *(decimal_text(minor, answer.currency) for minor in amounts))


def _fees(answer: Quote) -> str:
    trade, service = (decimal_text(minor, answer.currency) for minor in (answer.goods.trade, answer.goods.service))
    return f"{trade} trade fee and {service} service fee"


def _minor(option: str, text: str) -> int:
    """A whole number of minor units; nothing that merely looks like one."""
    if not _WHOLE.fullmatch(text):
        fail(f"{option} is {text!r}: give a whole number of minor units that is not negative, such as 10000.")
    if int(text) > LARGEST_MINOR:
        fail(f"{option} is too large: at most {LARGEST_MINOR} minor units can be quoted.")
    return int(text)


def _basis_points(text: str) -> int:
    match = _RATE.fullmatch(text)
    if not match:
        fail(f"--rate is {text!r}: give per cent from 0 to 100 with up to two decimals, such as 12.5.")
    whole, fraction = match.group(1), match.group(2) or ""
    if len(fraction) > 2:
        fail(f"--rate is {text}: a rate has at most two decimals, such as 12.55.")
    rate_bp = int(whole) * 100 + int(fraction.ljust(2, "0"))
    if rate_bp > 10_000:
        fail(f"--rate is {text}: a rate is at most 100 per cent.")
    return rate_bp


def _refund(text: str) -> tuple[int, int]:
    goods, colon, shipping = text.partition(":")
    return _minor("--refund", goods), _minor("--refund", shipping) if colon else 0


def _check_refunds(goods_minor: int, shipping_minor: int, refunds: list[tuple[int, int]]) -> None:
    """Names what is refunded beyond what was paid, before the rules refuse it without knowing its name."""
    for name, paid, back in (
        ("goods", goods_minor, sum(of_goods for of_goods, _ in refunds)),
        ("shipping", shipping_minor, sum(of_shipping for _, of_shipping in refunds)),
    ):
        if back > paid:
            fail(f"The refunds of {name} come to {back}, more than the {paid} paid: refund at most what was paid.")


def _said(refusal: Refusal, currency: str) -> str:
    if refusal.code == "currency_unknown":
        return f"--currency is {currency!r}: give an ISO 4217 code such as CNY or EUR."
    if refusal.code == "fees_exceed_goods":
        fees, goods = refusal.params["fees_minor"], refusal.params["goods_minor"]
        return f"Commission and the trade fee come to {fees}, more than the goods ({goods}): lower the rate."
    return refusal.text("en")
