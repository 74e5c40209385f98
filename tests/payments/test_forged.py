"""D2.4: a corpus of forged and bent notices of three providers.  None changes anything, all are stored and logged."""

import base64
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from django.test import Client
from tests.payments.test_stripe import StripeSimulator
from tests.payments.test_wechatpay import WechatSimulator, joined
from tests.trade import bazaar

from meadow.kernel import clock, db, outbox
from meadow.payments import queries, services
from meadow.payments.adapters import sandbox
from meadow.payments.adapters.sandbox import NONCE, SIGNATURE, STAMP
from meadow.payments.models import Payment
from meadow.payments.simulators import wechat as wire
from meadow.trade import services as trade
from meadow.trade.models import Order

Sent = tuple[dict[str, str], bytes]
OLD, SOON = -600, 600
TABLES = (
    "payments_payment", "payments_providerrefund", "payments_leg", "payments_payout", "payments_chargeback",
    "ledger_transfer", "ledger_account", "trade_order", "trade_refund", "kernel_outboxevent", "kernel_auditentry",
)  # fmt: skip


@dataclass
class World:
    """Orders that wait for their money: mine is the one that a forger is after, other is somebody else's."""

    wechat: WechatSimulator
    stripe: StripeSimulator
    mine: dict[str, Payment]
    other: dict[str, Payment]
    heard: dict[str, Sent]  # a genuine notice that was taken already
    combined: Payment


def payment_of(order: Order) -> Payment:
    return services.hand_over(payment_id=order.payment_id)


def deliver(provider: str, notice: Any) -> None:
    taken = services.verify(provider=provider, headers=notice.headers, body=notice.body)
    trade.record_payment(taken)
    outbox.drain_all()


@pytest.fixture
def world(settings: Any) -> Iterator[World]:
    simulators = WechatSimulator(), StripeSimulator()
    settings.MEADOW = replace(
        settings.MEADOW, providers="sandbox,sandbox2,wechatpay,stripe", wechatpay=simulators[0].account(),
        stripe=simulators[1].account(), test_clock=False,
    )  # fmt: skip
    first, second = joined(bazaar.shop("Ada"), "1600000001"), joined(bazaar.shop("Eve"), "1600000002")
    cup, pot, bo = bazaar.goods(first, 10_000), bazaar.goods(second, 20_000), bazaar.person()
    mine, other, heard = {}, {}, {}
    for provider in ("sandbox", "wechatpay", "stripe"):
        mine[provider] = payment_of(bazaar.place(cup, buyer=bo, provider=provider).orders[0])
        other[provider] = payment_of(bazaar.place(pot, buyer=bo, provider=provider).orders[0])
        third = payment_of(bazaar.place(cup, buyer=bo, provider=provider).orders[0])
        if provider == "sandbox":
            (notice,) = services.sandbox_pay(payment_id=third.pk).notices
        else:
            (notice,) = simulators[provider == "stripe"].pay(third.public_id)
        deliver(provider, notice)
        heard[provider] = (notice.headers, notice.body)
    combined = payment_of(bazaar.place(cup, pot, buyer=bo, provider="wechatpay").orders[0])
    outbox.drain_all()
    yield World(*simulators, mine, other, heard, combined)
    for simulator in simulators:
        simulator.close()


# The sandbox: a signed stamp, nonce and body.

Bend = Callable[[World], Sent]


def paid_text(w: World, **changed: Any) -> dict[str, Any]:
    mine = w.mine["sandbox"]
    return {
        "subject": "payment", "our_ref": mine.public_id, "ref": "sbx_1", "outcome": "succeeded",
        "amount_minor": mine.amount_minor, "currency": "CNY", **changed,
    }  # fmt: skip


def sbx(**changed: Any) -> Bend:
    """Signed as the sandbox would, with something else in it."""
    return lambda w: _sent(sandbox.signed(paid_text(w, **changed)))


def sbx_raw(body: bytes) -> Bend:
    return lambda w: (signed_at(body, 0), body)


def signed_at(body: bytes, seconds: int) -> dict[str, str]:
    stamp = str(int(clock.machine_now().timestamp()) + seconds)
    return {STAMP: stamp, NONCE: "n", SIGNATURE: sandbox._signature("sandbox", stamp, "n", body)}


