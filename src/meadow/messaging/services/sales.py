"""Notices about sales: who is told, with which address, and until when they can act."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from meadow.accounts import queries as accounts
from meadow.kernel import pages
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.messaging import rules
from meadow.messaging.services.notices import notify, notify_in_words
from meadow.payments import queries as payments
from meadow.trade import queries as trade

Cause = tuple[str, int]


def tell_buyer(topic: str, order_id: int, cause: Cause | None = None) -> None:
    """Tells the buyer of an order; a guest by the address that they named there."""
    order = trade.order_by_id(order_id)
    due = order.auto_confirm_due_at or order.release_due_at
    notify(
        person_id=order.buyer_id, topic=topic, cause=cause or ("trade.order", order_id), order=order.public_id,
        link=order_link(order), until=_moment(due, order.buyer_id), mail_to=order.contact.get("email", ""),
    )  # fmt: skip


def tell_seller(topic: str, order_id: int) -> None:
    """Tells the owner of the merchant that sold an order."""
    order = trade.order_by_id(order_id)
    owner_id = accounts.merchant(order.merchant_id).owner_id
    notify(
        person_id=owner_id, topic=topic, cause=("trade.order", order_id), order=order.public_id,
        until=_moment(order.ship_due_at, owner_id),
    )  # fmt: skip


def tell_of_claim(claim_id: int, entry_id: int, state: str) -> None:
    """Tells both sides where a claim stands, as far as it concerns them, and until when they can act."""
    claim = trade.claim_by_id(claim_id)
    order = claim.order
    for side in ("buyer", "merchant"):
        words = rules.sales.CLAIMS.get((side, state))
        if words is None:
            continue
        is_buyer = side == "buyer"
        person_id = order.buyer_id if is_buyer else accounts.merchant(order.merchant_id).owner_id
        said = words.filled(
            claim=claim.public_id, order=order.public_id, until=_moment(_clock(claim, state), person_id),
            link=claim_link(claim, is_buyer=is_buyer),
        )  # fmt: skip
        notify_in_words(
            person_id=person_id, topic=f"claim_{side}", cause=("trade.claim_entry", entry_id), words=said,
            mail_to=order.contact.get("email", "") if is_buyer else "",
        )  # fmt: skip


def tell_of_payout(topic: str, payout_id: int) -> None:
    """Tells a party what became of its payout.  One that cannot be found tells nobody."""
    payout = payments.Payout.objects.filter(pk=payout_id).first()
    if payout is None:
        return
    try:
        person_id = (
            accounts.merchant(payout.party_id).owner_id
            if payout.party_kind == "merchant"
            else accounts.creator(payout.party_id).person_id
        )
    except Refusal:
        return
    notify(
        person_id=person_id, topic=topic, cause=("payments.payout", payout.pk), payout=payout.public_id,
        amount=str(Money(payout.amount_minor, payout.currency)),
    )  # fmt: skip


def order_link(order: Any) -> str:
    """The address of an order's page: by its signed link to a guest, by its id to somebody with an account."""
    ref = order.public_id if accounts.person(order.buyer_id).email else trade.order_link(order)
    return pages.link("order", ref)


def claim_link(claim: Any, *, is_buyer: bool) -> str:
    """The address of a claim's page, for its buyer or the seller."""
    if is_buyer:
        return order_link(claim.order)
    return pages.link("claim", claim.public_id)


def _clock(claim: Any, state: str) -> datetime | None:
    """When the state that is told of ends; the evidence deadline of a dispute."""
    if state != claim.state:
        return None
    dispute = trade.claim_view(claim, "operator").dispute if state == "disputed" else None
    found: datetime | None = dispute.evidence_until if dispute else claim.due_at
    return found


def _moment(at: datetime | None, person_id: int) -> str:
    """A moment as the person's clock shows it."""
    if at is None:
        return "–"
    zone = accounts.person(person_id).time_zone or settings.TIME_ZONE
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
