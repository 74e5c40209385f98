"""How the public rules change: shipped packs are published once, a change is drafted, consulted on and announced."""

from datetime import datetime

from meadow.accounts import queries as accounts
from meadow.governance import rules
from meadow.governance.models import DraftComment, Rule, RuleDraft
from meadow.governance.rules import RuleText
from meadow.governance.rules.lifecycles import DRAFT
from meadow.governance.services.guards import require_operator
from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal

_WORDS = ("title_en", "title_zh", "text_en", "text_zh")


def publish_rules() -> int:
    """Publishes what ships and is not stored yet; returns how many versions were new.  Safe to run at every start.

    A rule that is new here comes into force at once.  A newer shipped version of one that stands already is announced
    like any change; where the rule was changed here it becomes a draft, so that nothing is overwritten.
    """
    with atomic():
        _one_at_a_time()
        stored = {rule.rule_id: rule for rule in Rule.objects.order_by("version")}
        known = set(Rule.objects.exclude(shipped=None).values_list("rule_id", "shipped"))
        known |= set(RuleDraft.objects.exclude(shipped=None).values_list("rule_id", "shipped"))
        made = 0
        for text in sorted(rules.RULEBOOK, key=lambda rule: (rule.rule_id, rule.version)):
            if (text.rule_id, text.version) not in known:
                stored[text.rule_id] = _publish_shipped(text, stored.get(text.rule_id)) or stored[text.rule_id]
                made += 1
    return made


def _publish_shipped(text: RuleText, before: Rule | None) -> Rule | None:
    now = clock.now()
    words = {name: getattr(text, name) for name in _WORDS} | {"jurisdiction": text.jurisdiction}
    if before is not None and before.shipped is None:
        RuleDraft.objects.create(
            rule_id=text.rule_id,
            shipped=text.version,
            why="A newer version ships with Meadow.",
            written_at=now,
            **words,
        )
        return None
    return Rule.objects.create(
        rule_id=text.rule_id, version=before.version + 1 if before else text.version, shipped=text.version,
        published_at=now, effective_from=now + rules.NOTICE if before else now, **words,
    )  # fmt: skip


def draft_rule(
    *,
    rule_id: str,
    title_en: str,
    title_zh: str,
    text_en: str,
    text_zh: str,
    why: str,
    by: Actor,
    jurisdiction: str = "global",
    repeals: bool = False,
) -> RuleDraft:
    """Begins a new rule or a change of one.  Refuses: forbidden, malformed, rule_draft_open, rule_unknown."""
    require_operator(by)
    words = _words(title_en=title_en, title_zh=title_zh, text_en=text_en, text_zh=text_zh)
    reason = rules.clean_text(why, rules.LIMITS["reason_length"])
    if not rules.is_rule_id(rule_id):
        raise Refusal("malformed", field="rule", why="name it like conduct.fraud, in small letters")
    if jurisdiction not in rules.JURISDICTIONS:
        raise Refusal("malformed", field="jurisdiction", why=f"use one of {', '.join(rules.JURISDICTIONS)}")
    if not reason:
        raise Refusal("malformed", field="why", why="say why, everybody reads it")
    with atomic():
        _one_at_a_time()
        if RuleDraft.objects.filter(rule_id=rule_id, state__in=("draft", "consultation")).exists():
            raise Refusal("rule_draft_open", rule=rule_id)
        if repeals and rule_id in rules.NEEDED:
            raise Refusal("malformed", field="rule", why="fees are taken by this rule; change it instead of ending it")
        if repeals and not Rule.objects.filter(rule_id=rule_id).exists():
            raise Refusal("rule_unknown", rule=rule_id)
        made = RuleDraft.objects.create(
            rule_id=rule_id, jurisdiction=jurisdiction, why=reason, repeals=repeals, written_by_id=by.person_id,
            written_at=clock.now(), **words,
        )  # fmt: skip
        audit.record(by, "draft_rule", ("governance.draft", made.pk), after={"rule": rule_id, **words})
    return made