def sbx_headers(change: Callable[[dict[str, str]], dict[str, str]]) -> Bend:
    def bend(w: World) -> Sent:
        headers, body = _sent(sandbox.signed(paid_text(w)))
        return change(headers), body

    return bend


def sbx_aged(seconds: int) -> Bend:
    def bend(w: World) -> Sent:
        body = json.dumps(paid_text(w)).encode()
        return signed_at(body, seconds), body

    return bend


def _sent(notice: Any) -> Sent:
    return notice.headers, notice.body


def _sandbox2(w: World) -> Sent:
    return _sent(sandbox.signed(paid_text(w), "sandbox2"))


def _without(w: World) -> Sent:
    text = paid_text(w)
    del text["currency"]
    return _sent(sandbox.signed(text))


SANDBOX: dict[str, tuple[str, Bend]] = {
    "no headers": ("signature", sbx_headers(lambda h: {})),
    "zeros": ("signature", sbx_headers(lambda h: h | {SIGNATURE: "0" * 64})),
    "cut signature": ("signature", sbx_headers(lambda h: h | {SIGNATURE: h[SIGNATURE][:-1]})),
    "upper case": ("signature", sbx_headers(lambda h: h | {SIGNATURE: h[SIGNATURE].upper() + "A"})),
    "other nonce": ("signature", sbx_headers(lambda h: h | {NONCE: "x"})),
    "other stamp": ("signature", sbx_headers(lambda h: h | {STAMP: str(int(h[STAMP]) + 1)})),
    "letters for a stamp": ("signature", sbx_headers(lambda h: h | {STAMP: "now"})),
    "another's signature": ("signature", lambda w: (w.heard["sandbox"][0], json.dumps(paid_text(w)).encode())),
    "the other sandbox's key": ("signature", _sandbox2),
    "ten minutes old": ("stale", sbx_aged(OLD)),
    "ten minutes early": ("stale", sbx_aged(SOON)),
    "replay": ("replay", lambda w: w.heard["sandbox"]),
    "one fen less": ("amount", sbx(amount_minor=10_999)),
    "one fen more": ("amount", sbx(amount_minor=11_001)),
    "nothing": ("amount", sbx(amount_minor=0)),
    "less than nothing": ("amount", sbx(amount_minor=-11_000)),
    "a float": ("shape", sbx(amount_minor=11_000.0)),
    "text": ("shape", sbx(amount_minor="11000")),
    "true": ("shape", sbx(amount_minor=True)),
    "other currency": ("currency", sbx(currency="EUR")),
    "no currency of this world": ("shape", sbx(currency="XXX")),
    "without its currency": ("shape", _without),
    "no order of ours": ("unknown", sbx(our_ref="pay_" + "0" * 20)),
    "another order": ("amount", lambda w: _sent(sandbox.signed(paid_text(w, our_ref=w.other["sandbox"].public_id)))),
    "an order of another provider": (
        "unknown", lambda w: _sent(sandbox.signed(paid_text(w, our_ref=w.mine["stripe"].public_id))),
    ),
    "as a refund": ("unknown", sbx(subject="refund")),
    "as a payout": ("unknown", sbx(subject="payout")),
    "as a split": ("unknown", sbx(subject="split")),
    "as something else": ("shape", sbx(subject="gift")),
    "an unknown end": ("shape", sbx(outcome="maybe")),
    "a number for a name": ("shape", sbx(our_ref=7)),
    "a list": ("shape", sbx_raw(b"[]")),
    "cut body": ("shape", sbx_raw(b'{"subject": "payment", "our_')),
    "no text": ("shape", sbx_raw(b"\xff\x00\xfe")),
    "empty": ("shape", sbx_raw(b"")),
    "too large": ("shape", sbx_raw(b"[" + b" " * 20_000 + b"]")),
    "a chargeback of more than was paid": ("amount", sbx(subject="chargeback", outcome="pending", amount_minor=11_001)),
}  # fmt: skip

# WeChat Pay: RSA over stamp, nonce and body; the payload is sealed.


def single(w: World, **changed: Any) -> dict[str, Any]:
    said = {
        "sp_mchid": wire.MCHID, "sub_mchid": "1600000001", "out_trade_no": w.mine["wechatpay"].public_id,
        "transaction_id": "4200001", "trade_state": "SUCCESS", "amount": {"total": 11_000, "currency": "CNY"},
    }  # fmt: skip
    return said | changed


