"""How a merchant or a creator takes out what is theirs."""

from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger.queries import party_balances
from meadow.ledger.services import Transfer, net_receivable, post
from meadow.payments import rules
from meadow.payments.adapters import adapter
from meadow.payments.models import Payout
from meadow.payments.services.ends import end_payout


def withdraw(*, key: str, party: tuple[str, int], amount: Money, by: Actor, provider: str = "sandbox") -> Payout:
    """Pays out what a party ("merchant" or "creator", id) has free; what it owes is paid first.

    Two at once for the whole balance: one succeeds, because the account's floor stands in the database.
    Refuses: malformed, provider_unknown, key_reused, receivable_outstanding, insufficient_funds.
    """
    at_provider = adapter(provider)
    if party[0] not in rules.PARTIES or not 0 < amount.minor <= rules.LARGEST_MINOR:
        raise Refusal("malformed", field="amount", why="more than nothing, for a merchant or creator")
    account = f"{party[0]}:{party[1]}:available"
    with db.atomic():
        payout = _open(key, party, amount, provider)
        if payout.state != rules.PAYOUT.start:
            return payout
        _check(party, amount)
        net_receivable(key=f"net:payout:{payout.public_id}", party=party, currency=amount.currency)
        post(
            key=f"payout:{payout.public_id}",
            cause=("payments.payout", payout.pk),
            kind="payout",
            transfers=[Transfer(account, f"payout:{payout.public_id}", amount)],
        )
        audit.record(by, "withdraw", ("payments.payout", payout.pk), after={"account": account, "minor": amount.minor})
        if at_provider.is_local:
            submit(payout)
    return payout


def submit(payout: Payout) -> None:
    """Makes a payout known to its provider, and ends it if that was all."""
    answer = adapter(payout.provider).pay_out(
        our_ref=payout.public_id,
        party=f"{payout.party_kind}:{payout.party_id}",
        amount=Money(payout.amount_minor, payout.currency),
    )
    db.move(payout, rules.PAYOUT, "submit", provider_ref=answer.ref, ask_at=clock.now() + rules.ASK_AFTER)
    if answer.state in ("succeeded", "failed"):
        end_payout(payout.pk, answer.state)
        payout.refresh_from_db()


def _open(key: str, party: tuple[str, int], amount: Money, provider: str) -> Payout:
    """The payout of a key: a new one, or the one that the same request made before.  Refuses: key_reused."""
    now = clock.now()
    made = Payout(
        key=key, provider=provider, party_kind=party[0], party_id=party[1], currency=amount.currency,
        amount_minor=amount.minor, created_at=now, ask_at=now,
    )  # fmt: skip
    # A second request with this key waits here until the first is decided, and then finds its row.
    Payout.objects.bulk_create([made], ignore_conflicts=True)
    payout = Payout.objects.get(key=key)
    if payout.public_id != made.public_id:
        same = (payout.party_kind, payout.party_id, payout.currency, payout.amount_minor, payout.provider)
        if same != (*party, amount.currency, amount.minor, provider):
            raise Refusal("key_reused", key=key)
    return payout


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
