"""How a checkout takes what partner sites say about who brought the buyer; nothing of it changes what the buyer sees."""

from collections.abc import Mapping
from typing import Any

from meadow.affiliate import services as affiliate
from meadow.kernel.db import atomic
from meadow.trade.models import Checkout


def note_attribution(
    *,
    checkout_id: int,
    touchpoint: str,
    affiliate_attribution: Mapping[str, Any] | None = None,
    attribution: Mapping[str, str] | None = None,
) -> None:
    """Keeps ACP's object and UCP's map of a checkout; a checkout that is placed already takes no more.

    Refuses: malformed, pii_not_allowed.
    """
    if not affiliate_attribution and not attribution:
        return
    with atomic():
        found = Checkout.objects.select_for_update(no_key=True).filter(pk=checkout_id, state="open").first()
        if found is None:
            return
        claims: list[str] = []
        if affiliate_attribution:
            claims += affiliate.note_acp(checkout=found.public_id, touchpoint=touchpoint, given=affiliate_attribution)
        if attribution:
            claims += affiliate.note_ucp(checkout=found.public_id, touchpoint=touchpoint, given=attribution)
        if claims:
            found.lines = [line | {"claims": [*line.get("claims", ()), *claims]} for line in found.lines]
            found.save(update_fields=["lines"])
