"""Who may decide, and what is well formed: the looks that every verb of governance shares."""

import re

from meadow.accounts import queries as accounts
from meadow.governance import rules
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal

_SUBJECT = re.compile(r"[a-z_]{2,30}\.[a-z_]{2,40}\Z")


def require_operator(by: Actor) -> None:
    if by.kind != "system" and not (by.person_id and accounts.is_operator(by.person_id)):
        raise Refusal("forbidden")


def require_subject(subject: tuple[str, int]) -> None:
    if not _SUBJECT.match(subject[0]) or subject[1] < 1:
        raise Refusal("malformed", field="subject", why="name it like catalog.product and its id")


def reason_text(reason: str) -> str:
    text = rules.clean_text(reason, rules.LIMITS["reason_length"])
    if not text:
        raise Refusal("malformed", field="reason", why="say why, those concerned read it")
    return text
