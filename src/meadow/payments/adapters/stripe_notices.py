"""Whom to believe that says it is Stripe: the signature, the freshness, and what the event says."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import stripe

from meadow.kernel.money import EXPONENTS, Money
from meadow.payments import rules
from meadow.payments.adapters.protocol import NoticeFaulty, Told
from meadow.payments.rules import Outcome

SIGNATURE = "stripe-signature"
MOST_REF, MOST_REASON = 64, 64
_SESSION: dict[str, Outcome] = {
    "checkout.session.completed": "succeeded", "checkout.session.async_payment_succeeded": "succeeded",
    "checkout.session.async_payment_failed": "failed", "checkout.session.expired": "failed",
}  # fmt: skip
_REFUND: dict[str, Outcome] = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}
_DISPUTE: dict[str, Outcome] = {"won": "succeeded", "lost": "failed"}


@dataclass(frozen=True, slots=True)
class Keys:
    """What tells our Stripe account's events from others'."""

    webhook_secret: str
    is_live: bool


def read_notice(
    keys: Keys, headers: Mapping[str, str], body: bytes, at: datetime, *, name_of: Callable[[str], str]
) -> Told:
    """What a genuine event says.  Raises NoticeFaulty, and ProviderDown where Stripe has to be asked and is away."""
    given = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE, "")
    try:
        stripe.WebhookSignature.verify_header(body, given, keys.webhook_secret)
        stamp = next(int(item[2:]) for item in given.split(",") if item.startswith("t="))
    except UnicodeDecodeError as error:
        raise NoticeFaulty("shape") from error
    except (stripe.SignatureVerificationError, StopIteration, ValueError, TypeError) as error:
        raise NoticeFaulty("signature") from error
    if abs(at.timestamp() - stamp) > rules.SIGNATURE_LIFE.total_seconds():
        raise NoticeFaulty("stale")
    seal = hashlib.sha256(f"{stamp}.".encode() + body).hexdigest()
    try:
        event = json.loads(body)
        if event["livemode"] is not keys.is_live or event.get("account"):
            raise NoticeFaulty("party")
        return _told(str(event["type"]), event["data"]["object"], seal, name_of)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoticeFaulty("shape") from error


def _told(kind: str, said: Mapping[str, Any], seal: str, name_of: Callable[[str], str]) -> Told:
    if kind in _SESSION:
        outcome = _SESSION[kind]
        if outcome == "succeeded" and said["payment_status"] != "paid":
            outcome = "pending"
        return Told(
            "payment", _ref(said["client_reference_id"]), _id(said), outcome, _money(said, "amount_total"), seal
        )
    if kind.startswith(("refund.", "charge.refund.")) and said["object"] == "refund":
        outcome = _REFUND.get(said["status"], "pending")
        why = str(said.get("failure_reason") or "")[:MOST_REASON]
        our_ref = _ref(said["metadata"]["our_ref"])
        return Told("refund", our_ref, _id(said), outcome, _money(said, "amount"), seal, reason=why)
    if kind.startswith("charge.dispute."):
        # Its fee stands in the statement, which books it.
        return Told(
            "chargeback", _ref(name_of(_ref(said["payment_intent"]))), _id(said),
            _DISPUTE.get(said["status"], "pending"), _money(said, "amount"), seal,
            reason=str(said.get("reason") or "")[:MOST_REASON],
        )  # fmt: skip
    # Events that nobody asked Stripe for: refused, so that a wrong choice at Stripe's desk shows.
    raise NoticeFaulty("unknown")


def _money(said: Mapping[str, Any], name: str) -> Money:
    minor, currency = said[name], str(said["currency"]).upper()
    if type(minor) is not int or currency not in EXPONENTS:
        raise NoticeFaulty("shape")
    return Money(minor, currency)


def _id(said: Mapping[str, Any]) -> str:
    return _ref(said["id"], 128)


def _ref(text: Any, most: int = MOST_REF) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= most:
        raise NoticeFaulty("shape")
    return text
