"""Adds the question of `plans_paying` about one pair, as one that PostgreSQL can fold into the statement that asks it."""

from django.db import migrations

CREATE = """
CREATE FUNCTION plans_pays(product bigint, shop bigint, creator bigint, moment timestamptz)
RETURNS TABLE (is_paid boolean) LANGUAGE sql STABLE AS $$
  SELECT product IS NOT NULL AND EXISTS (
    SELECT 1 FROM plans_plan p CROSS JOIN LATERAL (
      SELECT v.rate_bp, v.starts_at, v.ends_at FROM plans_planversion v
      WHERE v.plan_id = p.id AND v.effective_from <= moment AND NOT v.is_withdrawn ORDER BY v.version DESC LIMIT 1
    ) v
    WHERE p.shop_id = shop AND v.rate_bp > 0
      AND (v.starts_at IS NULL OR v.starts_at <= moment) AND (v.ends_at IS NULL OR moment < v.ends_at)
      AND (p.kind = 'general' OR EXISTS (
        SELECT 1 FROM plans_planproduct i WHERE i.plan_id = p.id AND i.product_id = product))
      AND (p.kind IN ('general', 'marketing') OR creator IS NULL OR EXISTS (
        SELECT 1 FROM plans_planmember m WHERE m.plan_id = p.id AND m.creator_id = creator
          AND m.joined_at <= moment AND (m.leaves_at IS NULL OR moment < m.leaves_at)))
  )
$$
"""


class Migration(migrations.Migration):
    dependencies = [("plans", "0002_paying")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION plans_pays(bigint, bigint, bigint, timestamptz)")]
