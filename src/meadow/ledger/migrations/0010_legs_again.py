"""Lets a leg have its account again, which the newer terms of accounts had left out."""

from django.db import migrations

ADD = """
DO $$ BEGIN
  EXECUTE replace(pg_get_functiondef('ledger_terms(text)'::regprocedure),
                  '(escrow|refund|payout)', '(escrow|refund|payout|leg)');
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0009_written_off")]

    operations = [migrations.RunSQL(ADD, migrations.RunSQL.noop)]
