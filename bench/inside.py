"""What is measured inside a process, as the worker does it, and what is prepared for the load.  Prints JSON.

Run in the environment of the instance under measurement: `python -m bench.inside NAME SECONDS [ARGUMENTS]`.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import cycle
from typing import Any

#: Orders made by the verbs for each second of settling: making one takes ten times as long as settling it.
BATCH = 40
ADDRESS = {"name": "Bo", "phone": "+86 138 0000 0000", "line1": "12 Meadow Lane", "city": "Hangzhou", "country": "CN"}
BROWSER = {
    "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-User": "?1",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
}  # fmt: skip


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meadow.config.django_settings")
    import django

    django.setup()
    name, seconds, arguments = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    sys.stdout.write(json.dumps(globals()[name](seconds, *arguments)))


def checkouts(seconds: float, *arguments: str) -> dict[str, Any]:
    """Open checkouts for the load on placing; the last argument is how many.

    One for each SKU is opened by the verb, the others are copies of these rows.
    """
    from meadow.kernel import db
    from meadow.trade import queries
    from meadow.trade.models import Checkout

    skus, wanted = _sku_ids(arguments[:-1]), int(arguments[-1])
    opened = [_open(sku).pk for sku in skus[:wanted]]
    columns = "buyer_id, carrier, state, lines, shipping, is_from_cart, refused, opened_at, placed_at"
    rows = db.rows(
        f"INSERT INTO trade_checkout (public_id, {columns}) SELECT 'cho_b' || lpad(n::text, 6, '0') || o.id, {columns} "
        "FROM trade_checkout o CROSS JOIN generate_series(1, %s) n WHERE o.id = ANY(%s) ORDER BY n, o.id RETURNING id",
        [max(0, -(-(wanted - len(opened)) // max(1, len(opened)))), opened],
    )
    ids = [*opened, *(row["id"] for row in rows)][:wanted]
    return {"checkouts": [queries.checkout_token(Checkout(pk=checkout)) for checkout in ids]}


def settle(seconds: float) -> dict[str, Any]:
    """Releases confirmed orders one by one, each in its own transaction, until the time is over."""
    from meadow.kernel import clock
    from meadow.trade import services

    orders = _confirmed(BATCH * max(1, round(seconds)))
    due = clock.now() + timedelta(days=2)
    left = iter(orders)

    def one() -> int:
        order = next(left, None)
        if order is None:
            return 0
        with clock.at(due):
            services.settle_order(order_id=order)
        return 1

    return _timed(one, seconds)


def refund(seconds: float) -> dict[str, Any]:
    """Gives a part of a received order's goods back, out of escrow, each in its own transaction."""
    from meadow.kernel.audit import Actor
    from meadow.trade import services

    left = iter(_received(BATCH * max(1, round(seconds))))

    def one() -> int:
        order = next(left, None)
        if order is None:
            return 0
        services.refund_order(
            key="bench", order_id=order["id"], goods=[(order["line_id"], 500)], reason="A button is missing.",
            by=Actor("person", order["keeper_id"]),
        )  # fmt: skip
        return 1

    return _timed(one, seconds)


def claim(seconds: float) -> dict[str, Any]:
    """A buyer claims part of the money of an order, the seller agrees and it is given back: two verbs."""
    from meadow.kernel import limits
    from meadow.kernel.audit import Actor
    from meadow.trade import services

    left = enumerate(_received(BATCH * max(1, round(seconds))))

    def one() -> int:
        number, order = next(left, (0, None))
        if order is None:
            return 0
        if number % 15 == 0:
            # One buyer stands for many here, and nobody may claim more than twenty times a day.
            limits.forget_old(older_than=timedelta(days=-2))
        opened = services.open_claim(
            order_id=order["id"], line_id=order["line_id"], kind="refund_only", reason="not_as_described",
            amount_minor=500, text="It is smaller than it says.", by=Actor("person", order["buyer_id"]),
        )  # fmt: skip
        services.agree_to_claim(claim_id=opened.pk, by=Actor("person", order["keeper_id"]))
        return 1

    return _timed(one, seconds)


def _received(number: int) -> list[dict[str, Any]]:
    """Orders that were paid, sent and received: id, line_id, buyer_id and the seller's keeper_id."""
    from meadow.kernel import db

    return db.rows(
        "SELECT o.id, l.id AS line_id, o.buyer_id, m.owner_id AS keeper_id FROM trade_order o "
        "JOIN trade_orderline l ON l.order_id = o.id AND l.kind = 'goods' JOIN accounts_merchant m ON m.id = o.merchant_id "
        "WHERE o.id = ANY(%s)",
        [_confirmed(number)],
    )


def outbox(seconds: float) -> dict[str, Any]:
    """Emits events that have handlers and drains them, in the batches of the worker."""
    from meadow.kernel import db, outbox
    from meadow.kernel.events import ProductChanged

    products = _products(400)

    def one() -> int:
        with db.atomic():
            outbox.emit(*(ProductChanged(product, 1) for product in products))
        return outbox.drain()

    return _timed(one, seconds)


