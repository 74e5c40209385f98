BEGIN;
INSERT INTO ref.outbox (subject, kind, body) SELECT 'order:' || n, 'OrderPaid', '{"order_id": 1, "total": 2}' FROM generate_series(1, 50) n;
DELETE FROM ref.outbox WHERE id IN (SELECT id FROM ref.outbox ORDER BY id LIMIT 50 FOR UPDATE SKIP LOCKED);
COMMIT;
