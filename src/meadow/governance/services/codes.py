"""How the codes in a picture are judged: payments and messengers, links, and texts, each by the rule for its kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from meadow.governance import queries, rules
from meadow.governance.models import Decision
from meadow.governance.rules.payloads import judge_payload
from meadow.governance.rules.screening import OUTSIDE
from meadow.governance.rules.surfaces import PRIVATE, TextSurface
from meadow.governance.rules.terms import VERDICTS, Verdict
from meadow.governance.services.decisions import announce, in_turn, record
from meadow.governance.services.guards import require_subject
from meadow.governance.services.parties import Subject, party_of
from meadow.governance.services.queue import file_case
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic

# What a verdict does to a picture: one that is blocked or waits for a look is not shown.
_ACTIONS = {"block": "suspend", "review": "review", "warn": "warn"}
_KEPT_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class _Found:
    verdict: Verdict
    rule: str | tuple[str, int]
    en: str
    zh: str
    inputs: dict[str, Any]


def check_codes(
    *, payloads: Sequence[str], surface: TextSurface, subject: Subject, by: Actor = SYSTEM
) -> Decision | None:
    """Decides on a picture by what its codes say, the gravest of them; None where nothing stands against it.

    Call it in the transaction that shows or hides the picture.  Refuses: malformed.
    """
    require_subject(subject)
    found = [one for text in payloads if (one := _judged(text, surface)) is not None]
    if not found:
        return None
    worst = max(found, key=lambda one: VERDICTS.index(one.verdict))
    with atomic():
        in_turn(subject)
        made = record(
            subject, _ACTIONS[worst.verdict], worst.rule, worst.en, by, reason_zh=worst.zh, layer="picture",
            inputs={"surface": surface.value, **worst.inputs},
        )  # fmt: skip
        announce(made)
        if worst.verdict == "review":
            party = party_of(subject)
            file_case(
                kind="review", key=f"{subject[0]}:{subject[1]}:{made.pk}", subject=subject, rule_id=made.rule_id,
                decision_id=made.pk, members=[(party, None)] if party else [],
            )  # fmt: skip
    return made


def _judged(text: str, surface: TextSurface) -> _Found | None:
    payload = judge_payload(text, is_private=surface in PRIVATE)
    inputs = {"code": payload.kind, "says": rules.clean_text(text, _KEPT_CHARACTERS)}
    if payload.kind in ("payment", "messenger"):
        en, zh = ("payment", "收款码") if payload.kind == "payment" else ("messenger", "社交账号二维码")
        return _Found(
            payload.verdict, OUTSIDE, f"The picture holds a {en} code. Take it out, or appeal.",
            f"图片中含有{zh}，请移除，也可以申诉。", inputs,
        )  # fmt: skip
    if payload.kind == "link":
        where = "chat" if surface in PRIVATE else "post"
        answer = rules.decide_link(payload.text, where, queries.allowlist(), own=settings.MEADOW.base_url)
        if answer.verdict == "allow":
            return None
        inputs |= {"host": rules.clean_text(answer.host, 253), "why": answer.code}
        return _Found(
            answer.verdict, answer.rule_id, f"A code in the picture leads elsewhere. {answer.reason_en}",
            f"图片中的二维码指向站外。{answer.reason_zh}", inputs,
        )  # fmt: skip
    verdict = queries.judge_text(surface, payload.text)
    decisive = verdict.decisive
    if decisive is None or verdict.verdict == "allow":
        return None
    return _Found(
        verdict.verdict, decisive.rule_id, f"A code in the picture says {verdict.reason_en}",
        f"图片中的二维码内容为{verdict.reason_zh}", inputs,
    )  # fmt: skip
