"""How addresses are judged before they are posted, with each block recorded."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from django.conf import settings

from meadow.governance import queries, rules
from meadow.governance.models import Decision
from meadow.governance.rules import LinkDecision
from meadow.governance.services.decisions import in_turn, record
from meadow.governance.services.guards import require_subject
from meadow.governance.services.parties import party_of
from meadow.governance.services.sanctions import record_violation
from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

# The same address sent again is the same offence: whoever corrects a form in steps is not counted twice.
SAME_OFFENCE = timedelta(days=1)
_PRIVATE = ("chat",)


def check_link(*, url: str, surface: str, subject: tuple[str, int], by: Actor = SYSTEM) -> LinkDecision:
    """Judges one address for a subject and records a block, with its rule, as a decision.

    Call it outside a transaction that may be refused afterwards, so that the record stays.  Refuses: malformed.
    """
    answer = _check([url], surface, subject, by)[0]
    if answer.verdict != "block":
        return answer
    made = _recorded(url, answer, surface, subject, by, is_offence=_offends(url, answer, surface, ()))
    return answer._replace(rule_version=made.rule_version)


def require_links(
    *, surface: str, subject: tuple[str, int], urls: Sequence[str] = (), text: str = "", by: Actor = SYSTEM
) -> list[LinkDecision]:
    """Judges given addresses and those that stand in a text; the answers, in order, if none is blocked.

    Call it outside a transaction, so that blocks stay recorded.  Refuses: link_blocked, malformed.
    """
    written = rules.links_in_text(text)
    found = [*urls, *(link.raw for link in written)]
    if len(found) > rules.LIMITS["links_a_post"]:
        raise Refusal("malformed", field="links", why=f"use at most {rules.LIMITS['links_a_post']} links")
    answers = _check(found, surface, subject, by)
    blocked = [(url, answer) for url, answer in zip(found, answers, strict=True) if answer.verdict == "block"]
    if blocked:
        disguised = {link.raw for link in written if link.is_disguised}
        made = [
            _recorded(url, answer, surface, subject, by, is_offence=_offends(url, answer, surface, disguised))
            for url, answer in blocked
        ]
        raise _refusal(made[0], blocked[0][1])
    return answers


def _refusal(made: Decision, answer: LinkDecision) -> Refusal:
    """Says which rule blocked it, in the version that holds here, and how to have it looked at again."""
    return Refusal(
        "link_blocked", host=answer.host or "?", rule=f"{made.rule_id} v{made.rule_version}", why=answer.code,
        reason=answer.reason_en, reason_zh=answer.reason_zh, decision=made.public_id,
        appeal=f"{settings.MEADOW.base_url.rstrip('/')}/links/blocked/{made.public_id}",
    )  # fmt: skip


def _offends(url: str, answer: LinkDecision, surface: str, disguised: Collection[str]) -> bool:
    """Whether somebody meant to deceive, where others read it; in private talk nothing is held against anybody."""
    return surface not in _PRIVATE and (answer.code in rules.DECEPTIVE or answer.code == "barred" or url in disguised)


def _check(urls: Sequence[str], surface: str, subject: tuple[str, int], by: Actor) -> list[LinkDecision]:
    if surface not in rules.SURFACES:
        raise Refusal("malformed", field="surface", why=f"use one of {', '.join(rules.SURFACES)}")
    require_subject(subject)
    if not urls:
        return []
    partners, own = queries.allowlist(), settings.MEADOW.base_url
    return [rules.decide_link(url, surface, partners, own=own) for url in urls]


def _recorded(
    url: str, answer: LinkDecision, surface: str, subject: tuple[str, int], by: Actor, *, is_offence: bool
) -> Decision:
    """The block as a decision, which cites the version of the rule that holds here; an offence is counted with it."""
    inputs = {
        "url": rules.clean_text(url, 500), "normal": answer.url[:500], "host": rules.clean_text(answer.host, 253),
        "surface": surface, "code": answer.code,
    }  # fmt: skip
    with atomic():
        made = record(
            subject, "block_link", answer.rule_id, answer.reason_en, by, inputs=inputs, reason_zh=answer.reason_zh,
            layer="link",
        )  # fmt: skip
        party = party_of(subject)
        if is_offence and party is not None:
            in_turn(party)
            if not queries.is_known_offence(party, inputs["url"], since=clock.now() - SAME_OFFENCE):
                record_violation(
                    party=party, kind="link", severity="minor", reason=answer.reason_en, reason_zh=answer.reason_zh,
                    by=SYSTEM, cause=made, inputs={"url": inputs["url"]},
                )  # fmt: skip
    return made
