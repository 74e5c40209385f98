"""Lets a process that keeps products' faces in memory see which ones have changed, instead of reading all again and again.

Every change of what a face shows leaves a mark with the transaction that makes it, as tokens do: marks are only ever
added, so nobody who sells waits for another.  A shop that opens or closes changes all of its products: mark 0.
"""

from typing import ClassVar

from django.db import migrations, models

MARKS = """
CREATE FUNCTION catalog_mark_face() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_product bigint := 0;
BEGIN
    IF TG_TABLE_NAME = 'catalog_product' THEN
        v_product := NEW.id;
    ELSIF TG_TABLE_NAME = 'catalog_sku' THEN
        v_product := CASE WHEN TG_OP = 'DELETE' THEN OLD.product_id ELSE NEW.product_id END;
    END IF;
    INSERT INTO catalog_facechange (product_id, changed_by, at)
    VALUES (v_product, pg_current_xact_id()::text::bigint, clock_timestamp());
    RETURN NULL;
END $$;
CREATE TRIGGER mark_face AFTER UPDATE ON catalog_product FOR EACH ROW
WHEN ((NEW.public_id, NEW.title, NEW.version, NEW.state, NEW.shop_id) IS DISTINCT FROM
      (OLD.public_id, OLD.title, OLD.version, OLD.state, OLD.shop_id))
EXECUTE FUNCTION catalog_mark_face();
CREATE TRIGGER mark_face AFTER UPDATE ON catalog_sku FOR EACH ROW
WHEN ((NEW.price_minor, NEW.stock, NEW.reserved, NEW.is_unlimited, NEW.is_retired) IS DISTINCT FROM
      (OLD.price_minor, OLD.stock, OLD.reserved, OLD.is_unlimited, OLD.is_retired))
EXECUTE FUNCTION catalog_mark_face();
CREATE TRIGGER mark_face_of_other AFTER INSERT OR DELETE ON catalog_sku FOR EACH ROW EXECUTE FUNCTION catalog_mark_face();
CREATE TRIGGER mark_face AFTER UPDATE ON catalog_shop FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state)
EXECUTE FUNCTION catalog_mark_face();

-- The products changed by p_since or a later transaction, for whoever asks on from the oldest one that was running when he
-- asked last.  0 asks for none.
CREATE FUNCTION catalog_changed_products(p_since bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT string_agg(DISTINCT c.product_id::text, ',') FROM catalog_facechange c
  WHERE c.changed_by >= p_since AND p_since > 0
$$;
"""
BACKWARDS = """
DROP FUNCTION catalog_changed_products(bigint);
DROP TRIGGER mark_face ON catalog_shop;
DROP TRIGGER mark_face_of_other ON catalog_sku;
DROP TRIGGER mark_face ON catalog_sku;
DROP TRIGGER mark_face ON catalog_product;
DROP FUNCTION catalog_mark_face();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("catalog", "0006_shipping_zones")]

    operations: ClassVar = [
        migrations.CreateModel(
            "FaceChange",
            [
                ("id", models.BigAutoField(primary_key=True, serialize=False, auto_created=True, verbose_name="ID")),
                ("product_id", models.BigIntegerField()),
                ("changed_by", models.BigIntegerField(db_index=True)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(MARKS, BACKWARDS),
    ]
