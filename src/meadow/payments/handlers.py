"""What payments do when a refund that no order asked for ends at its provider."""

from meadow.kernel.events import ProviderRefunded
from meadow.kernel.outbox import handles
from meadow.payments import queries, services


@handles(ProviderRefunded)
def finish_strays(events: list[ProviderRefunded]) -> None:
    for event in events:
        if event.cause_kind == services.STRAY:
            services.finish_stray(queries.provider_refund_by_id(event.provider_refund_id))
