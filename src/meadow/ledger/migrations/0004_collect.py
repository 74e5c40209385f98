"""The SQL functions around posting: collecting from parties, holds, netting, corrections, balances and snapshots."""

from django.db import migrations

COLLECT = r"""
-- How much the platform may lend: the floor of its advance.  A limit below what is lent already stops at that.
CREATE FUNCTION ledger_set_advance_limit(p_currency text, p_limit bigint) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM ledger_lock(ARRAY['platform:advance'], ARRAY[p_currency]);
    UPDATE ledger_account SET floor_minor = least(-p_limit, balance_minor)
    WHERE name = 'platform:advance' AND currency = p_currency
      AND floor_minor IS DISTINCT FROM least(-p_limit, balance_minor);
END $$;

-- Takes up to p_amount out of the open holds of one cause on an account whose row the caller has locked.
CREATE FUNCTION ledger_use_holds(
    p_account bigint, p_cause_kind text, p_cause_id text, p_amount bigint, p_at timestamptz
) RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_used bigint;
BEGIN
    WITH part AS (
        SELECT h.id, h.remaining_minor, least(h.remaining_minor, greatest(p_amount - coalesce(sum(h.remaining_minor)
                   OVER (ORDER BY h.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0), 0))::bigint AS used
        FROM ledger_hold h
        WHERE h.account_id = p_account AND h.cause_kind = p_cause_kind AND h.cause_id = p_cause_id AND h.state = 'open'
    ), done AS (
        UPDATE ledger_hold h SET remaining_minor = h.remaining_minor - p.used,
            state = CASE WHEN p.used = p.remaining_minor THEN 'consumed' ELSE 'open' END,
            closed_at = CASE WHEN p.used = p.remaining_minor THEN p_at END
        FROM part p WHERE h.id = p.id AND p.used > 0 RETURNING p.used
    )
    SELECT coalesce(sum(used), 0)::bigint INTO v_used FROM done;
    IF v_used > 0 THEN
        UPDATE ledger_account SET held_minor = held_minor - v_used WHERE id = p_account;
    END IF;
    RETURN v_used;
END $$;

-- Takes an amount from each party into p_target: first the party's own hold of the cause (p_hold_kind, p_hold_id),
-- then what it has free, never what is held for another cause; the platform advances the rest, which the party then
-- owes (settled questions 6 and 7).  p_sources give their amounts as they are.
-- Answers {posting}, or {refused, left_minor} with nothing written when the advance does not reach.
CREATE FUNCTION ledger_collect(
    p_key text, p_cause_kind text, p_cause_id text, p_kind text, p_note text, p_at timestamptz,
    p_target text, p_currency text, p_hold_kind text, p_hold_id text,
    p_parties text[], p_amounts bigint[], p_sources text[], p_source_amounts bigint[], p_limit bigint
) RETURNS jsonb LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_hash bytea;
    v_posting ledger_posting;
    v_party record;
    v_names text[];
    v_from text[] := '{}';
    v_to text[] := '{}';
    v_moved bigint[] := '{}';
    v_short bigint := 0;
    v_left bigint;
    v_used bigint;
BEGIN
    v_hash := sha256(convert_to(jsonb_build_array(p_cause_kind, p_cause_id, p_kind, p_note::jsonb, p_target, p_currency,
        p_hold_kind, p_hold_id, p_parties, p_amounts, p_sources, p_source_amounts)::text, 'UTF8'));
    SELECT array_agg(party || ':available') INTO v_names FROM unnest(p_parties) AS party;
    v_names := v_names || p_target || p_sources;
    PERFORM ledger_lock(v_names, array_fill(p_currency, ARRAY[cardinality(v_names)]));

    SELECT * INTO v_posting FROM ledger_posting WHERE key = p_key;
    IF FOUND THEN
        IF v_posting.inputs_hash <> v_hash THEN
            RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'posting_mismatch',
                DETAIL = jsonb_build_object('key', p_key);
        END IF;
        RETURN jsonb_build_object('posting', v_posting.id);
    END IF;

    -- Look first: what each has free once its own hold is used, and what is then missing.
    FOR v_party IN
        SELECT a.id, u.party, u.amount,
               least(u.amount, a.balance_minor - a.held_minor + coalesce((
                   SELECT sum(h.remaining_minor) FROM ledger_hold h
                   WHERE h.account_id = a.id AND h.cause_kind = p_hold_kind AND h.cause_id = p_hold_id
                     AND h.state = 'open'), 0))::bigint AS covered
        FROM unnest(p_parties, p_amounts) WITH ORDINALITY AS u(party, amount, n)
        JOIN ledger_account a ON a.name = u.party || ':available' AND a.currency = p_currency
        ORDER BY u.n
    LOOP
        IF v_party.covered > 0 THEN
            v_from := v_from || (v_party.party || ':available'); v_to := v_to || p_target;
            v_moved := v_moved || v_party.covered;
        END IF;
        IF v_party.covered < v_party.amount THEN
            v_from := v_from || ARRAY['platform:advance', v_party.party || ':receivable'];
            v_to := v_to || ARRAY[p_target, 'platform:claims'];
            v_moved := v_moved || ARRAY[v_party.amount - v_party.covered, v_party.amount - v_party.covered];
            v_short := v_short + v_party.amount - v_party.covered;
        END IF;
    END LOOP;
    IF v_short > 0 THEN
        PERFORM ledger_set_advance_limit(p_currency, p_limit);
        SELECT balance_minor - floor_minor INTO v_left FROM ledger_account
        WHERE name = 'platform:advance' AND currency = p_currency;
        IF v_left < v_short THEN
            RETURN jsonb_build_object('refused', 'advance_exhausted', 'left_minor', v_left);
        END IF;
    END IF;

    FOR v_party IN
        SELECT a.id, u.amount FROM unnest(p_parties, p_amounts) WITH ORDINALITY AS u(party, amount, n)
        JOIN ledger_account a ON a.name = u.party || ':available' AND a.currency = p_currency ORDER BY u.n
    LOOP
        v_used := ledger_use_holds(v_party.id, p_hold_kind, p_hold_id, v_party.amount, p_at);
    END LOOP;
    v_from := v_from || p_sources;
    v_to := v_to || array_fill(p_target, ARRAY[cardinality(p_sources)]);
    v_moved := v_moved || p_source_amounts;
    RETURN jsonb_build_object('posting', ledger_post(p_key, p_cause_kind, p_cause_id, p_kind, p_note, p_at,
        v_from, v_to, array_fill(p_currency, ARRAY[cardinality(v_from)]), v_moved, p_hash => v_hash));
END $$;

-- Pays what a party owes out of what it has free; returns what was paid.
CREATE FUNCTION ledger_net(p_key text, p_party text, p_currency text, p_at timestamptz)
RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_paid bigint;
BEGIN
    PERFORM ledger_lock(ARRAY[p_party || ':available'], ARRAY[p_currency]);
    SELECT least(a.balance_minor - a.held_minor, -r.balance_minor) INTO v_paid
    FROM ledger_account a JOIN ledger_account r ON r.name = p_party || ':receivable' AND r.currency = a.currency
    WHERE a.name = p_party || ':available' AND a.currency = p_currency;
    IF coalesce(v_paid, 0) <= 0 THEN
        RETURN 0;
    END IF;
    PERFORM ledger_post(p_key, 'ledger.receivable', p_party, 'net', NULL, p_at,
        ARRAY[p_party || ':available', 'platform:claims'], ARRAY['platform:advance', p_party || ':receivable'],
        ARRAY[p_currency, p_currency], ARRAY[v_paid, v_paid]);
    RETURN v_paid;
END $$;
"""

