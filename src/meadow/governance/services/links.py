"""How addresses are judged before they are posted, with each block recorded."""

from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings

from meadow.governance import queries, rules
from meadow.governance.rules import LinkDecision
from meadow.governance.services.decisions import record
from meadow.governance.services.guards import require_subject
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal


def check_link(*, url: str, surface: str, subject: tuple[str, int], by: Actor = SYSTEM) -> LinkDecision:
    """Judges one address for a subject and records a block, with its rule, as a decision.

    Call it outside a transaction that may be refused afterwards, so that the record stays.  Refuses: malformed.
    """
    return _check([url], surface, subject, by)[0]


def require_links(
    *, surface: str, subject: tuple[str, int], urls: Sequence[str] = (), text: str = "", by: Actor = SYSTEM
) -> list[LinkDecision]:
    """Judges given addresses and those that stand in a text; the answers, in order, if none is blocked.

    Call it outside a transaction, so that blocks stay recorded.  Refuses: link_blocked, malformed.
    """
    found = [*urls, *(link.raw for link in rules.links_in_text(text))]
    if len(found) > rules.LIMITS["links_a_post"]:
        raise Refusal("malformed", field="links", why=f"use at most {rules.LIMITS['links_a_post']} links")
    answers = _check(found, surface, subject, by)
    for answer in answers:
        if answer.verdict == "block":
            raise Refusal(
                "link_blocked", host=answer.host or "?", rule=answer.rule, why=answer.code,
                reason=answer.reason_en, reason_zh=answer.reason_zh,
            )  # fmt: skip
    return answers


def _check(urls: Sequence[str], surface: str, subject: tuple[str, int], by: Actor) -> list[LinkDecision]:
    if surface not in rules.SURFACES:
        raise Refusal("malformed", field="surface", why=f"use one of {', '.join(rules.SURFACES)}")
    require_subject(subject)
    if not urls:
        return []
    partners, own = queries.allowlist(), settings.MEADOW.base_url
    answers = [rules.decide_link(url, surface, partners, own=own) for url in urls]
    if any(answer.verdict == "block" for answer in answers):
        with atomic():
            answers = [
                _recorded(url, answer, surface, subject, by) if answer.verdict == "block" else answer
                for url, answer in zip(urls, answers, strict=True)
            ]
    return answers


def _recorded(url: str, answer: LinkDecision, surface: str, subject: tuple[str, int], by: Actor) -> LinkDecision:
    """The block as a decision; its answer cites the version of the rule that holds here."""
    inputs = {
        "url": rules.clean_text(url, 500), "normal": answer.url[:500], "host": rules.clean_text(answer.host, 253),
        "surface": surface, "code": answer.code,
    }  # fmt: skip
    made = record(
        subject, "block_link", answer.rule_id, answer.reason_en, by, inputs=inputs, reason_zh=answer.reason_zh,
        layer="link",
    )  # fmt: skip
    return replace(answer, rule_version=made.rule_version)
