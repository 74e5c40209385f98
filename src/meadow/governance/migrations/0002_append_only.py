"""Makes decisions and published rules append-only, and every decision cite a rule version that exists."""

from typing import ClassVar

from django.db import migrations

FORWARD = """
CREATE FUNCTION governance_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER decision_append_only BEFORE UPDATE OR DELETE ON governance_decision
    FOR EACH ROW EXECUTE FUNCTION governance_append_only();
CREATE TRIGGER rule_append_only BEFORE UPDATE OR DELETE ON governance_rule
    FOR EACH ROW EXECUTE FUNCTION governance_append_only();
ALTER TABLE governance_decision ADD CONSTRAINT decision_cites_rule_version
    FOREIGN KEY (rule_id, rule_version) REFERENCES governance_rule (rule_id, version);
"""
BACKWARD = """
ALTER TABLE governance_decision DROP CONSTRAINT decision_cites_rule_version;
DROP TRIGGER rule_append_only ON governance_rule;
DROP TRIGGER decision_append_only ON governance_decision;
DROP FUNCTION governance_append_only();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("governance", "0001_initial")]

    operations: ClassVar = [migrations.RunSQL(FORWARD, BACKWARD)]
