"""Which timers sharing has: the end of a token's life."""

from datetime import datetime

from django.db.models import Min

from meadow.kernel.sweeps import sweep
from meadow.sharing import services
from meadow.sharing.models import ShareToken


def _next_due() -> datetime | None:
    found: datetime | None = ShareToken.objects.filter(state="active").aggregate(due=Min("expires_at"))["due"]
    return found


@sweep("sharing.expire_tokens", next_due=_next_due)
def expire_tokens(limit: int, until: datetime) -> int:
    return services.expire_tokens(limit=limit, until=until)
