"""Lets a click lead to a partner's page, which has no shop here."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies: ClassVar = [("sharing", "0007_token_rows"), ("catalog", "0003_faces")]

    operations: ClassVar = [
        migrations.AlterField(
            "click",
            "shop",
            models.ForeignKey(
                null=True, db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT,
                related_name="+", to="catalog.shop",
            ),
        ),
        migrations.AddConstraint(
            "click",
            models.CheckConstraint(name="click_shop", condition=Q(shop__isnull=False) | Q(token__isnull=False)),
        ),
    ]  # fmt: skip