HOLDS = r"""
-- Sets money of an account apart.  Refuses: insufficient_funds, posting_mismatch.
CREATE FUNCTION ledger_place_hold(
    p_key text, p_account text, p_currency text, p_amount bigint, p_cause_kind text, p_cause_id text,
    p_until timestamptz, p_at timestamptz
) RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_account ledger_account;
    v_hold ledger_hold;
BEGIN
    PERFORM ledger_lock(ARRAY[p_account], ARRAY[p_currency]);
    SELECT * INTO v_account FROM ledger_account WHERE name = p_account AND currency = p_currency;
    SELECT * INTO v_hold FROM ledger_hold WHERE key = p_key;
    IF FOUND THEN
        IF (v_hold.account_id, v_hold.amount_minor, v_hold.cause_kind, v_hold.cause_id)
           <> (v_account.id, p_amount, p_cause_kind, p_cause_id) THEN
            RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'posting_mismatch',
                DETAIL = jsonb_build_object('key', p_key);
        END IF;
        RETURN v_hold.id;
    END IF;
    IF v_account.floor_minor IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'MD422', MESSAGE = 'account_unknown',
            DETAIL = jsonb_build_object('account', p_account);
    END IF;
    IF v_account.balance_minor - v_account.held_minor - v_account.floor_minor < p_amount THEN
        RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'insufficient_funds', DETAIL = jsonb_build_object(
            'account', p_account, 'available_minor',
            v_account.balance_minor - v_account.held_minor - v_account.floor_minor);
    END IF;
    UPDATE ledger_account SET held_minor = held_minor + p_amount WHERE id = v_account.id;
    INSERT INTO ledger_hold (key, account_id, amount_minor, remaining_minor, cause_kind, cause_id, state, placed_at, until)
    VALUES (p_key, v_account.id, p_amount, p_amount, p_cause_kind, p_cause_id, 'open', p_at, p_until)
    RETURNING * INTO v_hold;
    RETURN v_hold.id;
END $$;

-- Ends open holds as 'released' or 'expired' and frees their money; returns how many this call ended.  The accounts
-- are locked before the holds, like everywhere, so two sweeps and a refund meet there and each hold ends once.
-- An expired hold's due time is its end; what is free then pays the party's receivable first.
CREATE FUNCTION ledger_end_holds(p_holds bigint[], p_state text, p_at timestamptz) RETURNS int LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_freed record;
    v_ended int := 0;
BEGIN
    PERFORM FROM ledger_account a WHERE a.id IN (SELECT h.account_id FROM ledger_hold h WHERE h.id = ANY (p_holds))
    ORDER BY a.lock_rank, a.id FOR NO KEY UPDATE;
    FOR v_freed IN
        WITH ended AS (
            UPDATE ledger_hold SET state = p_state, closed_at = CASE p_state WHEN 'expired' THEN until ELSE p_at END
            WHERE id = ANY (p_holds) AND state = 'open' AND (p_state <> 'expired' OR until <= p_at)
            RETURNING id, account_id, remaining_minor, until
        ), freed AS (
            SELECT account_id, sum(remaining_minor)::bigint AS minor, max(id) AS hold_id, count(*)::int AS holds,
                   CASE p_state WHEN 'expired' THEN max(until) ELSE p_at END AS at
            FROM ended GROUP BY account_id
        )
        UPDATE ledger_account a SET held_minor = a.held_minor - f.minor FROM freed f WHERE a.id = f.account_id
        RETURNING a.name, a.currency, f.hold_id, f.holds, f.at
    LOOP
        v_ended := v_ended + v_freed.holds;
        IF v_freed.name LIKE '%:available' THEN
            PERFORM ledger_net('net:hold:' || v_freed.hold_id, replace(v_freed.name, ':available', ''),
                v_freed.currency, v_freed.at);
        END IF;
    END LOOP;
    RETURN v_ended;
END $$;

-- Pays a part of a hold to another account.  Refuses: insufficient_funds, stale_state, not_found, posting_mismatch.
CREATE FUNCTION ledger_consume_hold(
    p_key text, p_hold bigint, p_target text, p_amount bigint, p_kind text, p_note text, p_at timestamptz
) RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_account ledger_account;
    v_hold ledger_hold;
BEGIN
    SELECT a.* INTO v_account FROM ledger_hold h JOIN ledger_account a ON a.id = h.account_id WHERE h.id = p_hold;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'MD404', MESSAGE = 'not_found';
    END IF;
    PERFORM ledger_lock(ARRAY[v_account.name, p_target], ARRAY[v_account.currency, v_account.currency]);
    SELECT * INTO v_hold FROM ledger_hold WHERE id = p_hold;
    IF NOT EXISTS (SELECT FROM ledger_posting WHERE key = p_key) THEN
        IF v_hold.state <> 'open' THEN
            RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'stale_state',
                DETAIL = jsonb_build_object('state', v_hold.state, 'event', 'consume');
        END IF;
        IF v_hold.remaining_minor < p_amount THEN
            RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'insufficient_funds', DETAIL = jsonb_build_object(
                'account', v_account.name, 'available_minor', v_hold.remaining_minor);
        END IF;
        UPDATE ledger_hold SET remaining_minor = remaining_minor - p_amount,
            state = CASE WHEN remaining_minor = p_amount THEN 'consumed' ELSE 'open' END,
            closed_at = CASE WHEN remaining_minor = p_amount THEN p_at END
        WHERE id = p_hold;
        UPDATE ledger_account SET held_minor = held_minor - p_amount WHERE id = v_account.id;
    END IF;
    RETURN ledger_post(p_key, v_hold.cause_kind, v_hold.cause_id, p_kind, p_note, p_at,
        ARRAY[v_account.name::text], ARRAY[p_target], ARRAY[v_account.currency::text], ARRAY[p_amount]);
END $$;

-- Corrects a posting: every transfer goes back, in a posting of its own that names the first.  What the posting had
-- set apart is set free for it.  Refuses: not_found, already_reversed, insufficient_funds.
CREATE FUNCTION ledger_reverse(p_key text, p_posting bigint, p_note text, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_posting ledger_posting;
    v_sources text[];
    v_targets text[];
    v_currencies text[];
    v_amounts bigint[];
BEGIN
    SELECT * INTO v_posting FROM ledger_posting WHERE id = p_posting FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'MD404', MESSAGE = 'not_found';
    END IF;
    IF EXISTS (SELECT FROM ledger_posting WHERE reverses_id = p_posting AND key <> p_key) THEN
        RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'already_reversed',
            DETAIL = jsonb_build_object('posting_id', p_posting);
    END IF;
    SELECT array_agg(g.name::text ORDER BY t.id DESC), array_agg(s.name::text ORDER BY t.id DESC),
           array_agg(t.currency::text ORDER BY t.id DESC), array_agg(t.amount_minor ORDER BY t.id DESC)
    INTO v_sources, v_targets, v_currencies, v_amounts
    FROM ledger_transfer t JOIN ledger_account s ON s.id = t.source_id JOIN ledger_account g ON g.id = t.target_id
    WHERE t.posting_id = p_posting;
    PERFORM ledger_lock(v_sources || v_targets, v_currencies || v_currencies);
    WITH freed AS (
        UPDATE ledger_hold SET state = 'released', closed_at = p_at
        WHERE starts_with(key, v_posting.key || '#') AND state = 'open'
          AND cause_kind = v_posting.cause_kind AND cause_id = v_posting.cause_id
        RETURNING account_id, remaining_minor
    )
    UPDATE ledger_account a SET held_minor = a.held_minor - f.minor
    FROM (SELECT account_id, sum(remaining_minor)::bigint AS minor FROM freed GROUP BY account_id) f
    WHERE a.id = f.account_id;
    RETURN ledger_post(p_key, v_posting.cause_kind, v_posting.cause_id, 'reverse', p_note, p_at,
        v_sources, v_targets, v_currencies, v_amounts, p_reverses => p_posting);
END $$;
"""

