"""The SQL functions that move money: one call posts any number of postings, set-based, or refuses before it writes."""

from django.db import migrations

ACCOUNTS = r"""
-- What a name means: the order in which it is locked, and its limits.  An account with neither floor nor ceiling is
-- a system account and keeps no balance.
CREATE FUNCTION ledger_terms(p_name text, OUT lock_rank smallint, OUT kept boolean, OUT low bigint, OUT high bigint)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF p_name ~ '^(escrow|refund|payout):[A-Za-z0-9_]{1,64}$' THEN
        lock_rank := 0; kept := true; low := 0;
    ELSIF p_name ~ '^(merchant|creator):[1-9][0-9]{0,18}:(available|held)$' THEN
        lock_rank := 1; kept := true; low := 0;
    ELSIF p_name ~ '^(merchant|creator):[1-9][0-9]{0,18}:receivable$' THEN
        lock_rank := 1; kept := true; high := 0;
    ELSIF p_name = 'platform:advance' THEN
        lock_rank := 2; kept := true; low := 0;
    ELSIF p_name ~ '^(psp:[a-z0-9_]{1,32}|platform:(trade_fee|service_fee|provider_cost|claims))$' THEN
        lock_rank := 3; kept := false;
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'MD422', MESSAGE = 'account_unknown',
            DETAIL = jsonb_build_object('account', p_name);
    END IF;
END $$;

-- Opens accounts on first use.  In name order, so that two who open the same ones do not wait for each other crosswise.
CREATE FUNCTION ledger_open(p_names text[], p_currencies text[]) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM unnest(p_names, p_currencies) AS u(name, currency)
        WHERE NOT EXISTS (SELECT FROM ledger_account a WHERE a.name = u.name AND a.currency = u.currency)
    ) THEN
        RETURN;
    END IF;
    INSERT INTO ledger_account (name, currency, lock_rank, balance_minor, held_minor, floor_minor, ceiling_minor)
    SELECT w.name, w.currency, t.lock_rank, CASE WHEN t.kept THEN 0 END, CASE WHEN t.kept THEN 0 END, t.low, t.high
    FROM (
        SELECT DISTINCT u.name, u.currency FROM unnest(p_names, p_currencies) AS u(name, currency)
        WHERE NOT EXISTS (SELECT FROM ledger_account a WHERE a.name = u.name AND a.currency = u.currency)
        ORDER BY u.name, u.currency
    ) w CROSS JOIN LATERAL ledger_terms(w.name) t
    ON CONFLICT (name, currency) DO NOTHING;
END $$;

-- Opens and locks accounts, in one order everywhere: rank, then id.  System accounts are not locked.  A receivable is
-- guarded by the available account of its party, so whoever names it takes that lock first.
CREATE FUNCTION ledger_lock(p_names text[], p_currencies text[]) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    PERFORM ledger_open(p_names, p_currencies);
    IF array_to_string(p_names, ' ') LIKE '%:receivable%' THEN
        SELECT p_names || array_agg(replace(u.name, ':receivable', ':available')), p_currencies || array_agg(u.currency)
        INTO p_names, p_currencies
        FROM unnest(p_names, p_currencies) AS u(name, currency) WHERE u.name LIKE '%:receivable';
        PERFORM ledger_open(p_names, p_currencies);
    END IF;
    PERFORM FROM ledger_account a
    WHERE (a.name, a.currency) IN (SELECT u.name, u.currency FROM unnest(p_names, p_currencies) AS u(name, currency))
      AND a.balance_minor IS NOT NULL AND a.name NOT LIKE '%:receivable'
    ORDER BY a.lock_rank, a.id FOR NO KEY UPDATE;
END $$;
"""

