"""How a merchant answers to the rules: accepts them, or leaves under the old ones and finishes what is on its way."""

from datetime import timedelta

from meadow.accounts import queries as accounts
from meadow.governance import queries, rules
from meadow.governance.models import Farewell, Rule, RuleAnswer
from meadow.governance.rules.lifecycles import FAREWELL
from meadow.kernel import audit, clock
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal
from meadow.kernel.events import MerchantLeaving
from meadow.kernel.outbox import emit


def accept_rules(*, merchant_id: int, by: Actor) -> int:
    """Accepts every rule in its newest published version; returns how many were new.  A merchant that was leaving
    stays.  Refuses: not_found."""
    _require_staff(merchant_id, by)
    with atomic():
        newest = queries.unanswered_rules(merchant_id)
        RuleAnswer.objects.bulk_create(
            [RuleAnswer(merchant_id=merchant_id, rule=rule, person_id=by.person_id, at=clock.now()) for rule in newest],
            ignore_conflicts=True,
        )
        leaving = Farewell.objects.select_for_update().filter(merchant_id=merchant_id, state="leaving").first()
        if leaving is not None:
            move(leaving, FAREWELL, "stay", ended_at=clock.now())
        if newest or leaving:
            audit.record(
                by, "accept_rules", ("accounts.merchant", merchant_id),
                after={"rules": [str(rule) for rule in newest]},
            )  # fmt: skip
    return len(newest)


def leave_under_old_rules(*, merchant_id: int, rule_id: str, by: Actor) -> Farewell:
    """Says no to a changed rule: nothing new is sold, orders on their way are finished and judged by the old rules.

    Possible from the publication of the change until 30 days after it took effect.
    Refuses: not_found, nothing_to_refuse, already_leaving.
    """
    _require_staff(merchant_id, by)
    with atomic():
        refused = _changed(rule_id)
        if queries.is_leaving(merchant_id):
            raise Refusal("already_leaving")
        before = min(clock.now(), refused.effective_from - timedelta(microseconds=1))
        made = Farewell.objects.create(
            merchant_id=merchant_id, person_id=by.person_id, refused=refused, rules_as_of=before, at=clock.now()
        )
        audit.record(by, "leave_under_old_rules", ("accounts.merchant", merchant_id), after={"rule": str(refused)})
        emit(MerchantLeaving(merchant_id, refused.rule_id, refused.version))
    return made


def finish_farewell(*, merchant_id: int) -> Farewell:
    """The last order is done: the merchant has left.  Refuses: not_found, stale_state."""
    with atomic():
        made = Farewell.objects.select_for_update().filter(merchant_id=merchant_id).exclude(state="stayed").first()
        if made is None:
            raise Refusal("not_found")
        move(made, FAREWELL, "finish", ended_at=clock.now())
    return made


def require_staying(merchant_id: int) -> None:
    """Whoever opens something new for a merchant asks this first.  Refuses: merchant_leaving."""
    if queries.is_leaving(merchant_id):
        raise Refusal("merchant_leaving")


def _changed(rule_id: str) -> Rule:
    """The change of a rule that can be refused now.  Refuses: nothing_to_refuse."""
    since = clock.now() - rules.REFUSAL_WINDOW
    found = Rule.objects.filter(rule_id=rule_id, effective_from__gt=since, version__gt=1).order_by("version").first()
    if found is None:
        raise Refusal("nothing_to_refuse", rule=rule_id)
    return found


def _require_staff(merchant_id: int, by: Actor) -> None:
    """Refuses: not_found, for who does not own the merchant."""
    if by.kind == "system":
        return
    if not by.person_id or not accounts.may_act_for(by.person_id, merchant_id, ("owner",)):
        raise Refusal("not_found")
