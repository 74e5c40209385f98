"""How often somebody may do something: the generic cell rate algorithm in one PostgreSQL statement, across processes."""

from datetime import timedelta

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal


def hit(name: str, key: str, *, per: timedelta, burst: int) -> None:
    """Counts one act of a key: `burst` acts at once, and as many again each `per`.  Refuses: rate_limited.

    Machine time is used, so moving the test clock frees nobody.
    """
    now, gap = clock.machine_now(), per / burst
    # The stored moment runs ahead of now by one gap per act; a lead over the whole burst is too much.
    allowed = db.one(
        "INSERT INTO kernel_ratelimit AS r (name, key, arrival_at) VALUES (%(name)s, %(key)s, %(now)s + %(gap)s) "
        "ON CONFLICT (name, key) DO UPDATE SET arrival_at = greatest(r.arrival_at, %(now)s) + %(gap)s "
        "WHERE greatest(r.arrival_at, %(now)s) + %(gap)s <= %(now)s + %(per)s RETURNING id",
        {"name": name, "key": key, "now": now, "gap": gap, "per": per},
    )
    if allowed is None:
        row = db.one("SELECT arrival_at FROM kernel_ratelimit WHERE name = %s AND key = %s", [name, key])
        wait = (row["arrival_at"] + gap - per - now).total_seconds() if row else gap.total_seconds()
        raise Refusal("rate_limited", retry_after=max(1, int(wait) + 1))


def forget_old(older_than: timedelta = timedelta(days=1)) -> int:
    """Drops limits that hold nobody any more; the worker calls it now and then."""
    return db.execute("DELETE FROM kernel_ratelimit WHERE arrival_at < %s", [clock.machine_now() - older_than])
