-- The fixed tables and functions that the limit is measured on.  They are what PostgreSQL alone must do for each
-- path and are never changed to suit the program: a worse design of ours must not lower its own bar.
DROP SCHEMA IF EXISTS ref CASCADE;
CREATE SCHEMA ref;
SET search_path = ref;

CREATE TABLE token (code text PRIMARY KEY, creator bigint, product bigint, title text, price bigint, stock int,
                    expires timestamptz, state text);
CREATE TABLE click (id bigserial PRIMARY KEY, token bigint, creator bigint, shop bigint, at timestamptz, nonce text);
CREATE TABLE product (id bigint PRIMARY KEY, shop bigint, title text, published timestamptz, state text);
CREATE INDEX product_newest ON product (published DESC, id DESC) WHERE state = 'on_sale';
CREATE TABLE sku (id bigint PRIMARY KEY, product bigint NOT NULL, price bigint NOT NULL, stock int NOT NULL,
                  reserved int NOT NULL DEFAULT 0, CHECK (stock - reserved >= 0));
CREATE INDEX sku_product ON sku (product) INCLUDE (price, stock, reserved);

CREATE TABLE account (id bigint PRIMARY KEY, balance bigint NOT NULL DEFAULT 0);
CREATE SEQUENCE order_id;
CREATE TABLE orders (id bigint PRIMARY KEY, key text UNIQUE NOT NULL, buyer bigint, shop bigint, state text NOT NULL,
                     total bigint NOT NULL, address jsonb, placed timestamptz);
CREATE TABLE line (id bigserial PRIMARY KEY, order_id bigint NOT NULL, sku bigint, quantity int, amount bigint);
CREATE INDEX line_order ON line (order_id);
CREATE TABLE payment (id bigserial PRIMARY KEY, order_id bigint NOT NULL UNIQUE, amount bigint, state text);
CREATE TABLE entry (id bigserial PRIMARY KEY, order_id bigint NOT NULL, account bigint NOT NULL, amount bigint NOT NULL);
CREATE INDEX entry_order ON entry (order_id);
CREATE TABLE outbox (id bigserial PRIMARY KEY, subject text, kind text, body jsonb);
CREATE TABLE post (id bigserial PRIMARY KEY, creator bigint, text text, at timestamptz);
CREATE TABLE post_item (id bigserial PRIMARY KEY, post bigint NOT NULL, product bigint, reason text);
CREATE INDEX post_item_post ON post_item (post);
CREATE TABLE judged (id bigserial PRIMARY KEY, kind text, subject bigint, actor bigint, features text, outcome text,
                     fired bigint[], at timestamptz);
CREATE INDEX judged_kind ON judged (kind, at);
CREATE INDEX judged_actor ON judged (actor, at);
CREATE SEQUENCE settle_next;
CREATE SEQUENCE refund_next;

-- One order, placed and its payment held: stock, order, line, payment, six entries on striped system accounts,
-- balances and an event, in one call.
CREATE FUNCTION place(p_key text, p_sku bigint, p_buyer bigint, p_quantity int) RETURNS bigint
LANGUAGE plpgsql SET search_path = ref SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_order bigint := nextval('order_id');
    v_price bigint;
    v_shop bigint := p_sku % 100;
    v_total bigint;
    v_stripe bigint := v_order % 16;
BEGIN
    UPDATE sku SET stock = stock - p_quantity WHERE id = p_sku AND stock - reserved >= p_quantity
        RETURNING price INTO v_price;
    IF v_price IS NULL THEN RETURN 0; END IF;
    v_total := v_price * p_quantity;
    INSERT INTO orders VALUES (v_order, p_key, p_buyer, v_shop, 'paid', v_total,
        '{"name": "A Buyer", "city": "Hangzhou", "street": "1 Meadow Road"}', now());
    INSERT INTO line (order_id, sku, quantity, amount) VALUES (v_order, p_sku, p_quantity, v_total);
    INSERT INTO payment (order_id, amount, state) VALUES (v_order, v_total, 'succeeded');
    INSERT INTO entry (order_id, account, amount) VALUES
        (v_order, v_stripe, -v_total), (v_order, 1000000 + v_order, v_total),
        (v_order, 100 + v_stripe, -v_total / 10), (v_order, 200 + v_stripe, v_total / 10),
        (v_order, 300 + v_stripe, -v_total / 20), (v_order, 400 + v_stripe, v_total / 20);
    INSERT INTO account VALUES (1000000 + v_order, v_total);
    UPDATE account SET balance = balance - v_total WHERE id = v_stripe;
    INSERT INTO outbox (subject, kind, body) VALUES
        ('order:' || v_order, 'OrderPaid', jsonb_build_object('order_id', v_order, 'total', v_total));
    RETURN v_order;
END $$;

-- One order settled: escrow to merchant, creator and two striped platform accounts; state and event.
CREATE FUNCTION settle(p_order bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = ref SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_total bigint;
    v_shop bigint;
    v_fee bigint;
    v_commission bigint;
    v_merchant bigint;
BEGIN
    UPDATE orders SET state = 'settled' WHERE id = p_order AND state = 'paid' RETURNING total, shop INTO v_total, v_shop;
    IF v_total IS NULL THEN RETURN 0; END IF;
    v_fee := v_total / 20; v_commission := v_total / 10; v_merchant := v_total - v_fee - v_commission;
    INSERT INTO entry (order_id, account, amount) VALUES
        (p_order, 1000000 + p_order, -v_total), (p_order, 500 + v_shop, v_merchant),
        (p_order, 700 + v_shop, v_commission), (p_order, 100 + p_order % 16, v_fee);
    UPDATE account SET balance = 0 WHERE id = 1000000 + p_order;
    UPDATE account SET balance = balance + v_commission WHERE id = 700 + v_shop;
    UPDATE account SET balance = balance + v_merchant WHERE id = 500 + v_shop;
    INSERT INTO outbox (subject, kind, body) VALUES
        ('order:' || p_order, 'OrderSettled', jsonb_build_object('order_id', p_order));
    RETURN v_total;
END $$;

INSERT INTO account (id) SELECT n FROM generate_series(0, 900) n;
