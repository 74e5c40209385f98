"""Where parties want to be paid: bank details in their verified name, and their accounts at providers."""

from meadow.accounts import queries as accounts
from meadow.accounts import services as account_services
from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.payments import rules, vault
from meadow.payments.adapters import adapter
from meadow.payments.models import BankAccount, ProviderAccount, ProviderContract, VerifiedName
from meadow.payments.rules.payouts import check_details, same_name
from meadow.payments.services.contracts import require_step_up

Party = tuple[str, int]
HOLDER, NUMBER, NAME = "bank holder", "bank number", "verified name"


def note_verified_name(*, party: Party, name: str, source: str) -> None:
    """Whoever verified an identity says whose it is; from then on only accounts in that name are paid."""
    _check_party(party)
    VerifiedName.objects.update_or_create(
        party_kind=party[0], party_id=party[1],
        defaults={"name_sealed": vault.seal(name, NAME), "source": source[:64], "verified_at": clock.now()},
    )  # fmt: skip


def state_verified_name(*, party: Party, name: str, source: str, by: Actor, is_stepped_up: bool) -> None:
    """An operator says whose identity they saw.  Refuses: step_up_required, malformed."""
    require_step_up(is_stepped_up)
    if not 1 < len(name.strip()) <= 80 or not name.isprintable():
        raise Refusal("malformed", field="name", why="2 to 80 characters on one line")
    note_verified_name(party=party, name=name.strip(), source=source)
    audit.record(by, "state_verified_name", (f"accounts.{party[0]}", party[1]), after={"source": source[:64]})


def set_bank_account(
    *, party: Party, holder: str, bank: str, number: str, by: Actor, is_stepped_up: bool
) -> BankAccount:
    """Where a party is paid from now on.  Where it takes the place of another account, payouts rest for 72 hours.

    Refuses: step_up_required, malformed, bank_details_refused, identity_unverified, holder_name_differs.
    """
    require_step_up(is_stepped_up)
    _check_party(party)
    holder, bank, number = check_details(holder, bank, number)
    verified = VerifiedName.objects.filter(party_kind=party[0], party_id=party[1]).first()
    if verified is None:
        raise Refusal("identity_unverified")
    if not same_name(holder, vault.unseal(verified.name_sealed, NAME)):
        raise Refusal("holder_name_differs")
    now = clock.now()
    with db.atomic():
        # The verified name's lock makes a second change at the same moment wait and then find the first.
        VerifiedName.objects.select_for_update(no_key=True).get(pk=verified.pk)
        before = BankAccount.objects.filter(party_kind=party[0], party_id=party[1])
        current = before.filter(replaced_at=None).first()
        if current is not None and (current.bank, number_of(current)) == (bank, number):
            return current
        before.filter(replaced_at=None).update(replaced_at=now)
        usable_from = now + rules.DETAILS_REST if before.exists() else now
        made = BankAccount.objects.create(
            party_kind=party[0], party_id=party[1], bank=bank, holder_sealed=vault.seal(holder, HOLDER),
            number_sealed=vault.seal(number, NUMBER), tail=number[-4:], added_by_id=by.person_id, added_at=now,
            usable_from=usable_from,
        )  # fmt: skip
        audit.record(
            by, "set_bank_account", ("payments.bank_account", made.pk), after={"bank": bank, "tail": made.tail}
        )
        if party[0] == "creator":
            # So that buying over one's own link is seen even from another account (settled question 17).
            account_services.set_payout_identity(
                person_id=accounts.creator(party[1]).person_id, provider=rules.BANK, account=number, by=by
            )
    return made


def number_of(account: BankAccount) -> str:
    """The whole number; only the bank's file needs it."""
    return vault.unseal(account.number_sealed, NUMBER)


def holder_of(account: BankAccount) -> str:
    """In whose name the account is."""
    return vault.unseal(account.holder_sealed, HOLDER)


def open_provider_account(
    *, party: Party, provider: str, account: str, kind: str = "merchant", by: Actor, is_stepped_up: bool
) -> ProviderAccount:
    """Notes a party's own account at a provider, which can then receive its part of payments directly.

    Refuses: step_up_required, malformed, provider_unknown, provider_closed, account_taken.
    """
    require_step_up(is_stepped_up)
    _check_party(party)
    adapter(provider)
    if kind not in ("merchant", "person") or not (0 < len(account) <= 64 and account.isprintable()):
        raise Refusal("malformed", field="account", why="a merchant's or a person's account at the provider")
    if _takes_nobody_new(provider):
        raise Refusal("provider_closed", provider=provider)
    with db.atomic():
        made = ProviderAccount(
            provider=provider, party_kind=party[0], party_id=party[1], kind=kind, account=account, added_at=clock.now()
        )
        ProviderAccount.objects.bulk_create([made], ignore_conflicts=True)
        open_one = ProviderAccount.objects.get(
            provider=provider, party_kind=party[0], party_id=party[1], closed_at=None
        )
        if open_one.public_id != made.public_id:
            raise Refusal("account_taken", provider=provider)
        audit.record(by, "open_provider_account", ("payments.provider_account", open_one.pk), after={"kind": kind})
    return open_one


def close_provider_account(*, public_id: str, party: Party, by: Actor, is_stepped_up: bool) -> None:
    """From now on the party is paid out from what it has available.  Refuses: step_up_required, not_found."""
    require_step_up(is_stepped_up)
    with db.atomic():
        found = ProviderAccount.objects.filter(public_id=public_id, party_kind=party[0], party_id=party[1])
        row = found.filter(closed_at=None).first()
        if row is None or not found.filter(closed_at=None).update(closed_at=clock.now()):
            raise Refusal("not_found")
        audit.record(by, "close_provider_account", ("payments.provider_account", row.pk))


def _takes_nobody_new(provider: str) -> bool:
    """Whether our contract with a provider lets no merchant in, in any currency."""
    closed = ProviderContract.objects.filter(provider=provider).exclude(state="active")
    return closed.exists() and not ProviderContract.objects.filter(provider=provider, state="active").exists()


def _check_party(party: Party) -> None:
    if party[0] not in rules.PARTIES:
        raise Refusal("malformed", field="party", why="merchant or creator")
