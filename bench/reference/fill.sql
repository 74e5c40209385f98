-- Fills the fixed tables; :tokens, :products, :orders are given.
SET search_path = ref;
SET synchronous_commit = off;
INSERT INTO token SELECT upper(md5(n::text)), n % 5000, n, 'A product with a name of usual length ' || n, 1000 + n % 9000,
    50, now() + interval '60 days', 'active' FROM generate_series(1, :tokens) n;
INSERT INTO product SELECT n, n % 100, 'A product with a name of usual length ' || n,
    now() - n * interval '7 seconds', 'on_sale' FROM generate_series(1, :products) n;
INSERT INTO sku SELECT n, n, 1000 + n % 9000, 1000000 FROM generate_series(1, :products) n;
SELECT count(place('fill-' || n, 1 + n % :products, n % 100000, 1)) FROM generate_series(1, :orders) n;
SELECT setval('settle_next', 1, false), setval('refund_next', 1, false);
ANALYZE;
