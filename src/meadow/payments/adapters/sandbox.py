"""A provider that moves no real money: it succeeds, fails, times out, notifies twice, late and out of order on demand.

It is a simulator with tables of its own and knows our ids as opaque texts.  What it tells us goes through the same
`verify` as a real provider's notices.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.money import EXPONENTS, Money
from meadow.payments import rules
from meadow.payments.adapters.protocol import Answer, NoticeFaulty, Told
from meadow.payments.models import SandboxNotice, SandboxOperation, SandboxScript
from meadow.payments.rules import Outcome, ProviderLimits, Subject

STAMP, NONCE, SIGNATURE = "meadow-sandbox-timestamp", "meadow-sandbox-nonce", "meadow-sandbox-signature"


@dataclass(frozen=True, slots=True)
class SignedNotice:
    """A notice as it goes over the wire."""

    headers: dict[str, str]
    body: bytes


class Sandbox:
    """The sandbox's side of the adapter protocol."""

    name = "sandbox"
    limits = ProviderLimits()
    is_local = True

    def create(self, *, our_ref: str, amount: Money) -> Answer:
        """Nothing is written before somebody pays, so placing an order costs one row less."""
        return Answer("pending", _ref("payment", our_ref))

    def query(self, *, subject: Subject, our_ref: str) -> Answer:
        operation = SandboxOperation.objects.filter(subject=subject, our_ref=our_ref).first()
        if operation is None:
            return Answer("pending" if subject == "payment" else "unknown")
        state = _state_at(operation, clock.now())
        return Answer("pending" if state == "waiting" else state, operation.ref)

    def refund(self, *, our_ref: str, payment_ref: str, amount: Money) -> Answer:
        return _operate("refund", our_ref, amount, _next_behaviour("refund", payment_ref))

    def pay_out(self, *, our_ref: str, party: str, amount: Money) -> Answer:
        return _operate("payout", our_ref, amount, _next_behaviour("payout", party))

    def close(self, *, our_ref: str) -> Answer:
        operation = _operation("payment", our_ref)
        if operation is None:
            return Answer("closed", _ref("payment", our_ref))
        if _state_at(operation, clock.now()) in ("waiting", "failed"):
            operation.state, operation.settles_at = "closed", None
            operation.save(update_fields=["state", "settles_at"])
        return Answer(_state_at(operation, clock.now()), operation.ref)

    def verify(self, *, headers: Mapping[str, str], body: bytes, at: datetime) -> Told:
        given = {name.lower(): value for name, value in headers.items()}
        stamp, nonce, signature = (given.get(name, "") for name in (STAMP, NONCE, SIGNATURE))
        if not hmac.compare_digest(_signature(stamp, nonce, body).encode(), signature.encode()):
            raise NoticeFaulty("signature")
        if abs(at.timestamp() - int(stamp)) > rules.SIGNATURE_LIFE.total_seconds():
            raise NoticeFaulty("stale")
        return _told(body, signature)


def pay(*, our_ref: str, amount: Money, behaviour: str, delay: timedelta) -> list[SignedNotice]:
    """The buyer confirms (or fails to) at the provider; returns the notices that go out at once.

    Later ones wait for `send_due`.  Refuses: behaviour_unknown, stale_state.
    """
    if behaviour not in rules.BEHAVIOURS:
        raise Refusal("behaviour_unknown", behaviour=behaviour, known=", ".join(rules.BEHAVIOURS))
    now = clock.now()
    operation = _operation("payment", our_ref) or _open("payment", our_ref, amount)
    state = _state_at(operation, now)
    if state not in ("waiting", "failed"):
        raise Refusal("stale_state", state=state, event="pay")
    if behaviour in ("bad_signature", "wrong_amount", "wrong_currency", "unknown_order"):
        return [_tampered(operation, behaviour)]
    outcome: Outcome = "failed" if behaviour == "fail" else "succeeded"
    _settle(operation, outcome, now + delay if behaviour == "late" else now)
    if behaviour == "timeout":
        return []
    if behaviour == "late":
        _plan(operation, outcome, now + delay)
        return []
    if behaviour == "notify_twice":
        _plan(operation, outcome, now)
    if behaviour == "out_of_order":
        # What happened before arrives after: a failed first try, and "pending".
        _plan(operation, "failed", now)
        _plan(operation, "pending", now)
    return [signed(_payload(operation, outcome))]


def send_due(notice: SandboxNotice) -> SignedNotice:
    """Signs a waiting notice and marks it as sent; the caller delivers it."""
    notice.sent_at = clock.now()
    notice.save(update_fields=["sent_at"])
    return signed(notice.payload)


def signed(payload: dict[str, Any]) -> SignedNotice:
    """A payload as a genuine notice of this moment."""
    body = json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()
    stamp, nonce = str(int(clock.machine_now().timestamp())), secrets.token_hex(8)
    return SignedNotice({STAMP: stamp, NONCE: nonce, SIGNATURE: _signature(stamp, nonce, body)}, body)


