"""What was stated of a month is not restated: closed months and their statements are append-only."""

from django.db import migrations

TABLES = ("ledger_closedmonth", "ledger_statement")
FORWARDS = "".join(
    f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION kernel_append_only();"
    f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION kernel_append_only();"
    for table in TABLES
)
BACKWARDS = "".join(
    f"DROP TRIGGER {table}_no_truncate ON {table}; DROP TRIGGER {table}_append_only ON {table};" for table in TABLES
)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_months"), ("kernel", "0002_guards")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
