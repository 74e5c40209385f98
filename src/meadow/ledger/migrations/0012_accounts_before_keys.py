"""Locks the accounts of a batch before its keys are written, as collecting does.

A batch that had written its key and waited for an account, and a collection by the same key that held an account and
waited for the key, waited for each other: a deadlock, found by the random test.  One order everywhere: accounts, keys.
"""

from django.db import migrations

MOVE = """
DO $$
DECLARE
    made text := pg_get_functiondef(
        'ledger_post_batch(text[],text[],text[],text[],text[],timestamptz[],bigint[],bytea[],'
        'int[],text[],text[],text[],bigint[],timestamptz[])'::regprocedure);
    taking text := substring(made FROM ' +PERFORM ledger_lock\\(p_sources [^;]*;\\n');
    first text := substring(made FROM ' +WITH fresh AS \\(\\n');
BEGIN
    EXECUTE replace(replace(made, taking, ''), first, taking || first);
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0011_closed_months_stay_closed")]

    operations = [migrations.RunSQL(MOVE, migrations.RunSQL.noop)]
