"""How the parts of a payment reach their parties at the provider, and how they are fetched back when a buyer is refunded.

A leg is planned with the order's settlement, and moved by a sweep: claimed in one transaction, asked of the provider
outside of any, its outcome recorded in another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from meadow.kernel import clock, db, rows
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger.queries import withdrawable
from meadow.ledger.services import Transfer, collect_party, net_receivable, post
from meadow.payments import rules
from meadow.payments.adapters import adapter, enabled
from meadow.payments.adapters.protocol import Adapter, Answer
from meadow.payments.models import Leg
from meadow.payments.services.calling import call
from meadow.payments.services.ends import end_leg
from meadow.payments.services.operations import leg_operation

Cause = tuple[str, int]
Accounts = dict[tuple[str, int | None], tuple[str, str]]
PLATFORM = "platform"
NOT_SENT = "not_sent_yet"


@dataclass(frozen=True, slots=True)
class Share:
    """What a party ("merchant", "creator", or "platform" without an id) gets of a payment, or gives back of it.

    not_before: until then the party may not have it.
    """

    kind: str
    party_id: int | None
    minor: int
    not_before: datetime | None = None


def share_out(*, payment_id: int, of: str, cause: Cause, shares: Sequence[Share]) -> list[Leg]:
    """Plans how the shares of a settled order leave the provider; called with the settlement, in its transaction.

    Parties without an account at the provider are left out: they are paid out from what they have available.  Where
    the money came to the merchant, the platform's share is split out of it, with the commissions that wait, and the
    rest is released.
    """
    provider, currency, accounts = _accounts(payment_id, shares)
    at_provider = enabled().get(provider)
    if at_provider is None:
        return []
    if at_provider.limits.lands_with == "merchant":
        wanted = _of_the_merchants(shares, accounts)
    else:
        named = [(share, accounts.get((share.kind, share.party_id))) for share in shares]
        wanted = [("split", share, account) for share, account in named if account]
    if not wanted:
        return []
    now = clock.now()
    legs = [
        Leg(
            key=f"{cause[0]}:{cause[1]}:{share.kind}:{share.party_id or ''}", payment_id=payment_id, of=of,
            direction=direction, party_kind=share.kind, party_id=share.party_id, account_kind=kind, account=account,
            currency=currency, amount_minor=share.minor, cause_kind=cause[0], cause_id=cause[1],
            created_at=now, due_at=max(now, share.not_before or now), ask_at=max(now, share.not_before or now),
        )
        for direction, share, (kind, account) in wanted
        if share.minor > 0
    ]  # fmt: skip
    # A second call for the same cause finds the legs of the first.
    rows.add(*legs, or_nothing=True)
    return legs


def take_back(*, key: str, payment_id: int, of: str, order: Cause, cause: Cause, shares: Sequence[Share]) -> list[Leg]:
    """Plans the return of what parties got of an order, as far as it left the provider; in the refund's transaction.

    The ledger collects the shares from what parties have, or as their receivable: what comes back pays that.  A leg
    that was not sent yet shrinks instead.  What cannot come back is noted as failed, with the reason.  Call it before
    the ledger collects, because legs are locked before accounts; the same key plans once.
    """
    sent = Leg.objects.filter(payment_id=payment_id, of=of, cause_kind=order[0], cause_id=order[1])
    sent = sent.exclude(direction="return").exclude(state="failed").order_by("pk")
    legs = list(sent.select_for_update(no_key=True, of=("self",)).select_related("payment"))
    at_provider = enabled().get(legs[0].payment.provider) if legs else None
    if at_provider is None:
        return []
    planned: list[Leg] = []
    for share in _as_sent(shares, legs):
        left = share.minor
        for leg in legs:
            if (leg.party_kind, leg.party_id) == (share.kind, share.party_id) and left:
                cut = min(left, leg.amount_minor - leg.returned_minor)
                left -= cut
                if cut:
                    planned.append(_return_of(leg, cut, f"{key}:{leg.public_id}", cause, at_provider))
    return planned


def move_leg(leg: Leg) -> None:
    """Sends a claimed leg, or asks about one that was sent; outside of any transaction.  Raises ProviderDown."""
    at_provider = adapter(leg.payment.provider)
    if leg.state == rules.LEG.start:
        with db.atomic():
            leg = Leg.objects.select_for_update(no_key=True, of=("self",)).select_related("payment").get(pk=leg.pk)
            if leg.state != rules.LEG.start or not _set_apart(leg, at_provider):
                return
        answer = _ask(leg, at_provider)
    else:
        operation = leg_operation(leg)
        answer = call(at_provider, lambda: at_provider.query(operation))
        if answer.state == "unknown":  # it never arrived there
            answer = _ask(leg, at_provider)
    if answer.state == "failed" and leg.direction == "split" and at_provider.limits.lands_with == "merchant":
        _fall_back(leg, answer.why)
    elif answer.state in ("succeeded", "failed"):
        end_leg(leg.pk, answer.state, ref=answer.ref, why=answer.why)
    elif answer.ref:
        Leg.objects.filter(pk=leg.pk, state="pending").update(provider_ref=answer.ref[:128])


def returns_under_way(cause: Cause) -> bool:
    """Whether the provider is still fetching back what a refund will be paid from."""
    return bool(
        db.call(
            "SELECT EXISTS (SELECT FROM payments_leg WHERE cause_kind = %s AND cause_id = %s AND direction = 'return'"
            " AND state = ANY(%s) AND NOT is_with_refund)",
            [cause[0], cause[1], list(rules.LEG_OPEN)],
        )
    )


def _accounts(payment_id: int, shares: Sequence[Share]) -> tuple[str, str, Accounts]:
    """The provider of a payment, its currency, and the accounts that these parties have there; one statement."""
    found = db.rows(
        "SELECT p.provider, p.currency, a.party_kind, a.party_id, a.kind, a.account FROM payments_payment p"
        " LEFT JOIN payments_provideraccount a ON a.provider = p.provider AND a.closed_at IS NULL"
        " AND a.party_id = ANY(%s) WHERE p.id = %s",
        [[share.party_id for share in shares if share.party_id], payment_id],
    )
    accounts: Accounts = {
        (row["party_kind"], row["party_id"]): (row["kind"], row["account"]) for row in found if row["kind"]
    }
    return (found[0]["provider"], found[0]["currency"], accounts) if found else ("", "", accounts)


def _of_the_merchants(shares: Sequence[Share], accounts: Accounts) -> list[tuple[str, Share, tuple[str, str]]]:
    """Legs where the money came to the merchant: straight to creators who may have theirs, the platform's part with
    the commissions that wait, and last the rest to the merchant."""
    now, custody = clock.now(), 0
    wanted: list[tuple[str, Share, tuple[str, str]]] = []
    for share in shares:
        account = accounts.get((share.kind, share.party_id))
        if share.kind == "creator" and account and (share.not_before is None or share.not_before <= now):
            wanted.append(("split", share, account))
        elif share.kind != "merchant":
            custody += share.minor
    wanted.append(("split", Share(PLATFORM, None, custody), ("merchant", "")))
    wanted += [("release", share, ("merchant", "")) for share in shares if share.kind == "merchant"]
    return wanted


def _as_sent(shares: Sequence[Share], legs: Sequence[Leg]) -> list[Share]:
    """The shares by who was sent them: a commission that went with the platform's part comes back with it."""
    own = {(leg.party_kind, leg.party_id) for leg in legs}
    with_platform = sum(share.minor for share in shares if (share.kind, share.party_id) not in own)
    named = [share for share in shares if (share.kind, share.party_id) in own and share.kind != PLATFORM]
    ours = sum(share.minor for share in shares if share.kind == PLATFORM and (PLATFORM, None) in own)
    return [*named, Share(PLATFORM, None, with_platform + ours)]


