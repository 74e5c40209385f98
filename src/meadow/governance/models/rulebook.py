"""Which tables hold the rulebook and its versions."""

from typing import ClassVar

from django.db import models

from meadow.kernel.clock import now


class Rule(models.Model):
    """One version of one rule, as it was published; versions are never changed, only followed by newer ones."""

    rule_id = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    title_en = models.CharField(max_length=200)
    title_zh = models.CharField(max_length=200)
    text_en = models.TextField()
    text_zh = models.TextField()
    published_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["rule_id", "version"], name="rule_version_once")]

    def __str__(self) -> str:
        return f"{self.rule_id} v{self.version}"
