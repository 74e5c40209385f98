"""How violations are recorded and their sanctions carried out, always as the log of violations alone says.

`settle` compares the sanctions that the log calls for with those that stand and makes them equal; recording a violation
and reversing one both end in it, so a reversal leaves what there would be if the violation had never been.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from meadow.accounts import queries as accounts
from meadow.governance import queries, rules
from meadow.governance.models import Case, Decision, Sanction, Violation
from meadow.governance.rules import points
from meadow.governance.rules.lifecycles import SANCTION
from meadow.governance.rules.points import Due
from meadow.governance.services.cases import close_case
from meadow.governance.services.decisions import announce, in_turn, record, take_back
from meadow.governance.services.guards import reason_text, require_operator, require_subject
from meadow.governance.services.parties import Subject
from meadow.governance.services.queue import file_case
from meadow.kernel import audit, clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.ledger import services as ledger_services

_SUSPENDABLE = ("accounts.creator", "accounts.merchant")


def record_violation(
    *,
    party: Subject,
    kind: str,
    severity: str,
    reason: str,
    by: Actor,
    reason_zh: str = "",
    items: Sequence[Subject] = (),
    stake: Money | None = None,
    cause: Decision | None = None,
    inputs: Mapping[str, str] | None = None,
) -> Violation:
    """Writes a violation, takes down the items it was made with, and lays the sanction its points lead to.

    stake limits what a sanction holds of the party's money.  Refuses: forbidden, malformed, rule_unknown.
    """
    require_operator(by)
    _check(party, kind, severity, items)
    text = reason_text(reason)
    offence = points.CURRENT.offences[kind]
    with atomic():
        in_turn(party)
        more = {} if cause is None else {"detector": cause.detector, "occurrence": cause.occurrence}
        made = record(
            party, "violation", offence.rule_id, text, by, party=party, cause=cause, reason_zh=reason_zh,
            inputs={**(inputs or {}), "kind": kind, "severity": severity}, **more,
        )  # fmt: skip
        violation = Violation.objects.create(
            decision=made, party_kind=party[0], party_id=party[1], kind=kind, severity=severity,
            schedule=points.CURRENT.number, at=made.made_at, stake_minor=stake.minor if stake else None,
            stake_currency=stake.currency if stake else "",
        )  # fmt: skip
        announce(made)
        for item in sorted(set(items)):
            in_turn(item)
            cited = (made.rule_id, made.rule_version)
            announce(record(item, "suspend", cited, text, by, party=party, cause=made, reason_zh=reason_zh))
        settle(party, text, by)
    return violation


def settle(party: Subject, reason: str, by: Actor) -> None:
    """Makes the sanctions that stand equal to those that the log calls for; the party's turn is taken."""
    due = {sanction.violation: sanction for sanction in points.sanctions_due(queries.violation_log(*party))}
    standing = Sanction.objects.filter(party_kind=party[0], party_id=party[1]).exclude(state="reversed")
    known = {sanction.violation_id: sanction for sanction in standing.select_for_update().order_by("pk")}
    for violation_id, sanction in known.items():
        wanted = due.get(violation_id)
        if wanted is None:
            _end(sanction, "reverse", reason, by)
        elif (wanted.grade, wanted.until) != (sanction.grade, sanction.until):
            _regrade(sanction, wanted, reason, by)
    for violation_id, wanted in due.items():
        if violation_id not in known:
            _issue(party, wanted, by)


def mark(*, sanction_id: int, event: str) -> Sanction:
    """Moves a sanction's state: appeal, uphold; its effects stay as they are.  Refuses: not_found, stale_state."""
    with atomic():
        sanction = Sanction.objects.select_for_update().get(pk=queries.sanction(sanction_id).pk)
        # Whoever confirms it has looked at it, so what has no end is looked at again that much later.
        looked = {"review_by": clock.now() + points.REVIEW_AFTER, "called_out_at": None}
        move(sanction, SANCTION, event, **(looked if event == "uphold" and sanction.until is None else {}))
    return sanction


def appeal_sanction(*, sanction_id: int) -> Sanction:
    """Somebody appealed.  Refuses: not_found, stale_state."""
    return mark(sanction_id=sanction_id, event="appeal")


