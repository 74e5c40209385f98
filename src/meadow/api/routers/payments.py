"""Operations on payments: see one, pay it at the sandbox, and the door at which providers leave their notices."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query
from pydantic import Field, StrictInt

from meadow.api import limits
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group, despite_deadlocks
from meadow.api.sandbox import require_sandbox
from meadow.kernel.errors import Refusal
from meadow.payments import queries, services
from meadow.trade import queries as trade
from meadow.trade import services as trade_services

group = Group("payments")

Behaviour = Literal[
    "succeed", "fail", "timeout", "notify_twice", "late", "out_of_order", "bad_signature", "wrong_amount",
    "wrong_currency", "unknown_order",
]  # fmt: skip
Link = Annotated[str, Query(max_length=400, description="The signed link of a guest's order that it pays.")]


class PaymentOut(t.Out):
    id: t.PaymentId
    provider: str = Field(examples=["sandbox"])
    state: str = Field(examples=["pending"])
    amount_minor: int = Field(examples=[11000])
    currency: str = Field(examples=["CNY"])
    refunded_minor: int = Field(examples=[0])
    paid_at: t.Moment | None
    pay_url: str = Field(description="Where the buyer pays: a page, or a text to show as a code.", examples=[""])


class OtherwiseIn(t.In):
    provider: Annotated[str, Field(min_length=1, max_length=32, examples=["sandbox2"])]


class SandboxPayIn(t.In):
    behaviour: Behaviour = "succeed"
    delay_seconds: Annotated[
        StrictInt, Field(ge=1, le=30 * 86400, examples=[3600], description="When a late notice comes, in domain time.")
    ] = 3600


class ScriptIn(t.In):
    subject: Literal["refund", "payout"]
    target: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            examples=["pay_01jd2m4q8r6t0v3x5z7y"],
            description="The payment whose next refund it is, or the party of the next payout, such as creator:7.",
        ),
    ]
    behaviour: Literal["succeed", "fail", "late", "timeout", "notify_twice"]


class Taken(t.Out):
    accepted: Literal[True] = True


@group.get("/payments/{payment}", gives=PaymentOut, scope=("buy", "money", "operate"), guests=True)
def get_payment(request: HttpRequest, payment: t.PaymentId, link: Link = "") -> Any:
    """A payment, to who may see an order that it pays."""
    return payment_out(_seen(request, payment, link))


@group.post(
    "/payments/{payment}/hand-over", gives=PaymentOut, scope="buy", guests=True, refuses=["not_found", "provider_down"]
)
def hand_over_payment(request: HttpRequest, payment: t.PaymentId, link: Link = "") -> Any:
    """Makes a payment known to its provider now, so that the buyer can go there by pay_url."""
    return payment_out(services.hand_over(payment_id=_seen(request, payment, link).pk))


@group.post(
    "/payments/{payment}/otherwise", gives=PaymentOut, status=201, scope="buy", guests=True, once=True,
    refuses=["not_found", "stale_state", "already_paid", "provider_unknown", "provider_closed", "provider_cannot_carry"],
)  # fmt: skip
def pay_otherwise(request: HttpRequest, payment: t.PaymentId, body: OtherwiseIn, link: Link = "") -> Any:
    """Leaves a payment that does not move for another provider; should money still come by the first, it goes back."""
    found = _seen(request, payment, link)
    return payment_out(trade_services.pay_otherwise(payment_id=found.pk, provider=body.provider))


@group.post(
    "/payments/{payment}/sandbox-pay", gives=PaymentOut, guests=True,
    refuses=["sandbox_only", "provider_unknown", "stale_state", "notice_refused"],
)  # fmt: skip
def pay_at_sandbox(request: HttpRequest, payment: t.PaymentId, body: SandboxPayIn) -> Any:
    """Does what a shopper does at a provider's page; the sandbox then leaves its notices at our own door."""
    require_sandbox()
    found = queries.payment(payment)
    paid = services.sandbox_pay(
        payment_id=found.pk, behaviour=body.behaviour, delay=timedelta(seconds=body.delay_seconds)
    )
    for notice in paid.notices:
        _take(found.provider, notice.headers, notice.body)
    return payment_out(queries.payment(payment))


@group.post("/sandbox/script", status=204, scope="operate", refuses=["sandbox_only", "provider_unknown"])
def script_sandbox(request: HttpRequest, body: ScriptIn) -> None:
    """Sets how the sandbox treats the next refund of a payment, or the next payout of a party."""
    require_sandbox()
    services.sandbox_script(subject=body.subject, target=body.target, behaviour=body.behaviour)


@group.post(
    "/payments/notices/{provider}", gives=Taken, guests=True, limit="notice", takes="application/octet-stream",
    refuses=["notice_refused", "body_too_large", "provider_down"],
)  # fmt: skip
def take_notice(request: HttpRequest, provider: Annotated[str, Field(max_length=32)]) -> Any:
    """Where a payment provider says that money moved; what is not genuine is stored, logged and refused."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > limits.NOTICE_BYTES:
        raise Refusal("body_too_large", limit_bytes=limits.NOTICE_BYTES)
    _take(provider, dict(request.headers), request.body)
    return Taken()


def payment_out(payment: queries.Payment) -> dict[str, Any]:
    return {
        "id": payment.public_id, "provider": payment.provider, "state": payment.state,
        "amount_minor": payment.amount_minor, "currency": payment.currency,
        "refunded_minor": payment.refunded_minor, "paid_at": payment.paid_at,
        "pay_url": payment.pay_url if payment.state in ("created", "pending", "failed") else "",
    }  # fmt: skip


def _seen(request: HttpRequest, payment: str, link: str) -> queries.Payment:
    """The payment, for who may see an order that it pays.  Refuses: not_found, sign_in_required."""
    found = queries.payment(payment)
    # A payment that was left for another has no orders any more; those of the purchase are meant.
    orders = [order for one in queries.tries_of(found) for order in trade.orders_of_payment(one.pk)]
    if link:
        if trade.order_by_link(link).order.pk not in {order.pk for order in orders}:
            raise Refusal("not_found")
        return found
    person = caller_of(request).person
    if not orders:
        raise Refusal("not_found")
    trade.order_for(orders[0].pk, person_id=person)
    return found


def _take(provider: str, headers: dict[str, str], body: bytes) -> None:
    notice = services.verify(provider=provider, headers=headers, body=body)
    if notice.payment_id is not None:
        despite_deadlocks(lambda: trade_services.record_payment(notice))