SUMS = r"""
-- The balance of an account; one that keeps none is summed from its snapshot and the transfers since.
CREATE FUNCTION ledger_balance(p_name text, p_currency text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce((
        SELECT coalesce(a.balance_minor, (
            coalesce((SELECT s.balance_minor FROM ledger_snapshot s WHERE s.account_id = a.id), 0)
            + coalesce((SELECT sum(t.amount_minor) FROM ledger_transfer t WHERE t.target_id = a.id AND t.id > w.upto), 0)
            - coalesce((SELECT sum(t.amount_minor) FROM ledger_transfer t WHERE t.source_id = a.id AND t.id > w.upto), 0)
        )::bigint)
        FROM ledger_account a
        CROSS JOIN (SELECT coalesce(max(upto_id), 0) AS upto FROM ledger_watermark) w
        WHERE a.name = p_name AND a.currency = p_currency
    ), 0);
$$;

-- Moves the snapshots of the system accounts up to the mark drawn last time, once nothing below it can still appear,
-- and draws the next mark.  Ids are drawn before commit, so a mark alone would miss what commits late: the fence is a
-- transaction id taken after the mark was read, hence above that of everyone who drew an id up to it.  A transaction
-- that has its id already cannot draw a fence, so such a caller draws no mark.
CREATE FUNCTION ledger_take_snapshot(p_at timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_mark ledger_watermark;
    v_last bigint := 0;
    v_fence bigint := 0;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NULL THEN
        v_last := coalesce(pg_sequence_last_value(pg_get_serial_sequence('ledger_transfer', 'id')::regclass), 0);
        v_fence := pg_current_xact_id()::text::bigint;
    END IF;
    INSERT INTO ledger_watermark (id, upto_id, next_id, fence) VALUES (1, 0, 0, 0) ON CONFLICT DO NOTHING;
    SELECT * INTO v_mark FROM ledger_watermark WHERE id = 1 FOR UPDATE;
    -- Whoever drew an id holds a lock on the table until the end, which everybody may see, of this database only:
    -- a long transaction elsewhere on the server, a backup for one, delays nothing.
    IF EXISTS (
        SELECT FROM pg_locks r
        JOIN pg_locks x ON x.virtualtransaction = r.virtualtransaction AND x.locktype = 'transactionid'
             AND x.mode = 'ExclusiveLock'
        WHERE r.locktype = 'relation' AND r.relation = 'ledger_transfer'::regclass AND r.mode = 'RowExclusiveLock'
          AND r.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND age(x.transactionid) > age(v_mark.fence::text::xid8::xid)
    ) THEN
        RETURN v_mark.upto_id;
    END IF;
    INSERT INTO ledger_snapshot AS s (account_id, balance_minor)
    SELECT a.id, sum(d.minor)::bigint
    FROM (
        SELECT target_id AS id, amount_minor AS minor FROM ledger_transfer
        WHERE id > v_mark.upto_id AND id <= v_mark.next_id
        UNION ALL
        SELECT source_id, -amount_minor FROM ledger_transfer WHERE id > v_mark.upto_id AND id <= v_mark.next_id
    ) d JOIN ledger_account a ON a.id = d.id AND a.balance_minor IS NULL
    GROUP BY a.id
    ON CONFLICT (account_id) DO UPDATE SET balance_minor = s.balance_minor + excluded.balance_minor;
    UPDATE ledger_watermark SET upto_id = v_mark.next_id, taken_at = p_at,
        next_id = greatest(v_last, v_mark.next_id),
        fence = CASE WHEN v_last > v_mark.next_id THEN v_fence ELSE v_mark.fence END
    WHERE id = 1;
    RETURN v_mark.next_id;
END $$;
"""

BACKWARDS = """
DROP FUNCTION ledger_take_snapshot;
DROP FUNCTION ledger_balance;
DROP FUNCTION ledger_reverse;
DROP FUNCTION ledger_consume_hold;
DROP FUNCTION ledger_end_holds;
DROP FUNCTION ledger_place_hold;
DROP FUNCTION ledger_net;
DROP FUNCTION ledger_collect;
DROP FUNCTION ledger_use_holds;
DROP FUNCTION ledger_set_advance_limit;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_post")]
    operations = [migrations.RunSQL(COLLECT + HOLDS + SUMS, BACKWARDS)]