def lift_sanction(*, sanction_id: int, reason: str, by: Actor = SYSTEM) -> Sanction:
    """Ends a sanction's effects while it stands: an overdue appeal lifts what can be lifted.

    Refuses: forbidden, malformed, not_found.
    """
    require_operator(by)
    text = reason_text(reason)
    with atomic():
        found = queries.sanction(sanction_id)
        in_turn((found.party_kind, found.party_id))
        sanction = Sanction.objects.select_for_update().get(pk=found.pk)
        if sanction.lifted_at is None and sanction.state in ("issued", "appealed", "upheld"):
            sanction.lifted_at = clock.now()
            sanction.save(update_fields=["lifted_at"])
            _undo_effects(sanction, text, by)
    return sanction


def expire_sanction(*, sanction: Sanction) -> None:
    """Its time is over; what it limited is free."""
    move(sanction, SANCTION, "expire", ended_at=clock.now())
    ledger_services.release_holds_of(cause=_hold_cause(sanction))


def keep_sanction(*, sanction_id: int, by: Actor) -> Sanction:
    """A review that keeps what has no end for as long again.  Refuses: forbidden, not_found, stale_state."""
    require_operator(by)
    with atomic():
        sanction = _in_force(sanction_id, "keep")
        sanction.review_by, sanction.called_out_at = clock.now() + points.REVIEW_AFTER, None
        sanction.save(update_fields=["review_by", "called_out_at"])
        audit.record(
            by,
            "keep_sanction",
            ("governance.sanction", sanction.pk),
            after={"review_by": sanction.review_by.isoformat()},
        )
    return sanction


def end_sanction(*, sanction_id: int, reason: str, by: Actor = SYSTEM) -> Sanction:
    """Ends a sanction before its time: its limits are over, what it cites stays on the record.

    Refuses: forbidden, malformed, not_found, stale_state.
    """
    require_operator(by)
    text = reason_text(reason)
    with atomic():
        sanction = _in_force(sanction_id, "expire")
        _undo_effects(sanction, text, by)
        move(sanction, SANCTION, "expire", ended_at=clock.now())
        audit.record(by, "end_sanction", ("governance.sanction", sanction.pk), after={"reason": text})
    return sanction


def pass_review(*, sanction: Sanction) -> None:
    """Nobody has looked by its date: it is called out in the queue, and a week later its limits end by themselves."""
    if sanction.called_out_at is not None:
        end_sanction(sanction_id=sanction.pk, reason="Nobody reviewed it by its date, so it ended by itself.")
        case = Case.objects.filter(kind="sanction", key=sanction.public_id).exclude(state="closed").first()
        if case is not None:
            Case.objects.filter(pk=case.pk).update(held_by=None, held_until=None)
            close_case(case_id=case.pk)
        return
    assert sanction.review_by is not None
    sanction.called_out_at, sanction.review_by = clock.now(), sanction.review_by + points.CALLED_OUT
    sanction.save(update_fields=["called_out_at", "review_by"])
    file_case(
        kind="sanction", key=sanction.public_id, subject=(sanction.party_kind, sanction.party_id), weight=1000,
        rule_id=sanction.decision.rule_id, decision_id=sanction.decision_id, escalated=True,
    )  # fmt: skip
    audit.record(SYSTEM, "call_out_sanction", ("governance.sanction", sanction.pk))


def _in_force(sanction_id: int, event: str) -> Sanction:
    """The sanction, its party's turn taken.  Refuses: not_found, stale_state, unless it stands with its effects."""
    found = queries.sanction(sanction_id)
    in_turn((found.party_kind, found.party_id))
    sanction = Sanction.objects.select_for_update(of=("self",)).select_related("decision").get(pk=found.pk)
    if sanction.state not in ("issued", "upheld") or sanction.lifted_at is not None:
        raise Refusal("stale_state", state=sanction.state, event=event)
    return sanction


def _issue(party: Subject, wanted: Due, by: Actor) -> None:
    if wanted.until is not None and wanted.until <= clock.now():
        return
    violation = Violation.objects.select_related("decision__words").get(pk=wanted.violation)
    sanction = Sanction(
        violation=violation, party_kind=party[0], party_id=party[1], grade=wanted.grade, limits=list(wanted.limits),
        issued_at=wanted.since, until=wanted.until, review_by=wanted.review_by, decision=_decision(party, wanted, violation.decision, by),
    )  # fmt: skip
    sanction.save(force_insert=True)
    _lay_effects(sanction, violation)


