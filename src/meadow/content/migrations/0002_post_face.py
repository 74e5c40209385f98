"""Adds the function that tells whether a post may be read, to whoever leads to it."""

from django.db import migrations

CREATE = """
CREATE FUNCTION content_post_face(wanted bigint) RETURNS TABLE (public_id text, is_readable boolean)
LANGUAGE sql STABLE AS $$
  SELECT p.public_id::text, p.state IN ('published', 'ended') FROM content_recommendation p WHERE p.id = wanted
$$
"""


class Migration(migrations.Migration):
    dependencies = [("content", "0001_initial")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION content_post_face(bigint)")]
