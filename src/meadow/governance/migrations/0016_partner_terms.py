"""Adds to a partner until when its contract runs, and the version that grows with every change."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("governance", "0015_rules_that_exist")]

    operations: ClassVar = [
        migrations.AddField("partner", "contract_until", models.DateTimeField(null=True, blank=True)),
        migrations.AddField("partner", "version", models.IntegerField(default=1)),
    ]
