"""Stripe as a platform meets it: pages to pay at, refunds, transfers and reversals, the balance, signed events.

Written after Stripe's public documents; it was never compared with the real one.
"""

import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from meadow.payments.simulators.wire import Asked, Fault, Given, Wire

SECRET_KEY, WEBHOOK_SECRET = "sk_test_simulated", "whsec_simulated"


@dataclass(frozen=True, slots=True)
class StripeNotice:
    """An event as it goes over the wire."""

    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Books:
    """What Stripe remembers."""

    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    transfers: dict[str, dict[str, Any]] = field(default_factory=dict)
    reversals: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    balance: list[dict[str, Any]] = field(default_factory=list)
    answered: dict[str, tuple[str, Given]] = field(default_factory=dict)  # by Idempotency-Key


class No(Exception):
    """An error body of Stripe."""

    def __init__(self, status: int, code: str, kind: str = "invalid_request_error") -> None:
        super().__init__(code)
        self.status, self.code, self.kind = status, code, kind


class StripeSimulator:
    """The provider; how the next refunds end is set in `refund_as`, who cannot give back in `empty_accounts`."""

    def __init__(self) -> None:
        self.books = Books()
        self.refund_as: list[str] = []
        self.empty_accounts: set[str] = set()
        self.wire = Wire(self._answer, _fail)
        self._routes: list[tuple[str, str, Callable[..., dict[str, Any]]]] = [
            ("POST", r"/v1/checkout/sessions", self._open),
            ("GET", r"/v1/checkout/sessions/([^/]+)", self._session),
            ("POST", r"/v1/checkout/sessions/([^/]+)/expire", self._expire),
            ("GET", r"/v1/payment_intents/([^/]+)", self._intent),
            ("POST", r"/v1/refunds", self._refund),
            ("GET", r"/v1/refunds", self._refunds),
            ("GET", r"/v1/refunds/([^/]+)", self._one_refund),
            ("POST", r"/v1/transfers", self._transfer),
            ("GET", r"/v1/transfers", self._transfers),
            ("GET", r"/v1/transfers/([^/]+)", self._one_transfer),
            ("POST", r"/v1/transfers/([^/]+)/reversals", self._reverse),
            ("GET", r"/v1/transfers/([^/]+)/reversals", self._reversals),
            ("GET", r"/v1/balance", lambda _, __: {"object": "balance", "available": [], "livemode": False}),
            ("GET", r"/v1/balance_transactions", self._balance),
        ]

    def account(self, **more: Any) -> str:
        """What MEADOW_STRIPE holds to reach it."""
        members = {"secret_key": SECRET_KEY, "webhook_secret": WEBHOOK_SECRET, "api": self.wire.address}
        return json.dumps({**members, "timeout_ms": 700, **more})

    def close(self) -> None:
        self.wire.close()

    # What buyers, and Stripe by itself, do.

    def pay(self, our_ref: str) -> list[StripeNotice]:
        """The buyer pays on Stripe's page; the event that goes out at once."""
        session = next(s for s in self.books.sessions.values() if s["client_reference_id"] == our_ref)
        assert session["status"] == "open", "its page is closed"
        data = session.pop("payment_intent_data", {})
        intent = {
            "id": _id("pi"), "object": "payment_intent", "status": "succeeded", "amount": session["amount_total"],
            "currency": session["currency"], "latest_charge": _id("ch"), "transfer_group": data.get("transfer_group"),
            "metadata": data.get("metadata", {}), "livemode": False,
        }  # fmt: skip
        self.books.intents[intent["id"]] = intent
        session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent["id"]}
        charge = {"id": intent["latest_charge"], "object": "charge", "metadata": intent["metadata"]}
        self._moved("charge", intent["amount"], intent["currency"], charge, fee=intent["amount"] * 29 // 1000 + 30)
        return [self.paid_event(our_ref)]

    def paid_event(self, our_ref: str, kind: str = "checkout.session.completed") -> StripeNotice:
        session = next(s for s in self.books.sessions.values() if s["client_reference_id"] == our_ref)
        return self.event(kind, session)

    def refund_event(self, our_ref: str, status: str = "succeeded") -> StripeNotice:
        refund = next(r for r in self.books.refunds.values() if r["metadata"]["our_ref"] == our_ref)
        refund["status"] = status
        return self.event("refund.updated", refund)

    def dispute(self, our_ref: str, minor: int, status: str = "needs_response") -> StripeNotice:
        """The buyer's bank takes money back, or the dispute about it ends."""
        intent = next(i for i in self.books.intents.values() if i["metadata"].get("our_ref") == our_ref)
        said = {
            "id": f"dp_{intent['id'][3:]}", "object": "dispute", "amount": minor, "currency": intent["currency"],
            "charge": intent["latest_charge"], "payment_intent": intent["id"], "reason": "fraudulent", "status": status,
        }  # fmt: skip
        if status == "needs_response":
            self._moved("adjustment", -minor, intent["currency"], said, fee=1500)
        return self.event("charge.dispute.created" if status == "needs_response" else "charge.dispute.closed", said)

    def event(self, kind: str, said: dict[str, Any], **more: Any) -> StripeNotice:
        """Something signed as it is now."""
        stamp = more.pop("stamp", None)
        event = {
            "id": _id("evt"), "object": "event", "type": kind, "livemode": False, "created": int(time.time()),
            "data": {"object": said}, **more,
        }  # fmt: skip
        return self.signed(json.dumps(event).encode(), stamp)

    def signed(self, body: bytes, stamp: int | None = None, secret: str = WEBHOOK_SECRET) -> StripeNotice:
        """Any body as a genuine event of this moment."""
        at = int(time.time()) if stamp is None else stamp
        seal = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return StripeNotice({"Stripe-Signature": f"t={at},v1={seal}", "Content-Type": "application/json"}, body)

    # The wire.

    def _answer(self, asked: Asked) -> Given:
        try:
            if asked.headers.get("authorization") != f"Bearer {SECRET_KEY}":
                raise No(401, "api_key_invalid")
            key = asked.headers.get("idempotency-key", "")
            said = f"{asked.path} {asked.body.decode()}"
            if asked.method == "POST" and key in self.books.answered:
                before, given = self.books.answered[key]
                if before != said:
                    raise No(400, "idempotency_error", "idempotency_error")
                return given
            given = self._routed(asked)
            if asked.method == "POST" and key:
                self.books.answered[key] = (said, given)
            return given
        except No as no:
            error = {"type": no.kind, "code": no.code, "message": no.code}
            return _given(no.status, {"error": error})

    def _routed(self, asked: Asked) -> Given:
        body = nested(asked.body.decode()) if asked.method == "POST" else dict(asked.query)
        for method, path, act in self._routes:
            match = re.fullmatch(path, asked.path)
            if match and method == asked.method:
                return _given(200, act(*match.groups(), body) if match.groups() else act(body, None))
        raise No(404, "resource_missing")

    # The operations.

    def _open(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        (line,) = body["line_items"].values()
        minor, currency = int(line["price_data"]["unit_amount"]), line["price_data"]["currency"]
        if minor < 1 or body.get("mode") != "payment" or not body.get("success_url"):
            raise No(400, "parameter_invalid")
        session = {
            "id": _id("cs_test"), "object": "checkout.session", "status": "open", "payment_status": "unpaid",
            "client_reference_id": body.get("client_reference_id"), "amount_total": minor, "currency": currency,
            "metadata": body.get("metadata", {}), "payment_intent": None, "livemode": False, "mode": "payment",
            "payment_intent_data": body.get("payment_intent_data", {}),
        }  # fmt: skip
        session["url"] = f"https://checkout.stripe.com/c/pay/{session['id']}"
        self.books.sessions[session["id"]] = session
        return session

    def _session(self, name: str, _: Any) -> dict[str, Any]:
        return _of(self.books.sessions, name)

    def _expire(self, name: str, _: Any) -> dict[str, Any]:
        session = _of(self.books.sessions, name)
        if session["status"] != "open":
            raise No(400, "resource_already_exists")
        session["status"] = "expired"
        return session

    def _intent(self, name: str, _: Any) -> dict[str, Any]:
        return _of(self.books.intents, name)

    def _refund(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        intent, minor = _of(self.books.intents, body["payment_intent"]), int(body["amount"])
        before = sum(
            row["amount"] for row in self.books.refunds.values()
            if row["payment_intent"] == intent["id"] and row["status"] not in ("failed", "canceled")
        )  # fmt: skip
        if before + minor > intent["amount"]:
            raise No(400, "charge_already_refunded" if before == intent["amount"] else "amount_too_large")
        row = {
            "id": _id("re"), "object": "refund", "amount": minor, "currency": intent["currency"],
            "payment_intent": intent["id"], "charge": intent["latest_charge"], "metadata": body.get("metadata", {}),
            "status": self.refund_as.pop(0) if self.refund_as else "succeeded",
        }  # fmt: skip
        if row["status"] == "failed":
            row["failure_reason"] = "expired_or_canceled_card"
        self.books.refunds[row["id"]] = row
        if row["status"] == "succeeded":
            self._moved("refund", -minor, row["currency"], row)
        return row

    def _refunds(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        return _list([r for r in self.books.refunds.values() if r["payment_intent"] == body.get("payment_intent")])

    def _one_refund(self, name: str, _: Any) -> dict[str, Any]:
        return _of(self.books.refunds, name)

    def _transfer(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        minor = int(body["amount"])
        if not str(body.get("destination", "")).startswith("acct_"):
            raise No(400, "account_invalid")
        source = next(
            (i for i in self.books.intents.values() if i["latest_charge"] == body["source_transaction"]), None
        )
        if source is None:
            raise No(404, "resource_missing")
        sent = sum(
            t["amount"] - t["amount_reversed"] for t in self.books.transfers.values()
            if t["source_transaction"] == body["source_transaction"]
        )  # fmt: skip
        if sent + minor > source["amount"]:
            raise No(400, "balance_insufficient")
        row = {
            "id": _id("tr"), "object": "transfer", "amount": minor, "amount_reversed": 0, "currency": body["currency"],
            "destination": body["destination"], "transfer_group": body.get("transfer_group"),
            "source_transaction": body["source_transaction"], "metadata": body.get("metadata", {}),
        }  # fmt: skip
        self.books.transfers[row["id"]] = row
        self._moved("transfer", -minor, row["currency"], row)
        return row

    def _transfers(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        return _list([t for t in self.books.transfers.values() if t["transfer_group"] == body.get("transfer_group")])

    def _one_transfer(self, name: str, _: Any) -> dict[str, Any]:
        return _of(self.books.transfers, name)

    def _reverse(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        transfer, minor = _of(self.books.transfers, name), int(body["amount"])
        if transfer["amount_reversed"] + minor > transfer["amount"]:
            raise No(400, "amount_too_large")
        if transfer["destination"] in self.empty_accounts:
            raise No(400, "balance_insufficient")
        transfer["amount_reversed"] += minor
        row = {
            "id": _id("trr"), "object": "transfer_reversal", "amount": minor, "currency": transfer["currency"],
            "transfer": name, "metadata": body.get("metadata", {}),
        }  # fmt: skip
        self.books.reversals.setdefault(name, []).append(row)
        self._moved("transfer_refund", minor, row["currency"], row)
        return row

    def _reversals(self, name: str, _: Any) -> dict[str, Any]:
        _of(self.books.transfers, name)
        return _list(self.books.reversals.get(name, []))

    def _balance(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        since, until = int(body["created[gte]"]), int(body["created[lt]"])
        rows = [row for row in self.books.balance if since <= row["created"] < until]
        names = [row["id"] for row in rows]
        start = names.index(body["starting_after"]) + 1 if "starting_after" in body else 0
        return {"object": "list", "data": rows[start : start + 3], "has_more": len(rows) > start + 3, "url": "/v1/x"}

    def _moved(self, kind: str, minor: int, currency: str, source: dict[str, Any], *, fee: int = 0) -> None:
        self.books.balance.append(
            {
                "id": _id("txn"), "object": "balance_transaction", "type": kind, "amount": minor, "fee": fee,
                "net": minor - fee, "currency": currency, "created": int(time.time()), "source": source,
            }
        )  # fmt: skip


def nested(text: str) -> dict[str, Any]:
    """A form in Stripe's brackets as nested data: a[b][0]=c."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        first, *rest = name.replace("]", "").split("[")
        place = found
        for part in [first, *rest][:-1]:
            place = place.setdefault(part, {})
        place[[first, *rest][-1]] = value
    return found


def _id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(12)}"


def _of(rows: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
    if name not in rows:
        raise No(404, "resource_missing")
    return rows[name]


def _list(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": rows, "has_more": False, "url": "/v1/x"}


def _given(status: int, said: dict[str, Any]) -> Given:
    headers = {"Content-Type": "application/json", "Request-Id": _id("req")}
    return Given(status, json.dumps(said).encode(), headers)


def _fail(fault: Fault) -> Given:
    if fault == "garbage":
        return Given(200, b"<html>oops</html>", {"Content-Type": "text/html"})
    if fault == "busy":
        return _given(429, {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "slow down"}})
    return _given(500, {"error": {"type": "api_error", "message": "sorry"}})
