"""Parts the clicks by the month they were viewed in, adds the functions that make and drop a month, ships the outlets."""

from django.db import migrations

from meadow.sharing.rules import SHIPPED

# What is outside of all months falls into the rest, so that no click is ever refused for its time.
PART = """
CREATE TABLE sharing_click_parted (LIKE sharing_click INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
  PARTITION BY RANGE (viewed_at);
CREATE TABLE sharing_click_rest PARTITION OF sharing_click_parted DEFAULT;
INSERT INTO sharing_click_parted SELECT * FROM sharing_click;
DROP TABLE sharing_click;
ALTER TABLE sharing_click_parted RENAME TO sharing_click;
ALTER TABLE sharing_click ADD CONSTRAINT sharing_click_pkey PRIMARY KEY (viewed_at, public_id);
CREATE INDEX click_of_person ON sharing_click (person_id, shop_id, at DESC) WHERE person_id IS NOT NULL;
CREATE INDEX click_of_carrier ON sharing_click (carrier, shop_id, at DESC) WHERE carrier <> '';
CREATE INDEX click_of_creator ON sharing_click (creator_id, at DESC);
"""

JOIN_AGAIN = """
CREATE TABLE sharing_click_whole (LIKE sharing_click INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO sharing_click_whole SELECT * FROM sharing_click;
DROP TABLE sharing_click;
ALTER TABLE sharing_click_whole RENAME TO sharing_click;
ALTER TABLE sharing_click ADD CONSTRAINT sharing_click_pkey PRIMARY KEY (viewed_at, public_id);
CREATE INDEX click_of_person ON sharing_click (person_id, shop_id, at DESC) WHERE person_id IS NOT NULL;
CREATE INDEX click_of_carrier ON sharing_click (carrier, shop_id, at DESC) WHERE carrier <> '';
CREATE INDEX click_of_creator ON sharing_click (creator_id, at DESC);
"""

# Clicks of that month that came before it was made are moved out of the rest.  Readers are let through in between:
# a lock that is not to be had soon is given up, and the sweep comes again.
ADD_MONTH = """
CREATE FUNCTION sharing_add_click_month(p_moment timestamptz) RETURNS boolean
LANGUAGE plpgsql SET lock_timeout = '3s' AS $$
DECLARE
  v_first timestamptz := date_trunc('month', p_moment AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
  v_after timestamptz := (date_trunc('month', p_moment AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
  v_name text := 'sharing_click_' || to_char(p_moment AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
  IF to_regclass(v_name) IS NOT NULL THEN
    RETURN false;
  END IF;
  LOCK TABLE sharing_click_rest IN ACCESS EXCLUSIVE MODE;
  IF to_regclass(v_name) IS NOT NULL THEN
    RETURN false;
  END IF;
  EXECUTE format('CREATE TABLE %I (LIKE sharing_click INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', v_name);
  EXECUTE format('WITH moved AS (DELETE FROM sharing_click_rest WHERE viewed_at >= %L AND viewed_at < %L RETURNING *) '
    'INSERT INTO %I SELECT * FROM moved', v_first, v_after, v_name);
  EXECUTE format('ALTER TABLE sharing_click ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', v_name, v_first, v_after);
  RETURN true;
END $$;
"""

# Drops every month that ended before a moment; returns how many went.
DROP_MONTHS = """
CREATE FUNCTION sharing_drop_click_months(p_before timestamptz) RETURNS integer
LANGUAGE plpgsql SET lock_timeout = '3s' AS $$
DECLARE
  v_name text;
  v_gone integer := 0;
BEGIN
  FOR v_name IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'sharing_click'::regclass AND c.relname ~ '^sharing_click_[0-9]{4}_[0-9]{2}$'
      AND (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC' <= p_before
  LOOP
    EXECUTE format('DROP TABLE %I', v_name);
    v_gone := v_gone + 1;
  END LOOP;
  DELETE FROM sharing_click_rest WHERE viewed_at < p_before;
  RETURN v_gone;
END $$;
"""

FIRST_MONTHS = """
SELECT sharing_add_click_month(date_trunc('month', now()) + n * interval '1 month') FROM generate_series(-1, 2) n;
INSERT INTO sharing_channelwatch (id, ran_at) VALUES (1, NULL) ON CONFLICT DO NOTHING;
CREATE TRIGGER outlet_change_append_only BEFORE UPDATE OR DELETE ON sharing_outletchange
    FOR EACH ROW EXECUTE FUNCTION kernel_append_only();
"""


def ship(apps, schema_editor):
    outlets = apps.get_model("sharing", "Outlet").objects
    for each in SHIPPED:
        allows = each.allows
        outlets.get_or_create(
            code=each.code,
            defaults={
                "public_id": f"out_{each.tag:020d}", "tag": each.tag, "name_en": each.name_en, "name_zh": each.name_zh,
                "clickable_link": allows.clickable_link, "text_token": allows.text_token, "picture": allows.picture,
                "deep_link": allows.deep_link, "may_induce": allows.may_induce, "max_len": allows.max_len,
                "unit": allows.unit, "default_form": each.default_form,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("sharing", "0002_outlets"), ("kernel", "0003_now")]

    operations = [
        migrations.RunSQL(PART, JOIN_AGAIN),
        migrations.RunSQL(ADD_MONTH, "DROP FUNCTION sharing_add_click_month(timestamptz)"),
        migrations.RunSQL(DROP_MONTHS, "DROP FUNCTION sharing_drop_click_months(timestamptz)"),
        migrations.RunSQL(FIRST_MONTHS, "DROP TRIGGER outlet_change_append_only ON sharing_outletchange"),
        migrations.RunPython(ship, migrations.RunPython.noop),
    ]