def wx(event: str = "TRANSACTION.SUCCESS", **changed: Any) -> Bend:
    return lambda w: _sent(w.wechat.notice(event, single(w, **changed)))


def wx_headers(change: Callable[[dict[str, str]], dict[str, str]]) -> Bend:
    def bend(w: World) -> Sent:
        headers, body = _sent(w.wechat.notice("TRANSACTION.SUCCESS", single(w)))
        return change(headers), body

    return bend


def wx_body(change: Callable[[dict[str, Any]], Any]) -> Bend:
    """Signed by WeChat Pay, but what was signed is bent."""

    def bend(w: World) -> Sent:
        body = json.loads(w.wechat.notice("TRANSACTION.SUCCESS", single(w)).body)
        return _sent(w.wechat.signed(json.dumps(change(body)).encode()))

    return bend


def wx_combined(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Bend:
    def bend(w: World) -> Sent:
        charges = [c for c in w.wechat.books.charges.values() if c.combine_no == w.combined.public_id]
        orders = [
            {
                "mchid": wire.MCHID, "sub_mchid": c.sub_mchid, "out_trade_no": c.out_trade_no, "trade_state": "SUCCESS",
                "transaction_id": f"42{n}", "amount": {"total_amount": c.minor, "currency": "CNY"},
            }
            for n, c in enumerate(charges)
        ]  # fmt: skip
        said = {"combine_mchid": wire.MCHID, "combine_out_trade_no": w.combined.public_id, "sub_orders": change(orders)}
        return _sent(w.wechat.notice("TRANSACTION.SUCCESS", said))

    return bend


def _swapped(orders: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    first, second = orders
    return [first | {name: second[name]}, second | {name: first[name]}]


def _respelled(w: World) -> Sent:
    headers, body = w.heard["wechatpay"]
    return headers | {"Wechatpay-Signature": headers["Wechatpay-Signature"] + "\n"}, body


def _own_key(w: World) -> Sent:
    """Signed with the platform's own key, which a thief of it might try."""
    headers, body = _sent(w.wechat.notice("TRANSACTION.SUCCESS", single(w)))
    text = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n{body.decode()}\n"
    sealed = w.wechat._merchant.sign(text.encode(), wire.PKCS1v15(), wire.SHA256())
    return headers | {"Wechatpay-Signature": base64.b64encode(sealed).decode()}, body


def _other_seal(body: dict[str, Any]) -> dict[str, Any]:
    sealed = wire.AESGCM(b"x" * 32).encrypt(body["resource"]["nonce"].encode(), b"{}", b"transaction")
    body["resource"]["ciphertext"] = base64.b64encode(sealed).decode()
    return body


def _resource(**changed: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda body: body | {"resource": body["resource"] | changed}


WECHAT: dict[str, tuple[str, Bend]] = {
    "no headers": ("signature", wx_headers(lambda h: {})),
    "other key": ("signature", wx_headers(lambda h: h | {"Wechatpay-Serial": "PUB_KEY_ID_OTHER"})),
    "a certificate of nobody": ("signature", wx_headers(lambda h: h | {"Wechatpay-Serial": "5157F09E"})),
    "other algorithm": ("signature", wx_headers(lambda h: h | {"Wechatpay-Signature-Type": "NONE"})),
    "zeros": ("signature", wx_headers(lambda h: h | {"Wechatpay-Signature": base64.b64encode(b"0" * 256).decode()})),
    "no signature": ("signature", wx_headers(lambda h: h | {"Wechatpay-Signature": ""})),
    "no base64": ("signature", wx_headers(lambda h: h | {"Wechatpay-Signature": "%%%"})),
    "letters for a stamp": ("signature", wx_headers(lambda h: h | {"Wechatpay-Timestamp": "now"})),
    "other stamp": ("signature", wx_headers(lambda h: h | {"Wechatpay-Timestamp": "1"})),
    "other nonce": ("signature", wx_headers(lambda h: h | {"Wechatpay-Nonce": "x"})),
    "our own key": ("signature", _own_key),
    "another's headers": ("signature", lambda w: (w.heard["wechatpay"][0], wx()(w)[1])),
    "cut body": ("signature", lambda w: (wx()(w)[0], wx()(w)[1][:-9])),
    "no text": ("shape", lambda w: _sent(w.wechat.signed(b"\xff\xfe"))),
    "old": ("stale", lambda w: _sent(w.wechat.notice("TRANSACTION.SUCCESS", single(w), stamp=_at(OLD)))),
    "early": ("stale", lambda w: _sent(w.wechat.notice("TRANSACTION.SUCCESS", single(w), stamp=_at(SOON)))),
    "replay": ("replay", lambda w: w.heard["wechatpay"]),
    "replay, spelled anew": ("replay", _respelled),
    "sealed with another key": ("shape", wx_body(_other_seal)),
    "cut payload": ("shape", wx_body(_resource(ciphertext="QUJD"))),
    "no nonce": ("shape", wx_body(_resource(nonce=""))),
    "other cipher": ("shape", wx_body(_resource(algorithm="NONE"))),
    "not sealed": ("shape", wx_body(lambda body: body | {"resource_type": "plain"})),
    "a list": ("shape", wx_body(lambda body: [])),
    "other event": ("shape", wx("PAYSCORE.USER_PAID")),
    "no order of ours": ("unknown", wx(out_trade_no="pay_" + "0" * 20)),
    "another order": ("amount", lambda w: _sent(
        w.wechat.notice("TRANSACTION.SUCCESS", single(w, out_trade_no=w.other["wechatpay"].public_id)))),
    "an order of another provider": ("unknown", lambda w: _sent(
        w.wechat.notice("TRANSACTION.SUCCESS", single(w, out_trade_no=w.mine["sandbox"].public_id)))),
    "names swapped": ("unknown", lambda w: _sent(w.wechat.notice("TRANSACTION.SUCCESS", single(
        w, out_trade_no="4200001", transaction_id=w.mine["wechatpay"].public_id)))),
    "one fen less": ("amount", wx(amount={"total": 10_999, "currency": "CNY"})),
    "text for an amount": ("shape", wx(amount={"total": "11000", "currency": "CNY"})),
    "other currency": ("currency", wx(amount={"total": 11_000, "currency": "USD"})),
    "another's merchant": ("party", wx(sub_mchid="1600000002")),
    "another platform": ("party", wx(sp_mchid="1900000009")),
    "as a refund": ("unknown", lambda w: _sent(w.wechat.notice("REFUND.SUCCESS", {
        **single(w), "out_refund_no": w.mine["wechatpay"].public_id, "refund_id": "5", "refund_status": "SUCCESS",
        "amount": {"total": 11_000, "refund": 11_000}}))),
    "a part left out": ("amount", wx_combined(lambda orders: orders[:1])),
    "a part twice": ("shape", wx_combined(lambda orders: [orders[0], orders[0]])),
    "amounts swapped": ("amount", wx_combined(lambda orders: _swapped(orders, "amount"))),
    "merchants swapped": ("party", wx_combined(lambda orders: _swapped(orders, "sub_mchid"))),
    "no parts": ("shape", wx_combined(lambda orders: [])),
}  # fmt: skip

# Stripe: an HMAC over stamp and body.


def session(w: World, **changed: Any) -> dict[str, Any]:
    mine = w.mine["stripe"]
    found = next(s for s in w.stripe.books.sessions.values() if s["client_reference_id"] == mine.public_id)
    return {**found, "payment_status": "paid", "status": "complete", **changed}


def st(kind: str = "checkout.session.completed", more: dict[str, Any] | None = None, **changed: Any) -> Bend:
    return lambda w: _sent(w.stripe.event(kind, session(w, **changed), **(more or {})))


def st_headers(change: Callable[[str], str]) -> Bend:
    def bend(w: World) -> Sent:
        headers, body = st()(w)
        return headers | {"Stripe-Signature": change(headers["Stripe-Signature"])}, body

    return bend


def _swap_intent(w: World) -> Sent:
    said = {"id": "dp_1", "object": "dispute", "amount": 11_000, "currency": "cny", "status": "needs_response"}
    return _sent(w.stripe.event("charge.dispute.created", {**said, "payment_intent": "pi_nobody", "reason": "x"}))


def _resigned(w: World) -> Sent:
    headers, body = w.heard["stripe"]
    return headers | {"Stripe-Signature": headers["Stripe-Signature"] + ",v1=" + "0" * 64}, body


STRIPE: dict[str, tuple[str, Bend]] = {
    "no header": ("signature", lambda w: ({}, st()(w)[1])),
    "nonsense for a header": ("signature", st_headers(lambda h: "sealed with a kiss")),
    "other secret": ("signature", lambda w: _sent(w.stripe.signed(st()(w)[1], secret="whsec_other"))),
    "other stamp": ("signature", st_headers(lambda h: h.replace("t=1", "t=2"))),
    "old scheme": ("signature", st_headers(lambda h: h.replace("v1=", "v0="))),
    "cut body": ("signature", lambda w: (st()(w)[0], st()(w)[1][:-9])),
    "another's header": ("signature", lambda w: (w.heard["stripe"][0], st()(w)[1])),
    "old": ("stale", st(more={"stamp": 1_000_000_000})),
    "early": ("stale", st(more={"stamp": 4_000_000_000})),
    "replay": ("replay", lambda w: w.heard["stripe"]),
    "replay, with one signature more": ("replay", _resigned),
    "no text": ("shape", lambda w: _sent(w.stripe.signed(b"{"))),
    "a list": ("shape", lambda w: _sent(w.stripe.signed(b"[]"))),
    "the real world's": ("party", st(more={"livemode": True})),
    "another account's": ("party", st(more={"account": "acct_other"})),
    "other event": ("unknown", st("customer.created")),
    "no order of ours": ("unknown", st(client_reference_id="pay_" + "0" * 20)),
    "no order at all": ("shape", st(client_reference_id=None)),
    "another order": ("amount", lambda w: _sent(w.stripe.event(
        "checkout.session.completed", session(w, client_reference_id=w.other["stripe"].public_id)))),
    "an order of another provider": ("unknown", lambda w: _sent(w.stripe.event(
        "checkout.session.completed", session(w, client_reference_id=w.mine["wechatpay"].public_id)))),
    "one cent less": ("amount", st(amount_total=10_999)),
    "text for an amount": ("shape", st(amount_total="11000")),
    "other currency": ("currency", st(currency="usd")),
    "no currency": ("shape", st(currency="xxx")),
    "as a refund": ("unknown", lambda w: _sent(w.stripe.event("refund.updated", {
        "object": "refund", "id": "re_1", "status": "succeeded", "amount": 11_000, "currency": "cny",
        "metadata": {"our_ref": w.mine["stripe"].public_id}}))),
    "a dispute of nobody's": ("shape", _swap_intent),
}  # fmt: skip

CORPUS = {"sandbox": SANDBOX, "wechatpay": WECHAT, "stripe": STRIPE}


def _at(seconds: int) -> int:
    return int(clock.machine_now().timestamp()) + seconds


def everything() -> dict[str, Any]:
    """All that a notice could change, as one digest per table."""
    return {
        table: db.call(f"SELECT md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), '')) FROM {table} x")
        for table in TABLES
    }


def test_d2_4_the_corpus_is_large_enough() -> None:
    assert sum(map(len, CORPUS.values())) >= 100
    wanted = {"signature", "stale", "replay", "unknown", "amount", "currency", "shape"}
    assert all(wanted <= {why for why, _ in corpus.values()} for corpus in CORPUS.values())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("provider", list(CORPUS))
def test_d2_4_no_forged_notice_changes_anything(
    world: World, provider: str, caplog: pytest.LogCaptureFixture, client: Client
) -> None:
    before = everything()
    for name, (why, bend) in CORPUS[provider].items():
        headers, body = bend(world)
        caplog.clear()
        with caplog.at_level(logging.WARNING, "meadow.payments"):
            answer = client.post(f"/api/v1/payments/notices/{provider}", body, "application/json", headers=headers)
        assert answer.status_code in (400, 413, 422), (name, answer.content)
        found = queries.refused_notices(1)
        said = f"a notice of {provider} was refused: {why}"
        if answer.status_code != 413:  # what is too large is not read at all
            assert [notice.refused for notice in found] == [why], name
            assert said in caplog.text, name
    outbox.drain_all()
    after = everything()
    assert {table for table in TABLES if before[table] != after[table]} == set()
    assert len(queries.refused_notices()) >= len(CORPUS[provider]) - 1


@pytest.mark.django_db
def test_d2_4_a_provider_that_is_not_here_is_not_believed(client: Client) -> None:
    answer = client.post("/api/v1/payments/notices/alipay", b"{}", "application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "notice_refused")
    assert queries.refused_notices(1)[0].refused == "provider"
