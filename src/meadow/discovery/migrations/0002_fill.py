"""Notes every product that there is, so that an installation which is upgraded fills the table by itself."""

from django.db import migrations

FILL = "INSERT INTO discovery_stale (product_id, at) SELECT id, changed_at FROM catalog_product"


class Migration(migrations.Migration):
    dependencies = [("discovery", "0001_initial")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
