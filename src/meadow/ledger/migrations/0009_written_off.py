"""Adds the account of the debts that the platform gave up: a loss of its own, apart from what providers charge."""

from django.db import migrations

TERMS = r"""
CREATE OR REPLACE FUNCTION ledger_terms(p_name text, OUT lock_rank smallint, OUT kept boolean, OUT low bigint, OUT high bigint)
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
    ELSIF p_name ~ '^(psp:[a-z0-9_]{1,32}|platform:(trade_fee|service_fee|provider_cost|claims|written_off))$' THEN
        lock_rank := 3; kept := false;
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'MD422', MESSAGE = 'account_unknown',
            DETAIL = jsonb_build_object('account', p_name);
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0008_fees_cite_a_rule")]
    # Going back would orphan an account that may have been used, and the name harms nobody.
    operations = [migrations.RunSQL(TERMS, migrations.RunSQL.noop)]
