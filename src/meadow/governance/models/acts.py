"""Which tables hold what operators did to cases, and the filters they keep."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.governance.rules import cases as rules
from meadow.kernel.clock import now


class CaseAct(models.Model):
    """One operator's act on a case: what it led to, and who took it back."""

    case = models.ForeignKey("governance.Case", models.PROTECT, related_name="acts")
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    act = models.CharField(max_length=10)
    note = models.TextField(blank=True)
    from_state = models.CharField(max_length=10)
    to_state = models.CharField(max_length=10)
    # What it did, in order, as undoing needs it: [{"made": 7}, {"took_back": 5, "by": 8}, {"report": 3}, ...].
    effects = models.JSONField(default=list)
    at = models.DateTimeField(default=now)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="case_act", condition=Q(act__in=rules.ACTS))]
        indexes: ClassVar = [models.Index(fields=["person", "-id"], name="case_act_of_person")]


class SavedFilter(models.Model):
    """A view of the queue that an operator keeps."""

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    name = models.CharField(max_length=rules.NAME_LENGTH)
    query = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["person", "name"], name="saved_filter_once")]
