"""Makes the resolve foldable: a plain SQL function of one token, so that a prepared statement keeps one whole plan."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("meadow.sharing.migrations.0004_landings").CREATE
_COLUMNS = """
  number bigint, token_id bigint, public_id text, state text, expires_at timestamptz, target_kind text,
  target_id bigint, creator_id bigint, shop_id bigint, product_id bigint, creator_public_id text, creator_name text,
  creator_state text, shop_public_id text, currency text, is_shop_open boolean, post_public_id text,
  is_post_readable boolean, product_public_id text, title text, version integer, price_minor bigint, "left" integer,
  is_on_sale boolean, is_product_public boolean, is_paid boolean
"""
# Each context tells the faces of its own rows.
ONE = f"""
CREATE FUNCTION sharing_landing(p_number bigint, p_moment timestamptz) RETURNS TABLE ({_COLUMNS})
LANGUAGE sql STABLE AS $$
  SELECT t.number, t.id, t.public_id::text, t.state::text, t.expires_at, t.target_kind::text, t.target_id,
    t.creator_id, t.shop_id, t.product_id, c.public_id, c.name, c.state, h.public_id, h.currency, h.is_open,
    r.public_id, r.is_readable, p.public_id, p.title, p.version, p.price_minor, p."left", p.is_on_sale, p.is_public,
    m.is_paid
  FROM sharing_sharetoken t
  LEFT JOIN LATERAL accounts_creator_face(t.creator_id) c ON true
  LEFT JOIN LATERAL catalog_shop_face(t.shop_id) h ON true
  LEFT JOIN LATERAL catalog_product_face(t.product_id) p ON true
  LEFT JOIN LATERAL content_post_face(
    CASE WHEN t.target_kind = 'content.recommendation' THEN t.target_id END) r ON true
  CROSS JOIN LATERAL plans_pays(t.product_id, t.shop_id, t.creator_id, p_moment) m
  WHERE t.number = p_number
$$
"""
MANY = f"""
CREATE FUNCTION sharing_landings(p_numbers bigint[], p_moment timestamptz) RETURNS TABLE ({_COLUMNS})
LANGUAGE sql STABLE AS $$
  SELECT l.* FROM unnest(p_numbers) AS w(number) CROSS JOIN LATERAL sharing_landing(w.number, p_moment) l
$$
"""


class Migration(migrations.Migration):
    dependencies = [("sharing", "0004_landings"), ("plans", "0003_pays")]

    operations = [
        migrations.RunSQL("DROP FUNCTION sharing_landings(bigint[], timestamptz)", BEFORE),
        migrations.RunSQL(ONE, "DROP FUNCTION sharing_landing(bigint, timestamptz)"),
        migrations.RunSQL(MANY, "DROP FUNCTION sharing_landings(bigint[], timestamptz)"),
    ]
