"""How a merchant is kept to the number of products that its level of verification allows on sale."""

from meadow.catalog.queries import on_sale_of_merchant
from meadow.kernel import db
from meadow.kernel.audit import Actor
from meadow.payments import queries as payments


def require_room(*, merchant_id: int, by: Actor, had: int = 0) -> None:
    """Asked after something went on sale, in its transaction; the merchant's writers go one after another from here on.

    had: how many were on sale before, where a file may also change what is there already.  What the installation itself
    puts on sale is not limited.  Refuses: products_above_level.
    """
    if by.kind == "system" or payments.limits_of_merchant(merchant_id).most.products is None:
        return
    db.call("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"catalog:room:{merchant_id}"])
    have = on_sale_of_merchant(merchant_id)
    if have > had:
        payments.require_listed_within(merchant_id, have)
