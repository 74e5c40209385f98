"""Which tables hold what happened, as the rules saw it; text that can be erased stands apart."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from meadow.governance.rules.detectors import DETECTOR_ACTIONS
from meadow.kernel.clock import now


class Occurrence(models.Model):
    """One judged event, append-only by trigger: replay and backtest read the features that the decision was made by.

    `features` is JSON text without anything people wrote; an event that is older than a feature lacks it.
    """

    at = models.DateTimeField(default=now)
    event_type = models.CharField(max_length=24)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    actor_kind = models.CharField(max_length=40, blank=True)
    actor_id = models.BigIntegerField(default=0)
    features = models.TextField()
    # Keyed digests: the same content, and the cluster (network, device, payout) it came from, comparable but no more.
    content_key = models.BigIntegerField(null=True)
    cluster_key = models.BigIntegerField(null=True)
    ruleset = models.BigIntegerField()
    outcome = models.CharField(max_length=8)
    # Every detector whose condition was true, shadow ones too; null if none was.
    fired = ArrayField(models.BigIntegerField(), null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="occurrence_outcome", condition=Q(outcome__in=("allow", *DETECTOR_ACTIONS)))
        ]
        indexes: ClassVar = [
            models.Index(fields=["event_type", "at"], name="occurrence_by_time"),
            models.Index(fields=["actor_kind", "actor_id", "at"], name="occurrence_by_actor"),
            models.Index(fields=["at"], condition=Q(fired__isnull=False), name="occurrence_fired"),
            models.Index(
                fields=["content_key", "cluster_key", "at"],
                condition=Q(content_key__isnull=False, cluster_key__isnull=False),
                name="occurrence_same_content",
            ),
        ]


class OccurrenceText(models.Model):
    """What people wrote in a judged event, and the features that repeat it; emptied when its time is over."""

    occurrence = models.OneToOneField(Occurrence, models.PROTECT, primary_key=True, related_name="words")
    text = models.TextField(blank=True)
    features = models.TextField(blank=True)
    erase_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["erase_at"], condition=Q(erased_at__isnull=True), name="occurrence_text_due")
        ]
