"""How a repeated request has one effect: the 2xx answer is stored with the effect, in one transaction, and replayed."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from meadow.kernel import clock, db, rows
from meadow.kernel.errors import Refusal
from meadow.kernel.models import IdempotentAnswer

KEEP = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as the door will send it."""

    status: int
    content: bytes
    content_type: str = "application/json"
    replayed: bool = False


def run_once(*, identity: str, path: str, key: str | None, body: Any, effect: Callable[[], Answer]) -> Answer:
    """The answer of `effect`, which runs at most once per (identity, path, key); a repeat gets the stored answer.

    body is the parsed request (JSON values); equality is semantic.  Only 2xx answers are stored: a refusal rolls
    back and is judged again.  Refuses: idempotency_key_required, idempotency_mismatch, in_flight, and the effect's.
    """
    if not key or len(key) > 255:
        raise Refusal("idempotency_key_required")
    digest = hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).digest()
    with db.atomic():
        # The lock is on what identifies the request, so only its own repeat meets it; it ends with the transaction.
        if not db.call("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 7))", [f"{identity}\n{path}\n{key}"]):
            raise Refusal("in_flight", retry_after=1)
        stored = rows.first(IdempotentAnswer, identity=identity, path=path, key=key)
        if stored is not None:
            if bytes(stored.body_hash) != digest:
                raise Refusal("idempotency_mismatch")
            return Answer(stored.status, bytes(stored.content), stored.content_type, replayed=True)
        answer = effect()
        if 200 <= answer.status < 300:
            rows.add(
                IdempotentAnswer(
                    identity=identity, path=path, key=key, body_hash=digest, status=answer.status,
                    content_type=answer.content_type, content=answer.content, made_at=clock.machine_now(),
                )
            )  # fmt: skip
        return answer


def forget_old() -> int:
    """Drops answers older than the promised time; the worker calls it now and then."""
    return IdempotentAnswer.objects.filter(made_at__lt=clock.machine_now() - KEEP).delete()[0]
