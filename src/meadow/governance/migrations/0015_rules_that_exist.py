"""Open cases cite rules that people can read: two ids were never in the rulebook."""

from django.db import migrations

RENAMED = {"escrow.doubtful_tracking": "orders.tracking", "dispute.rule_within": "orders.disputes"}


def rename(apps, schema_editor):
    for before, after in RENAMED.items():
        apps.get_model("governance", "Case").objects.filter(rule_id=before).update(rule_id=after)


class Migration(migrations.Migration):
    dependencies = [("governance", "0014_openings_that_happen")]
    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]
