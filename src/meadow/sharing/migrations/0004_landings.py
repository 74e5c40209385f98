"""Adds the function behind every resolve: what tokens lead to and all that a landing shows, in one statement."""

from django.db import migrations

# Each context tells the faces of its own rows.  Arrays would have the statement planned anew at every call, so the
# function keeps a generic plan.
CREATE = """
CREATE FUNCTION sharing_landings(p_numbers bigint[], p_moment timestamptz) RETURNS TABLE (
  number bigint, token_id bigint, public_id text, state text, expires_at timestamptz, target_kind text,
  target_id bigint, creator_id bigint, shop_id bigint, product_id bigint, creator_public_id text, creator_name text,
  creator_state text, shop_public_id text, currency text, is_shop_open boolean, post_public_id text,
  is_post_readable boolean, product_public_id text, title text, version integer, price_minor bigint, "left" integer,
  is_on_sale boolean, is_product_public boolean, is_paid boolean
) LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT t.number, t.id, t.public_id::text, t.state::text, t.expires_at, t.target_kind::text, t.target_id,
    t.creator_id, t.shop_id, t.product_id, c.public_id, c.name, c.state, h.public_id, h.currency, h.is_open,
    r.public_id, r.is_readable, p.public_id, p.title, p.version, p.price_minor, p."left", p.is_on_sale, p.is_public,
    t.product_id IS NOT NULL AND EXISTS (
      SELECT FROM plans_paying(ARRAY[t.product_id], ARRAY[t.shop_id], ARRAY[t.creator_id], p_moment))
  FROM unnest(p_numbers) AS w(number) JOIN sharing_sharetoken t ON t.number = w.number
  LEFT JOIN LATERAL accounts_creator_face(t.creator_id) c ON true
  LEFT JOIN LATERAL catalog_shop_face(t.shop_id) h ON true
  LEFT JOIN LATERAL catalog_product_face(t.product_id) p ON true
  LEFT JOIN LATERAL content_post_face(
    CASE WHEN t.target_kind = 'content.recommendation' THEN t.target_id END) r ON true;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("sharing", "0003_click_months"),
        ("accounts", "0003_creator_face"),
        ("catalog", "0003_faces"),
        ("content", "0002_post_face"),
        ("plans", "0002_paying"),
    ]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION sharing_landings(bigint[], timestamptz)")]
