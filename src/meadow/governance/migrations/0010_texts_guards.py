"""What was published as a pack, and what a decision about a text rests on, stays as it is."""

from typing import ClassVar

from django.db import migrations

TABLES = ("pack", "packterm", "textfinding")
FORWARD = "".join(
    f"CREATE TRIGGER {t}_append_only BEFORE UPDATE OR DELETE ON governance_{t} "
    f"FOR EACH ROW EXECUTE FUNCTION kernel_append_only();"
    f"CREATE TRIGGER {t}_no_truncate BEFORE TRUNCATE ON governance_{t} "
    f"FOR EACH STATEMENT EXECUTE FUNCTION kernel_append_only();"
    for t in TABLES
)
BACKWARD = "".join(
    f"DROP TRIGGER {t}_no_truncate ON governance_{t}; DROP TRIGGER {t}_append_only ON governance_{t};" for t in TABLES
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("governance", "0009_texts"), ("kernel", "0002_guards")]

    operations: ClassVar = [migrations.RunSQL(FORWARD, BACKWARD)]
