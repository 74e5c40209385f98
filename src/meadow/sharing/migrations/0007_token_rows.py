"""Adds the token's own row alone, for whoever knows the faces behind it already, one or many together."""

from typing import ClassVar

from django.db import migrations

_COLUMNS = """
  number bigint, token_id bigint, public_id text, state text, expires_at timestamptz, target_kind text,
  target_id bigint, creator_id bigint, shop_id bigint, product_id bigint
"""
_ROW = """
  SELECT t.number, t.id, t.public_id::text, t.state::text, t.expires_at, t.target_kind::text, t.target_id,
    t.creator_id, t.shop_id, t.product_id FROM sharing_sharetoken t
"""
ONE = f"""
CREATE FUNCTION sharing_token_row(p_number bigint) RETURNS TABLE ({_COLUMNS}) LANGUAGE sql STABLE AS $$
  {_ROW} WHERE t.number = p_number
$$
"""
MANY = f"""
CREATE FUNCTION sharing_token_rows(p_numbers bigint[]) RETURNS TABLE ({_COLUMNS}) LANGUAGE sql STABLE AS $$
  {_ROW} WHERE t.number = ANY(p_numbers)
$$
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("sharing", "0006_reports")]

    operations: ClassVar = [
        migrations.RunSQL(ONE, "DROP FUNCTION sharing_token_row(bigint)"),
        migrations.RunSQL(MANY, "DROP FUNCTION sharing_token_rows(bigint[])"),
    ]