def statements(seconds: float, code: str, sku: str) -> dict[str, Any]:
    """How many SQL statements each path runs, transaction control left out."""
    from django.test import Client

    client, more = Client(), {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in BROWSER.items()}
    checkout = checkouts(0, sku, "1")["checkouts"][0]

    def place() -> None:
        client.post(
            f"/api/v1/checkouts/{checkout}/place",
            {"address": ADDRESS, "contact": {"email": "bo@bench.test"}},
            content_type="application/json",
            headers={"Idempotency-Key": f"count-{time.time_ns()}"},
        )

    from meadow.kernel import clock, db
    from meadow.kernel import outbox as box
    from meadow.kernel.audit import Actor
    from meadow.kernel.events import ProductChanged
    from meadow.trade import services

    order = _confirmed(1)[0]
    # What other loads have left there is of other kinds, and would be counted with these.
    box.drain_all()
    with db.atomic():
        box.emit(*(ProductChanged(product, 1) for product in _products(50)))

    def release() -> None:
        with clock.at(clock.now() + timedelta(days=2)):
            services.settle_order(order_id=order)

    refunded, claimed = _received(2)

    def give_back() -> None:
        services.refund_order(
            key="bench", order_id=refunded["id"], goods=[(refunded["line_id"], 500)], reason="A button is missing.",
            by=Actor("person", refunded["keeper_id"]),
        )  # fmt: skip

    def claim_and_agree() -> None:
        opened = services.open_claim(
            order_id=claimed["id"], line_id=claimed["line_id"], kind="refund_only", reason="not_as_described",
            amount_minor=500, text="It is smaller than it says.", by=Actor("person", claimed["buyer_id"]),
        )  # fmt: skip
        services.agree_to_claim(claim_id=opened.pk, by=Actor("person", claimed["keeper_id"]))

    paths: dict[str, Callable[[], object]] = {
        "outbox": box.drain,
        "refund": give_back,
        "claim": claim_and_agree,
        "settle": release,
        "resolve": lambda: client.get(f"/api/v1/landings/{code}", **more),
        "list": lambda: client.get("/api/v1/products?limit=20"),
        "place": place,
    }
    return {"counts": {name: _count(act) for name, act in paths.items()}}


def invariants(seconds: float) -> dict[str, Any]:
    """Every invariant of the installation, after all that load."""
    from meadow.config import invariants

    return {"violations": invariants.run()}


def _count(act: Callable[[], object]) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    act_once = act
    with CaptureQueriesContext(connection) as seen:
        act_once()
    control = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT", "ROLLBACK")
    return sum(1 for query in seen.captured_queries if not query["sql"].lstrip().upper().startswith(control))


def _timed(one: Callable[[], int], seconds: float) -> dict[str, Any]:
    done, began, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        step = one()
        if not step:
            break
        done += step
    return {"done": done, "seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "errors": 0}


def _sku_ids(public_ids: tuple[str, ...] | list[str]) -> list[int]:
    from meadow.catalog import queries

    return list(queries.sku_ids(list(public_ids)).values())


def _products(number: int) -> list[int]:
    """Products that are there, each again where there are fewer."""
    from meadow.kernel import db

    found = [row["id"] for row in db.rows("SELECT id FROM catalog_product ORDER BY id LIMIT %s", [number])]
    return [product for product, _ in zip(cycle(found), range(number), strict=False)]


def _open(sku_id: int, buyer_id: int | None = None) -> Any:
    from meadow.trade import services

    return services.open_checkout(lines=[services.LineIn(sku_id, 1)], buyer_id=buyer_id)


def _confirmed(number: int) -> list[int]:
    """Orders on the eve of their release, made by the verbs themselves."""
    from meadow.accounts import queries as accounts
    from meadow.kernel import db
    from meadow.kernel.audit import Actor
    from meadow.payments import services as payments
    from meadow.trade import services

    buyer = int(db.call("SELECT id FROM accounts_person WHERE lower(email) = 'mei0@bench.test'"))
    skus = [row["id"] for row in db.rows("SELECT id FROM catalog_sku ORDER BY id LIMIT 200")]
    found = []
    for _, sku in zip(range(number), cycle(skus), strict=False):
        checkout = _open(sku, buyer)
        placed = services.place_orders(
            checkout_id=checkout.pk, address=ADDRESS, contact={"email": "bo@bench.test"}, buyer_id=buyer
        )
        for sent in payments.sandbox_pay(payment_id=placed.payments[0].pk, behaviour="succeed").notices:
            services.record_payment(payments.verify(provider="sandbox", headers=sent.headers, body=sent.body))
        order = placed.orders[0]
        keeper = Actor("person", accounts.merchant(order.merchant_id).owner_id)
        services.ship_order(order_id=order.pk, parcels=[services.ParcelIn("express", "SF", f"SF{order.pk}")], by=keeper)
        services.confirm_receipt(order_id=order.pk, by=Actor("person", buyer))
        found.append(order.pk)
    return found


if __name__ == "__main__":
    main()
