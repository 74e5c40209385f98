"""The one place where a provider is called: never inside a transaction, never while its breaker is open, and counted."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from meadow.kernel import clock, db
from meadow.payments.adapters import enabled
from meadow.payments.adapters.protocol import Adapter, ProviderDown
from meadow.payments.models import ProviderHealth
from meadow.payments.rules import breaker

log = logging.getLogger("meadow.payments")

T = TypeVar("T")
SEEN_WELL_EVERY = timedelta(seconds=30)  # that all is well is not written down more often


def call(at_provider: Adapter, ask: Callable[[], T]) -> T:
    """What the provider answers.  Raises ProviderDown, at once if it has failed too often of late."""
    if at_provider.is_local:
        # Rows of our own database: part of the caller's transaction, or of one of their own.
        with db.joined():
            return ask()
    assert db.transaction_epoch() is None, "a provider over the network is never called inside a transaction"
    now = clock.machine_now()
    found = ProviderHealth.objects.filter(provider=at_provider.name).first()
    if found is not None and breaker.Health(found.failures, found.open_until).is_open(now):
        raise ProviderDown(f"{at_provider.name} failed {found.failures} times in a row")
    try:
        answer = ask()
    except ProviderDown as down:
        note_failure(at_provider.name, str(down))
        raise
    note_success(at_provider.name, found)
    return answer


def note_failure(provider: str, why: str) -> None:
    """Counts a failure; after some in a row the breaker opens."""
    now = clock.machine_now()
    with db.atomic():
        ProviderHealth.objects.bulk_create([ProviderHealth(provider=provider)], ignore_conflicts=True)
        row = ProviderHealth.objects.select_for_update(no_key=True).get(provider=provider)
        after = breaker.after_failure(breaker.Health(row.failures, row.open_until), now)
        row.failures, row.open_until = after.failures, after.open_until
        row.last_failed_at, row.last_error = now, why[:200]
        row.save(update_fields=["failures", "open_until", "last_failed_at", "last_error"])
    log.warning("provider %s failed (%s in a row): %s", provider, row.failures, why[:200])


def note_success(provider: str, known: ProviderHealth | None = None) -> None:
    """The provider answered: the breaker closes."""
    now = clock.machine_now()
    if known is not None and not known.failures and known.last_ok_at and now - known.last_ok_at < SEEN_WELL_EVERY:
        return
    ProviderHealth.objects.update_or_create(
        provider=provider, defaults={"failures": 0, "open_until": None, "last_ok_at": now, "last_error": ""}
    )


def probe_providers() -> int:
    """Looks whether each provider answers, if it was not heard of for a while; returns how many were looked at.

    So a provider that is lost is known within a minute even when nobody happens to pay.
    """
    now, looked = clock.machine_now(), 0
    for at_provider in enabled().values():
        ProviderHealth.objects.bulk_create([ProviderHealth(provider=at_provider.name)], ignore_conflicts=True)
        # Whoever moves the date looks; the others leave it.
        due = ProviderHealth.objects.filter(provider=at_provider.name, probe_at__lte=now) | (
            ProviderHealth.objects.filter(provider=at_provider.name, probe_at=None)
        )
        if not due.update(probe_at=now + breaker.PROBE_EVERY):
            continue
        looked += 1
        try:
            at_provider.ping()
        except ProviderDown as down:
            note_failure(at_provider.name, str(down))
        else:
            note_success(at_provider.name, ProviderHealth.objects.get(provider=at_provider.name))
    return looked


def probe_due() -> bool:
    """Whether a provider waits to be looked at; with one provider alone there is nothing to choose."""
    providers = list(enabled())
    if len(providers) < 2:
        return False
    fresh: int = db.call(
        "SELECT count(*) FROM payments_providerhealth WHERE provider = ANY(%s) AND probe_at > %s",
        [providers, clock.machine_now()],
    )
    return fresh < len(providers)
