"""Is a notice believed only if it is genuine, fresh, new and about our payment in its amount?  D2.4."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.ledger.test_post import at_once
from tests.payments.conftest import deliver, start

from meadow.kernel import clock
from meadow.kernel.errors import Refusal
from meadow.payments import queries, services
from meadow.payments.adapters.sandbox import NONCE, SIGNATURE, STAMP, SignedNotice, signed
from meadow.payments.rules import MOST_NOTICE_BYTES, NOTICE_FAULTS
from meadow.payments.services import sandbox_pay

pytestmark = pytest.mark.django_db


def refused(notice: SignedNotice) -> str:
    """Delivers a notice that must be refused, stored, logged and without effect; returns why."""
    before = list(queries.Payment.objects.order_by("pk").values())
    with pytest.raises(Refusal, match="notice_refused") as refusal:
        deliver(notice)
    assert list(queries.Payment.objects.order_by("pk").values()) == before
    stored = queries.Notice.objects.order_by("-pk")[0]
    assert (stored.verified, stored.refused) == (False, refusal.value.params["why"])
    assert bytes(stored.body) == notice.body[:MOST_NOTICE_BYTES]
    with pytest.raises(Refusal, match="not_found"):
        services.accept_notice(notice_id=stored.pk)
    return str(refusal.value.params["why"])


def sent(behaviour: str = "succeed") -> SignedNotice:
    (notice,) = sandbox_pay(payment_id=start().pk, behaviour=behaviour).notices
    return notice


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("bad_signature", "signature"), ("wrong_amount", "amount"), ("wrong_currency", "currency"),
        ("unknown_order", "unknown"),
    ],
)  # fmt: skip
def test_d2_4_refused_stored_and_logged(behaviour: str, why: str, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, logger="meadow.payments"):
        assert refused(sent(behaviour)) == why
    assert why in caplog.text


def test_d2_4_the_payment_can_still_be_paid_after_a_refused_notice() -> None:
    refused(sent("wrong_amount"))
    assert services.accept_notice(notice_id=deliver(sent()).pk).outcome == "paid"


def test_d2_4_a_replay_is_refused_and_a_repeat_is_not() -> None:
    notice = sent()
    deliver(notice)
    assert refused(notice) == "replay"
    assert deliver(signed(json.loads(notice.body))).verified


def test_d2_4_an_old_notice_is_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    notice = sent()
    later = clock.machine_now() + timedelta(minutes=6)
    monkeypatch.setattr(clock, "machine_now", lambda: later)
    assert refused(notice) == "stale"


def test_the_test_clock_does_not_make_notices_old() -> None:
    notice = sent()
    with clock.at(datetime(2040, 1, 1, tzinfo=UTC)):
        assert deliver(notice).verified


@pytest.mark.parametrize("change", ["body", "stamp", "nonce", "missing", "case", "empty"])
def test_anything_that_is_signed_cannot_change(change: str) -> None:
    notice = sent()
    headers, body = dict(notice.headers), notice.body
    if change == "body":
        body = body.replace(b"11000", b"11001")
    if change == "stamp":
        headers[STAMP] = str(int(headers[STAMP]) + 1)
    if change == "nonce":
        headers[NONCE] = "00" * 8
    if change == "missing":
        del headers[SIGNATURE]
    if change == "empty":
        headers, body = {}, b""
    if change == "case":  # header names are the same in any case
        assert deliver(SignedNotice({name.title(): value for name, value in headers.items()}, body)).verified
        return
    assert refused(SignedNotice(headers, body)) == "signature"


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "order"}, {"outcome": "maybe"}, {"amount_minor": "11000"}, {"amount_minor": 11000.0},
        {"amount_minor": True}, {"currency": "XXX"}, {"our_ref": 5}, {"ref": None}, {"subject": None},
    ],
)  # fmt: skip
def test_a_genuine_notice_of_another_shape_is_refused_in_words(change: dict[str, Any]) -> None:
    payload = json.loads(sent().body)
    assert refused(signed(payload | change)) == "shape"
    del payload["amount_minor"]
    assert refused(signed(payload)) == "shape"


def test_too_much_or_from_nobody_is_refused() -> None:
    notice = sent()
    assert refused(SignedNotice(notice.headers, b"x" * 20_000)) == "shape"
    with pytest.raises(Refusal, match="notice_refused"):
        services.verify(provider="nobody" * 10, headers={}, body=b"")
    assert queries.Notice.objects.order_by("-pk")[0].refused == "provider"


def test_every_way_to_be_refused_is_covered_here() -> None:
    assert set(NOTICE_FAULTS) == {
        "signature", "stale", "replay", "shape", "unknown", "amount", "currency", "provider", "party",
    }  # fmt: skip


def test_credentials_are_not_stored_with_a_notice() -> None:
    headers = {"Cookie": "sessionid=1", "Authorization": "Bearer x", "X-Long": "y" * 5_000, "X-Zero": "a\x00b"}
    with pytest.raises(Refusal):
        services.verify(provider="sandbox", headers=headers, body=b"\x00\xff")
    stored = queries.Notice.objects.order_by("-pk")[0]
    assert set(stored.headers) == {"x-long", "x-zero"}
    assert len(stored.headers["x-long"]) == 400


def test_a_flood_of_refused_notices_is_not_stored() -> None:
    for _ in range(80):
        with pytest.raises(Refusal, match="notice_refused"):
            services.verify(provider="sandbox", headers={}, body=b"")
    assert queries.Notice.objects.count() <= 62


@pytest.mark.django_db(transaction=True)
def test_d2_4_the_same_bytes_twice_at_once_are_taken_once() -> None:
    notice = sent()
    answers = at_once(lambda: deliver(notice).pk, lambda: deliver(notice).pk)
    assert sorted(type(answer).__name__ for answer in answers) == ["int", "str"]
    assert "notice_refused" in answers
