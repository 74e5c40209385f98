"""From now on whatever takes the platform's fees names the rule that sets them."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_months_guards")]

    operations = [
        # What was posted before stays as it is; new postings are held to it.
        AddConstraintNotValid(
            "posting",
            models.CheckConstraint(
                name="ledger_fees_cite_a_rule",
                condition=models.Q(("kind", "settle"), _negated=True)
                | models.Q(("cause_kind", "trade.order"), _negated=True)
                | models.Q(("note__has_key", "rule"), ("note__isnull", False)),
            ),
        ),
    ]
