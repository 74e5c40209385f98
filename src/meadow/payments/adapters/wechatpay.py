"""How WeChat Pay carries money for a service provider: its merchants' own accounts there, splits, returns and refunds.

The buyer's money comes to each merchant's sub-merchant account, frozen; one payment of several merchants is a combined
order.  The platform's part and the commissions are split out of it, the rest is unfrozen.  A refund draws on the
merchant, so what was split is returned first.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from wechatpayv3 import WeChatPay, WeChatPayType

from meadow.kernel.money import Money
from meadow.payments.adapters.accounts import account_members
from meadow.payments.adapters.protocol import Answer, Operation, Part, ProviderDown, State, Stated, Told
from meadow.payments.adapters.wechat_notices import read_notice
from meadow.payments.adapters.wechat_statement import read_trade_bill
from meadow.payments.rules import ProviderLimits

GATEWAY = "https://api.mch.weixin.qq.com"
CURRENCY = "CNY"
SECONDS_TO_CONNECT, SECONDS_TO_ANSWER = 3, 10
MOST_ERROR_CHARS = 64
# What WeChat Pay calls a state of a charge, a split and a return.
_CHARGE: dict[str, State] = {
    "SUCCESS": "succeeded", "REFUND": "succeeded", "NOTPAY": "pending", "USERPAYING": "pending", "CLOSED": "closed",
    "REVOKED": "closed", "PAYERROR": "failed",
}  # fmt: skip
# An abnormal refund could not reach the buyer's account: it stays open until somebody at WeChat Pay's desk ends it.
_REFUND: dict[str, State] = {
    "SUCCESS": "succeeded", "CLOSED": "failed", "PROCESSING": "pending", "ABNORMAL": "pending",
}  # fmt: skip
_RETURN: dict[str, State] = {"SUCCESS": "succeeded", "FAILED": "failed", "PROCESSING": "pending"}
_UNKNOWN = ("ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS", "NOT_FOUND")
_CODE = re.compile(r"[A-Z_]{2,40}\Z")


class Refused(Exception):
    """A definite no of WeChat Pay, with its code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code

    @property
    def is_unknown(self) -> bool:
        return self.status == 404 or self.code in _UNKNOWN


@dataclass(frozen=True, slots=True)
class Account:
    """The platform's account as a service provider."""

    mchid: str
    appid: str
    public_key_id: str


def connect(account: str, notify_url: str, base_url: str) -> "WechatPay":
    """The adapter for an account, given as JSON.  Raises RuntimeError with a sentence about what is wrong with it."""
    given = account_members(
        "wechatpay",
        account,
        {"mchid": str, "appid": str, "serial_no": str, "private_key": str, "apiv3_key": str, "public_key": str,
         "public_key_id": str},
        {"gateway": (str, GATEWAY), "max_split_bp": (int, 3000), "max_hold_days": (int, 30), "mch_name": (str, ""),
         "timeout_ms": (int, SECONDS_TO_ANSWER * 1000)},
    )  # fmt: skip
    try:
        client = WeChatPay(
            wechatpay_type=WeChatPayType.NATIVE, mchid=given["mchid"], private_key=given["private_key"],
            cert_serial_no=given["serial_no"], apiv3_key=given["apiv3_key"], appid=given["appid"],
            notify_url=notify_url, partner_mode=True, timeout=(SECONDS_TO_CONNECT, timedelta(milliseconds=given["timeout_ms"]).total_seconds()),
            public_key=given["public_key"], public_key_id=given["public_key_id"],
        )  # fmt: skip
    except Exception as error:  # the client raises bare Exception for keys that it cannot read
        raise RuntimeError(f"MEADOW_WECHATPAY has a key that cannot be read: {type(error).__name__}.") from None
    client._core._gate_way = given["gateway"].rstrip("/")
    limits = ProviderLimits(
        max_split_ratio_bp=given["max_split_bp"], max_hold_days=given["max_hold_days"], return_window_days=180,
        personal_receiver_returnable=False, lands_with="merchant", currencies=frozenset({CURRENCY}),
    )  # fmt: skip
    return WechatPay(client, Account(given["mchid"], given["appid"], given["public_key_id"]), limits, given["mch_name"])


