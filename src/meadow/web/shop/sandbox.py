"""How a page pays: what the buyer can choose, the act at a sandbox provider, and the way to a real one's own page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from meadow.kernel.errors import Refusal
from meadow.payments import queries as payments
from meadow.payments import services as payment_services
from meadow.payments.queries import Offer
from meadow.trade import queries as trade
from meadow.trade import services as trade_services

SANDBOX, SECOND = "sandbox", "sandbox2"


def ways(offers: Mapping[str, Sequence[Offer]] | None = None) -> list[dict[str, str]]:
    """What the buyer can choose, by the providers offered in every currency; without offers, the sandbox's ways."""
    if offers is None:
        return _behaviours() if settings.MEADOW.sandbox else []
    first: Sequence[Offer] = next(iter(offers.values()), ())
    names = [
        offer.provider
        for offer in first
        if all(any(o.provider == offer.provider and o.is_offered for o in found) for found in offers.values())
    ]
    return [way for name in names for way in (_behaviours() if name == SANDBOX else [_named(name)])]


def named(names: Iterable[str]) -> list[dict[str, str]]:
    """These providers as ways to choose from."""
    return [_behaviours()[0] if name == SANDBOX else _named(name) for name in names]


def provider_of(way: str) -> str:
    """The provider that a chosen way stands for."""
    return SANDBOX if way in payments.BEHAVIOURS else way[:32]


def begin(payment_ids: Iterable[int], way: str) -> None:
    """The buyer's next step with each of these: pays at a sandbox, or has a real provider open its page.

    Refuses: provider_unknown, provider_down.
    """
    for payment_id in payment_ids:
        provider = payments.payment_by_id(payment_id).provider
        if provider in (SANDBOX, SECOND):
            pay([payment_id], way if way in payments.BEHAVIOURS else "succeed")
        else:
            payment_services.hand_over(payment_id=payment_id)


def pay(payment_ids: Iterable[int], way: str) -> None:
    """Pays each of these; what the provider sends at once goes through the same door as any notice."""
    if way not in payments.BEHAVIOURS or not settings.MEADOW.sandbox:
        raise Refusal("provider_unknown", provider=way[:20])
    for payment_id in payment_ids:
        try:
            sent = payment_services.sandbox_pay(payment_id=payment_id, behaviour=way)
        except Refusal as refusal:
            if refusal.code != "stale_state":
                raise
            # The provider has taken this money already and we have not heard of it: ask instead of paying twice.
            payment_services.query_payment(payment_id=payment_id)
            continue
        for notice in sent.notices:
            taken = payment_services.verify(provider=sent.payment.provider, headers=notice.headers, body=notice.body)
            trade_services.record_payment(taken)


def pay_otherwise(payment_id: int, way: str) -> int:
    """Leaves a payment that does not move for another provider; the new payment's id.  Refuses: provider_unknown."""
    provider = provider_of(way)
    if provider not in trade.other_ways(payment_id):
        raise Refusal("provider_unknown", provider=provider)
    made = trade_services.pay_otherwise(payment_id=payment_id, provider=provider)
    begin([made.pk], way)
    return int(made.pk)


def _behaviours() -> list[dict[str, str]]:
    words = {
        "succeed": (_("Sandbox wallet"), _("pays at once")),
        "fail": (_("Sandbox wallet, out of money"), _("the payment fails; you can try again")),
        "timeout": (_("Sandbox wallet, silent"), _("paid, but we must ask whether it was")),
        "late": (_("Sandbox wallet, late"), _("the answer comes after the order has closed")),
        "notify_twice": (_("Sandbox wallet, says it twice"), _("counts once")),
        "out_of_order": (_("Sandbox wallet, mixed up"), _("old news arrive last")),
    }
    return [{"value": value, "label": label, "hint": hint} for value, (label, hint) in words.items()]


def _named(provider: str) -> dict[str, Any]:
    words = {
        "wechatpay": (_("WeChat Pay"), _("scan a code with WeChat")),
        "stripe": (_("Card or wallet, by Stripe"), _("you pay on Stripe's page")),
        SECOND: (_("Second sandbox wallet"), _("pays at once")),
    }
    label, hint = words.get(provider, (provider, ""))
    return {"value": provider, "label": label, "hint": hint, "is_other": True}
