"""The 64 lanes, the clock's row, and triggers that keep the audit trail append-only."""

from django.db import migrations

FORWARDS = """
INSERT INTO kernel_lane (lane) SELECT generate_series(0, 63) ON CONFLICT DO NOTHING;
INSERT INTO kernel_clockoffset (id, offset_us) VALUES (1, 0) ON CONFLICT DO NOTHING;

-- Any table may hang this trigger on itself; the ledger and the decisions do.
CREATE OR REPLACE FUNCTION kernel_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '23001';
END $$;

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON kernel_auditentry
    FOR EACH ROW EXECUTE FUNCTION kernel_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON kernel_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_append_only();
"""

BACKWARDS = """
DROP TRIGGER audit_append_only ON kernel_auditentry;
DROP TRIGGER audit_no_truncate ON kernel_auditentry;
DROP FUNCTION kernel_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("kernel", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
