"""Every contact that was decided stays decided."""

from typing import ClassVar

from django.db import migrations

FORWARD = """
CREATE TRIGGER contactrecord_append_only BEFORE UPDATE OR DELETE ON governance_contactrecord
    FOR EACH ROW EXECUTE FUNCTION kernel_append_only();
CREATE TRIGGER contactrecord_no_truncate BEFORE TRUNCATE ON governance_contactrecord
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_append_only();
"""
BACKWARD = """
DROP TRIGGER contactrecord_no_truncate ON governance_contactrecord;
DROP TRIGGER contactrecord_append_only ON governance_contactrecord;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("governance", "0007_contact"), ("kernel", "0002_guards")]

    operations: ClassVar = [migrations.RunSQL(FORWARD, BACKWARD)]
