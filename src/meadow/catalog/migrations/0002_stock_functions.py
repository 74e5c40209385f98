"""Which statements move stock: reserve, take, release and restock, each set-based and safe against itself."""

from django.db import migrations

# Why reserve may not be: the first line, in SKU order, that is unknown, off sale or short.  It only looks.
SHORTAGE = """
CREATE FUNCTION catalog_shortage(p_skus bigint[], p_quantities integer[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN (SELECT CASE
      WHEN s.id IS NULL THEN jsonb_build_object('code', 'not_found')
      WHEN s.is_retired OR p.state <> 'on_sale' OR h.state <> 'open'
        THEN jsonb_build_object('code', 'not_on_sale', 'sku', s.public_id, 'title', p.title)
      ELSE jsonb_build_object('code', 'out_of_stock', 'sku', s.public_id, 'title', p.title,
                              'left', s.stock - s.reserved)
    END
  FROM (SELECT sku, sum(quantity) AS quantity FROM unnest(p_skus, p_quantities) AS u(sku, quantity) GROUP BY sku) w
  LEFT JOIN catalog_sku s ON s.id = w.sku
  LEFT JOIN catalog_product p ON p.id = s.product_id
  LEFT JOIN catalog_shop h ON h.id = p.shop_id
  WHERE s.id IS NULL OR s.is_retired OR p.state <> 'on_sale' OR h.state <> 'open'
     OR (NOT s.is_unlimited AND s.stock - s.reserved < w.quantity)
  ORDER BY w.sku LIMIT 1);
END
$$
"""

# Reserves every line or none, one reservation a line.  Looks first and returns an expected refusal, with nothing
# written and nothing locked; only who loses the race after the look is raised out of the transaction.
# SKUs are locked in id order.  Array arguments would be planned anew at every call without the generic plan.
RESERVE = """
CREATE FUNCTION catalog_reserve(
  p_skus bigint[], p_quantities integer[], p_cause_kind text, p_cause_ids bigint[], p_expires_at timestamptz
) RETURNS jsonb LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  refusal jsonb := catalog_shortage(p_skus, p_quantities);
  reserved_lines integer;
BEGIN
  IF refusal IS NOT NULL THEN
    RETURN refusal;
  END IF;
  WITH wanted AS (
    SELECT sku, sum(quantity)::integer AS quantity
    FROM unnest(p_skus, p_quantities) AS u(sku, quantity) GROUP BY sku
  ), locked AS MATERIALIZED (
    SELECT s.id, w.quantity FROM catalog_sku s JOIN wanted w ON w.sku = s.id ORDER BY s.id FOR NO KEY UPDATE OF s
  ), promised AS (
    UPDATE catalog_sku s SET reserved = s.reserved + l.quantity FROM locked l
    WHERE s.id = l.id AND NOT s.is_retired AND (s.is_unlimited OR s.stock - s.reserved >= l.quantity)
    RETURNING s.id
  )
  INSERT INTO catalog_reservation (sku_id, quantity, cause_kind, cause_id, state, expires_at)
  SELECT u.sku, sum(u.quantity), p_cause_kind, u.cause, 'held', p_expires_at
  FROM unnest(p_skus, p_quantities, p_cause_ids) AS u(sku, quantity, cause) JOIN promised ON promised.id = u.sku
  GROUP BY u.cause, u.sku;
  GET DIAGNOSTICS reserved_lines = ROW_COUNT;
  IF reserved_lines < (SELECT count(DISTINCT (u.sku, u.cause)) FROM unnest(p_skus, p_cause_ids) AS u(sku, cause)) THEN
    SELECT jsonb_build_object('code', 'out_of_stock', 'sku', s.public_id, 'title', p.title, 'left', s.stock - s.reserved)
      INTO refusal FROM catalog_sku s JOIN catalog_product p ON p.id = s.product_id
      WHERE s.id = ANY(p_skus) AND NOT EXISTS (
        SELECT 1 FROM catalog_reservation r
        WHERE r.cause_kind = p_cause_kind AND r.cause_id = ANY(p_cause_ids) AND r.sku_id = s.id)
      ORDER BY s.id LIMIT 1;
    RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'out_of_stock',
      DETAIL = (coalesce(refusal, '{}') - 'code')::text;
  END IF;
  RETURN NULL;
END
$$
"""

