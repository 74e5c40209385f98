"""Looks at documents are only ever added; merchants that sold before applications existed go on."""

from django.db import migrations

APPEND_ONLY = """
CREATE TRIGGER document_view_append_only BEFORE UPDATE OR DELETE ON payments_documentview
    FOR EACH ROW EXECUTE FUNCTION kernel_append_only();
CREATE TRIGGER document_view_no_truncate BEFORE TRUNCATE ON payments_documentview
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_append_only();
"""
BACK = """
DROP TRIGGER document_view_append_only ON payments_documentview;
DROP TRIGGER document_view_no_truncate ON payments_documentview;
"""
ADMIT = """
INSERT INTO payments_merchantapplication
    (public_id, merchant_id, level, state, data_sealed, faults, note, created_at, needs_review, agreed_to, finished_at)
SELECT 'app_' || translate(left(md5('application ' || m.id), 20), 'ilou', '1100'), m.id, 0, 'finish', '', '[]',
    'sold here before applications existed', now(), false, '', now()
FROM accounts_merchant m
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_merchant_applications")]

    operations = [
        migrations.RunSQL(APPEND_ONLY, BACK),
        migrations.RunSQL(ADMIT, migrations.RunSQL.noop),
    ]