def _return_of(leg: Leg, minor: int, key: str, cause: Cause, at_provider: Adapter) -> Leg:
    """Plans the return of a part of a leg, once per key; a leg that was not sent yet gives up that part instead."""
    now = clock.now()
    is_unsent = leg.state == rules.LEG.start
    why = rules.why_no_return(at_provider.limits, account_kind=leg.account_kind, sent_at=leg.sent_at or now, now=now)
    draws = at_provider.limits.lands_with == "merchant" and leg.party_kind == "merchant"
    state = "posted" if is_unsent else "failed" if why else rules.LEG.start
    is_over = state != rules.LEG.start
    back, is_new = Leg.objects.get_or_create(
        key=key,
        defaults={
            "payment_id": leg.payment_id, "of": leg.of, "direction": "return", "party_kind": leg.party_kind,
            "party_id": leg.party_id, "account_kind": leg.account_kind, "account": leg.account,
            "currency": leg.currency, "amount_minor": minor, "original": leg, "is_with_refund": draws,
            "cause_kind": cause[0], "cause_id": cause[1], "created_at": now, "due_at": now, "state": state,
            "reason": NOT_SENT if is_unsent else why, "ended_at": now if is_over else None,
            "ask_at": None if is_over or draws else now,
        },
    )  # fmt: skip
    if is_new and is_unsent:
        _shrink(leg, minor)
    elif is_new and not why:
        leg.returned_minor += minor
        leg.save(update_fields=["returned_minor"])
    return back


def _shrink(leg: Leg, cut: int) -> None:
    leg.amount_minor -= cut
    if leg.amount_minor == 0:
        leg.state, leg.reason, leg.ended_at, leg.ask_at = "failed", "refunded", clock.now(), None
    leg.save(update_fields=["amount_minor", "state", "reason", "ended_at", "ask_at"])