# Ends the held reservations of causes: 'taken' takes the goods out of the stock, 'released' gives them back.
# Reservation rows are locked before SKU rows everywhere.  Returns how many were still held.
END = """
CREATE FUNCTION catalog_end_reservations(
  p_cause_kind text, p_cause_ids bigint[], p_state text, p_now timestamptz
) RETURNS integer LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  ended_lines integer;
BEGIN
  WITH ended AS (
    UPDATE catalog_reservation SET state = p_state, ended_at = p_now
    WHERE cause_kind = p_cause_kind AND cause_id = ANY(p_cause_ids) AND state = 'held'
    RETURNING sku_id, quantity
  ), moved AS (
    SELECT sku_id, sum(quantity)::integer AS quantity FROM ended GROUP BY sku_id
  ), locked AS MATERIALIZED (
    SELECT s.id, m.quantity FROM catalog_sku s JOIN moved m ON m.sku_id = s.id ORDER BY s.id FOR NO KEY UPDATE OF s
  ), done AS (
    UPDATE catalog_sku s SET reserved = s.reserved - l.quantity,
      stock = CASE WHEN p_state = 'taken' AND NOT s.is_unlimited THEN s.stock - l.quantity ELSE s.stock END
    FROM locked l WHERE s.id = l.id RETURNING s.id
  )
  SELECT count(*) INTO ended_lines FROM ended;
  RETURN ended_lines;
END
$$
"""

# Gives back what was promised longer than agreed, at the time it was due; another worker's rows are passed over.
EXPIRE = """
CREATE FUNCTION catalog_expire_reservations(p_until timestamptz, p_limit integer) RETURNS integer
LANGUAGE sql AS $$
  WITH due AS (
    SELECT id FROM catalog_reservation WHERE state = 'held' AND expires_at <= p_until
    ORDER BY expires_at, id LIMIT p_limit FOR UPDATE SKIP LOCKED
  ), ended AS (
    UPDATE catalog_reservation r SET state = 'released', ended_at = r.expires_at FROM due
    WHERE r.id = due.id AND r.state = 'held' RETURNING r.sku_id, r.quantity
  ), moved AS (
    SELECT sku_id, sum(quantity)::integer AS quantity FROM ended GROUP BY sku_id
  ), locked AS MATERIALIZED (
    SELECT s.id, m.quantity FROM catalog_sku s JOIN moved m ON m.sku_id = s.id ORDER BY s.id FOR NO KEY UPDATE OF s
  ), done AS (
    UPDATE catalog_sku s SET reserved = s.reserved - l.quantity FROM locked l WHERE s.id = l.id RETURNING s.id
  )
  SELECT count(*)::integer FROM ended
$$
"""

# Goods that come back into the stock, such as those of an order cancelled after payment.
RESTOCK = """
CREATE FUNCTION catalog_restock(p_skus bigint[], p_quantities integer[]) RETURNS integer
LANGUAGE sql AS $$
  WITH moved AS (
    SELECT sku, sum(quantity)::integer AS quantity
    FROM unnest(p_skus, p_quantities) AS u(sku, quantity) GROUP BY sku
  ), locked AS MATERIALIZED (
    SELECT s.id, m.quantity FROM catalog_sku s JOIN moved m ON m.sku = s.id ORDER BY s.id FOR NO KEY UPDATE OF s
  ), done AS (
    UPDATE catalog_sku s SET stock = s.stock + l.quantity FROM locked l
    WHERE s.id = l.id AND NOT s.is_unlimited RETURNING s.id
  )
  SELECT count(*)::integer FROM locked
$$
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        migrations.RunSQL(SHORTAGE, "DROP FUNCTION catalog_shortage(bigint[], integer[])"),
        migrations.RunSQL(
            RESERVE, "DROP FUNCTION catalog_reserve(bigint[], integer[], text, bigint[], timestamptz)"
        ),
        migrations.RunSQL(END, "DROP FUNCTION catalog_end_reservations(text, bigint[], text, timestamptz)"),
        migrations.RunSQL(EXPIRE, "DROP FUNCTION catalog_expire_reservations(timestamptz, integer)"),
        migrations.RunSQL(RESTOCK, "DROP FUNCTION catalog_restock(bigint[], integer[])"),
        # Room on the page for a SKU's next version: stock moves often and no index covers it.
        migrations.RunSQL("ALTER TABLE catalog_sku SET (fillfactor = 80)", "ALTER TABLE catalog_sku RESET (fillfactor)"),
    ]
