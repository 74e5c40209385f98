"""A month that is closed takes no more entries: what is booked late counts from the first moment that is still open.

A worker that was away for days settles at each order's due time, which may lie in a month that others closed meanwhile.
The orders keep their due times; the books do not restate what was stated.
"""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION ledger_into_open_month() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    open_from timestamptz;
BEGIN
    -- Closing takes the same lock alone, so no posting slips into a month while its sums are made.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('ledger:close_month', 0));
    SELECT max(ends_at) INTO open_from FROM ledger_closedmonth;
    IF open_from IS NOT NULL AND NEW.at < open_from THEN
        NEW.at := open_from;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER posting_into_open_month BEFORE INSERT ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_into_open_month();
"""
BACKWARDS = """
DROP TRIGGER posting_into_open_month ON ledger_posting;
DROP FUNCTION ledger_into_open_month();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0010_legs_again")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