def change_draft(*, draft_id: int, by: Actor, **changes: str) -> RuleDraft:
    """Rewrites a draft, also after comments.  Refuses: forbidden, not_found, malformed, stale_state."""
    require_operator(by)
    with atomic():
        made = _locked(draft_id)
        if made.state not in ("draft", "consultation"):
            raise Refusal("stale_state", state=made.state, event="change")
        words = _words(**({name: getattr(made, name) for name in _WORDS} | changes))
        before = {name: getattr(made, name) for name in _WORDS}
        for name, text in words.items():
            setattr(made, name, text)
        made.save(update_fields=list(words))
        audit.record(by, "change_draft", ("governance.draft", made.pk), before=before, after=words)
    return made


def open_consultation(*, draft_id: int, by: Actor) -> RuleDraft:
    """Shows a draft to everybody and takes comments.  Refuses: forbidden, not_found, stale_state."""
    require_operator(by)
    with atomic():
        made = _locked(draft_id)
        move(made, DRAFT, "consult", consulted_at=clock.now())
        audit.record(by, "open_consultation", ("governance.draft", made.pk))
    return made


def publish_draft(*, draft_id: int, effective_from: datetime, by: Actor) -> Rule:
    """Announces a rule that was consulted on; it holds from a date at least seven days ahead.

    Refuses: forbidden, not_found, stale_state, notice_too_short.
    """
    require_operator(by)
    with atomic():
        _one_at_a_time()
        made = _locked(draft_id)
        now = clock.now()
        if effective_from < now + rules.NOTICE:
            raise Refusal("notice_too_short", earliest=(now + rules.NOTICE).isoformat(timespec="minutes"))
        DRAFT.next(made.state, "publish")
        last = Rule.objects.filter(rule_id=made.rule_id).order_by("-version").first()
        # Versions come into force in their order, so the newest that has begun is always the one that holds.
        if last is not None and effective_from < last.effective_from:
            raise Refusal("notice_too_short", earliest=last.effective_from.isoformat(timespec="minutes"))
        rule = Rule.objects.create(
            rule_id=made.rule_id, version=last.version + 1 if last else 1, jurisdiction=made.jurisdiction,
            published_at=now, effective_from=effective_from, repeals=made.repeals, shipped=made.shipped,
            **{name: getattr(made, name) for name in _WORDS},
        )  # fmt: skip
        move(made, DRAFT, "publish", published=rule)
        audit.record(
            by, "publish_rule", ("governance.rule", rule.pk),
            after={"rule": rule.rule_id, "version": rule.version, "effective_from": effective_from.isoformat()},
        )  # fmt: skip
    return rule


def withdraw_draft(*, draft_id: int, by: Actor) -> RuleDraft:
    """Gives a draft up; it stays readable if it was public.  Refuses: forbidden, not_found, stale_state."""
    require_operator(by)
    with atomic():
        made = _locked(draft_id)
        move(made, DRAFT, "withdraw")
        audit.record(by, "withdraw_draft", ("governance.draft", made.pk))
    return made


def ensure_published(rule_id: str) -> None:
    """Publishes what ships, if a decision comes before the first start did so."""
    if rules.current_rule(rule_id) is not None and not Rule.objects.filter(rule_id=rule_id).exists():
        publish_rules()


def erase_comments(*, person_id: int) -> int:
    """Empties what a person said in consultations; returns how many."""
    accounts.person(person_id)
    return DraftComment.objects.filter(person_id=person_id).exclude(text="").update(text="")


def _locked(draft_id: int) -> RuleDraft:
    found = RuleDraft.objects.select_for_update().filter(pk=draft_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def _one_at_a_time() -> None:
    """Version numbers and the start of two processes at once: who publishes waits for who publishes."""
    db.call("SELECT pg_advisory_xact_lock(hashtextextended('governance:rulebook', 0))")


def _words(**given: str) -> dict[str, str]:
    """The four texts of a rule, none of them empty.  Refuses: malformed."""
    if unknown := set(given) - set(_WORDS):
        raise Refusal("malformed", field=sorted(unknown)[0], why=f"use {', '.join(_WORDS)}")
    cleaned: dict[str, str] = {}
    for name, text in given.items():
        longest = rules.TITLE_LENGTH if name.startswith("title") else rules.TEXT_LENGTH
        cleaned[name] = rules.clean_text(text, longest)
        if not cleaned[name]:
            raise Refusal("malformed", field=name, why="a rule is written in English and in Chinese")
    return cleaned
