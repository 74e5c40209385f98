"""How far our contract with a provider goes, currency by currency, and who changes it."""

from collections.abc import Sequence
from typing import Literal

from meadow.accounts import queries as accounts
from meadow.kernel import audit, clock, db, rows
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.money import exponent
from meadow.payments import rules
from meadow.payments.adapters import adapter, enabled
from meadow.payments.models import ProviderContract, ProviderMerchant

Switch = Literal["pay", "query", "refund"]


def set_contract(
    *,
    provider: str,
    currency: str,
    state: str,
    by: Actor,
    is_stepped_up: bool,
    reason: str = "",
    may_pay: bool | None = None,
    may_query: bool | None = None,
    may_refund: bool | None = None,
) -> ProviderContract:
    """Takes a provider through its states, and its switches; no merchant's own settings are touched.

    From `no_new_merchants` on only merchants that were there keep it; from `no_new_payments` on nobody is offered it,
    and what was paid by it can still be asked about and refunded until those switches are turned off too.
    Refuses: provider_unknown, currency_unknown, malformed, step_up_required, stale_state.
    """
    require_step_up(is_stepped_up)
    adapter(provider)
    exponent(currency)
    if state not in rules.CONTRACT.states:
        raise Refusal("malformed", field="state", why=", ".join(rules.CONTRACT.states))
    with db.atomic():
        row = _locked(provider, currency)
        before = _shown(row)
        if state != row.state:
            db.move(row, rules.CONTRACT, rules.CONTRACT_EVENT[state], since=clock.now(), reason=reason[:200])
            if state == "no_new_merchants":
                _keep_those_there(provider)
        for name, value in (("may_pay", may_pay), ("may_query", may_query), ("may_refund", may_refund)):
            if value is not None:
                setattr(row, name, value)
        row.save(update_fields=["may_pay", "may_query", "may_refund"])
        audit.record(by, "set_contract", ("payments.contract", row.pk), before=before, after=_shown(row))
    return row


def set_order(*, currency: str, providers: Sequence[str], by: Actor, is_stepped_up: bool) -> None:
    """The order in which buyers are offered the providers of a currency: the fallback list.

    Refuses: provider_unknown, currency_unknown, malformed, step_up_required.
    """
    require_step_up(is_stepped_up)
    exponent(currency)
    if len(set(providers)) < len(providers) or set(providers) != set(enabled()):
        raise Refusal("malformed", field="providers", why=f"each of {', '.join(enabled())} once")
    with db.atomic():
        for place, provider in enumerate(providers):
            row = _locked(provider, currency)
            row.position = place
            row.save(update_fields=["position"])
        audit.record(by, "set_provider_order", ("payments.contract", 0), after={currency: list(providers)})


def may(provider: str, currency: str, what: Switch) -> bool:
    """Whether a switch of a contract is on.  Paying also needs a state that allows it; refunds outlive everything."""
    row = rows.first(ProviderContract, provider=provider, currency=currency)
    if row is None:
        return True
    if what == "pay":
        return row.may_pay and row.state in rules.PAYABLE
    return row.may_query if what == "query" else row.may_refund


def require_step_up(is_stepped_up: bool) -> None:
    """Refuses: step_up_required."""
    if not is_stepped_up:
        raise Refusal("step_up_required")


def _locked(provider: str, currency: str) -> ProviderContract:
    fresh = ProviderContract(provider=provider, currency=currency, position=list(enabled()).index(provider))
    ProviderContract.objects.bulk_create([fresh], ignore_conflicts=True)
    return ProviderContract.objects.select_for_update(no_key=True).get(provider=provider, currency=currency)


def _keep_those_there(provider: str) -> None:
    """Merchants that are there now keep the provider; later ones are not offered it."""
    ProviderMerchant.objects.bulk_create(
        [ProviderMerchant(provider=provider, merchant_id=merchant_id) for merchant_id in accounts.merchant_ids()],
        ignore_conflicts=True,
    )


def _shown(row: ProviderContract) -> dict[str, object]:
    return {
        "provider": row.provider, "currency": row.currency, "state": row.state, "may_pay": row.may_pay,
        "may_query": row.may_query, "may_refund": row.may_refund,
    }  # fmt: skip
