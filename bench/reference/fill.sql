-- Fills the fixed tables; :tokens, :products, :orders are given.
SET search_path = ref;
SET synchronous_commit = off;
INSERT INTO token SELECT upper(md5(n::text)), n % 5000, n, 'A product with a name of usual length ' || n, 1000 + n % 9000,
    50, now() + interval '60 days', 'active' FROM generate_series(1, :tokens) n;
INSERT INTO product SELECT n, n % 100, 'A product with a name of usual length ' || n,
    now() - n * interval '7 seconds', 'on_sale' FROM generate_series(1, :products) n;
INSERT INTO sku SELECT n, n, 1000 + n % 9000, 1000000 FROM generate_series(1, :products) n;
-- What `place` would leave behind for orders 1, 2, ..., written table by table: fifty times as quick.
INSERT INTO orders SELECT n, 'fill-' || n, n % 100000, (1 + n % :products) % 100, 'paid', s.price,
    '{"name": "A Buyer", "city": "Hangzhou", "street": "1 Meadow Road"}', now()
    FROM generate_series(1, :orders) n JOIN sku s ON s.id = 1 + n % :products;
SELECT setval('order_id', :orders);
UPDATE sku SET stock = stock - sold.times
    FROM (SELECT 1 + n % :products AS id, count(*) AS times FROM generate_series(1, :orders) n GROUP BY 1) sold
    WHERE sku.id = sold.id;
INSERT INTO line (order_id, sku, quantity, amount) SELECT id, 1 + id % :products, 1, total FROM orders;
INSERT INTO payment (order_id, amount, state) SELECT id, total, 'succeeded' FROM orders;
INSERT INTO entry (order_id, account, amount) SELECT o.id, e.account, e.amount FROM orders o CROSS JOIN LATERAL (VALUES
    (o.id % 16, -o.total), (1000000 + o.id, o.total), (100 + o.id % 16, -o.total / 10), (200 + o.id % 16, o.total / 10),
    (300 + o.id % 16, -o.total / 20), (400 + o.id % 16, o.total / 20)) AS e (account, amount);
INSERT INTO account SELECT 1000000 + id, total FROM orders;
UPDATE account SET balance = balance - paid.total
    FROM (SELECT id % 16 AS stripe, sum(total) AS total FROM orders GROUP BY 1) paid WHERE account.id = paid.stripe;
INSERT INTO outbox (subject, kind, body) SELECT 'order:' || id, 'OrderPaid',
    jsonb_build_object('order_id', id, 'total', total) FROM orders;
SELECT setval('settle_next', 1, false), setval('refund_next', 1, false);
ANALYZE;
