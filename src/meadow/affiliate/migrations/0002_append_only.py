"""Makes the decisions about who earns append-only, so that a trail can be believed."""

from typing import ClassVar

from django.db import migrations

FORWARD = """
CREATE TRIGGER attribution_append_only BEFORE UPDATE OR DELETE ON affiliate_attribution
    FOR EACH ROW EXECUTE FUNCTION kernel_append_only();
CREATE TRIGGER attribution_no_truncate BEFORE TRUNCATE ON affiliate_attribution
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_append_only();
"""
BACKWARD = """
DROP TRIGGER attribution_no_truncate ON affiliate_attribution;
DROP TRIGGER attribution_append_only ON affiliate_attribution;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("affiliate", "0001_initial"), ("kernel", "0002_guards")]

    operations: ClassVar = [migrations.RunSQL(FORWARD, BACKWARD)]
