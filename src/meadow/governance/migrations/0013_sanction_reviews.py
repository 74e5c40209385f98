"""Gives a sanction without an end a day by which somebody looks at it again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0012_own_caps")]

    operations = [
        migrations.AddField("sanction", "review_by", models.DateTimeField(null=True)),
        migrations.AddField("sanction", "called_out_at", models.DateTimeField(null=True)),
        # Those that stand already get their ninety days, as new ones do.
        migrations.RunSQL(
            "UPDATE governance_sanction SET review_by = issued_at + interval '90 days' WHERE until IS NULL",
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            "sanction",
            models.CheckConstraint(
                name="sanction_ends_or_is_reviewed",
                condition=models.Q(("until__isnull", False), ("review_by__isnull", False), _connector="OR"),
            ),
        ),
        migrations.AddIndex(
            "sanction",
            models.Index(
                fields=["review_by"],
                condition=models.Q(
                    ("lifted_at__isnull", True), ("state__in", ["issued", "upheld"]), ("until__isnull", True)
                ),
                name="sanction_review",
            ),
        ),
    ]
