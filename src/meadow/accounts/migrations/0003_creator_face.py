"""Adds the function that tells who a creator is to whoever shows what they shared."""

from django.db import migrations

CREATE = """
CREATE FUNCTION accounts_creator_face(wanted bigint) RETURNS TABLE (public_id text, name text, state text)
LANGUAGE sql STABLE AS $$
  SELECT c.public_id::text, c.name::text, c.state::text FROM accounts_creator c WHERE c.id = wanted
$$
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_cache")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION accounts_creator_face(bigint)")]