class WechatPay:
    """WeChat Pay's side of the adapter protocol."""

    name = "wechatpay"
    is_local = False
    day_zone = "Asia/Shanghai"
    stated = frozenset({"payment", "refund"})

    def __init__(self, client: Any, account: Account, limits: ProviderLimits, mch_name: str) -> None:
        self._client, self._account, self.limits, self._mch_name = client, account, limits, mch_name
        self._receivers: set[tuple[str, str]] = set()  # known to be registered, so that each is asked for once

    def create(self, charge: Operation) -> Answer:
        if len(charge.parts) == 1:
            part = charge.parts[0]
            order = {
                "description": charge.text, "out_trade_no": charge.our_ref, "sub_mchid": part.account,
                "amount": _amount("total", charge.amount), "settle_info": {"profit_sharing": True},
            }  # fmt: skip
            return self._created(lambda: self._client.pay(**order), charge)
        orders = [
            {
                "mchid": self._account.mchid, "sub_mchid": part.account, "out_trade_no": part.our_ref,
                "attach": charge.our_ref, "description": charge.text,
                "amount": _amount("total_amount", part.amount), "settle_info": {"profit_sharing": True},
            }
            for part in charge.parts
        ]  # fmt: skip
        ask = lambda: self._client.combine_pay(combine_out_trade_no=charge.our_ref, sub_orders=orders)
        return self._created(ask, charge)

    def query(self, operation: Operation) -> Answer:
        try:
            if operation.subject == "payment":
                return self._query_charge(operation)
            if operation.subject == "refund":
                return self._query_refund(operation)
            if operation.subject == "return":
                return self._query_return(operation)
            part = _part(operation)
            found = _asked(
                lambda: self._client.profitsharing_order_query(
                    self._transaction(operation), operation.our_ref, sub_mchid=part.account
                )
            )
            return _split_answer(found, operation)
        except Refused as refused:
            if refused.is_unknown:
                return Answer("unknown")
            raise ProviderDown(f"wechatpay would not say: {refused.code}") from refused

    def close(self, charge: Operation) -> Answer:
        try:
            if len(charge.parts) == 1:
                sub = charge.parts[0].account
                _asked(lambda: self._client.close(charge.our_ref, sub_mchid=sub))
            else:
                orders = [
                    {"mchid": self._account.mchid, "sub_mchid": part.account, "out_trade_no": part.our_ref}
                    for part in charge.parts
                ]
                _asked(lambda: self._client.combine_close(charge.our_ref, orders))
        except Refused as refused:
            if refused.is_unknown or refused.code == "ORDER_CLOSED":
                return Answer("closed")
            # Paid meanwhile, or being paid: how it stands decides.
            return self.query(charge)
        return Answer("closed")

    def refund(self, refund: Operation) -> Answer:
        part, charge = _part(refund), refund.charge
        assert charge is not None
        whole = part.amount.minor
        try:
            found = _asked(
                lambda: self._client.refund(
                    out_refund_no=refund.our_ref,
                    transaction_id=self._transaction(refund),
                    sub_mchid=part.account,
                    amount={"refund": refund.amount.minor, "total": whole, "currency": CURRENCY},
                    reason=refund.text,
                )  # fmt: skip
            )
        except Refused as refused:
            return _refused(refused)
        return _refund_answer(found, refund)

    def split(self, leg: Operation) -> Answer:
        part = _part(leg)
        kind = "PERSONAL_OPENID" if leg.receiver == "person" else "MERCHANT_ID"
        account = leg.account or self._account.mchid
        receiver = {"type": kind, "account": account, "amount": leg.amount.minor, "description": leg.text}
        try:
            self._register(kind, account, part)
            found = _asked(
                lambda: self._client.profitsharing_order(
                    transaction_id=self._transaction(leg),
                    out_order_no=leg.our_ref,
                    receivers=[receiver],
                    unfreeze_unsplit=False,
                    sub_mchid=part.account,
                )  # fmt: skip
            )
        except Refused as refused:
            return _refused(refused)
        return _split_answer(found, leg)

    def give_back(self, leg: Operation) -> Answer:
        assert leg.original is not None
        part, original = _part(leg), leg.original
        try:
            found = _asked(
                lambda: self._client.profitsharing_return(
                    out_return_no=leg.our_ref,
                    return_mchid=leg.account or self._account.mchid,
                    amount=leg.amount.minor,
                    description=leg.text,
                    out_order_no=original.our_ref,
                    sub_mchid=part.account,
                )  # fmt: skip
            )
        except Refused as refused:
            return _refused(refused)
        return _return_answer(found, leg)

    def release(self, leg: Operation) -> Answer:
        part = _part(leg)
        try:
            found = _asked(
                lambda: self._client.profitsharing_unfreeze(
                    self._transaction(leg), leg.our_ref, leg.text or "Order", sub_mchid=part.account
                )
            )
        except Refused as refused:
            return _refused(refused)
        return _split_answer(found, leg)

    def pay_out(self, payout: Operation) -> Answer:
        """Money that parties are paid out lies with the bank, not here."""
        return Answer("failed", why="payouts_go_by_bank")

    def verify(self, *, headers: Mapping[str, str], body: bytes, at: datetime) -> Told:
        return read_notice(self._client, self._account, headers, body, at)

    def statement(self, day: date) -> list[Stated]:
        try:
            found = _asked(lambda: self._client.trade_bill(day.isoformat()))
            status, content = _called(lambda: self._client.download_bill(found["download_url"]))
        except Refused as refused:
            if refused.code == "NO_STATEMENT_EXIST":
                return []
            raise ProviderDown(f"wechatpay gave no statement: {refused.code}") from refused
        if status != 200 or not isinstance(content, bytes):
            raise ProviderDown(f"wechatpay's statement could not be downloaded: {status}")
        return read_trade_bill(content, hash_type=found.get("hash_type", ""), digest=found.get("hash_value", ""))

    def ping(self) -> None:
        try:
            _asked(lambda: self._client.combine_query("meadow-are-you-there"))
        except Refused:
            return  # any answer of its own is an answer

    def _created(self, ask: Callable[[], tuple[int, Any]], charge: Operation) -> Answer:
        try:
            found = _asked(ask)
        except Refused as refused:
            if refused.code in ("OUT_TRADE_NO_USED", "ORDER_PAID", "ORDERPAID"):
                return self.query(charge)
            return _refused(refused)
        return Answer("pending", pay_url=str(found.get("code_url", ""))[:1024])

    def _query_charge(self, charge: Operation) -> Answer:
        if len(charge.parts) == 1:
            sub = charge.parts[0].account
            found = _asked(lambda: self._client.query(out_trade_no=charge.our_ref, sub_mchid=sub))
            state = _CHARGE.get(str(found.get("trade_state")), "pending")
            if state == "succeeded" and (found.get("amount") or {}).get("total") != charge.amount.minor:
                raise ProviderDown("wechatpay names another amount than was asked for")
            return Answer(state, found.get("transaction_id") or None)
        found = _asked(lambda: self._client.combine_query(charge.our_ref))
        return _combined_answer(found.get("sub_orders") or [], charge)

    def _query_refund(self, refund: Operation) -> Answer:
        part = _part(refund)
        return _refund_answer(_asked(lambda: self._client.query_refund(refund.our_ref, sub_mchid=part.account)), refund)

    def _query_return(self, leg: Operation) -> Answer:
        assert leg.original is not None
        part, original = _part(leg), leg.original
        found = _asked(
            lambda: self._client.profitsharing_return_query(original.our_ref, leg.our_ref, sub_mchid=part.account)
        )
        return _return_answer(found, leg)

    def _register(self, kind: str, account: str, part: Part) -> None:
        """A receiver must be known to each merchant; WeChat Pay takes it well to be told twice.

        Other merchants need their full name there, which we do not keep: who is one is registered at WeChat Pay's desk.
        """
        if (account, part.account) in self._receivers:
            return
        if kind == "PERSONAL_OPENID":
            _asked(lambda: self._client.profitsharing_add_receiver(kind, account, "USER", sub_mchid=part.account))
        elif account == self._account.mchid:
            _asked(
                lambda: self._client.profitsharing_add_receiver(
                    kind, account, "SERVICE_PROVIDER", name=self._mch_name or None, sub_mchid=part.account
                )
            )
        self._receivers.add((account, part.account))

    def _transaction(self, operation: Operation) -> str:
        """WeChat Pay's number of the order that something belongs to."""
        charge = operation.charge
        assert charge is not None
        part = _part(operation)
        found = part.ref or (charge.ref if len(charge.parts) == 1 else "")
        if not found:
            raise ProviderDown("wechatpay has not told its number of this order yet")
        return found