POST = r"""
-- Posts several postings at once; returns their ids in the order given.  A key that was posted before answers with
-- its posting, if the inputs are the same: if their hashes are, which the caller may have made.  Times are no inputs,
-- since a retry may come later.  Plans are kept for the arrays of any length and never scan a table, so a plan made
-- while the tables were small does no harm when they have grown.
--
-- Legs belong to the posting at position p_of.  A credit to an available account first pays the party's receivable
-- (a reversal does not); p_until sets what is left of the credit apart until then, with the posting's cause.
-- Refuses: posting_mismatch, insufficient_funds, account_unknown.
CREATE FUNCTION ledger_post_batch(
    p_keys text[], p_cause_kinds text[], p_cause_ids text[], p_kinds text[], p_notes text[], p_ats timestamptz[],
    p_reverses bigint[], p_hashes bytea[],
    p_of int[], p_sources text[], p_targets text[], p_currencies text[], p_amounts bigint[], p_untils timestamptz[]
) RETURNS bigint[] LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v_fresh text[];
    v_ids bigint[];
    v_wrong text;
    v_paid bigint[];
    v_accounts bigint[];
    v_deltas bigint[];
    v_helds bigint[];
    v_short jsonb;
BEGIN
    IF p_hashes IS NULL THEN
        SELECT array_agg(sha256(convert_to(jsonb_build_array(
                   k.cause_kind, k.cause_id, k.kind, p_reverses[k.n], p_notes[k.n]::jsonb, l.legs)::text, 'UTF8'
               )) ORDER BY k.n)
        INTO p_hashes
        FROM unnest(p_cause_kinds, p_cause_ids, p_kinds) WITH ORDINALITY AS k(cause_kind, cause_id, kind, n)
        LEFT JOIN (
            SELECT u.part, array_agg(concat_ws(' ', u.source, u.target, u.currency, u.amount) ORDER BY u.n) AS legs
            FROM unnest(p_of, p_sources, p_targets, p_currencies, p_amounts)
                 WITH ORDINALITY AS u(part, source, target, currency, amount, n)
            GROUP BY u.part
        ) l ON l.part = k.n;
    END IF;

    WITH fresh AS (
        INSERT INTO ledger_posting (key, inputs_hash, cause_kind, cause_id, kind, note, at, reverses_id)
        SELECT u.key, u.hash, u.cause_kind, u.cause_id, u.kind, u.note::jsonb, u.at, u.reverses
        FROM unnest(p_keys, p_hashes, p_cause_kinds, p_cause_ids, p_kinds, p_notes, p_ats, p_reverses)
             AS u(key, hash, cause_kind, cause_id, kind, note, at, reverses)
        ORDER BY u.key
        ON CONFLICT (key) DO NOTHING RETURNING key
    )
    SELECT array_agg(key) INTO v_fresh FROM fresh;

    SELECT array_agg(p.id ORDER BY u.n), min(u.key) FILTER (WHERE p.inputs_hash <> u.hash)
    INTO v_ids, v_wrong
    FROM unnest(p_keys, p_hashes) WITH ORDINALITY AS u(key, hash, n) JOIN ledger_posting p ON p.key = u.key;
    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'posting_mismatch',
            DETAIL = jsonb_build_object('key', v_wrong);
    END IF;
    IF v_fresh IS NULL THEN
        RETURN v_ids;
    END IF;
    IF array_length(v_fresh, 1) < array_length(p_keys, 1) THEN
        -- Part of the batch was posted before: only the legs of the fresh postings move money.
        SELECT array_agg(u.part ORDER BY u.n), array_agg(u.source ORDER BY u.n), array_agg(u.target ORDER BY u.n),
               array_agg(u.currency ORDER BY u.n), array_agg(u.amount ORDER BY u.n), array_agg(u.until ORDER BY u.n)
        INTO p_of, p_sources, p_targets, p_currencies, p_amounts, p_untils
        FROM unnest(p_of, p_sources, p_targets, p_currencies, p_amounts, p_untils)
             WITH ORDINALITY AS u(part, source, target, currency, amount, until, n)
        WHERE p_keys[u.part] = ANY (v_fresh);
    END IF;
    IF coalesce(cardinality(p_of), 0) = 0 THEN
        RETURN v_ids;
    END IF;

    PERFORM ledger_lock(p_sources || p_targets, p_currencies || p_currencies);

    -- What each credit pays of its party's receivable.  Read after the lock that guards it, in a newer snapshot.
    IF EXISTS (
        SELECT FROM unnest(p_targets, p_currencies) AS u(target, currency)
        JOIN ledger_account r ON r.name = replace(u.target, ':available', ':receivable')
             AND r.currency = u.currency AND r.balance_minor < 0
        WHERE u.target LIKE '%:available'
    ) THEN
        SELECT array_agg(least(s.amount, greatest(s.owed - s.before, 0)) ORDER BY s.n)
        INTO v_paid
        FROM (
            SELECT u.n, u.amount,
                   CASE WHEN p_reverses[u.part] IS NULL THEN coalesce(-r.balance_minor, 0) ELSE 0 END AS owed,
                   coalesce(sum(CASE WHEN p_reverses[u.part] IS NULL THEN u.amount ELSE 0 END) OVER (
                       PARTITION BY u.target, u.currency ORDER BY u.n
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint AS before
            FROM unnest(p_of, p_targets, p_currencies, p_amounts)
                 WITH ORDINALITY AS u(part, target, currency, amount, n)
            LEFT JOIN ledger_account r ON u.target LIKE '%:available'
                 AND r.name = replace(u.target, ':available', ':receivable') AND r.currency = u.currency
        ) s;
        PERFORM ledger_lock(array_agg('platform:advance'::text), array_agg(u.currency)),
                ledger_open(array_agg('platform:claims'::text), array_agg(u.currency))
        FROM (SELECT DISTINCT c AS currency FROM unnest(p_currencies, v_paid) AS x(c, paid) WHERE x.paid > 0) u;
        -- The netting becomes legs like any other; they credit no available account, so it ends here.
        SELECT p_of || array_agg(x.part ORDER BY x.n, x.m), p_sources || array_agg(x.source ORDER BY x.n, x.m),
               p_targets || array_agg(x.target ORDER BY x.n, x.m),
               p_currencies || array_agg(x.currency ORDER BY x.n, x.m), p_amounts || array_agg(x.paid ORDER BY x.n, x.m)
        INTO p_of, p_sources, p_targets, p_currencies, p_amounts
        FROM (
            SELECT u.n, s.m, u.part, u.currency, u.paid,
                   CASE s.m WHEN 1 THEN u.target ELSE 'platform:claims' END AS source,
                   CASE s.m WHEN 1 THEN 'platform:advance' ELSE replace(u.target, ':available', ':receivable') END
                       AS target
            FROM unnest(p_of, p_targets, p_currencies, v_paid) WITH ORDINALITY AS u(part, target, currency, paid, n)
            CROSS JOIN (VALUES (1), (2)) AS s(m)
            WHERE u.paid > 0
        ) x;
    END IF;

    -- Look first: what each account with a balance gains, loses and sets apart, and whether any falls below its floor.
    SELECT array_agg(a.id ORDER BY a.lock_rank, a.id), array_agg(d.delta ORDER BY a.lock_rank, a.id),
           array_agg(d.held ORDER BY a.lock_rank, a.id),
           min(jsonb_build_object('account', a.name, 'available_minor', a.balance_minor - a.held_minor - a.floor_minor)
               ::text) FILTER (WHERE a.balance_minor + d.delta - a.held_minor - d.held < a.floor_minor)
    INTO v_accounts, v_deltas, v_helds, v_short
    FROM (
        SELECT x.name, x.currency, sum(x.delta)::bigint AS delta, sum(x.held)::bigint AS held
        FROM (
            SELECT u.source AS name, u.currency, -u.amount AS delta, 0::bigint AS held
            FROM unnest(p_sources, p_currencies, p_amounts) AS u(source, currency, amount)
            UNION ALL
            SELECT u.target, u.currency, u.amount,
                   CASE WHEN u.until IS NULL THEN 0 ELSE u.amount - coalesce(u.paid, 0) END
            FROM unnest(p_targets, p_currencies, p_amounts, p_untils, v_paid) AS u(target, currency, amount, until, paid)
        ) x GROUP BY x.name, x.currency
    ) d JOIN ledger_account a ON a.name = d.name AND a.currency = d.currency AND a.balance_minor IS NOT NULL;
    IF v_short IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'insufficient_funds', DETAIL = v_short;
    END IF;

    UPDATE ledger_account a SET balance_minor = a.balance_minor + u.delta, held_minor = a.held_minor + u.held
    FROM unnest(v_accounts, v_deltas, v_helds) AS u(id, delta, held) WHERE a.id = u.id;

    INSERT INTO ledger_transfer (posting_id, source_id, target_id, currency, amount_minor)
    SELECT v_ids[u.part], s.id, g.id, u.currency, u.amount
    FROM unnest(p_of, p_sources, p_targets, p_currencies, p_amounts)
         WITH ORDINALITY AS u(part, source, target, currency, amount, n)
    JOIN ledger_account s ON s.name = u.source AND s.currency = u.currency
    JOIN ledger_account g ON g.name = u.target AND g.currency = u.currency
    ORDER BY u.part, u.n;

    IF array_remove(p_untils, NULL) <> '{}' THEN
        INSERT INTO ledger_hold
            (key, account_id, amount_minor, remaining_minor, cause_kind, cause_id, state, placed_at, until)
        SELECT p_keys[u.part] || '#' || u.n, a.id, u.amount - coalesce(u.paid, 0), u.amount - coalesce(u.paid, 0),
               p_cause_kinds[u.part], p_cause_ids[u.part], 'open', p_ats[u.part], u.until
        FROM unnest(p_of, p_targets, p_currencies, p_amounts, p_untils, v_paid)
             WITH ORDINALITY AS u(part, target, currency, amount, until, paid, n)
        JOIN ledger_account a ON a.name = u.target AND a.currency = u.currency
        WHERE u.until IS NOT NULL AND u.amount - coalesce(u.paid, 0) > 0
        ORDER BY u.n;
    END IF;
    RETURN v_ids;
END $$;

-- Posts one posting; see ledger_post_batch.
CREATE FUNCTION ledger_post(
    p_key text, p_cause_kind text, p_cause_id text, p_kind text, p_note text, p_at timestamptz,
    p_sources text[], p_targets text[], p_currencies text[], p_amounts bigint[],
    p_untils timestamptz[] DEFAULT '{}', p_reverses bigint DEFAULT NULL, p_hash bytea DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN (ledger_post_batch(
        ARRAY[p_key], ARRAY[p_cause_kind], ARRAY[p_cause_id], ARRAY[p_kind], ARRAY[p_note], ARRAY[p_at],
        ARRAY[p_reverses], CASE WHEN p_hash IS NOT NULL THEN ARRAY[p_hash] END,
        array_fill(1, ARRAY[cardinality(p_sources)]), p_sources, p_targets, p_currencies, p_amounts, p_untils
    ))[1];
END $$;
"""

BACKWARDS = """
DROP FUNCTION ledger_post;
DROP FUNCTION ledger_post_batch;
DROP FUNCTION ledger_lock;
DROP FUNCTION ledger_open;
DROP FUNCTION ledger_terms;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_guards")]
    operations = [migrations.RunSQL(ACCOUNTS + POST, BACKWARDS)]
