"""Adds the function that tells which pairs of product and creator a plan pays: read by every list of posts."""

from django.db import migrations

CREATE = """
CREATE FUNCTION plans_paying(products bigint[], shops bigint[], creators bigint[], moment timestamptz)
RETURNS SETOF integer LANGUAGE plpgsql STABLE
-- Arrays would have it planned anew on every call.
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
  SELECT w.n::integer
  FROM unnest(products, shops, creators) WITH ORDINALITY AS w(product, shop, creator, n)
  WHERE EXISTS (
    SELECT 1 FROM plans_plan p CROSS JOIN LATERAL (
      SELECT v.rate_bp, v.starts_at, v.ends_at FROM plans_planversion v
      WHERE v.plan_id = p.id AND v.effective_from <= moment AND NOT v.is_withdrawn ORDER BY v.version DESC LIMIT 1
    ) v
    WHERE p.shop_id = w.shop AND v.rate_bp > 0
      AND (v.starts_at IS NULL OR v.starts_at <= moment) AND (v.ends_at IS NULL OR moment < v.ends_at)
      AND (p.kind = 'general' OR EXISTS (
        SELECT 1 FROM plans_planproduct i WHERE i.plan_id = p.id AND i.product_id = w.product))
      AND (p.kind IN ('general', 'marketing') OR w.creator IS NULL OR EXISTS (
        SELECT 1 FROM plans_planmember m WHERE m.plan_id = p.id AND m.creator_id = w.creator
          AND m.joined_at <= moment AND (m.leaves_at IS NULL OR moment < m.leaves_at)))
  );
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("plans", "0001_initial")]

    operations = [
        migrations.RunSQL(CREATE, "DROP FUNCTION plans_paying(bigint[], bigint[], bigint[], timestamptz)"),
    ]