def _regrade(sanction: Sanction, wanted: Due, reason: str, by: Actor) -> None:
    """An earlier violation fell away, so this one leads to less; what was appealed stays appealed."""
    was_in_force = sanction.lifted_at is None and sanction.state != "expired"
    if was_in_force:
        _undo_effects(sanction, reason, by)
    else:
        _take_back_once(sanction.decision, reason, by)
    violation = Violation.objects.select_related("decision__words").get(pk=sanction.violation_id)
    party = (sanction.party_kind, sanction.party_id)
    sanction.decision = _decision(party, wanted, violation.decision, by)
    sanction.grade, sanction.limits, sanction.until = wanted.grade, list(wanted.limits), wanted.until
    sanction.review_by, sanction.called_out_at = wanted.review_by, None
    sanction.save(update_fields=["decision", "grade", "limits", "until", "review_by", "called_out_at"])
    if was_in_force:
        if sanction.until is None or sanction.until > clock.now():
            _lay_effects(sanction, violation)
        elif sanction.state in ("issued", "upheld"):
            move(sanction, SANCTION, "expire", ended_at=clock.now())


def _end(sanction: Sanction, event: str, reason: str, by: Actor) -> None:
    _undo_effects(sanction, reason, by)
    move(sanction, SANCTION, event, ended_at=clock.now())


def _decision(party: Subject, wanted: Due, violation: Decision, by: Actor) -> Decision:
    """The decision a sanction rests on: the owner of the account carries a suspension out, governance itself the rest."""
    suspends = "account" in wanted.limits and party[0] in _SUSPENDABLE
    return record(
        party, "suspend" if suspends else "limit", (violation.rule_id, violation.rule_version),
        violation.reason or "-", by, party=party, cause=violation, until=wanted.until, layer="sanction",
        reason_zh=violation.words.reason_zh, inputs={"grade": wanted.grade, "limits": list(wanted.limits)},
    )  # fmt: skip


def _lay_effects(sanction: Sanction, violation: Violation) -> None:
    announce(sanction.decision)
    if "payout" in sanction.limits and sanction.until is not None:
        _hold_money(sanction, violation, sanction.until)


def _undo_effects(sanction: Sanction, reason: str, by: Actor) -> None:
    ledger_services.release_holds_of(cause=_hold_cause(sanction))
    _take_back_once(sanction.decision, reason, by)


def _take_back_once(decision: Decision, reason: str, by: Actor) -> None:
    if not Decision.objects.filter(reverses=decision).exists():
        take_back(decision, reason, by)


def _hold_money(sanction: Sanction, violation: Violation, until: datetime) -> None:
    """Sets apart what is free, at most what is at stake: a hold with its cause and its end, never a debit."""
    owner = _purse(sanction.party_kind, sanction.party_id)
    if owner is None:
        return
    for part in ledger.party_balances(*owner):
        minor = ledger.available(f"{owner[0]}:{owner[1]}:available", part.currency)
        if violation.stake_minor is not None:
            minor = min(minor, violation.stake_minor) if violation.stake_currency == part.currency else 0
        if minor > 0:
            _place(sanction, f"{owner[0]}:{owner[1]}:available", Money(minor, part.currency), until)


def _place(sanction: Sanction, account: str, amount: Money, until: datetime) -> None:
    try:
        with atomic():
            ledger_services.place_hold(
                key=f"sanction:{sanction.decision_id}:{amount.currency}", account=account, amount=amount,
                cause=_hold_cause(sanction), until=until,
            )  # fmt: skip
    except Refusal as refusal:
        # Money left in this very moment: the limit on withdrawals stands, so nothing more can leave.
        if refusal.code != "insufficient_funds":
            raise


def _purse(kind: str, party_id: int) -> tuple[str, int] | None:
    """Whose accounts on the ledger belong to a party."""
    if kind == "accounts.person":
        creator = accounts.creator_of(party_id)
        return ("creator", creator.pk) if creator else None
    return (kind.rpartition(".")[2], party_id)


def _hold_cause(sanction: Sanction) -> tuple[str, int]:
    return ("governance.sanction", sanction.pk)


def _check(party: Subject, kind: str, severity: str, items: Sequence[Subject]) -> None:
    """Refuses: malformed."""
    if party[0] not in rules.PARTY_KINDS:
        raise Refusal("malformed", field="party", why=f"use one of {', '.join(rules.PARTY_KINDS)}")
    require_subject(party)
    if kind not in points.CURRENT.offences:
        raise Refusal("malformed", field="kind", why=f"use one of {', '.join(points.CURRENT.offences)}")
    if severity not in points.SEVERITIES:
        raise Refusal("malformed", field="severity", why=f"use one of {', '.join(points.SEVERITIES)}")
    for item in items:
        require_subject(item)
