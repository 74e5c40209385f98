"""How a private message is opened by an operator: only by a report of one of those who wrote it, and never unlogged.

The context that keeps private messages says how one is read; nothing else here can reach their words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from meadow.governance import queries, rules
from meadow.governance.services.guards import reason_text
from meadow.governance.services.queue import operator_id, require_held
from meadow.kernel import audit
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

# (the thing's id, who reported it) -> what was said, oldest first; empty where the reporter is none of its two.
Reader = Callable[[int, int], list[dict[str, Any]]]
_readers: dict[str, Reader] = {}


@dataclass(frozen=True, slots=True)
class Opened:
    """What an operator was shown of a private conversation, for one report."""

    report: str
    subject: tuple[str, int]
    lines: list[dict[str, Any]]


def register_private(kind: str, reader: Reader) -> None:
    """A context tells how its private things are read: register_private("messaging.message", around_message)."""
    _readers[kind] = reader


def is_private(kind: str) -> bool:
    return kind in _readers


def open_private(*, report_id: str, by: Actor, why: str) -> Opened:
    """Shows a reported private message to the operator who holds its case, and writes down that they read it.

    Refuses: forbidden, report_needed, case_not_yours, malformed.
    """
    operator_id(by)
    text = reason_text(why)
    try:
        found = queries.report_of(report_id)
    except Refusal:
        raise Refusal("report_needed") from None
    with atomic():
        case = require_held(found.case_id, by)
        reader = _readers.get(case.subject_kind)
        if reader is None or case.subject_id is None or case.kind != "report":
            raise Refusal("report_needed")
        subject = (case.subject_kind, case.subject_id)
        lines = reader(case.subject_id, found.person_id)
        if not lines:
            raise Refusal("report_needed")
        audit.record(
            by, "open_private", subject,
            after={"report": found.public_id, "case": case.public_id, "why": rules.clean_text(text, 500)},
        )  # fmt: skip
    return Opened(found.public_id, subject, lines)
