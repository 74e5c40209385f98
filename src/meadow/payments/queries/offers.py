"""Which providers a buyer is offered, in which order, and why the others are not."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from meadow.kernel import clock, db, rows
from meadow.kernel.errors import Refusal
from meadow.payments import adapters, rules
from meadow.payments.models import ProviderAccount, ProviderContract, ProviderHealth, ProviderMerchant
from meadow.payments.rules import ProviderLimits, breaker


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider; why_not is empty if it is offered: currency, share, contract, merchant or down."""

    provider: str
    why_not: str = ""

    @property
    def is_offered(self) -> bool:
        return not self.why_not


@dataclass(frozen=True, slots=True)
class ProviderView:
    """How we stand with a provider in a currency, for the operator."""

    provider: str
    currency: str
    state: str
    may_pay: bool
    may_query: bool
    may_refund: bool
    position: int
    since: datetime | None
    reason: str
    is_down: bool
    failures: int
    last_ok_at: datetime | None
    last_failed_at: datetime | None
    last_error: str
    limits: ProviderLimits


def providers() -> list[str]:
    """The providers that this installation has."""
    return list(adapters.enabled())


def limits_of(provider: str) -> ProviderLimits:
    """What a provider can carry (settled question 9).  Refuses: provider_unknown."""
    return adapters.adapter(provider).limits


def offers(*, currency: str, merchant_ids: Collection[int] = (), share_bp: int = 0) -> list[Offer]:
    """Every provider in the order of the fallback list, with why it is not offered for these merchants and this much
    (share_bp of 10000) that goes to others than the merchant."""
    views = provider_views(currency)
    stopped = {view.provider for view in views if view.state == "no_new_merchants"}
    needing = {view.provider for view in views if view.limits.lands_with == "merchant"}
    known = _known_merchants(stopped, merchant_ids)
    accounts = _with_account(needing, merchant_ids)
    return [Offer(view.provider, _why_not(view, share_bp, frozenset(merchant_ids), known, accounts)) for view in views]


def offered(*, currency: str, merchant_ids: Collection[int] = (), share_bp: int = 0) -> list[str]:
    """The providers that a buyer may choose from, the best first."""
    found = offers(currency=currency, merchant_ids=merchant_ids, share_bp=share_bp)
    return [offer.provider for offer in found if offer.is_offered]


def cannot_carry(share_bp: int) -> list[str]:
    """The providers that could not pass so much of an order on: what a merchant is warned of when saving a plan."""
    every = adapters.enabled().values()
    return [at.name for at in every if not rules.carries(_any_currency(at.limits), currency="", share_bp=share_bp)]


def require_carries(*, provider: str, currency: str, share_bp: int) -> None:
    """Refuses: provider_unknown, provider_cannot_carry."""
    limits = adapters.adapter(provider).limits
    if not rules.carries(limits, currency=currency, share_bp=share_bp):
        raise Refusal(
            "provider_cannot_carry", provider=provider, most_bp=limits.max_split_ratio_bp or 0, share_bp=share_bp
        )


def provider_views(currency: str) -> list[ProviderView]:
    """Every provider of the installation in one currency, in the order of the fallback list."""
    enabled, now = adapters.enabled(), clock.machine_now()
    contracts = {row.provider: row for row in rows.find(ProviderContract, currency=currency)}
    health = {row.provider: row for row in rows.find(ProviderHealth, provider=list(enabled))}
    views = []
    for place, (name, at_provider) in enumerate(enabled.items()):
        row = contracts.get(name) or ProviderContract(provider=name, currency=currency, position=place, since=now)
        well = health.get(name) or ProviderHealth(provider=name)
        views.append(
            ProviderView(
                provider=name, currency=currency, state=row.state, may_pay=row.may_pay, may_query=row.may_query,
                may_refund=row.may_refund, position=row.position, since=row.since if row.pk else None,
                reason=row.reason, is_down=breaker.Health(well.failures, well.open_until).is_open(now),
                failures=well.failures, last_ok_at=well.last_ok_at, last_failed_at=well.last_failed_at,
                last_error=well.last_error, limits=at_provider.limits,
            )
        )  # fmt: skip
    return sorted(views, key=lambda view: view.position)


def _why_not(
    view: ProviderView,
    share_bp: int,
    merchants: frozenset[int],
    known: dict[str, set[int]],
    accounts: dict[str, set[int]],
) -> str:
    if view.limits.currencies is not None and view.currency not in view.limits.currencies:
        return "currency"
    if not rules.carries(view.limits, currency=view.currency, share_bp=share_bp):
        return "share"
    if not view.may_pay or view.state not in rules.PAYABLE:
        return "contract"
    if view.state == "no_new_merchants" and not merchants <= known.get(view.provider, set()):
        return "merchant"
    if view.provider in accounts and not merchants <= accounts[view.provider]:
        return "merchant"
    return "down" if view.is_down else ""


def _known_merchants(stopped: Collection[str], merchant_ids: Collection[int]) -> dict[str, set[int]]:
    """Of these merchants, those that were there when a provider stopped taking new ones."""
    known: dict[str, set[int]] = {provider: set() for provider in stopped}
    if stopped and merchant_ids:
        found = ProviderMerchant.objects.filter(provider__in=stopped, merchant_id__in=merchant_ids)
        for provider, merchant_id in found.values_list("provider", "merchant_id"):
            known[provider].add(merchant_id)
    return known


def _with_account(needing: Collection[str], merchant_ids: Collection[int]) -> dict[str, set[int]]:
    """Of these merchants, those that have an account where the money comes to the merchants themselves."""
    having: dict[str, set[int]] = {provider: set() for provider in needing}
    if needing and merchant_ids:
        found = ProviderAccount.objects.filter(
            provider__in=needing, party_kind="merchant", party_id__in=merchant_ids, closed_at=None
        )
        for provider, merchant_id in found.values_list("provider", "party_id"):
            having[provider].add(merchant_id)
    return having


def _any_currency(limits: ProviderLimits) -> ProviderLimits:
    return ProviderLimits(max_split_ratio_bp=limits.max_split_ratio_bp)


def is_slow(payment_id: int) -> bool:
    """Whether a buyer whose payment has not moved should be shown another way to pay."""
    return bool(
        db.call(
            "SELECT state IN ('created', 'pending', 'failed') AND created_at < %s FROM payments_payment WHERE id = %s",
            [clock.now() - rules.SECOND_WAY_AFTER, payment_id],
        )
    )
