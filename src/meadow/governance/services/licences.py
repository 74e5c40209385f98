"""How licences are shown, confirmed and end, and what goes off sale and comes back with them."""

from datetime import datetime

from meadow.accounts import queries as accounts
from meadow.governance import queries, rules
from meadow.governance.models import Licence, LicenceUse
from meadow.governance.rules.lifecycles_texts import LICENCE
from meadow.governance.services.decisions import announce, in_turn, record, take_back
from meadow.governance.services.guards import reason_text, require_operator
from meadow.governance.services.parties import Subject
from meadow.kernel import audit, clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal

RULE = "goods.licensed"


def show_licence(
    *, merchant_id: int, kind: str, number: str, issuer: str, valid_from: datetime, expires_at: datetime, by: Actor
) -> Licence:
    """A merchant shows a licence; it counts once an operator has confirmed it.  Refuses: not_found, malformed."""
    merchant = accounts.require_merchant(merchant_id)
    if by.kind != "system" and (by.person_id is None or not accounts.may_act_for(by.person_id, merchant.pk)):
        raise Refusal("not_found")
    if kind not in licence_kinds():
        raise Refusal("malformed", field="kind", why=f"use one of {', '.join(sorted(licence_kinds()))}")
    tidy_number, tidy_issuer = rules.clean_text(number, 80), rules.clean_text(issuer, 120)
    if not tidy_number or not tidy_issuer:
        raise Refusal("malformed", field="number", why="name the licence's number and who issued it")
    if expires_at <= valid_from or expires_at <= clock.now():
        raise Refusal("malformed", field="expires_at", why="it ends after it begins, and lies ahead")
    with atomic():
        made = Licence.objects.create(
            merchant_id=merchant.pk, kind=kind, number=tidy_number, issuer=tidy_issuer, valid_from=valid_from,
            expires_at=expires_at, shown_by_id=by.person_id, shown_at=clock.now(),
        )  # fmt: skip
        audit.record(by, "show_licence", ("governance.licence", made.pk), after={"kind": kind})
    return made


def confirm_licence(*, licence_id: int, by: Actor) -> Licence:
    """It holds from now on, and what an ended one had taken off sale comes back.

    Refuses: forbidden, not_found, stale_state.
    """
    require_operator(by)
    with atomic():
        found = _locked(licence_id)
        move(found, LICENCE, "confirm", decided_by_id=by.person_id, decided_at=clock.now())
        audit.record(by, "confirm_licence", ("governance.licence", found.pk))
        if found.kind in queries.valid_licences(found.merchant_id):
            _bring_back(found.merchant_id, found.kind)
    return found


def refuse_licence(*, licence_id: int, reason: str, by: Actor) -> Licence:
    """Refuses: forbidden, malformed, not_found, stale_state."""
    return _turn_down(licence_id, "refuse", reason, by)


def revoke_licence(*, licence_id: int, reason: str, by: Actor) -> Licence:
    """A licence that holds no longer, before its day.  Refuses: forbidden, malformed, not_found, stale_state."""
    return _turn_down(licence_id, "revoke", reason, by)


def expire_licence(*, licence: Licence) -> None:
    """Its day has come: what stands only because of it goes off sale, unless another one answers for it."""
    with atomic():
        move(licence, LICENCE, "expire")
        _take_away(licence)


def note_licence_use(*, merchant_id: int, subject: Subject, kinds: list[str]) -> None:
    """Something stands only because its merchant holds these licences; called by its owner when it is put up."""
    LicenceUse.objects.bulk_create(
        [
            LicenceUse(
                merchant_id=merchant_id, kind=kind, subject_kind=subject[0], subject_id=subject[1], since=clock.now()
            )
            for kind in kinds
        ],
        ignore_conflicts=True,
    )


def licence_kinds() -> frozenset[str]:
    """The kinds that the packs in force ask for."""
    return frozenset(
        licence for pack in queries.packs_in_force() for topic in pack.topics for licence in topic.licences
    )


def _turn_down(licence_id: int, event: str, reason: str, by: Actor) -> Licence:
    require_operator(by)
    text = reason_text(reason)
    with atomic():
        found = _locked(licence_id)
        was = found.state
        move(found, LICENCE, event, decided_by_id=by.person_id, decided_at=clock.now(), reason=text)
        audit.record(by, f"{event}_licence", ("governance.licence", found.pk), after={"reason": text})
        if was == "valid":
            _take_away(found)
    return found


def _take_away(licence: Licence) -> None:
    if licence.kind in queries.valid_licences(licence.merchant_id):
        return
    party = ("accounts.merchant", licence.merchant_id)
    uses = LicenceUse.objects.select_for_update().filter(
        merchant_id=licence.merchant_id, kind=licence.kind, decision__isnull=True
    )
    for use in uses.order_by("pk"):
        subject = (use.subject_kind, use.subject_id)
        in_turn(subject)
        made = record(
            subject, "suspend", RULE, f"The licence {licence.number} has ended. Show a valid one to sell this again.",
            SYSTEM, reason_zh=f"许可证 {licence.number} 已失效，请提交有效许可后恢复销售。", party=party, layer="goods",
            inputs={"licence": licence.public_id, "kind": licence.kind},
        )  # fmt: skip
        announce(made)
        LicenceUse.objects.filter(pk=use.pk).update(decision=made)


def _bring_back(merchant_id: int, kind: str) -> None:
    uses = (
        LicenceUse.objects.select_for_update(of=("self",))
        .select_related("decision")
        .filter(merchant_id=merchant_id, kind=kind, decision__isnull=False)
    )
    for use in uses.order_by("pk"):
        assert use.decision is not None
        in_turn((use.subject_kind, use.subject_id))
        if not queries.is_taken_back(use.decision.pk):
            take_back(use.decision, "A valid licence was shown.", SYSTEM)
        LicenceUse.objects.filter(pk=use.pk).update(decision=None)


def _locked(licence_id: int) -> Licence:
    found = Licence.objects.select_for_update(of=("self",)).filter(pk=licence_id).first()
    if found is None:
        raise Refusal("not_found")
    return found
