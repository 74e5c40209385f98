"""How Stripe carries money: the buyer pays the platform on Stripe's page, parties get transfers, returns reverse them.

Separate charges and transfers: a refund draws on the platform, and transfers come back only where they are reversed.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import stripe

from meadow.kernel.money import EXPONENTS, Money
from meadow.payments.adapters.accounts import account_members
from meadow.payments.adapters.protocol import Answer, Operation, ProviderDown, State, Stated, Told
from meadow.payments.adapters.stripe_notices import Keys, read_notice
from meadow.payments.rules import ProviderLimits

T = TypeVar("T")
API = "https://api.stripe.com"
SECONDS_TO_CONNECT, SECONDS_TO_ANSWER = 3, 15
# Where Stripe's smallest unit is ISO 4217's; the others need care that nobody could prove here.
CURRENCIES = "AUD CAD CHF CNY CZK DKK EUR GBP HKD JPY KRW MXN MYR NOK NZD PLN RON SEK SGD THB USD ZAR"
MOST_ERROR_CHARS = 64
_REFUND: dict[str, State] = {
    "succeeded": "succeeded", "pending": "pending", "requires_action": "pending", "failed": "failed",
    "canceled": "failed",
}  # fmt: skip
_STATED = {
    "charge": "payment", "payment": "payment", "refund": "refund", "payment_refund": "refund", "transfer": "split",
    "transfer_refund": "return", "payout": "settlement",
}  # fmt: skip


class Refused(Exception):
    """A definite no of Stripe, with its code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def connect(account: str, notify_url: str, base_url: str) -> "Stripe":
    """The adapter for an account, given as JSON.  Raises RuntimeError with a sentence about what is wrong with it."""
    given = account_members(
        "stripe",
        account,
        {"secret_key": str, "webhook_secret": str},
        {"api": (str, API), "currencies": (str, CURRENCIES), "timeout_ms": (int, SECONDS_TO_ANSWER * 1000)},
    )
    currencies = frozenset(given["currencies"].split())
    if unknown := sorted(currencies - set(EXPONENTS)):
        raise RuntimeError(f"MEADOW_STRIPE names the currencies {', '.join(unknown)}, which are none.")
    client = stripe.StripeClient(
        given["secret_key"],
        base_addresses={"api": given["api"].rstrip("/")},
        max_network_retries=0,  # we ask again ourselves, and count
        http_client=stripe.RequestsClient(
            timeout=(SECONDS_TO_CONNECT, timedelta(milliseconds=given["timeout_ms"]).total_seconds())
        ),
    )
    keys = Keys(given["webhook_secret"], is_live="_live_" in given["secret_key"])
    return Stripe(client, keys, ProviderLimits(currencies=currencies), base_url)


