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
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from django.conf import settings

from meadow.kernel import clock, rows
from meadow.kernel.errors import Refusal
from meadow.kernel.money import EXPONENTS, Money
from meadow.payments import rules
from meadow.payments.adapters.protocol import Answer, NoticeFaulty, Operation, ProviderDown, Stated, Told
from meadow.payments.models import SandboxNotice, SandboxOperation, SandboxOutage, SandboxScript
from meadow.payments.rules import Outcome, ProviderLimits, Subject

STAMP, NONCE, SIGNATURE = "meadow-sandbox-timestamp", "meadow-sandbox-nonce", "meadow-sandbox-signature"
OPERATION_BEHAVIOURS = ("succeed", "fail", "late", "timeout", "notify_twice")
STATEMENT_BEHAVIOURS = ("omit", "amount", "currency", "extra")


@dataclass(frozen=True, slots=True)
class SignedNotice:
    """A notice as it goes over the wire."""

    headers: dict[str, str]
    body: bytes


class Sandbox:
    """The sandbox's side of the adapter protocol; an installation may have two, so that one can be lost."""

    limits = ProviderLimits()
    is_local = True
    day_zone = "UTC"
    stated = frozenset({"payment", "refund", "payout", "split", "return"})

    def __init__(self, name: str = "sandbox") -> None:
        self.name = name

    def create(self, charge: Operation) -> Answer:
        """Nothing is written, or even looked at, before somebody pays, so placing an order costs no statement here."""
        return Answer("pending", _ref("payment", charge.our_ref))

    def query(self, operation: Operation) -> Answer:
        self.ping()
        found = SandboxOperation.objects.filter(subject=operation.subject, our_ref=operation.our_ref).first()
        if found is None:
            return Answer("pending" if operation.subject == "payment" else "unknown")
        state = _state_at(found, clock.now())
        return Answer("pending" if state == "waiting" else state, found.ref)

    def close(self, charge: Operation) -> Answer:
        self.ping()
        operation = _operation("payment", charge.our_ref)
        if operation is None:
            return Answer("closed", _ref("payment", charge.our_ref))
        if _state_at(operation, clock.now()) in ("waiting", "failed"):
            operation.state, operation.settles_at = "closed", None
            operation.save(update_fields=["state", "settles_at"])
        return Answer(_state_at(operation, clock.now()), operation.ref)

    def refund(self, refund: Operation) -> Answer:
        assert refund.charge is not None
        return self._operate(refund, refund.charge.our_ref)

    def split(self, leg: Operation) -> Answer:
        return self._operate(leg, leg.account)

    def give_back(self, leg: Operation) -> Answer:
        return self._operate(leg, leg.account)

    def release(self, leg: Operation) -> Answer:
        return self._operate(leg, leg.account)

    def pay_out(self, payout: Operation) -> Answer:
        return self._operate(payout, payout.account)

    def verify(self, *, headers: Mapping[str, str], body: bytes, at: datetime) -> Told:
        given = {name.lower(): value for name, value in headers.items()}
        stamp, nonce, signature = (given.get(name, "") for name in (STAMP, NONCE, SIGNATURE))
        if not hmac.compare_digest(_signature(self.name, stamp, nonce, body).encode(), signature.encode()):
            raise NoticeFaulty("signature")
        if abs(at.timestamp() - int(stamp)) > rules.SIGNATURE_LIFE.total_seconds():
            raise NoticeFaulty("stale")
        return _told(body, signature)

    def statement(self, day: date) -> list[Stated]:
        """Its own operations of the day, changed where a script says so (see `script`)."""
        self.ping()
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        found = SandboxOperation.objects.filter(
            provider=self.name, settles_as="succeeded", settles_at__gte=begin, settles_at__lt=begin + timedelta(days=1)
        )
        return _altered(
            [Stated(o.subject, o.our_ref, o.ref, Money(o.amount_minor, o.currency)) for o in found.order_by("pk")]
        )

    def ping(self) -> None:
        if rows.first(SandboxOutage, provider=self.name) is not None:
            raise ProviderDown(f"{self.name} is switched off")

    def _operate(self, asked: Operation, target: str) -> Answer:
        """A refund, leg or payout, which needs no buyer: it is answered at once unless the script says otherwise."""
        self.ping()
        behaviour, now = _next_behaviour(asked.subject, target), clock.now()
        outcome: Outcome = "failed" if behaviour == "fail" else "succeeded"
        ends_at = now + rules.LATE_BY if behaviour == "late" else now
        operation, is_new = _open(self.name, asked.subject, asked.our_ref, asked.amount, outcome, ends_at)
        if is_new:
            if behaviour == "late":
                _plan(operation, outcome, now + rules.LATE_BY)
            if behaviour == "notify_twice":
                _plan(operation, outcome, now)
                _plan(operation, outcome, now)
        if behaviour == "timeout":
            return Answer("pending", operation.ref)
        state = _state_at(operation, now)
        return Answer(state, operation.ref, why="refused_by_sandbox" if state == "failed" else "")


def pay(*, provider: str, our_ref: str, amount: Money, behaviour: str, delay: timedelta) -> list[SignedNotice]:
    """The buyer confirms (or fails to) at the provider; returns the notices that go out at once.

    Later ones wait for `send_due`.  Refuses: behaviour_unknown, stale_state.  Raises ProviderDown.
    """
    if behaviour not in rules.BEHAVIOURS:
        raise Refusal("behaviour_unknown", behaviour=behaviour, known=", ".join(rules.BEHAVIOURS))
    Sandbox(provider).ping()
    now = clock.now()
    operation = _operation("payment", our_ref) or _open(provider, "payment", our_ref, amount)[0]
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
    return [signed(_payload(operation, outcome), provider)]


