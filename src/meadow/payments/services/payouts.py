"""How a merchant or a creator takes out what is theirs: checks, rest after new bank details, two people's approval."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from meadow.governance.queries import require_feature
from meadow.governance.services import require_payout
from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger.queries import party_balances
from meadow.ledger.services import Transfer, net_receivable, post
from meadow.payments import rules, vault
from meadow.payments.adapters import adapter
from meadow.payments.adapters.protocol import ProviderDown
from meadow.payments.models import BankAccount, Payout, PayoutApproval, VerifiedName
from meadow.payments.queries import require_payout_within
from meadow.payments.rules.payouts import same_name
from meadow.payments.services.application_moves import in_turn
from meadow.payments.services.bank import NAME, holder_of
from meadow.payments.services.calling import call
from meadow.payments.services.contracts import require_step_up
from meadow.payments.services.ends import end_payout
from meadow.payments.services.operations import payout_operation


def withdraw(
    *,
    key: str,
    party: tuple[str, int],
    amount: Money,
    by: Actor,
    provider: str = "",
    is_stepped_up: bool = False,
) -> Payout:
    """Pays out what a party ("merchant" or "creator", id) has free; what it owes is paid first.

    provider: "bank" goes out with the next bank file; a sandbox pays at once.  By default the sandbox where there is
    one, else the bank.  Two at once for the whole balance: one succeeds, because the account's floor stands in the
    database.  Above the installation's threshold two people have to agree; after a change of bank details it rests.
    Refuses: malformed, provider_unknown, key_reused, payout_below_minimum, limited, feature_suspended,
    receivable_outstanding, insufficient_funds, payout_above_level;
    to the bank also step_up_required, bank_details_missing, identity_unverified, holder_name_differs.
    """
    provider = provider or ("sandbox" if settings.MEADOW.sandbox else rules.BANK)
    if party[0] not in rules.PARTIES or not 0 < amount.minor <= rules.LARGEST_MINOR:
        raise Refusal("malformed", field="amount", why="more than nothing, for a merchant or creator")
    to_bank = provider == rules.BANK
    is_local = False if to_bank else adapter(provider).is_local
    if to_bank:
        require_step_up(is_stepped_up)
    require_payout(party=party)
    account = f"{party[0]}:{party[1]}:available"
    with db.atomic():
        details = _details(party) if to_bank else None
        payout, is_new = _open(key, party, amount, provider, by, details)
        if not is_new:
            return payout
        # Asked after the look for the same request: what was taken in before the stop is finished.
        require_feature("payouts")
        _check(party, amount)
        if amount.minor < settings.MEADOW.payout_minimum_minor:
            raise Refusal("payout_below_minimum", minimum_minor=settings.MEADOW.payout_minimum_minor)
        if party[0] == "merchant":
            in_turn(party[1])  # or two at once would each not see the other
            require_payout_within(party[1], amount.minor, amount.currency)
        net_receivable(key=f"net:payout:{payout.public_id}", party=party, currency=amount.currency)
        post(
            key=f"payout:{payout.public_id}",
            cause=("payments.payout", payout.pk),
            kind="payout",
            transfers=[Transfer(account, f"payout:{payout.public_id}", amount)],
        )
        audit.record(by, "withdraw", ("payments.payout", payout.pk), after={"account": account, "minor": amount.minor})
        if details is not None and details.usable_from > clock.now():
            db.move(payout, rules.PAYOUT, "hold", held_until=details.usable_from, ask_at=None)
        else:
            _go_on(payout, is_local=is_local)
    return payout


def free_payout(payout: Payout) -> None:
    """The rest after new bank details is over.  The row is locked by the sweep."""
    db.move(payout, rules.PAYOUT, "free", held_until=None)
    _go_on(payout, is_local=False)


def approve_payout(*, public_id: str, by: Actor, is_stepped_up: bool) -> Payout:
    """One person's yes; with the second, by another than the first and than who asked, the payout goes on.

    Refuses: step_up_required, not_found, stale_state, second_person_needed.
    """
    require_step_up(is_stepped_up)
    with db.atomic():
        payout = _locked(public_id)
        if payout.state != "approving":
            raise Refusal("stale_state", state=payout.state, event="approve")
        person_id = by.person_id
        yes = PayoutApproval.objects.filter(payout=payout)
        if person_id is None or person_id == payout.requested_by_id or yes.filter(person_id=person_id).exists():
            raise Refusal("second_person_needed")
        PayoutApproval.objects.create(payout=payout, person_id=person_id, at=clock.now())
        audit.record(by, "approve_payout", ("payments.payout", payout.pk), after={"approvals": yes.count()})
        if yes.count() >= rules.APPROVALS:
            ask_at = None if payout.provider == rules.BANK else clock.now()
            db.move(payout, rules.PAYOUT, "approve", ask_at=ask_at)
    return payout


def refuse_payout(*, public_id: str, reason: str, by: Actor, is_stepped_up: bool) -> Payout:
    """A payout that has not gone out is called off; its money goes back to its party, once.

    Refuses: step_up_required, not_found, stale_state, malformed.
    """
    require_step_up(is_stepped_up)
    if not 0 < len(reason.strip()) <= 200:
        raise Refusal("malformed", field="reason", why="1 to 200 characters")
    with db.atomic():
        payout = _locked(public_id)
        if payout.state not in ("held", "approving") and not (payout.state == "requested" and payout.ask_at is None):
            raise Refusal("stale_state", state=payout.state, event="refuse")
        end_payout(payout.pk, "failed", why=reason.strip())
        audit.record(by, "refuse_payout", ("payments.payout", payout.pk), after={"reason": reason.strip()})
        payout.refresh_from_db()
    return payout


def submit(payout: Payout) -> None:
    """Makes a payout known to its provider, and ends it if that was all.  Raises ProviderDown."""
    at_provider, operation = adapter(payout.provider), payout_operation(payout)
    answer = call(at_provider, lambda: at_provider.pay_out(operation))
    with db.atomic():
        row = Payout.objects.select_for_update(no_key=True).get(pk=payout.pk)
        if row.state == rules.PAYOUT.start:
            ref = answer.ref[:128] if answer.ref else None
            db.move(row, rules.PAYOUT, "submit", provider_ref=ref, ask_at=clock.now() + rules.ASK_AFTER)
        if answer.state in ("succeeded", "failed"):
            end_payout(row.pk, answer.state, why=answer.why)
    payout.refresh_from_db()


def _go_on(payout: Payout, *, is_local: bool) -> None:
    """What follows once nothing holds a payout: approval, the next bank file, or its provider."""
    if payout.amount_minor > settings.MEADOW.payout_approval_minor:
        db.move(payout, rules.PAYOUT, "ask", needs_approval=True, ask_at=None)
    elif payout.provider == rules.BANK:
        payout.ask_at = None
        payout.save(update_fields=["ask_at"])
    elif is_local:
        try:
            submit(payout)
        except ProviderDown:
            Payout.objects.filter(pk=payout.pk).update(ask_at=clock.now() + rules.ASK_AFTER)
            payout.refresh_from_db()


def _locked(public_id: str) -> Payout:
    payout = Payout.objects.select_for_update(no_key=True, of=("self",)).filter(public_id=public_id).first()
    if payout is None:
        raise Refusal("not_found")
    return payout


def _details(party: tuple[str, int]) -> BankAccount:
    """Where the party is paid; the name is held against the verified one again, which may have changed since.

    Refuses: bank_details_missing, identity_unverified, holder_name_differs.
    """
    who: Mapping[str, Any] = {"party_kind": party[0], "party_id": party[1]}
    details = BankAccount.objects.filter(replaced_at=None, **who).first()
    if details is None:
        raise Refusal("bank_details_missing")
    verified = VerifiedName.objects.filter(**who).first()
    if verified is None:
        raise Refusal("identity_unverified")
    if not same_name(holder_of(details), vault.unseal(verified.name_sealed, NAME)):
        raise Refusal("holder_name_differs")
    return details


def _open(
    key: str, party: tuple[str, int], amount: Money, provider: str, by: Actor, details: BankAccount | None
) -> tuple[Payout, bool]:
    """The payout of a key, and whether it is new: the same request may have made it before.  Refuses: key_reused."""
    now: datetime = clock.now()
    made = Payout(
        key=key, provider=provider, party_kind=party[0], party_id=party[1], currency=amount.currency,
        amount_minor=amount.minor, created_at=now, ask_at=now, requested_by_id=by.person_id, bank_account=details,
    )  # fmt: skip
    # A second request with this key waits here until the first is decided, and then finds its row.
    Payout.objects.bulk_create([made], ignore_conflicts=True)
    payout = Payout.objects.get(key=key)
    is_new = payout.public_id == made.public_id
    if not is_new:
        same = (payout.party_kind, payout.party_id, payout.currency, payout.amount_minor, payout.provider)
        if same != (*party, amount.currency, amount.minor, provider):
            raise Refusal("key_reused", key=key)
    return payout, is_new


def _check(party: tuple[str, int], amount: Money) -> None:
    """Says no in words before the ledger does.  Refuses: receivable_outstanding, insufficient_funds."""
    for part in party_balances(*party):
        if part.currency != amount.currency or part.withdrawable_minor >= amount.minor:
            continue
        if part.receivable_minor < 0:
            raise Refusal(
                "receivable_outstanding",
                owed_minor=-part.receivable_minor,
                withdrawable_minor=part.withdrawable_minor,
            )
        raise Refusal("insufficient_funds", account=f"{party[0]}:{party[1]}", available_minor=part.withdrawable_minor)