class Stripe:
    """Stripe's side of the adapter protocol."""

    name = "stripe"
    is_local = False
    day_zone = "UTC"
    stated = frozenset({"payment", "refund", "split", "return", "chargeback"})

    def __init__(self, client: stripe.StripeClient, keys: Keys, limits: ProviderLimits, base_url: str) -> None:
        self._client, self._keys, self.limits, self._base_url = client, keys, limits, base_url

    def create(self, charge: Operation) -> Answer:
        ours, amount = {"our_ref": charge.our_ref}, charge.amount
        price: Any = {
            "currency": amount.currency.lower(), "unit_amount": amount.minor,
            "product_data": {"name": f"{charge.text} {charge.our_ref}"},
        }  # fmt: skip
        params: Any = {
            "mode": "payment",
            "client_reference_id": charge.our_ref,
            "line_items": [{"price_data": price, "quantity": 1}],
            "payment_intent_data": {"transfer_group": charge.our_ref, "metadata": ours},
            "metadata": ours,
            "success_url": f"{self._base_url}/pay/back/{charge.our_ref}",
            "cancel_url": f"{self._base_url}/pay/back/{charge.our_ref}",
        }
        try:
            made = _asked(lambda: self._client.v1.checkout.sessions.create(params, _once(charge)))
        except Refused as refused:
            return _refused(refused)
        return Answer("pending", made["id"], pay_url=str(made.get("url") or ""))

    def query(self, operation: Operation) -> Answer:
        try:
            if operation.subject == "payment":
                return self._query_charge(operation)
            if operation.subject == "refund":
                return self._query_refund(operation)
            if operation.subject == "return":
                return self._query_return(operation)
            return self._query_split(operation)
        except Refused as refused:
            if refused.code == "resource_missing":
                return Answer("unknown")
            raise ProviderDown(f"stripe would not say: {refused.code}") from refused

    def close(self, charge: Operation) -> Answer:
        if not charge.ref:
            # Nobody was ever given the address of its page, which ends by itself after a day.
            return Answer("closed")
        try:
            _asked(lambda: self._client.v1.checkout.sessions.expire(charge.ref))
        except Refused:
            return self.query(charge)  # it was paid, or is over already
        return Answer("closed", charge.ref)

    def refund(self, refund: Operation) -> Answer:
        try:
            params: Any = {
                "payment_intent": self._intent(refund)["id"], "amount": refund.amount.minor,
                "metadata": {"our_ref": refund.our_ref},
            }  # fmt: skip
            found = _asked(lambda: self._client.v1.refunds.create(params, _once(refund)))
        except Refused as refused:
            return _refused(refused)
        return _refund_answer(found, refund)

    def split(self, leg: Operation) -> Answer:
        try:
            intent = self._intent(leg)
            params: Any = {
                "amount": leg.amount.minor, "currency": leg.amount.currency.lower(), "destination": leg.account,
                "transfer_group": intent.get("transfer_group"), "source_transaction": intent["latest_charge"],
                "metadata": {"our_ref": leg.our_ref},
            }  # fmt: skip
            found = _asked(lambda: self._client.v1.transfers.create(params, _once(leg)))
        except Refused as refused:
            return _refused(refused)
        return Answer("succeeded", found["id"])

    def give_back(self, leg: Operation) -> Answer:
        assert leg.original is not None
        transfer = leg.original.ref
        params: Any = {"amount": leg.amount.minor, "metadata": {"our_ref": leg.our_ref}}
        try:
            found = _asked(lambda: self._client.v1.transfers.reversals.create(transfer, params, _once(leg)))
        except Refused as refused:
            return _refused(refused)
        return Answer("succeeded", found["id"])

    def release(self, leg: Operation) -> Answer:
        """Nothing is held: the money came to the platform."""
        return Answer("succeeded")

    def pay_out(self, payout: Operation) -> Answer:
        """Money that parties are paid out lies with the bank, not here."""
        return Answer("failed", why="payouts_go_by_bank")

    def verify(self, *, headers: Mapping[str, str], body: bytes, at: datetime) -> Told:
        return read_notice(self._keys, headers, body, at, name_of=self._name_of)

    def statement(self, day: date) -> list[Stated]:
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        created = {"gte": int(begin.timestamp()), "lt": int((begin + timedelta(days=1)).timestamp())}
        lines: list[Stated] = []
        after = ""
        while True:
            params: Any = {"created": created, "limit": 100, "expand": ["data.source"]}
            params |= {"starting_after": after} if after else {}
            try:
                page = _asked(partial(self._client.v1.balance_transactions.list, params))
            except Refused as refused:
                raise ProviderDown(f"stripe gave no statement: {refused.code}") from refused
            lines += [line for row in page["data"] if (line := _stated(row)) is not None]
            if not page["has_more"] or not page["data"]:
                return lines
            after = page["data"][-1]["id"]

    def ping(self) -> None:
        try:
            _asked(lambda: self._client.v1.balance.retrieve())
        except Refused as refused:
            raise ProviderDown(f"stripe: {refused.code}") from refused

    def _query_charge(self, charge: Operation) -> Answer:
        if not charge.ref:
            return Answer("unknown")
        found = _asked(lambda: self._client.v1.checkout.sessions.retrieve(charge.ref))
        if found["payment_status"] == "paid":
            if (found["amount_total"], found["currency"]) != (charge.amount.minor, charge.amount.currency.lower()):
                raise ProviderDown("stripe names another amount than was asked for")
            return Answer("succeeded", charge.ref)
        return Answer("closed" if found["status"] == "expired" else "pending", charge.ref)

    def _query_refund(self, refund: Operation) -> Answer:
        if refund.ref:
            return _refund_answer(_asked(lambda: self._client.v1.refunds.retrieve(refund.ref)), refund)
        intent = self._intent(refund)["id"]
        return self._found(
            self._listed(lambda params: self._client.v1.refunds.list(params | {"payment_intent": intent})),
            refund, lambda row: _refund_answer(row, refund),
        )  # fmt: skip

    def _query_split(self, leg: Operation) -> Answer:
        if leg.ref:
            return Answer("succeeded", _asked(lambda: self._client.v1.transfers.retrieve(leg.ref))["id"])
        group = self._intent(leg).get("transfer_group")
        return self._found(
            self._listed(lambda params: self._client.v1.transfers.list(params | {"transfer_group": group})),
            leg, lambda row: Answer("succeeded", row["id"]),
        )  # fmt: skip

    def _query_return(self, leg: Operation) -> Answer:
        assert leg.original is not None
        transfer = leg.original.ref
        return self._found(
            self._listed(lambda params: self._client.v1.transfers.reversals.list(transfer, params)),
            leg, lambda row: Answer("succeeded", row["id"]),
        )  # fmt: skip

    def _listed(self, ask: Callable[[Any], Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = _asked(lambda: ask({"limit": 100}))["data"]
        return rows

    def _found(
        self, rows: list[dict[str, Any]], operation: Operation, said: Callable[[dict[str, Any]], Answer]
    ) -> Answer:
        for row in rows:
            if (row.get("metadata") or {}).get("our_ref") == operation.our_ref:
                return said(row)
        return Answer("unknown")

    def _intent(self, operation: Operation) -> dict[str, Any]:
        """The charge that something belongs to, as Stripe keeps it behind its page."""
        charge = operation.charge
        assert charge is not None
        session = _asked(lambda: self._client.v1.checkout.sessions.retrieve(charge.ref))
        return _asked(lambda: self._client.v1.payment_intents.retrieve(str(session["payment_intent"])))

    def _name_of(self, intent: str) -> str:
        """Our name for a charge; a dispute names only Stripe's.  Raises ProviderDown."""
        try:
            found = _asked(lambda: self._client.v1.payment_intents.retrieve(intent))
        except Refused:
            return ""
        return str((found.get("metadata") or {}).get("our_ref", ""))


def _once(operation: Operation) -> Any:
    return {"idempotency_key": operation.our_ref}


def _asked(ask: Callable[[], Any]) -> dict[str, Any]:
    """What Stripe answered, as plain data.  Raises ProviderDown, and Refused for a definite no."""
    try:
        answer = ask()
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.AuthenticationError, stripe.PermissionError) as no:
        raise ProviderDown(f"stripe: {type(no).__name__}") from no
    except (stripe.InvalidRequestError, stripe.CardError) as no:
        if no.http_status == 409:  # the same is under way
            raise ProviderDown("stripe: in flight") from no
        raise Refused(str(no.code or "refused")[:MOST_ERROR_CHARS]) from no
    except stripe.StripeError as no:
        raise ProviderDown(f"stripe: {type(no).__name__} {no.http_status}") from no
    found: dict[str, Any] = json.loads(str(answer))
    return found


def _refused(refused: Refused) -> Answer:
    return Answer("failed", why=refused.code)


def _refund_answer(found: Mapping[str, Any], refund: Operation) -> Answer:
    if found.get("amount") != refund.amount.minor:
        raise ProviderDown("stripe names another amount than was asked for")
    state = _REFUND.get(str(found.get("status")), "pending")
    return Answer(state, str(found["id"]), why=str(found.get("failure_reason") or "")[:MOST_ERROR_CHARS])


def _stated(row: Mapping[str, Any]) -> Stated | None:
    """A line of the balance; amounts of ours stand in the metadata's name, disputes and payouts in their own."""
    source = row.get("source") if isinstance(row.get("source"), dict) else {}
    assert isinstance(source, dict)
    amount = Money(abs(int(row["amount"])), str(row["currency"]).upper())
    fee = int(row.get("fee") or 0)
    if source.get("object") == "dispute":
        return Stated("chargeback", str(source["id"]), str(source["id"]), amount, fee)
    subject = _STATED.get(str(row["type"]))
    if subject is None:
        # Stripe's own fees and corrections: money that is gone, without a movement of ours.
        net = -int(row["amount"]) + fee
        return Stated("other", "", str(row["id"]), Money(0, amount.currency), net) if net else None
    our_ref = str((source.get("metadata") or {}).get("our_ref", ""))
    return Stated(subject, our_ref, str(source.get("id") or row["id"]), amount, fee)
