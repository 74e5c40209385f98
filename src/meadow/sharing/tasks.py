"""Which timers sharing has: the end of a token's life, the months of clicks, the look at the channels."""

from datetime import datetime

from meadow.kernel.sweeps import DueRows, sweep
from meadow.sharing import services
from meadow.sharing.models import ShareToken
from meadow.sharing.services import upkeep


@sweep("sharing.expire_tokens", next_due=DueRows(ShareToken.objects.filter(state="active"), "expires_at"))
def expire_tokens(limit: int, until: datetime) -> int:
    return services.expire_tokens(limit=limit, until=until)


@sweep("sharing.click_months", next_due=upkeep.next_month_due)
def keep_months(limit: int, until: datetime) -> int:
    return upkeep.keep_months(at=until)


@sweep("sharing.watch_channels", next_due=upkeep.next_look)
def watch_channels(limit: int, until: datetime) -> int:
    done = 0
    while done < limit and upkeep.look(until=until):
        done += 1
    return done
