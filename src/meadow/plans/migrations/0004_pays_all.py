"""Adds the question whether a shop pays every creator for everything: what a landing may remember for the whole shop."""

from typing import ClassVar

from django.db import migrations

CREATE = """
CREATE FUNCTION plans_pays_all(wanted bigint, moment timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (
    SELECT 1 FROM plans_plan p CROSS JOIN LATERAL (
      SELECT v.rate_bp, v.starts_at, v.ends_at FROM plans_planversion v
      WHERE v.plan_id = p.id AND v.effective_from <= moment AND NOT v.is_withdrawn ORDER BY v.version DESC LIMIT 1
    ) v
    WHERE p.shop_id = wanted AND p.kind = 'general' AND v.rate_bp > 0
      AND (v.starts_at IS NULL OR v.starts_at <= moment) AND (v.ends_at IS NULL OR moment < v.ends_at)
  )
$$
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("plans", "0003_pays")]

    operations: ClassVar = [migrations.RunSQL(CREATE, "DROP FUNCTION plans_pays_all(bigint, timestamptz)")]
