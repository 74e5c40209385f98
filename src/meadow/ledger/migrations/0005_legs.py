"""Gives the parts of payments that a provider is passing on an account of their own, `leg:<id>`."""

import importlib

from django.db import migrations

before = importlib.import_module("meadow.ledger.migrations.0003_post").ACCOUNTS
START = before.index("-- What a name means")
TERMS = before[START : before.index("-- Opens accounts on first use")]
OLD, NEW = "^(escrow|refund|payout):", "^(escrow|refund|payout|leg):"
assert OLD in TERMS


def replaced(sql: str) -> str:
    return sql.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_collect")]
    operations = [migrations.RunSQL(replaced(TERMS.replace(OLD, NEW)), replaced(TERMS))]
