"""Fills an instance for measuring: shops, products, posts, tokens and stored orders, in bulk.  Run in its environment.

Prints what the load needs as one JSON object: token codes, SKU ids, an API key.
"""

import json
import os
import random
import re
import sys

SHOPS, CREATORS = 100, 100
UNCHECKED = ("payments", "orders", "lines")
TABLES = {
    "products": "catalog_product", "skus": "catalog_sku", "prices": "catalog_priceversion", "tokens": "sharing_sharetoken",
    "payments": "payments_payment", "orders": "trade_order", "lines": "trade_orderline",
}  # fmt: skip

BULK = {
    "products": """
INSERT INTO catalog_product (public_id, handle, title, description, vendor, category, tags, options, source_url, state,
    version, created_at, changed_at, shop_id)
SELECT 'prd_' || lpad(n::text, 20, '0'), 'bench-' || n, 'A product with a name of usual length ' || n,
    'What it is, in a sentence or two.', '', '', '{}', '{}', '', 'on_sale', 1, now() - n * interval '7 seconds', now(),
    (SELECT min(id) FROM catalog_shop) + n %% %(shops)s FROM generate_series(%(from)s, %(to)s) n""",
    "skus": """
INSERT INTO catalog_sku (public_id, position, code, barcode, option1, option2, option3, price_minor, price_version,
    stock, reserved, is_unlimited, is_gift, is_retired, image_url, product_id)
SELECT 'sku_' || lpad(substr(p.handle, 7), 20, '0'), 0, p.handle, '', '', '', '', 1000 + p.id %% 9000, 1, 1000000, 0,
    false, false, false, '', p.id FROM catalog_product p
WHERE p.public_id BETWEEN 'prd_' || lpad(%(from)s::text, 20, '0') AND 'prd_' || lpad(%(to)s::text, 20, '0')""",
    "prices": """
INSERT INTO catalog_priceversion (sku_id, version, price_minor, since)
SELECT id, 1, price_minor, now() FROM catalog_sku s
WHERE s.public_id BETWEEN 'sku_' || lpad(%(from)s::text, 20, '0') AND 'sku_' || lpad(%(to)s::text, 20, '0')""",
    "tokens": """
INSERT INTO sharing_sharetoken (public_id, number, target_kind, target_id, life_days, state, created_at, expires_at,
    creator_id, product_id, shop_id)
SELECT 'tok_' || lpad(n::text, 20, '0'), n * 36028797::bigint %% 36028797018963967, 'catalog.product', p.id, 60, 'active', now(),
    now() + interval '60 days', (SELECT min(id) FROM accounts_creator) + ((n - 1) / %(products)s) %% %(creators)s, p.id, p.shop_id
FROM generate_series(%(from)s, %(to)s) n
JOIN LATERAL (SELECT id, shop_id FROM catalog_product
    WHERE id = (SELECT id FROM catalog_product WHERE public_id = 'prd_' || lpad('1', 20, '0')) + (n - 1) %% %(products)s) p ON true""",
    "payments": """
INSERT INTO payments_payment (public_id, key, provider, provider_ref, state, currency, amount_minor, refunded_minor,
    cause_kind, cause_id, created_at, paid_at)
SELECT 'pay_' || lpad(n::text, 20, '0'), 'bench-' || n, 'sandbox', 'bench-' || n, 'failed', 'CNY', 2000, 0,
    'bench', n, now(), NULL FROM generate_series(%(from)s, %(to)s) n""",
    "orders": """
INSERT INTO trade_order (public_id, checkout_id, payment_id, buyer_id, shop_id, merchant_id, state, close_reason, currency,
    goods_minor, shipping_minor, total_minor, refunded_minor, contact, address, placed_at, unpaid_due_at, confirmed_by,
    closed_at)
SELECT 'ord_' || lpad(substr(p.key, 7), 20, '0'), %(checkout)s, p.id, %(buyer)s, s.id, s.merchant_id, 'closed', 'unpaid',
    'CNY', 2000, 0, 2000, 0, '{}', '{}', now(), now(), '', now()
FROM payments_payment p JOIN catalog_shop s ON s.id = (SELECT min(id) FROM catalog_shop) + p.id %% %(shops)s
WHERE p.cause_kind = 'bench' AND p.cause_id BETWEEN %(from)s AND %(to)s""",
    "lines": """
WITH fresh AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('trade_orderline', 'id')) AS line_id, o.id AS order_id, o.public_id, o.shop_id,
        k.id AS sku_id, k.product_id
    FROM trade_order o JOIN catalog_sku k ON k.id = (SELECT min(id) FROM catalog_sku) + o.id %% %(products)s
    WHERE o.public_id BETWEEN 'ord_' || lpad(%(from)s::text, 20, '0') AND 'ord_' || lpad(%(to)s::text, 20, '0')
), decided AS (
    INSERT INTO affiliate_attribution (order_line_id, order_id, click_id, plan_kind, rate_bp, goods_minor, currency, rule,
        reason, rules_version, log, decided_at, shop_id)
    SELECT line_id, order_id, '', '', 0, 2000, 'CNY', 'organic', 'no_click', 'attribution.1',
        jsonb_build_object('rules', 'attribution.1', 'at', to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'),
            'line', jsonb_build_object('line_id', line_id, 'shop_id', shop_id, 'product_id', product_id),
            'clicks', '[]'::jsonb, 'offers', '[]'::jsonb), now(), shop_id FROM fresh
    RETURNING id, order_line_id
)
INSERT INTO trade_orderline (id, public_id, order_id, kind, sku_id, product_id, title, option_text, quantity,
    shipped_quantity, unit_price_minor, amount_minor, tax_minor, rate_bp, merchant_minor, creator_minor, service_minor,
    trade_minor, refunded_minor, attribution_id)
SELECT f.line_id, 'lin_' || right(f.public_id, 20), f.order_id, 'goods', f.sku_id, f.product_id, 'A product', '', 1, 0,
    2000, 2000, 0, 0, 1900, 0, 0, 100, 0, d.id FROM fresh f JOIN decided d ON d.order_line_id = f.line_id""",
}


