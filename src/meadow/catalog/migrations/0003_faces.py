"""Adds the functions that tell what a landing must know of a product and of a shop, each in one look."""

from django.db import migrations

# A SKU whose stock is not counted says 99999, as in catalog.rules.
PRODUCT = """
CREATE FUNCTION catalog_product_face(wanted bigint) RETURNS TABLE (
  public_id text, title text, version integer, price_minor bigint, "left" integer, is_on_sale boolean, is_public boolean
) LANGUAGE sql STABLE AS $$
  SELECT p.public_id::text, p.title::text, p.version, coalesce(x.price_minor, 0), coalesce(x."left", 0),
    p.state = 'on_sale' AND h.state = 'open' AND x.price_minor IS NOT NULL, p.state NOT IN ('draft', 'suspended')
  FROM catalog_product p JOIN catalog_shop h ON h.id = p.shop_id
  CROSS JOIN LATERAL (
    SELECT min(s.price_minor) AS price_minor,
      least(sum(CASE WHEN s.is_unlimited THEN 99999 ELSE s.stock - s.reserved END), 99999)::integer AS "left"
    FROM catalog_sku s WHERE s.product_id = p.id AND NOT s.is_retired
  ) x WHERE p.id = wanted
$$
"""
SHOP = """
CREATE FUNCTION catalog_shop_face(wanted bigint) RETURNS TABLE (public_id text, currency text, is_open boolean)
LANGUAGE sql STABLE AS $$
  SELECT h.public_id::text, h.currency::text, h.state = 'open' FROM catalog_shop h WHERE h.id = wanted
$$
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_stock_functions")]

    operations = [
        migrations.RunSQL(PRODUCT, "DROP FUNCTION catalog_product_face(bigint)"),
        migrations.RunSQL(SHOP, "DROP FUNCTION catalog_shop_face(bigint)"),
    ]
