"""WeChat Pay as a service provider meets it: signed requests and answers, charges, splits, returns, refunds, notices.

Written after WeChat Pay's public documents of its v3 interface; it was never compared with the real one.
"""

import base64
import gzip
import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from meadow.payments.simulators.wire import Asked, Fault, Given, Wire

MCHID, APPID, SERIAL, APIV3_KEY = "1900000001", "wx8888888888888888", "5157F09EFDC096DE15EBE81A47057A72", "k" * 32
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000000012026112200000000000001"
PERSONAL = "PERSONAL_OPENID"
_AUTHORIZATION = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class WechatNotice:
    """A notice as it goes over the wire."""

    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Charge:
    """One merchant's order; a combined one shares its combine number with others."""

    out_trade_no: str
    sub_mchid: str
    minor: int
    combine_no: str = ""
    state: str = "NOTPAY"
    transaction_id: str = ""
    is_frozen: bool = True
    split_minor: int = 0
    refunded_minor: int = 0
    paid_at: str = ""


@dataclass(slots=True)
class Split:
    """A split order with its one receiver, or the end of a hold (no receiver of its own)."""

    out_order_no: str
    charge: Charge
    order_id: str
    account: str
    kind: str
    minor: int
    state: str = "FINISHED"
    result: str = "SUCCESS"
    fail_reason: str = ""
    returned_minor: int = 0


@dataclass(slots=True)
class Books:
    """What WeChat Pay remembers."""

    charges: dict[str, Charge] = field(default_factory=dict)
    splits: dict[str, Split] = field(default_factory=dict)
    returns: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    receivers: set[tuple[str, str]] = field(default_factory=set)
    bill: str = ""