def main() -> None:
    """Arguments: how many products and tokens, how many orders.  Adds to what is there."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meadow.config.django_settings")
    import django

    django.setup()
    products, orders = int(sys.argv[1]), int(sys.argv[2])
    defaults()
    made = people() if not _count("accounts_creator") else {}
    grow("products", "catalog_product", products, also=["skus", "prices"])
    grow("tokens", "sharing_sharetoken", products)
    grow("payments", "payments_payment", orders, also=["orders", "lines"])
    _sql("ANALYZE", {})
    sys.stdout.write(json.dumps(made | sample(products)))


def people() -> dict[str, object]:
    """The few who sell, recommend and buy, by the services."""
    from meadow.accounts import services as accounts
    from meadow.catalog import services as catalog
    from meadow.kernel.audit import SYSTEM
    from meadow.payments import services as payments
    from meadow.plans import services as plans
    from meadow.trade.models import Checkout

    operator = accounts.add_person(email="otto@bench.test", name="Otto", locale="en")
    accounts.claim_operator(code=accounts.issue_operator_code(), person_id=operator.pk)
    ada = accounts.add_person(email="ada@bench.test", name="Ada", locale="en")
    merchant = accounts.open_merchant(person_id=ada.pk, name="Ada", kind="individual")
    payments.admit_merchant(merchant_id=merchant.pk, reason="known to the operator", by=SYSTEM)
    for n in range(SHOPS):
        shop = catalog.open_shop(merchant_id=merchant.pk, name=f"Shop {n}", currency="CNY")
        plans.set_general_plan(shop_id=shop.pk, rate_bp=2000, by=SYSTEM)
    for n in range(CREATORS):
        person = accounts.add_person(email=f"mei{n}@bench.test", name=f"Mei {n}", locale="en")
        creator = accounts.apply_as_creator(person_id=person.pk, name=f"Mei {n}", fields=["home"])
        accounts.approve_creator(creator_id=creator.pk, by=SYSTEM)
    Checkout.objects.create(lines=[], shipping={}, state="placed")
    return {}


def defaults() -> None:
    """Lets the database know the defaults that only the models know, so that a new column needs no line above."""
    from django.apps import apps
    from django.db import connection
    from psycopg import sql

    tables = set(re.findall(r"INSERT INTO (\w+)", " ".join(BULK.values())))
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.db_table not in tables:
                continue
            for field in model._meta.concrete_fields:
                is_plain = not callable(field.default) or field.default in (list, dict)
                if field.primary_key or not is_plain or not (field.has_default() or field.empty_strings_allowed):
                    continue
                value = field.get_default() if field.has_default() else ""
                if value is None or (value == "" and field.get_internal_type() not in ("CharField", "TextField")):
                    continue
                statement = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}").format(
                    sql.Identifier(model._meta.db_table), sql.Identifier(field.column),
                    sql.Literal(field.get_db_prep_value(value, connection)),
                )  # fmt: skip
                cursor.execute(statement.as_string(connection.connection))


def grow(what: str, table: str, to: int, also: list[str] | None = None) -> None:
    """Adds rows until there are so many, a hundred thousand at a time.

    Orders refer only to what these statements have just read, so no reference of theirs is looked up row by row.
    """
    have = _count(table)
    products = max(1, _count("catalog_product"))
    facts = {"shops": SHOPS, "creators": CREATORS, "products": products}
    if what == "payments":
        facts |= {
            "checkout": _value("SELECT min(id) FROM trade_checkout"),
            "buyer": _value("SELECT min(id) FROM accounts_person"),
        }
    for start in range(have + 1, to + 1, 100_000):
        for step in [what, *(also or [])]:
            role = "replica" if step in UNCHECKED else "origin"
            _sql(f"SET session_replication_role = {role}", {})
            _sql(BULK[step], facts | {"from": start, "to": min(to, start + 99_999)})
            # What comes next reads these rows, and a planner that knows nothing of them goes through them one by one.
            _sql(f"ANALYZE {TABLES[step]}", {})
    _sql("SET session_replication_role = origin", {})


def sample(products: int) -> dict[str, object]:
    """Codes of live tokens and SKUs to ask for, chosen evenly over all there are."""
    from meadow.kernel import db
    from meadow.sharing.rules.codec import code_of

    chance = random.Random(7)
    wanted = [chance.randrange(1, products + 1) for _ in range(5000)]
    tokens = db.rows(
        "SELECT number FROM sharing_sharetoken WHERE public_id = ANY(%s)", [[f"tok_{n:020d}" for n in wanted]]
    )
    return {"codes": [code_of(row["number"]) for row in tokens], "skus": [f"sku_{n:020d}" for n in wanted]}


def _sql(statement: str, facts: dict[str, object]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        # Client-side values, since a few of these statements name one value in several types.
        cursor.execute("SET synchronous_commit = off")
        cursor.execute(statement % facts if facts else statement)


def _count(table: str) -> int:
    return _value(f"SELECT count(*) FROM {table}")


def _value(statement: str) -> int:
    from meadow.kernel import db

    return int(db.call(statement) or 0)


if __name__ == "__main__":
    main()