def charge_back(*, provider: str, our_ref: str, amount: Money, fee_minor: int, outcome: Outcome) -> SignedNotice:
    """The notice that a buyer's bank took a payment back ("pending"), or that this was won or lost since."""
    ref = f"sbx_cbk_{our_ref}"
    payload = {
        "subject": "chargeback", "our_ref": our_ref, "ref": ref, "outcome": outcome, "amount_minor": amount.minor,
        "currency": amount.currency, "fee_minor": fee_minor, "reason": "fraudulent",
    }  # fmt: skip
    return signed(payload, provider)


def send_due(notice: SandboxNotice) -> SignedNotice:
    """Signs a waiting notice and marks it as sent; the caller delivers it."""
    notice.sent_at = clock.now()
    notice.save(update_fields=["sent_at"])
    return signed(notice.payload, notice.operation.provider)


def signed(payload: dict[str, Any], provider: str = "sandbox") -> SignedNotice:
    """A payload as a genuine notice of this moment."""
    body = json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()
    stamp, nonce = str(int(clock.machine_now().timestamp())), secrets.token_hex(8)
    return SignedNotice({STAMP: stamp, NONCE: nonce, SIGNATURE: _signature(provider, stamp, nonce, body)}, body)


def script(*, subject: str, target: str, behaviour: str) -> None:
    """Sets how the next operation goes: the refund of a payment, a party's payout, an account's split or return.

    Subject "statement" bends what the statement says of an id instead.  Refuses: behaviour_unknown.
    """
    known = STATEMENT_BEHAVIOURS if subject == "statement" else OPERATION_BEHAVIOURS
    if behaviour not in known:
        raise Refusal("behaviour_unknown", behaviour=behaviour, known=", ".join(known))
    SandboxScript.objects.create(subject=subject, target=target, behaviour=behaviour)


def _operation(subject: Subject, our_ref: str) -> SandboxOperation | None:
    return rows.first(SandboxOperation, subject=subject, our_ref=our_ref, locked=True)


def _open(
    provider: str,
    subject: Subject,
    our_ref: str,
    amount: Money,
    outcome: Outcome | None = None,
    at: datetime | None = None,
) -> tuple[SandboxOperation, bool]:
    """Makes the operation, which ends at a moment if that is known; or locks the one that was made before (False)."""
    now = clock.now()
    made = SandboxOperation(
        ref=_ref(subject, our_ref), provider=provider, subject=subject, our_ref=our_ref, currency=amount.currency,
        amount_minor=amount.minor, state=outcome if outcome and at and at <= now else "waiting",
        settles_as=outcome or "", settles_at=at, created_at=now,
    )  # fmt: skip
    if rows.add(made, or_nothing=True):
        return made, True
    found = _operation(subject, our_ref)
    assert found is not None  # it is never deleted
    return found, False


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
    notice = signed(payload, operation.provider)
    if how == "bad_signature":
        notice.headers[SIGNATURE] = "0" * 64
    return notice


def _next_behaviour(subject: str, target: str) -> str:
    """The oldest script that is not used yet, used up; else success."""
    line = rows.first(SandboxScript, subject=subject, target=target, used_at=None, locked=True)
    if line is None:
        return "succeed"
    rows.change(line, used_at=clock.now())
    return line.behaviour


def _altered(lines: list[Stated]) -> list[Stated]:
    """The lines as scripts bend them: left out, in another amount or currency, and some that never happened."""
    scripts = {line.target: line.behaviour for line in SandboxScript.objects.filter(subject="statement").order_by("pk")}
    told = []
    for line in lines:
        how = scripts.pop(line.our_ref, "")
        minor, currency = line.amount.minor, line.amount.currency
        if how == "amount":
            minor += 1
        if how == "currency":
            currency = "EUR" if currency != "EUR" else "CNY"
        if how != "omit":
            told.append(Stated(line.subject, line.our_ref, line.provider_ref, Money(minor, currency)))
    extra = [target for target, how in scripts.items() if how == "extra"]
    return told + [Stated("payment", target, f"sbx_extra_{target}", Money(100, "CNY")) for target in extra]


def _ref(subject: str, our_ref: str) -> str:
    return f"sbx_{subject}_{our_ref}"


def _told(body: bytes, seal: str) -> Told:
    """What a genuine body says; the sandbox never sends another shape, but a provider's change must not be a 500."""
    try:
        said = json.loads(body)
        subject, outcome, currency = said["subject"], said["outcome"], said["currency"]
        minor, our_ref, ref = said["amount_minor"], said["our_ref"], said["ref"]
        fee, reason = said.get("fee_minor", 0), said.get("reason", "")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoticeFaulty("shape") from error
    if subject not in rules.SUBJECTS or outcome not in rules.OUTCOMES or type(minor) is not int or type(fee) is not int:
        raise NoticeFaulty("shape")
    if currency not in EXPONENTS or not all(isinstance(text, str) for text in (our_ref, ref, reason)):
        raise NoticeFaulty("shape")
    return Told(
        cast(Subject, subject), our_ref[:64], ref[:64], cast(Outcome, outcome), Money(minor, currency), seal,
        fee_minor=fee, reason=reason[:64],
    )  # fmt: skip


def _signature(provider: str, stamp: str, nonce: str, body: bytes) -> str:
    key = hashlib.sha256(f"meadow/{provider}-notice/{settings.SECRET_KEY}".encode()).digest()
    return hmac.new(key, f"{stamp}.{nonce}.".encode() + body, hashlib.sha256).hexdigest()
