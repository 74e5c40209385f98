"""Takes the words out of the decisions, after 0004 has copied them."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("governance", "0004_engine_guards")]

    operations: ClassVar = [
        migrations.RemoveConstraint(model_name="decision", name="decision_reason"),
        migrations.RemoveField(model_name="decision", name="inputs"),
        migrations.RemoveField(model_name="decision", name="reason"),
    ]
