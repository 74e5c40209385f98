"""Decisions made before tell their candidates too; nothing else of them changes."""

from typing import ClassVar

from django.db import migrations

FORWARD = """
ALTER TABLE affiliate_attribution DISABLE TRIGGER attribution_append_only;
UPDATE affiliate_attribution SET candidate_ids = ARRAY(
    SELECT DISTINCT (c->>'creator_id')::bigint FROM jsonb_array_elements(log->'clicks') AS c ORDER BY 1
) WHERE jsonb_array_length(log->'clicks') > 0;
ALTER TABLE affiliate_attribution ENABLE TRIGGER attribution_append_only;
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("affiliate", "0004_reviews")]

    operations: ClassVar = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
