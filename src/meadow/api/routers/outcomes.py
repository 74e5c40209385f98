"""Operations on what became of an order's money: who gets what, where the ledger has it, who earned and why."""

from collections import Counter
from typing import Any

from django.http import HttpRequest
from pydantic import Field

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.language import language_of
from meadow.api.operations import Group
from meadow.api.routers.orders import ANY_SIDE, visible_order
from meadow.kernel.errors import Refusal
from meadow.ledger import queries as ledger
from meadow.trade import queries

group = Group("outcomes")


class Parties(t.Out):
    merchant_minor: int = Field(examples=[8500])
    creator_minor: int = Field(examples=[1800])
    platform_minor: int = Field(examples=[700])


class Balances(Parties):
    escrow_minor: int = Field(examples=[0])
    refund_minor: int = Field(description="Promised to the buyer, not with them yet.", examples=[0])
    provider_minor: int = Field(description="Negative: what the provider holds of it.", examples=[-11000])


class Settlement(t.Out):
    currency: str = Field(examples=["CNY"])
    is_released: bool
    released: Parties = Field(description="What each party got at release, or would get now.")
    left: Parties = Field(description="What is left to each after all refunds.")
    ledger: Balances = Field(description="Where the order's money is, summed from the ledger's transfers.")


class Step(t.Out):
    click: str | None = Field(examples=["clk_01jd2m4q8r6t0v3x5z7y"])
    creator: t.CreatorId | None = Field(description="Null where you are not told: see below.")
    creator_name: str = Field(examples=["Mei"])
    clicked_at: t.Moment
    surface: str = Field(examples=["landing"])
    verdict: str = Field(examples=["won"])
    why: str = Field(examples=["The newest valid click wins."])


class Attribution(t.Out):
    line: t.LineId
    creator: t.CreatorId | None
    creator_name: str = Field(examples=["Mei"])
    rule: str = Field(examples=["newest_click"])
    reason: str = Field(examples=["attributed"])
    why: str = Field(examples=["The newest valid click wins."])
    rate_bp: int = Field(examples=[2000])
    plan_kind: str = Field(examples=["general"])
    decided_at: t.Moment
    clicks: list[Step] = Field(description="Every candidate click, the newest first, and what became of it.")


@group.get("/orders/{order}/settlement", gives=Settlement, scope=("money", "operate"))
def get_settlement(request: HttpRequest, order: t.OrderId) -> Any:
    """Who gets what of an order, what is left after refunds, and where the ledger has its money."""
    found = visible_order(request, order, "")
    if found.role == "buyer":
        raise Refusal("forbidden")
    made = queries.settlement_of(found.order.pk)
    return {
        "currency": made.currency, "is_released": made.is_released,
        "released": _parties(made.released), "left": _parties(made.left), "ledger": _where(found.order.pk),
    }  # fmt: skip


@group.get("/order-lines/{line}/attribution", gives=Attribution, scope=("share", *ANY_SIDE))
def get_attribution(request: HttpRequest, line: t.LineId) -> Any:
    """Why somebody earns on an order line, or nobody: every candidate click and what became of it.

    Operators see whose each click was.  Buyer and merchant are told who earns and no other creator; a creator is told of
    nobody but themselves."""
    found = queries.line_trail(line, person_id=caller_of(request).person)
    zh = language_of(request) == "zh"
    names: dict[int, str | None] = {
        step.creator_id: accounts.creator(step.creator_id).public_id for step in found.steps if step.creator_id
    }
    return {
        "line": line, "creator_name": found.creator_name, "rule": found.rule, "reason": found.reason,
        "creator": accounts.creator(found.creator_id).public_id if found.creator_id else None,
        "why": found.zh if zh else found.en, "rate_bp": found.rate_bp, "plan_kind": found.plan_kind,
        "decided_at": found.decided_at,
        "clicks": [
            {
                "click": step.click_id or None, "creator": names.get(step.creator_id), "creator_name": step.creator_name,
                "clicked_at": step.clicked_at, "surface": step.surface, "verdict": step.verdict,
                "why": step.zh if zh else step.en,
            }
            for step in found.steps
        ],
    }  # fmt: skip


def _parties(part: ledger.Split) -> dict[str, int]:
    return {"merchant_minor": part.merchant, "creator_minor": part.creator, "platform_minor": part.platform}


def _where(order_id: int) -> dict[str, int]:
    """The balance that an order left on each kind of account, from its transfers alone."""
    sums: Counter[str] = Counter()
    for entry in ledger.entries_of(("trade.order", order_id)):
        sums[entry.target.partition(":")[0]] += entry.amount_minor
        sums[entry.source.partition(":")[0]] -= entry.amount_minor
    kinds = {"escrow": "escrow", "merchant": "merchant", "creator": "creator", "platform": "platform",
             "refund": "refund", "psp": "provider"}  # fmt: skip
    return {f"{shown}_minor": sums[kind] for kind, shown in kinds.items()}
