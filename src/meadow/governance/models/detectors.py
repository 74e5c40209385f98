"""Which tables hold the detectors, every version of each, the log of their changes, and the stamp of the set."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.governance.rules.detectors import DETECTOR_ACTIONS
from meadow.governance.rules.lifecycles import DETECTOR
from meadow.kernel.clock import now


class Detector(models.Model):
    """One version of one detector.  What it says never changes (trigger); its state, percentage and note do."""

    detector_id = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    event_type = models.CharField(max_length=24)
    condition = models.TextField()
    # The public rule that it serves, in the version it was written for; a decision cites the version in force.
    rule = models.ForeignKey("governance.Rule", models.PROTECT, related_name="+")
    action = models.CharField(max_length=8)
    layer = models.CharField(max_length=16, default="rule")
    reason_en = models.CharField(max_length=300)
    reason_zh = models.CharField(max_length=300)
    # What a hit of a live detector costs its author; none for most.
    violation = models.CharField(max_length=24, blank=True)
    severity = models.CharField(max_length=12, blank=True)
    # Events that must and must not be hit, run at every save: [[features, true or false], ...].
    examples = models.JSONField(default=list)
    written_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    written_at = models.DateTimeField(default=now)
    state = models.CharField(max_length=8, default=DETECTOR.start)
    percent = models.PositiveSmallIntegerField(default=0)
    changed_at = models.DateTimeField(default=now)
    note = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["detector_id", "version"], name="detector_version_once"),
            models.UniqueConstraint(fields=["detector_id"], condition=Q(state="live"), name="detector_one_live"),
            models.UniqueConstraint(fields=["detector_id"], condition=Q(state="partial"), name="detector_one_partial"),
            models.CheckConstraint(name="detector_state", condition=Q(state__in=DETECTOR.states)),
            models.CheckConstraint(name="detector_action", condition=Q(action__in=DETECTOR_ACTIONS)),
            models.CheckConstraint(
                name="detector_percent",
                condition=Q(state="partial", percent__gte=1, percent__lte=99) | (~Q(state="partial") & Q(percent=0)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["event_type"], condition=Q(state__in=["shadow", "partial", "live"]), name="detector_running"
            )
        ]

    def __str__(self) -> str:
        return f"{self.detector_id} v{self.version}"


class DetectorChange(models.Model):
    """Every change of state, append-only: the set of rules at any stamp can be read back from here."""

    stamp = models.BigIntegerField(unique=True)
    detector = models.ForeignKey(Detector, models.PROTECT, related_name="+")
    from_state = models.CharField(max_length=8)
    to_state = models.CharField(max_length=8)
    percent = models.PositiveSmallIntegerField(default=0)
    note = models.TextField(blank=True)
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["detector", "-stamp"], name="detector_change_latest")]


class RulesetStamp(models.Model):
    """One row; its number grows with every change of a running detector, so that no process judges by an old set."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    stamp = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="ruleset_stamp_one_row")]