def _part(operation: Operation) -> Part:
    part = operation.part
    assert part is not None, "what comes to the merchants names the part it belongs to"
    return part


def _amount(name: str, amount: Money) -> dict[str, Any]:
    return {name: amount.minor, "currency": amount.currency}


def _called(ask: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
    """The client's answer.  Raises ProviderDown."""
    try:
        return ask()
    except Exception as error:  # the client raises requests' errors, and bare Exception for a bad signature
        raise ProviderDown(f"wechatpay: {type(error).__name__} {error}"[:200]) from error


def _asked(ask: Callable[[], tuple[int, Any]]) -> dict[str, Any]:
    """What WeChat Pay answered.  Raises ProviderDown, and Refused for a definite no."""
    status, text = _called(ask)
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        found = None
    if not isinstance(found, dict) or status >= 500 or status in (408, 429):
        raise ProviderDown(f"wechatpay answered {status}")
    if status >= 300:
        code = str(found.get("code", ""))
        if code in ("SYSTEM_ERROR", "SYSTEMERROR", "FREQUENCY_LIMITED", "SIGN_ERROR"):
            raise ProviderDown(f"wechatpay answered {status} {code}")
        raise Refused(status, code if _CODE.match(code) else "REFUSED")
    return found


def _refused(refused: Refused) -> Answer:
    return Answer("failed", why=refused.code[:MOST_ERROR_CHARS])


def _combined_answer(orders: list[dict[str, Any]], charge: Operation) -> Answer:
    """Paid when each merchant's order is; the buyer pays all at once."""
    found = {str(order.get("out_trade_no")): order for order in orders}
    states: set[State] = {
        _CHARGE.get(found.get(part.our_ref, {}).get("trade_state", ""), "pending") for part in charge.parts
    }
    if states != {"succeeded"}:
        return Answer("pending" if len(states) > 1 else states.pop())
    for part in charge.parts:
        if found[part.our_ref].get("amount", {}).get("total_amount") != part.amount.minor:
            raise ProviderDown("wechatpay names another amount than was asked for")
    parts = tuple((part.our_ref, str(found[part.our_ref]["transaction_id"])) for part in charge.parts)
    return Answer("succeeded", charge.our_ref, parts=parts)


def _refund_answer(found: Mapping[str, Any], refund: Operation) -> Answer:
    if (found.get("amount") or {}).get("refund") != refund.amount.minor:
        raise ProviderDown("wechatpay names another amount than was asked for")
    state = _REFUND.get(str(found.get("status")), "pending")
    return Answer(state, found.get("refund_id"), why="closed_there" if state == "failed" else "")


def _split_answer(found: Mapping[str, Any], leg: Operation) -> Answer:
    """A split ends with its one receiver; the end of a hold when it is finished."""
    order_id = str(found.get("order_id") or "") or None
    named = [r for r in found.get("receivers") or () if r.get("account") == (leg.account or r.get("account"))]
    results = {str(receiver.get("result")) for receiver in named}
    if "CLOSED" in results:
        return Answer("failed", order_id, why=str(named[0].get("fail_reason") or "CLOSED")[:MOST_ERROR_CHARS])
    is_done = found.get("state") == "FINISHED" and results <= {"SUCCESS"}
    return Answer("succeeded" if is_done else "pending", order_id)


def _return_answer(found: Mapping[str, Any], leg: Operation) -> Answer:
    if found.get("amount") not in (None, leg.amount.minor):
        raise ProviderDown("wechatpay names another amount than was asked for")
    state = _RETURN.get(str(found.get("result")), "pending")
    ref = str(found.get("return_id") or found.get("return_no") or "") or None
    return Answer(state, ref, why=str(found.get("fail_reason") or "")[:MOST_ERROR_CHARS])
