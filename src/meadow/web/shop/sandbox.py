"""How a page pays with the sandbox provider: the buyer's act there, and its notices through the notice door."""

from collections.abc import Iterable

from django.conf import settings
from django.utils.translation import gettext as _

from meadow.kernel.errors import Refusal
from meadow.payments import queries as payments
from meadow.payments import services as payment_services
from meadow.trade import services as trade


def ways() -> list[dict[str, str]]:
    """What the buyer can choose; on a sandbox installation each way the provider can behave."""
    if not settings.MEADOW.sandbox:
        return []
    words = {
        "succeed": (_("Sandbox wallet"), _("pays at once")),
        "fail": (_("Sandbox wallet, out of money"), _("the payment fails; you can try again")),
        "timeout": (_("Sandbox wallet, silent"), _("paid, but we must ask whether it was")),
        "late": (_("Sandbox wallet, late"), _("the answer comes after the order has closed")),
        "notify_twice": (_("Sandbox wallet, says it twice"), _("counts once")),
        "out_of_order": (_("Sandbox wallet, mixed up"), _("old news arrive last")),
    }
    return [{"value": value, "label": label, "hint": hint} for value, (label, hint) in words.items()]


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
            taken = payment_services.verify(provider="sandbox", headers=notice.headers, body=notice.body)
            trade.record_payment(taken)