class No(Exception):
    """An error body of WeChat Pay."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message or code


@cache
def _keys() -> tuple[rsa.RSAPrivateKey, rsa.RSAPrivateKey]:
    """The merchant's and WeChat Pay's own; made once, since that takes a while."""
    return rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)


class WechatSimulator:
    """The provider; behaviour for the next splits and refunds is set in `split_as` and `refund_as`."""

    def __init__(self) -> None:
        self._merchant, self._own = _keys()
        self.books = Books()
        self.split_as: list[str] = []  # SUCCESS, PENDING or CLOSED
        self.refund_as: list[str] = []  # SUCCESS, PROCESSING, CLOSED or ABNORMAL
        self.return_as: list[str] = []  # SUCCESS, PROCESSING or FAILED
        self.max_split_bp = 3000
        self.wire = Wire(self._answer, self._fail)
        self._routes: list[tuple[str, str, Callable[..., dict[str, Any] | None]]] = [
            ("POST", r"/v3/pay/partner/transactions/native", self._pay),
            ("GET", r"/v3/pay/partner/transactions/out-trade-no/([^/]+)", self._query),
            ("POST", r"/v3/pay/partner/transactions/out-trade-no/([^/]+)/close", self._close),
            ("POST", r"/v3/combine-transactions/native", self._combine),
            ("GET", r"/v3/combine-transactions/out-trade-no/([^/]+)", self._combine_query),
            ("POST", r"/v3/combine-transactions/out-trade-no/([^/]+)/close", self._combine_close),
            ("POST", r"/v3/refund/domestic/refunds", self._refund),
            ("GET", r"/v3/refund/domestic/refunds/([^/]+)", self._refund_query),
            ("POST", r"/v3/profitsharing/receivers/add", self._add_receiver),
            ("POST", r"/v3/profitsharing/orders", self._split),
            ("POST", r"/v3/profitsharing/orders/unfreeze", self._unfreeze),
            ("GET", r"/v3/profitsharing/orders/([^/]+)", self._split_query),
            ("POST", r"/v3/profitsharing/return-orders", self._return),
            ("GET", r"/v3/profitsharing/return-orders/([^/]+)", self._return_query),
            ("GET", r"/v3/bill/tradebill", self._bill),
        ]

    def account(self, **more: Any) -> str:
        """What MEADOW_WECHATPAY holds to reach it."""
        private = self._merchant.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = self._own.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        members = {
            "mchid": MCHID, "appid": APPID, "serial_no": SERIAL, "private_key": private, "apiv3_key": APIV3_KEY,
            "public_key": public, "public_key_id": PUBLIC_KEY_ID, "gateway": self.wire.address, "timeout_ms": 700,
        }  # fmt: skip
        return json.dumps(members | more)

    def close(self) -> None:
        self.wire.close()

    # What buyers, and WeChat Pay by itself, do.

    def pay(self, number: str) -> list[WechatNotice]:
        """The buyer pays an order or a combined order; the notice that goes out at once."""
        found = [c for c in self.books.charges.values() if number in (c.out_trade_no, c.combine_no)]
        assert found, "nobody asked for this order"
        assert all(charge.state == "NOTPAY" for charge in found), "it cannot be paid any more"
        for charge in found:
            charge.state, charge.transaction_id = "SUCCESS", "42000" + secrets.token_hex(11)
            charge.paid_at = time.strftime("%Y-%m-%dT%H:%M:%S+08:00")
        return [self.paid_notice(number)]

    def paid_notice(self, number: str) -> WechatNotice:
        """What it says of an order as it stands."""
        combined = [c for c in self.books.charges.values() if c.combine_no == number]
        if not combined:
            return self.notice("TRANSACTION.SUCCESS", _single(self.books.charges[number]))
        return self.notice("TRANSACTION.SUCCESS", _combined(number, combined))

    def refund_notice(self, out_refund_no: str, state: str = "SUCCESS") -> WechatNotice:
        """A refund that ended so."""
        row = self.books.refunds[out_refund_no]
        row["status"] = state
        charge = next(c for c in self.books.charges.values() if c.transaction_id == row["transaction_id"])
        said = {
            "sp_mchid": MCHID, "sub_mchid": charge.sub_mchid, "out_trade_no": charge.out_trade_no,
            "transaction_id": row["transaction_id"], "out_refund_no": out_refund_no, "refund_id": row["refund_id"],
            "refund_status": state, "amount": {k: row["amount"][k] for k in ("total", "refund")},
        }  # fmt: skip
        return self.notice(f"REFUND.{state}", said)

    def end_split(self, out_order_no: str, result: str = "SUCCESS") -> None:
        split = self.books.splits[out_order_no]
        split.state, split.result = "FINISHED", result

    def notice(self, event: str, said: dict[str, Any], *, stamp: int | None = None) -> WechatNotice:
        """Something sealed and signed."""
        nonce = secrets.token_hex(6)
        plain = json.dumps(said, ensure_ascii=False).encode()
        sealed = AESGCM(APIV3_KEY.encode()).encrypt(nonce.encode(), plain, b"transaction")
        kind = "refund" if event.startswith("REFUND") else "transaction"
        body = {
            "id": secrets.token_hex(16), "create_time": time.strftime("%Y-%m-%dT%H:%M:%S+08:00"), "event_type": event,
            "resource_type": "encrypt-resource", "summary": "支付成功",
            "resource": {
                "algorithm": "AEAD_AES_256_GCM", "original_type": kind, "nonce": nonce,
                "associated_data": "transaction", "ciphertext": base64.b64encode(sealed).decode(),
            },
        }  # fmt: skip
        return self.signed(json.dumps(body, ensure_ascii=False).encode(), stamp)

    def signed(self, body: bytes, stamp: int | None = None) -> WechatNotice:
        """Any body as a genuine notice of this moment."""
        return WechatNotice({**self._seal(body, stamp), "Content-Type": "application/json"}, body)

    # The wire.

    def _answer(self, asked: Asked) -> Given:
        if asked.path == "/bill-download":
            return Given(200, gzip.compress(self.books.bill.encode("utf-8-sig")), {"Content-Type": "text/plain"})
        try:
            self._check(asked)
            body = json.loads(asked.body) if asked.body else {}
            for method, path, act in self._routes:
                match = re.fullmatch(path, asked.path)
                if match and method == asked.method:
                    return self._signed_answer(200, act(*match.groups(), body, asked.query))
            raise No(404, "RESOURCE_NOT_EXISTS", "没有这个接口")
        except No as no:
            return self._signed_answer(no.status, {"code": no.code, "message": no.message})

    def _fail(self, fault: Fault) -> Given:
        if fault == "garbage":
            return Given(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"})
        status, code = (429, "FREQUENCY_LIMITED") if fault == "busy" else (500, "SYSTEM_ERROR")
        return self._signed_answer(status, {"code": code, "message": "系统繁忙"})

    def _check(self, asked: Asked) -> None:
        """Whether the merchant signed this request."""
        kind, _, rest = asked.headers.get("authorization", "").partition(" ")
        given = dict(_AUTHORIZATION.findall(rest))
        if kind != "WECHATPAY2-SHA256-RSA2048" or given.get("mchid") != MCHID or given.get("serial_no") != SERIAL:
            raise No(401, "SIGN_ERROR", "签名错误")
        text = f"{asked.method}\n{asked.target}\n{given['timestamp']}\n{given['nonce_str']}\n{asked.body.decode()}\n"
        try:
            self._merchant.public_key().verify(
                base64.b64decode(given["signature"]), text.encode(), PKCS1v15(), SHA256()
            )
        except InvalidSignature:
            raise No(401, "SIGN_ERROR", "签名错误") from None

    def _signed_answer(self, status: int, said: dict[str, Any] | None) -> Given:
        body = b"" if said is None else json.dumps(said, ensure_ascii=False).encode()
        status = 204 if said is None else status
        return Given(status, body, {**self._seal(body), "Content-Type": "application/json; charset=utf-8"})

    def _seal(self, body: bytes, stamp: int | None = None) -> dict[str, str]:
        at, nonce = str(int(time.time()) if stamp is None else stamp), secrets.token_hex(16)
        text = f"{at}\n{nonce}\n".encode() + body + b"\n"
        signature = base64.b64encode(self._own.sign(text, PKCS1v15(), SHA256())).decode()
        return {
            "Wechatpay-Timestamp": at, "Wechatpay-Nonce": nonce, "Wechatpay-Signature": signature,
            "Wechatpay-Serial": PUBLIC_KEY_ID, "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }  # fmt: skip

    # The operations.

    def _pay(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        _need(body, "sp_appid", "sp_mchid", "sub_mchid", "description", "out_trade_no", "notify_url", "amount")
        self._open(body["out_trade_no"], body["sub_mchid"], body["amount"]["total"], body["amount"]["currency"])
        return {"code_url": f"weixin://wxpay/bizpayurl?pr={body['out_trade_no'][-8:]}"}

    def _combine(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        _need(body, "combine_appid", "combine_mchid", "combine_out_trade_no", "sub_orders", "notify_url")
        if not 2 <= len(body["sub_orders"]) <= 50:
            raise No(400, "PARAM_ERROR", "子单数量")
        for order in body["sub_orders"]:
            _need(order, "mchid", "sub_mchid", "amount", "out_trade_no", "description", "attach")
            amount = order["amount"]
            self._open(
                order["out_trade_no"], order["sub_mchid"], amount["total_amount"], amount["currency"],
                body["combine_out_trade_no"],
            )  # fmt: skip
        return {"code_url": f"weixin://wxpay/bizpayurl?pr={body['combine_out_trade_no'][-8:]}"}

    def _open(self, number: str, sub_mchid: str, minor: int, currency: str, combine_no: str = "") -> None:
        if not re.fullmatch(r"[\w|*@-]{6,32}", number) or currency != "CNY" or type(minor) is not int or minor < 1:
            raise No(400, "PARAM_ERROR", "参数错误")
        known = self.books.charges.setdefault(number, Charge(number, sub_mchid, minor, combine_no))
        if (known.sub_mchid, known.minor) != (sub_mchid, minor):
            raise No(400, "INVALID_REQUEST", "商户订单号重复")
        if known.state != "NOTPAY":
            raise No(400, "ORDER_PAID" if known.state == "SUCCESS" else "ORDER_CLOSED")

    def _query(self, number: str, _: Any, query: Any) -> dict[str, Any]:
        charge = self.books.charges.get(number)
        if charge is None or charge.sub_mchid != query.get("sub_mchid"):
            raise No(404, "ORDER_NOT_EXIST", "订单不存在")
        return _single(charge)

    def _close(self, number: str, body: dict[str, Any], _: Any) -> None:
        charge = self.books.charges.get(number)
        if charge is None or charge.sub_mchid != body.get("sub_mchid"):
            raise No(404, "ORDER_NOT_EXIST", "订单不存在")
        _shut([charge])

    def _combine_query(self, number: str, _: Any, __: Any) -> dict[str, Any]:
        return _combined(number, self._of(number))

    def _combine_close(self, number: str, body: dict[str, Any], _: Any) -> None:
        charges = self._of(number)
        if {order["out_trade_no"] for order in body["sub_orders"]} != {charge.out_trade_no for charge in charges}:
            raise No(400, "PARAM_ERROR", "子单不全")
        _shut(charges)

    def _of(self, combine_no: str) -> list[Charge]:
        found = [charge for charge in self.books.charges.values() if charge.combine_no == combine_no]
        if not found:
            raise No(404, "ORDER_NOT_EXIST", "订单不存在")
        return found

    def _refund(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        _need(body, "out_refund_no", "transaction_id", "amount", "sub_mchid")
        known = self.books.refunds.get(body["out_refund_no"])
        if known is not None:
            return known
        charge = self._paid(body["transaction_id"], body["sub_mchid"])
        minor = body["amount"]["refund"]
        if body["amount"]["total"] != charge.minor:
            raise No(400, "PARAM_ERROR", "订单金额不一致")
        # What was split stays out until it is returned: the merchant has only the rest.
        if minor > charge.minor - charge.refunded_minor - charge.split_minor:
            raise No(403, "NOT_ENOUGH", "基本账户余额不足")
        state = self.refund_as.pop(0) if self.refund_as else "SUCCESS"
        if state != "CLOSED":
            charge.refunded_minor += minor
        row = {
            "refund_id": "50300" + secrets.token_hex(10), "out_refund_no": body["out_refund_no"],
            "transaction_id": charge.transaction_id, "out_trade_no": charge.out_trade_no, "status": state,
            "amount": {"total": charge.minor, "refund": minor, "currency": "CNY"},
        }  # fmt: skip
        self.books.refunds[body["out_refund_no"]] = row
        return row

    def _refund_query(self, number: str, _: Any, __: Any) -> dict[str, Any]:
        if number not in self.books.refunds:
            raise No(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return self.books.refunds[number]

    def _add_receiver(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        _need(body, "sub_mchid", "appid", "type", "account", "relation_type")
        if body["type"] == "MERCHANT_ID":
            _need(body, "name")
            self._own.decrypt(base64.b64decode(body["name"]), OAEP(MGF1(SHA1()), SHA1(), None))  # noqa: S303 - theirs
        self.books.receivers.add((body["sub_mchid"], body["account"]))
        return {"type": body["type"], "account": body["account"], "relation_type": body["relation_type"]}

    def _split(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        _need(body, "sub_mchid", "appid", "transaction_id", "out_order_no", "receivers")
        known = self.books.splits.get(body["out_order_no"])
        if known is not None:
            return _split_said(known)
        charge, (receiver,) = self._paid(body["transaction_id"], body["sub_mchid"]), body["receivers"]
        _need(receiver, "type", "account", "amount", "description")
        if (charge.sub_mchid, receiver["account"]) not in self.books.receivers:
            raise No(400, "INVALID_REQUEST", "分账接收方未添加")
        if not charge.is_frozen:
            raise No(400, "INVALID_REQUEST", "订单已解冻")
        if (charge.split_minor + receiver["amount"]) * 10_000 > charge.minor * self.max_split_bp:
            raise No(403, "RULE_LIMIT", "超出最大分账比例")
        if charge.split_minor + receiver["amount"] > charge.minor - charge.refunded_minor:
            raise No(403, "NOT_ENOUGH", "分账金额不足")
        result = self.split_as.pop(0) if self.split_as else "SUCCESS"
        split = Split(
            body["out_order_no"], charge, "3008" + secrets.token_hex(10), receiver["account"], receiver["type"],
            receiver["amount"], "FINISHED" if result != "PENDING" else "PROCESSING", result,
            "ACCOUNT_ABNORMAL" if result == "CLOSED" else "",
        )  # fmt: skip
        if result != "CLOSED":
            charge.split_minor += split.minor
        self.books.splits[split.out_order_no] = split
        return _split_said(split)

    def _unfreeze(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        _need(body, "sub_mchid", "transaction_id", "out_order_no", "description")
        charge = self._paid(body["transaction_id"], body["sub_mchid"])
        rest = charge.minor - charge.split_minor - charge.refunded_minor
        charge.is_frozen = False
        split = Split(
            body["out_order_no"], charge, "3008" + secrets.token_hex(10), charge.sub_mchid, "MERCHANT_ID", rest
        )
        return _split_said(self.books.splits.setdefault(split.out_order_no, split))

    def _split_query(self, number: str, _: Any, __: Any) -> dict[str, Any]:
        if number not in self.books.splits:
            raise No(404, "RESOURCE_NOT_EXISTS", "记录不存在")
        return _split_said(self.books.splits[number])

    def _return(self, body: dict[str, Any], _: Any) -> dict[str, Any]:
        _need(body, "sub_mchid", "out_order_no", "out_return_no", "return_mchid", "amount", "description")
        known = self.books.returns.get(body["out_return_no"])
        if known is not None:
            return known
        split = self.books.splits.get(body["out_order_no"])
        if split is None or split.account != body["return_mchid"]:
            raise No(404, "RESOURCE_NOT_EXISTS", "原分账单不存在")
        if split.kind == PERSONAL:
            raise No(400, "INVALID_REQUEST", "个人接收方不支持回退")
        if split.returned_minor + body["amount"] > split.minor:
            raise No(403, "NOT_ENOUGH", "超出可回退金额")
        result = self.return_as.pop(0) if self.return_as else "SUCCESS"
        if result == "SUCCESS":
            split.returned_minor += body["amount"]
            split.charge.split_minor -= body["amount"]
        row = {
            "out_return_no": body["out_return_no"], "return_id": "3009" + secrets.token_hex(10), "result": result,
            "out_order_no": body["out_order_no"], "amount": body["amount"], "return_mchid": body["return_mchid"],
            "fail_reason": "ACCOUNT_ABNORMAL" if result == "FAILED" else "",
        }  # fmt: skip
        self.books.returns[body["out_return_no"]] = row
        return row

    def _return_query(self, number: str, _: Any, __: Any) -> dict[str, Any]:
        if number not in self.books.returns:
            raise No(404, "RESOURCE_NOT_EXISTS", "回退单不存在")
        return self.books.returns[number]

    def _bill(self, _: Any, query: Any) -> dict[str, Any]:
        if not self.books.bill:
            raise No(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        plain = self.books.bill.encode("utf-8-sig")
        return {
            "hash_type": "SHA1", "hash_value": hashlib.sha1(plain, usedforsecurity=False).hexdigest(),
            "download_url": f"{self.wire.address}/bill-download?token={secrets.token_hex(4)}",
        }  # fmt: skip

    def _paid(self, transaction_id: str, sub_mchid: str) -> Charge:
        for charge in self.books.charges.values():
            if charge.transaction_id == transaction_id and charge.sub_mchid == sub_mchid:
                return charge
        raise No(404, "RESOURCE_NOT_EXISTS", "订单不存在")


def _need(body: dict[str, Any], *names: str) -> None:
    if missing := [name for name in names if not body.get(name)]:
        raise No(400, "PARAM_ERROR", f"缺少参数 {missing[0]}")


def _shut(charges: list[Charge]) -> None:
    if any(charge.state == "SUCCESS" for charge in charges):
        raise No(400, "ORDER_PAID", "订单已支付")
    for charge in charges:
        charge.state = "CLOSED"


def _single(charge: Charge) -> dict[str, Any]:
    said: dict[str, Any] = {
        "sp_appid": APPID, "sp_mchid": MCHID, "sub_mchid": charge.sub_mchid, "out_trade_no": charge.out_trade_no,
        "trade_state": charge.state, "trade_state_desc": charge.state, "trade_type": "NATIVE",
        "amount": {"total": charge.minor, "payer_total": charge.minor, "currency": "CNY", "payer_currency": "CNY"},
    }  # fmt: skip
    if charge.state == "SUCCESS":
        said |= {"transaction_id": charge.transaction_id, "success_time": charge.paid_at, "bank_type": "OTHERS"}
    return said


def _combined(number: str, charges: list[Charge]) -> dict[str, Any]:
    orders = [
        {
            "mchid": MCHID, "sub_mchid": charge.sub_mchid, "trade_type": "NATIVE", "trade_state": charge.state,
            "out_trade_no": charge.out_trade_no, "transaction_id": charge.transaction_id, "attach": number,
            "amount": {"total_amount": charge.minor, "payer_amount": charge.minor, "currency": "CNY"},
        }
        for charge in charges
    ]  # fmt: skip
    return {"combine_appid": APPID, "combine_mchid": MCHID, "combine_out_trade_no": number, "sub_orders": orders}


def _split_said(split: Split) -> dict[str, Any]:
    receiver = {
        "amount": split.minor, "type": split.kind, "account": split.account, "result": split.result,
        "fail_reason": split.fail_reason, "detail_id": split.order_id[-8:],
    }  # fmt: skip
    return {
        "transaction_id": split.charge.transaction_id, "out_order_no": split.out_order_no, "order_id": split.order_id,
        "state": split.state, "receivers": [receiver],
    }  # fmt: skip
