"""What no code can get round: postings and transfers are append-only, and a transfer has one currency throughout."""

from django.db import migrations

FORWARDS = """
CREATE TRIGGER ledger_posting_append_only BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION kernel_append_only();
CREATE TRIGGER ledger_posting_no_truncate BEFORE TRUNCATE ON ledger_posting
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_append_only();
CREATE TRIGGER ledger_transfer_append_only BEFORE UPDATE OR DELETE ON ledger_transfer
    FOR EACH ROW EXECUTE FUNCTION kernel_append_only();
CREATE TRIGGER ledger_transfer_no_truncate BEFORE TRUNCATE ON ledger_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_append_only();

-- An account stays, and stays what it is: only its balance, what is held of it and its floor move.
CREATE TRIGGER ledger_account_stays BEFORE DELETE ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION kernel_append_only();
CREATE TRIGGER ledger_account_no_truncate BEFORE TRUNCATE ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_append_only();
CREATE TRIGGER ledger_account_same BEFORE UPDATE OF id, name, currency, lock_rank ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION kernel_append_only();

-- In place of foreign keys to the accounts, which would lock the rows that every order shares.  Sound without a lock,
-- because an account never goes away and never changes its currency.  Once per statement, not per row.
CREATE FUNCTION ledger_transfer_sound() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM fresh t
        LEFT JOIN ledger_account s ON s.id = t.source_id AND s.currency = t.currency
        LEFT JOIN ledger_account g ON g.id = t.target_id AND g.currency = t.currency
        WHERE s.id IS NULL OR g.id IS NULL
    ) THEN
        RAISE EXCEPTION 'a transfer and both its accounts must exist in one currency'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_transfer_sound AFTER INSERT ON ledger_transfer
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION ledger_transfer_sound();

-- Balances are rewritten in place; room on the page keeps those updates off the indexes.
ALTER TABLE ledger_account SET (fillfactor = 80);
"""

BACKWARDS = """
ALTER TABLE ledger_account RESET (fillfactor);
DROP TRIGGER ledger_transfer_sound ON ledger_transfer;
DROP FUNCTION ledger_transfer_sound();
DROP TRIGGER ledger_account_same ON ledger_account;
DROP TRIGGER ledger_account_no_truncate ON ledger_account;
DROP TRIGGER ledger_account_stays ON ledger_account;
DROP TRIGGER ledger_transfer_no_truncate ON ledger_transfer;
DROP TRIGGER ledger_transfer_append_only ON ledger_transfer;
DROP TRIGGER ledger_posting_no_truncate ON ledger_posting;
DROP TRIGGER ledger_posting_append_only ON ledger_posting;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("kernel", "0002_guards")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
