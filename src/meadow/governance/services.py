"""What governance does: record decisions that cite a rule, reverse them, judge links, keep partners."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from meadow.accounts import queries as accounts
from meadow.governance import queries, rules
from meadow.governance.models import Decision, Partner, Rule
from meadow.governance.rules import LinkDecision, RuleText
from meadow.kernel import audit, clock, db
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import DecisionMade, DecisionReversed
from meadow.kernel.outbox import emit

__all__ = [
    "Decision",
    "LinkDecision",
    "Partner",
    "add_partner",
    "check_link",
    "decide",
    "end_partner",
    "publish_rules",
    "require_links",
    "reverse_decision",
]

_SUBJECT = re.compile(r"[a-z_]{2,30}\.[a-z_]{2,40}\Z")


def decide(
    *,
    subject: tuple[str, int],
    action: str,
    rule: str,
    reason: str,
    by: Actor,
    until: datetime | None = None,
    inputs: dict[str, Any] | None = None,
) -> Decision:
    """Suspends or restores a subject in the name of a rule's current version; its owner carries it out.

    Refuses: forbidden, malformed, rule_unknown.
    """
    _require_operator(by)
    _require_subject(subject)
    if action not in rules.SUBJECT_ACTIONS:
        raise Refusal("malformed", field="action", why=f"use {' or '.join(rules.SUBJECT_ACTIONS)}")
    if until is not None and (action != "suspend" or until <= clock.now()):
        raise Refusal("malformed", field="until", why="only a suspension has an end, and it lies ahead")
    text = _reason(reason)
    with atomic():
        _in_turn(subject)
        made = _record(subject, action, _published(rule), text, by, until=until, inputs=inputs or {})
        emit(
            DecisionMade(
                made.pk, *subject, action, made.rule_id, made.rule_version, until.isoformat() if until else None
            )
        )
    return made


def reverse_decision(*, decision_id: int, reason: str, by: Actor) -> Decision:
    """Takes a decision back: a row of its own that names the first; the owner restores what was before.

    Refuses: forbidden, malformed, not_found, decision_reversed, stale_state.
    """
    _require_operator(by)
    text = _reason(reason)
    first = queries.decision(decision_id)
    if first.action == "reverse":
        raise Refusal("stale_state", state="reverse", event="reverse")
    subject = (first.subject_kind, first.subject_id)
    with atomic():
        _in_turn(subject)
        if Decision.objects.filter(reverses=first).exists():
            raise Refusal("decision_reversed")
        rule = RuleText(first.rule_id, first.rule_version, "", "", "", "")
        made = _record(subject, "reverse", rule, text, by, reverses=first)
        if first.action in rules.SUBJECT_ACTIONS:
            emit(DecisionReversed(first.pk, *subject, first.action))
    return made


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


def publish_rules() -> int:
    """Stores every rule version that is not stored yet; returns how many were new.  Safe to run at every start."""
    wanted = [_row(rule) for rule in rules.RULEBOOK]
    before = Rule.objects.count()
    with atomic():
        Rule.objects.bulk_create(wanted, ignore_conflicts=True)
    return Rule.objects.count() - before


def add_partner(
    *,
    name: str,
    hosts: Iterable[str],
    product_patterns: Iterable[str],
    contract: str,
    after_sale_contact: str,
    by: Actor,
) -> Partner:
    """A platform whose product pages may be linked from now on.  Refuses: forbidden, malformed, pattern_invalid,
    partner_exists."""
    _require_operator(by)
    title, contact = rules.clean_text(name, 120), rules.clean_text(after_sale_contact, 254)
    terms = rules.clean_text(contract, rules.LIMITS["reason_length"])
    if not title or not terms or not contact:
        raise Refusal("malformed", field="partner", why="name it, its contract and who answers after a sale")
    cleaned, patterns = _clean_pages(list(hosts), list(product_patterns))
    try:
        with atomic():
            partner = Partner.objects.create(
                name=title, hosts=cleaned, product_patterns=patterns, contract=terms,
                after_sale_contact=contact, since=clock.now(),
            )  # fmt: skip
            audit.record(
                by, "add_partner", ("governance.partner", partner.pk),
                after={"name": title, "hosts": cleaned, "product_patterns": patterns},
            )  # fmt: skip
    except IntegrityError as error:
        raise Refusal("partner_exists") from error
    return partner


def end_partner(*, partner_id: int, reason: str, by: Actor) -> Partner:
    """From now on no new link to this partner; those posted before carry a warning.  Refuses: forbidden, not_found,
    malformed."""
    _require_operator(by)
    text = _reason(reason)
    with atomic():
        partner = Partner.objects.select_for_update().filter(pk=partner_id).first()
        if partner is None:
            raise Refusal("not_found")
        if partner.active:
            partner.active, partner.ended_at = False, clock.now()
            partner.save(update_fields=["active", "ended_at"])
            audit.record(by, "end_partner", ("governance.partner", partner.pk), after={"reason": text})
    return partner


def _check(urls: Sequence[str], surface: str, subject: tuple[str, int], by: Actor) -> list[LinkDecision]:
    if surface not in rules.SURFACES:
        raise Refusal("malformed", field="surface", why=f"use one of {', '.join(rules.SURFACES)}")
    _require_subject(subject)
    if not urls:
        return []
    partners, own = queries.allowlist(), settings.MEADOW.base_url
    answers = [rules.decide_link(url, surface, partners, own=own) for url in urls]
    blocked = [(url, answer) for url, answer in zip(urls, answers, strict=True) if answer.verdict == "block"]
    if blocked:
        with atomic():
            for url, answer in blocked:
                inputs = {
                    "url": rules.clean_text(url, 500), "normal": answer.url[:500], "host": rules.clean_text(answer.host, 253),
                    "surface": surface, "code": answer.code,
                }  # fmt: skip
                _record(subject, "block_link", _published(answer.rule_id), answer.reason_en, by, inputs=inputs)
    return answers


def _record(
    subject: tuple[str, int],
    action: str,
    rule: RuleText,
    reason: str,
    by: Actor,
    *,
    until: datetime | None = None,
    inputs: dict[str, Any] | None = None,
    reverses: Decision | None = None,
) -> Decision:
    return Decision.objects.create(
        subject_kind=subject[0], subject_id=subject[1], action=action, rule_id=rule.rule_id,
        rule_version=rule.version, reason=rules.clean_text(reason, rules.LIMITS["reason_length"]), inputs=inputs or {}, decided_by_id=by.person_id,
        made_at=clock.now(), until=until, reverses=reverses,
    )  # fmt: skip


def _published(rule_id: str) -> RuleText:
    """The current version of a rule, stored, so that the decision's foreign key finds it.  Refuses: rule_unknown."""
    rule = rules.current_rule(rule_id)
    if rule is None:
        raise Refusal("rule_unknown", rule=rule_id)
    if not Rule.objects.filter(rule_id=rule.rule_id, version=rule.version).exists():
        Rule.objects.bulk_create([_row(rule)], ignore_conflicts=True)
    return rule