def script(*, subject: Subject, target: str, behaviour: str) -> None:
    """Sets how the next refund of a payment, or payout of a party, will go.  Refuses: behaviour_unknown."""
    known = ("succeed", "fail", "late", "timeout", "notify_twice")
    if behaviour not in known:
        raise Refusal("behaviour_unknown", behaviour=behaviour, known=", ".join(known))
    SandboxScript.objects.create(subject=subject, target=target, behaviour=behaviour)


def _operate(subject: Subject, our_ref: str, amount: Money, behaviour: str) -> Answer:
    """A refund or payout, which needs no buyer: it is answered at once unless the script says otherwise."""
    operation, now = _operation(subject, our_ref), clock.now()
    if operation is None:
        operation = _open(subject, our_ref, amount)
        outcome: Outcome = "failed" if behaviour == "fail" else "succeeded"
        _settle(operation, outcome, now + rules.LATE_BY if behaviour == "late" else now)
        if behaviour == "late":
            _plan(operation, outcome, now + rules.LATE_BY)
        if behaviour == "notify_twice":
            _plan(operation, outcome, now)
            _plan(operation, outcome, now)
    if behaviour == "timeout":
        return Answer("pending", operation.ref)
    return Answer(_state_at(operation, now), operation.ref)


def _operation(subject: Subject, our_ref: str) -> SandboxOperation | None:
    return SandboxOperation.objects.select_for_update().filter(subject=subject, our_ref=our_ref).first()


def _open(subject: Subject, our_ref: str, amount: Money) -> SandboxOperation:
    """Makes the operation, or locks the one that another request made at the same moment."""
    db.execute(
        "INSERT INTO payments_sandboxoperation (ref, subject, our_ref, currency, amount_minor, state, settles_as,"
        " created_at) VALUES (%s, %s, %s, %s, %s, 'waiting', '', %s) ON CONFLICT DO NOTHING",
        [_ref(subject, our_ref), subject, our_ref, amount.currency, amount.minor, clock.now()],
    )
    return SandboxOperation.objects.select_for_update().get(subject=subject, our_ref=our_ref)


def _settle(operation: SandboxOperation, outcome: Outcome, at: datetime) -> None:
    operation.settles_as, operation.settles_at = outcome, at
    if at <= clock.now():
        operation.state = outcome
    operation.save(update_fields=["state", "settles_as", "settles_at"])


def _state_at(operation: SandboxOperation, now: datetime) -> Any:
    """The state to tell: an operation that settles later is pending until then."""
    if operation.settles_at is None or operation.state != "waiting":
        return operation.state
    return operation.settles_as if operation.settles_at <= now else "pending"


def _plan(operation: SandboxOperation, outcome: Outcome, at: datetime) -> None:
    SandboxNotice.objects.create(operation=operation, payload=_payload(operation, outcome), due_at=at)


def _payload(operation: SandboxOperation, outcome: Outcome) -> dict[str, Any]:
    return {
        "subject": operation.subject,
        "our_ref": operation.our_ref,
        "ref": operation.ref,
        "outcome": outcome,
        "amount_minor": operation.amount_minor,
        "currency": operation.currency,
    }


def _tampered(operation: SandboxOperation, how: str) -> SignedNotice:
    """A notice of success with one thing wrong."""
    payload = _payload(operation, "succeeded")
    if how == "wrong_amount":
        payload["amount_minor"] -= 1
    if how == "wrong_currency":
        payload["currency"] = "EUR" if operation.currency != "EUR" else "CNY"
    if how == "unknown_order":
        payload["our_ref"] = "pay_" + "0" * 20
    notice = signed(payload)
    if how == "bad_signature":
        notice.headers[SIGNATURE] = "0" * 64
    return notice


def _next_behaviour(subject: str, target: str) -> str:
    """The oldest script that is not used yet, used up; else success."""
    found = SandboxScript.objects.select_for_update().filter(subject=subject, target=target, used_at=None)
    line = found.order_by("id").first()
    if line is None:
        return "succeed"
    line.used_at = clock.now()
    line.save(update_fields=["used_at"])
    return line.behaviour


def _ref(subject: str, our_ref: str) -> str:
    return f"sbx_{subject}_{our_ref}"


def _told(body: bytes, seal: str) -> Told:
    """What a genuine body says; the sandbox never sends another shape, but a provider's change must not be a 500."""
    try:
        said = json.loads(body)
        subject, outcome, currency = said["subject"], said["outcome"], said["currency"]
        minor, our_ref, ref = said["amount_minor"], said["our_ref"], said["ref"]
    except (ValueError, KeyError, TypeError) as error:
        raise NoticeFaulty("shape") from error
    if subject not in rules.SUBJECTS or outcome not in rules.OUTCOMES or type(minor) is not int:
        raise NoticeFaulty("shape")
    if currency not in EXPONENTS or not isinstance(our_ref, str) or not isinstance(ref, str):
        raise NoticeFaulty("shape")
    return Told(cast(Subject, subject), our_ref[:64], ref[:64], cast(Outcome, outcome), Money(minor, currency), seal)


def _signature(stamp: str, nonce: str, body: bytes) -> str:
    key = hashlib.sha256(f"meadow/sandbox-notice/{settings.SECRET_KEY}".encode()).digest()
    return hmac.new(key, f"{stamp}.{nonce}.".encode() + body, hashlib.sha256).hexdigest()
