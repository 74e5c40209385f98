"""Keeps by which channel the buyer of an attributed line came, and adds the function that tells it to trade."""

from typing import ClassVar

from django.db import migrations, models

TELL = """
CREATE FUNCTION affiliate_origin_tag(wanted bigint) RETURNS smallint LANGUAGE sql STABLE AS $$
  SELECT a.origin_tag FROM affiliate_attribution a WHERE a.id = wanted
$$
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("affiliate", "0002_append_only")]

    operations: ClassVar = [
        migrations.AddField("attribution", "origin_tag", models.SmallIntegerField(null=True)),
        migrations.RunSQL(TELL, "DROP FUNCTION affiliate_origin_tag(bigint)"),
    ]
