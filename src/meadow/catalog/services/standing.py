"""How a decision of the rulebook takes a shop or product off sale, and how its reversal restores what it found."""

from datetime import datetime

from meadow.catalog import rules
from meadow.catalog.models import Product, Shop, Suspension
from meadow.kernel import audit, clock, db
from meadow.kernel.db import atomic
from meadow.kernel.events import ProductChanged, ShopClosed, ShopOpened
from meadow.kernel.outbox import emit

_HELD = ("suspended", "stopped")
_TABLES: dict[str, type[Shop] | type[Product]] = {"shop": Shop, "product": Product}


def suspend(
    *,
    kind: str,
    subject_id: int,
    decision_id: int,
    until: datetime | None = None,
    via_merchant_id: int | None = None,
    scope: str = "all",
) -> None:
    """Takes a shop or product off sale for a decision, keeping the state it found; a second call changes nothing.

    scope "new" leaves its pages and stops what would begin.
    """
    with atomic():
        subject = _locked(kind, subject_id)
        known = Suspension.objects.filter(decision_id=decision_id, subject_kind=kind, subject_id=subject_id)
        if subject is None or known.exists():
            return
        Suspension.objects.create(
            subject_kind=kind, subject_id=subject_id, decision_id=decision_id, since=clock.now(), until=until,
            prior_state=_state_to_keep(kind, subject), via_merchant_id=via_merchant_id, scope=scope,
        )  # fmt: skip
        _set_state(kind, subject, _held_state(kind, subject), decision_id)


def suspend_shops_of(*, merchant_id: int, decision_id: int, until: datetime | None = None, scope: str = "all") -> None:
    """A suspended merchant sells nothing: all its shops are suspended for the same decision."""
    with atomic():
        for shop_id in Shop.objects.filter(merchant_id=merchant_id).order_by("pk").values_list("pk", flat=True):
            suspend(
                kind="shop", subject_id=shop_id, decision_id=decision_id, until=until, via_merchant_id=merchant_id,
                scope=scope,
            )  # fmt: skip


def restore(*, kind: str, subject_id: int, decision_id: int) -> None:
    """A restoring decision lifts every open suspension of a shop or product."""
    with atomic():
        if _locked(kind, subject_id) is None:
            return
        for suspension in _open(kind, subject_id):
            _lift(suspension, by=decision_id)


def restore_shops_of(*, merchant_id: int, decision_id: int) -> None:
    """Lifts what suspending the merchant had laid on its shops, and only that."""
    with atomic():
        laid = Suspension.objects.filter(via_merchant_id=merchant_id, lifted_at__isnull=True)
        for suspension in laid.order_by("subject_id", "pk"):
            _lift(suspension, by=decision_id)


def undo(*, decision_id: int) -> None:
    """A reversed decision leaves nothing behind: what it suspended is restored, what it restored is suspended again."""
    with atomic():
        for suspension in Suspension.objects.filter(decision_id=decision_id).order_by("subject_id"):
            _lift(suspension, by=None)
            Suspension.objects.filter(pk=suspension.pk).update(lifted_by=None)
        for suspension in Suspension.objects.filter(lifted_by=decision_id).order_by("subject_id", "pk"):
            _lay_again(suspension)


def end_suspension(*, suspension: Suspension) -> None:
    """A suspension whose time is over ends by itself."""
    _lift(suspension, by=None)


def _lift(suspension: Suspension, *, by: int | None) -> None:
    """The subject returns to the state it had, or to what still stands, unless its keeper closed it meanwhile."""
    with atomic():
        kind, subject_id = suspension.subject_kind, suspension.subject_id
        subject = _locked(kind, subject_id)
        lifted = Suspension.objects.filter(pk=suspension.pk, lifted_at__isnull=True).update(
            lifted_at=clock.now(), lifted_by=by
        )
        if lifted and subject is not None and subject.state in _HELD:
            _set_state(kind, subject, _held_state(kind, subject) or suspension.prior_state, suspension.decision_id)


def _lay_again(suspension: Suspension) -> None:
    if suspension.until is not None and suspension.until <= clock.now():
        return
    subject = _locked(suspension.subject_kind, suspension.subject_id)
    if subject is not None:
        kept = _state_to_keep(suspension.subject_kind, subject)
        Suspension.objects.filter(pk=suspension.pk).update(lifted_at=None, lifted_by=None, prior_state=kept)
        _set_state(
            suspension.subject_kind, subject, _held_state(suspension.subject_kind, subject), suspension.decision_id
        )


def _held_state(kind: str, subject: Shop | Product) -> str:
    """What the suspensions that stand ask for, the strongest winning; nothing if none stands."""
    standing = _open(kind, subject.pk)
    if not standing:
        return ""
    stops_only = all(one.scope == "new" for one in standing)
    # A draft has no page that could stay, and must not get one.
    return "stopped" if stops_only and standing[0].prior_state != "draft" else "suspended"


def _state_to_keep(kind: str, subject: Shop | Product) -> str:
    """What to return to: the state now, or what the suspension that stands already keeps."""
    if subject.state not in _HELD:
        return subject.state
    return _open(kind, subject.pk)[0].prior_state


def _open(kind: str, subject_id: int) -> list[Suspension]:
    found = Suspension.objects.filter(subject_kind=kind, subject_id=subject_id, lifted_at__isnull=True)
    return list(found.order_by("pk"))


def _locked(kind: str, subject_id: int) -> Shop | Product | None:
    return _TABLES[kind].objects.select_for_update(no_key=True).filter(pk=subject_id).first()


def _set_state(kind: str, subject: Shop | Product, state: str, decision_id: int) -> None:
    before = subject.state
    if before == state:
        return
    machine = rules.SHOP if kind == "shop" else rules.PRODUCT
    event = {"suspended": "suspend", "stopped": "stop"}.get(state, f"restore_{state}")
    assert machine.next(before, event) == state
    type(subject).objects.filter(pk=subject.pk).update(state=state)
    audit.record(
        audit.SYSTEM, "carry_out_decision", (f"catalog.{kind}", subject.pk),
        before={"state": before}, after={"state": state, "decision": decision_id},
    )  # fmt: skip
    if isinstance(subject, Product):
        db.execute("UPDATE catalog_product SET version = version + 1 WHERE id = %s", [subject.pk])
        emit(ProductChanged(subject.pk, subject.shop_id))
    else:
        emit(ShopOpened(subject.pk, subject.merchant_id) if state == "open" else ShopClosed(subject.pk))