def _set_apart(leg: Leg, at_provider: Adapter) -> bool:
    """Takes a leg's money out of what its party has, and marks it as sent; False if its time has not come.

    Runs in the transaction that holds the leg's lock.
    """
    if leg.direction == "return":
        assert leg.original_id is not None  # a database constraint of returns
        original = Leg.objects.get(pk=leg.original_id)
        if original.state == "failed":
            end_leg(leg.pk, "failed", why="never_sent")
        if original.state != "posted":
            return False
    elif leg.party_kind == PLATFORM:
        if _was_let_go(leg):
            return _collect_from_merchant(leg)
    elif leg.direction == "release":
        if not _was_let_go(leg) and _open_splits(leg).exists():
            return False
        _take(leg, whole=True)
    elif not _take(leg, whole=False):
        return False
    db.move(leg, rules.LEG, "submit", sent_at=clock.now())
    if leg.direction == "release" and _was_let_go(leg):
        # The provider let go of it before; the merchant has it already.
        end_leg(leg.pk, "succeeded")
        return False
    return True


def _was_let_go(leg: Leg) -> bool:
    """Whether the provider had ended its hold before the order was settled: the merchant has the money already."""
    released_at = leg.payment.released_at
    return released_at is not None and released_at <= leg.created_at


def _open_splits(leg: Leg) -> "QuerySet[Leg]":
    """What is still to be split from the same part of the payment: nothing can be once the rest is released."""
    return Leg.objects.filter(payment=leg.payment_id, of=leg.of, direction="split", state__in=rules.LEG_OPEN)


def _take(leg: Leg, *, whole: bool) -> bool:
    """Moves the party's money to the leg's account; False, and the leg has failed, if nothing is left of it.

    whole: what a refund took meanwhile is advanced, because the provider will pass on everything.
    """
    party = (leg.party_kind, int(leg.party_id or 0))
    amount, account = Money(leg.amount_minor, leg.currency), f"leg:{leg.public_id}"
    key, cause = f"leg:{leg.public_id}", ("payments.leg", leg.pk)
    if whole:
        collect_party(key=key, party=party, target=account, amount=amount, cause=cause, kind=leg.direction)
        return True
    net_receivable(key=f"net:{key}", party=party, currency=leg.currency)
    free = withdrawable(party[0], party[1], leg.currency)
    if free <= 0:
        end_leg(leg.pk, "failed", why="nothing_left")
        return False
    leg.amount_minor = min(leg.amount_minor, free)
    leg.save(update_fields=["amount_minor"])
    source = f"{party[0]}:{party[1]}:available"
    transfer = Transfer(source, account, Money(leg.amount_minor, leg.currency))
    post(key=key, cause=cause, kind=leg.direction, transfers=[transfer])
    return True


def _collect_from_merchant(leg: Leg) -> bool:
    """The merchant has the platform's part too, because the provider let go of everything: it is the merchant's debt.

    Always answers False: nobody has to be asked.  Beyond the platform's advance it is tried again later.
    """
    merchant = Leg.objects.get(
        payment=leg.payment_id, of=leg.of, cause_kind=leg.cause_kind, cause_id=leg.cause_id, direction="release"
    )
    try:
        with db.atomic():
            collect_party(
                key=f"leg:{leg.public_id}", party=("merchant", int(merchant.party_id or 0)),
                target=f"psp:{leg.payment.provider}", amount=Money(leg.amount_minor, leg.currency),
                cause=("payments.leg", leg.pk), kind="held_share",
            )  # fmt: skip
    except Refusal as refusal:
        if refusal.code != "advance_exhausted":
            raise
        return False
    end_leg(leg.pk, "succeeded", why="from_merchant")
    return False


def _fall_back(leg: Leg, why: str) -> None:
    """The provider would not split, and its merchant will get everything: the platform's part becomes the merchant's
    debt, and a creator's part goes with the platform's first."""
    with db.atomic():
        leg = Leg.objects.select_for_update(no_key=True, of=("self",)).select_related("payment").get(pk=leg.pk)
        if leg.state != "pending":
            return
        if leg.party_kind == PLATFORM:
            _collect_from_merchant(leg)
            return
        end_leg(leg.pk, "failed", why=why)
        Leg.objects.create(
            key=f"{leg.key}:custody", payment=leg.payment, of=leg.of, direction="split", party_kind=PLATFORM,
            account_kind="merchant", currency=leg.currency, amount_minor=leg.amount_minor, cause_kind=leg.cause_kind,
            cause_id=leg.cause_id, created_at=clock.now(), due_at=clock.now(), ask_at=clock.now(),
        )  # fmt: skip


def _ask(leg: Leg, at_provider: Adapter) -> Answer:
    operation = leg_operation(leg)
    ask = {"split": at_provider.split, "release": at_provider.release, "return": at_provider.give_back}[leg.direction]
    return call(at_provider, lambda: ask(operation))