def _row(rule: RuleText) -> Rule:
    return Rule(
        rule_id=rule.rule_id, version=rule.version, title_en=rule.title_en, title_zh=rule.title_zh,
        text_en=rule.text_en, text_zh=rule.text_zh, published_at=clock.now(),
    )  # fmt: skip


def _in_turn(subject: tuple[str, int]) -> None:
    """Decisions about one subject wait for each other, so their events leave in the order in which they were made."""
    db.call("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"governance:{subject[0]}:{subject[1]}"])


def _require_operator(by: Actor) -> None:
    if by.kind != "system" and not (by.person_id and accounts.is_operator(by.person_id)):
        raise Refusal("forbidden")


def _require_subject(subject: tuple[str, int]) -> None:
    if not _SUBJECT.match(subject[0]) or subject[1] < 1:
        raise Refusal("malformed", field="subject", why="name it like catalog.product and its id")


def _reason(reason: str) -> str:
    text = rules.clean_text(reason, rules.LIMITS["reason_length"])
    if not text:
        raise Refusal("malformed", field="reason", why="say why, those concerned read it")
    return text


def _clean_pages(hosts: list[str], patterns: list[str]) -> tuple[list[str], list[str]]:
    if (
        not 1 <= len(hosts) <= rules.LIMITS["partner_hosts"]
        or not 1 <= len(patterns) <= rules.LIMITS["partner_patterns"]
    ):
        raise Refusal("malformed", field="partner", why="name at least one host and one product page")
    shown = ""
    try:
        cleaned = []
        for shown in hosts:
            cleaned.append(rules.clean_host(shown))
        for shown in patterns:
            pattern = rules.compile_pattern(shown)
            if pattern.host not in cleaned:
                raise rules.PatternError("its host is none of the partner's")
    except rules.PatternError as error:
        raise Refusal("pattern_invalid", pattern=shown, why=str(error)) from error
    return list(dict.fromkeys(cleaned)), [pattern.strip() for pattern in patterns]
