"""Whom to believe that says it is WeChat Pay: the signature, the freshness, the sealed payload, and what it says."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from meadow.kernel.money import EXPONENTS, Money
from meadow.payments import rules
from meadow.payments.adapters.protocol import NoticeFaulty, Told
from meadow.payments.rules import Outcome

SIGNATURE, STAMP, NONCE, SERIAL = (f"wechatpay-{name}" for name in ("signature", "timestamp", "nonce", "serial"))
TYPE, ALGORITHM = "wechatpay-signature-type", "WECHATPAY2-SHA256-RSA2048"
MOST_REF = 64


class Ours(Protocol):
    """What a notice must name as the platform's own."""

    @property
    def mchid(self) -> str: ...

    @property
    def public_key_id(self) -> str: ...


def read_notice(client: Any, ours: Ours, headers: Mapping[str, str], body: bytes, at: datetime) -> Told:
    """What a genuine notice says.  Raises NoticeFaulty."""
    given = {name.lower(): value for name, value in headers.items()}
    _check_form(given, ours)
    try:
        opened = client.callback({name: given[name] for name in (SIGNATURE, STAMP, NONCE, SERIAL, TYPE)}, body)
    except UnicodeDecodeError as error:
        raise NoticeFaulty("shape") from error
    except Exception as error:  # the client raises whatever a strange payload makes its parts raise
        raise NoticeFaulty(_why_unread(client, given, body)) from error
    if not opened:
        raise NoticeFaulty(_why_unread(client, given, body))
    if abs(at.timestamp() - int(given[STAMP])) > rules.SIGNATURE_LIFE.total_seconds():
        raise NoticeFaulty("stale")
    # What the signature covers, not the signature: base64 spells the same bytes in several ways.
    seal = hashlib.sha256(f"{given[STAMP]}\n{given[NONCE]}\n".encode() + body).hexdigest()
    try:
        return _told(opened, ours.mchid, seal)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoticeFaulty("shape") from error


def _check_form(given: Mapping[str, str], ours: Ours) -> None:
    """What can be told without the client, which would look for unknown certificates over the network."""
    if given.get(TYPE) != ALGORITHM or given.get(SERIAL) != ours.public_key_id:
        raise NoticeFaulty("signature")
    stamp = given.get(STAMP, "")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12) or not given.get(SIGNATURE):
        raise NoticeFaulty("signature")
    if not given.get(NONCE):
        raise NoticeFaulty("signature")


def _why_unread(client: Any, given: Mapping[str, str], body: bytes) -> str:
    """Whether it was the signature, or what was signed."""
    try:
        good = client._core._verify_signature(dict(given), body.decode())
    except Exception:  # as above: what cannot be checked is not signed
        good = False
    return "shape" if good else "signature"


def _told(opened: Mapping[str, Any], mchid: str, seal: str) -> Told:
    said = opened["resource"]
    event = str(opened["event_type"])
    if event == "TRANSACTION.SUCCESS" and "combine_out_trade_no" in said:
        return _combined(said, mchid, seal)
    if event == "TRANSACTION.SUCCESS" and "out_order_no" in said:
        return _split(said, mchid, seal)
    if event == "TRANSACTION.SUCCESS":
        return _single(said, mchid, seal)
    if event.startswith("REFUND."):
        return _refund(said, mchid, seal)
    raise NoticeFaulty("shape")


def _single(said: Mapping[str, Any], mchid: str, seal: str) -> Told:
    if said["sp_mchid"] != mchid:
        raise NoticeFaulty("party")
    our_ref, ref = _ref(said["out_trade_no"]), _ref(said["transaction_id"])
    return Told(
        "payment", our_ref, ref, _outcome(said["trade_state"]), _money(said["amount"], "total"), seal,
        accounts=((our_ref, _ref(said["sub_mchid"])),),
    )  # fmt: skip


def _combined(said: Mapping[str, Any], mchid: str, seal: str) -> Told:
    if said["combine_mchid"] != mchid:
        raise NoticeFaulty("party")
    our_ref, orders = _ref(said["combine_out_trade_no"]), said["sub_orders"]
    amounts = [(_ref(order["out_trade_no"]), _money(order["amount"], "total_amount")) for order in orders]
    outcomes = {_outcome(order["trade_state"]) for order in orders}
    if len({amount.currency for _, amount in amounts}) != 1 or len({name for name, _ in amounts}) != len(amounts):
        raise NoticeFaulty("shape")
    total = Money(sum(amount.minor for _, amount in amounts), amounts[0][1].currency)
    return Told(
        "payment", our_ref, our_ref, outcomes.pop() if len(outcomes) == 1 else "pending", total, seal,
        parts=tuple((_ref(order["out_trade_no"]), _ref(order["transaction_id"])) for order in orders),
        amounts=tuple((name, amount.minor) for name, amount in amounts),
        accounts=tuple((_ref(order["out_trade_no"]), _ref(order["sub_mchid"])) for order in orders),
    )  # fmt: skip


def _split(said: Mapping[str, Any], mchid: str, seal: str) -> Told:
    if said["sp_mchid"] != mchid:
        raise NoticeFaulty("party")
    minor = said["receiver"]["amount"]
    return Told(
        "split", _ref(said["out_order_no"]), _ref(said["order_id"]), "succeeded",
        _money({"total": minor, "currency": "CNY"}, "total"), seal,
    )  # fmt: skip


def _refund(said: Mapping[str, Any], mchid: str, seal: str) -> Told:
    if said["sp_mchid"] != mchid:
        raise NoticeFaulty("party")
    states: dict[str, Outcome] = {"SUCCESS": "succeeded", "CLOSED": "failed", "ABNORMAL": "pending"}
    amount = {"currency": "CNY", **said["amount"]}
    return Told(
        "refund", _ref(said["out_refund_no"]), _ref(said["refund_id"]), states[said["refund_status"]],
        _money(amount, "refund"), seal,
    )  # fmt: skip


def _outcome(state: str) -> Outcome:
    outcomes: dict[str, Outcome] = {"SUCCESS": "succeeded", "PAYERROR": "failed"}
    return outcomes.get(state, "pending")


def _money(amount: Mapping[str, Any], name: str) -> Money:
    minor, currency = amount[name], amount["currency"]
    if type(minor) is not int or currency not in EXPONENTS:
        raise NoticeFaulty("shape")
    return Money(minor, currency)


def _ref(text: Any) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= MOST_REF:
        raise NoticeFaulty("shape")
    return text
