"""How an applicant proves a phone and a bank account: a code and a small amount are sent, and they say what came."""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings

from meadow.kernel import audit, clock, limits
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.payments import vault
from meadow.payments.models import Challenge, MerchantApplication, Proof
from meadow.payments.queries.applications import data_of
from meadow.payments.rules import applications as rules
from meadow.payments.services.application_moves import KIND, go_on, locked, owned
from meadow.payments.services.proofs import note_proof, proof_digest
from meadow.payments.verifiers import verifier

SEALED = "challenge"
LIVES = {"phone": rules.CODE_LIFE, "bank": rules.DEPOSIT_LIFE}
TRIES = {"phone": rules.CODE_TRIES, "bank": rules.DEPOSIT_TRIES}


def challenge_what_is_open(row: MerchantApplication, values: Mapping[str, str]) -> bool:
    """Sends a code and an amount where phone and account are not proved yet; whether there is something to answer.

    Where nothing can be sent, a reviewer has to do it.
    """
    Challenge.objects.filter(application=row, met_at=None).delete()
    is_waiting = False
    for kind in rules.CHALLENGES:
        if _is_proved(row, kind, values):
            continue
        if _send(row, kind, values):
            is_waiting = True
        elif not row.needs_review:
            row.needs_review = True
            row.save(update_fields=["needs_review"])
    return is_waiting


def send_again(*, application_id: int, kind: str, by: Actor) -> None:
    """Sends a new code or a new amount; what was sent before no longer counts.

    Refuses: malformed, not_found, forbidden, stale_state, proof_locked, rate_limited.
    """
    application = owned(application_id, by)
    _check_kind(kind)
    limits.hit("challenge", f"{application.merchant_id}:{kind}", per=timedelta(hours=1), burst=5)
    with atomic():
        row = locked(application.pk)
        _require_waiting(row, kind)
        values = data_of(row)
        if _is_proved(row, kind, values):
            raise Refusal("stale_state", state="proved", event="send")
        _send(row, kind, values)
        audit.record(by, "send_challenge", (KIND, row.pk), after={"kind": kind})


def answer_challenge(*, application_id: int, kind: str, answer: str, by: Actor) -> MerchantApplication:
    """Says what came.  Call it outside a transaction, so that wrong answers count.

    Refuses: malformed, not_found, forbidden, stale_state, proof_wrong, proof_locked, proof_expired, rate_limited.
    """
    application = owned(application_id, by)
    _check_kind(kind)
    limits.hit("challenge_answer", str(application.merchant_id), per=timedelta(minutes=10), burst=30)
    refused: Refusal | None = None
    with atomic():
        row = locked(application.pk)
        challenge = _require_waiting(row, kind)
        if challenge is None or challenge.met_at is not None:
            raise Refusal("stale_state", state=row.state, event="answer")
        if clock.now() >= challenge.expires_at:
            raise Refusal("proof_expired")
        if _same(challenge, answer):
            challenge.met_at = clock.now()
            challenge.save(update_fields=["met_at"])
            values = data_of(row)
            note_proof(row, kind, values)
            audit.record(by, "meet_challenge", (KIND, row.pk), after={"kind": kind})
            if not Challenge.objects.filter(application=row, met_at=None).exists():
                go_on(row)
        else:
            refused = _wrong(challenge)
    if refused is not None:
        raise refused
    return row


def _wrong(challenge: Challenge) -> Refusal:
    challenge.tries += 1
    left = TRIES[challenge.kind] - challenge.tries
    if left <= 0:
        challenge.locked_until = clock.now() + rules.LOCKED_FOR
    challenge.save(update_fields=["tries", "locked_until"])
    return _locked(challenge) if left <= 0 else Refusal("proof_wrong", left=left)


def _locked(challenge: Challenge) -> Refusal:
    assert challenge.locked_until is not None
    return Refusal("proof_locked", until=challenge.locked_until.isoformat(timespec="minutes"))


def _require_waiting(row: MerchantApplication, kind: str) -> Challenge | None:
    if row.state != "account_need_verify":
        raise Refusal("stale_state", state=row.state, event="prove")
    challenge = Challenge.objects.select_for_update().filter(application=row, kind=kind).first()
    if challenge is not None and challenge.locked_until is not None:
        if clock.now() < challenge.locked_until:
            raise _locked(challenge)
        # The lock is over, but what was guessed at counts no longer.
        challenge.expires_at = challenge.locked_until
    return challenge


def _send(row: MerchantApplication, kind: str, values: Mapping[str, str]) -> bool:
    now, service = clock.now(), verifier()
    if kind == "phone":
        secret = f"{secrets.randbelow(10**6):06d}"
        is_sent = service.send_code(application_id=row.pk, phone=values["phone"], code=secret)
    else:
        secret = str(1 + secrets.randbelow(rules.DEPOSIT_MOST_MINOR))
        is_sent = service.send_deposit(
            application_id=row.pk, account=values["bank_number"], minor=int(secret),
            currency=settings.MEADOW.currency,
        )  # fmt: skip
    if is_sent:
        Challenge.objects.update_or_create(
            application=row, kind=kind,
            defaults={
                "secret_sealed": vault.seal(secret, SEALED), "sent_at": now, "expires_at": now + LIVES[kind],
                "tries": 0, "locked_until": None, "met_at": None,
            },
        )  # fmt: skip
    return is_sent


def _is_proved(row: MerchantApplication, kind: str, values: Mapping[str, str]) -> bool:
    proofs = Proof.objects.filter(person=row.applicant, kind=kind, digest=proof_digest(kind, values))
    return row.applicant_id is not None and proofs.exists()


def _same(challenge: Challenge, answer: str) -> bool:
    return secrets.compare_digest(
        vault.unseal(challenge.secret_sealed, SEALED).encode(), "".join(answer.split()).encode()
    )


def _check_kind(kind: str) -> None:
    if kind not in rules.CHALLENGES:
        raise Refusal("malformed", field="kind", why="phone or bank")
