"""What time does to clicks and channels: months are made and dropped, old counts go, every ten minutes somebody looks."""

from datetime import datetime, timedelta

from meadow.kernel import clock, db
from meadow.kernel.db import atomic
from meadow.sharing import rules
from meadow.sharing.models import ChannelWatch, Reach
from meadow.sharing.services.outlets import watch_channels

LOOK_EVERY = rules.SLOT
# After the last visit by any outlet the channels are looked at for so long: what stops altogether is seen by then.
LOOK_ON = timedelta(hours=3)
KEEP_COUNTS = timedelta(days=100)


def next_look() -> datetime | None:
    """When the channels are to be looked at next; None where nothing has come by any for a while."""
    row = db.one(
        "SELECT (SELECT max(slot) FROM sharing_reach WHERE tag > 0) AS newest, "
        "(SELECT ran_at FROM sharing_channelwatch LIMIT 1) AS ran_at"
    )
    if row is None or row["newest"] is None:
        return None
    newest, ran_at = row["newest"], row["ran_at"]
    due: datetime = newest + LOOK_EVERY
    if ran_at is not None and ran_at >= due:
        due = ran_at + LOOK_EVERY
    return due if due <= newest + LOOK_ON else None


def look(*, until: datetime) -> bool:
    """One look at the channels if one is due; at its due time, by one worker."""
    with atomic():
        ChannelWatch.objects.get_or_create(id=1)
        row = ChannelWatch.objects.select_for_update(skip_locked=True).filter(id=1).first()
        due = next_look()
        if row is None or due is None or due > until:
            return False
        # A worker that was away looks once at what is now, not at every moment it missed.
        latest = clock.now()
        latest -= (latest - rules.SLOT_EPOCH) % LOOK_EVERY
        moment = max(due, min(until, latest))
        with clock.at(moment):
            watch_channels(at=moment)
        row.ran_at = moment
        row.save(update_fields=["ran_at"])
    return True


def next_month_due() -> datetime | None:
    """When the next month's table is to be made: as soon as fewer than two lie ahead."""
    last = db.call(
        "SELECT max(to_date(right(c.relname, 7), 'YYYY_MM')) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'sharing_click'::regclass AND c.relname ~ '_[0-9]{4}_[0-9]{2}$'"
    )
    if last is None:
        return clock.now()
    months = last.year * 12 + last.month - 1 - rules.MONTHS_AHEAD + 1
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=rules.SLOT_EPOCH.tzinfo)


def keep_months(*, at: datetime) -> int:
    """Makes the months up to two ahead and drops those past keeping, with the counts of the time before; how many changed."""
    made = 0
    for ahead in range(rules.MONTHS_AHEAD + 1):
        months = at.year * 12 + at.month - 1 + ahead
        first = datetime(months // 12, months % 12 + 1, 1, tzinfo=rules.SLOT_EPOCH.tzinfo)
        with atomic():
            made += bool(db.call("SELECT sharing_add_click_month(%s)", [first]))
    with atomic():
        gone = int(db.call("SELECT sharing_drop_click_months(%s)", [at - rules.CLICK_KEEP]))
        Reach.objects.filter(slot__lt=at - KEEP_COUNTS).delete()
    return made + gone
