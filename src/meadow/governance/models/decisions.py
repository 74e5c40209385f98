"""Which tables hold the decisions made by the rulebook, their erasable words, and the chain that seals them."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from meadow.governance import rules
from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_decision_id() -> str:
    return new_id("dec")


class Decision(models.Model):
    """A rule's recorded answer.  Append-only by trigger; a reversal is a row of its own that names what it undoes."""

    public_id = models.CharField(max_length=32, unique=True, default=new_decision_id, editable=False)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    # Whose account it weighs on, where that is known: ("accounts.creator", 7).
    party_kind = models.CharField(max_length=40, blank=True)
    party_id = models.BigIntegerField(null=True)
    action = models.CharField(max_length=20)
    rule_id = models.CharField(max_length=60)  # (rule_id, rule_version) is a foreign key, see migration 0002
    rule_version = models.PositiveIntegerField()
    layer = models.CharField(max_length=16, default="operator")
    detector = models.ForeignKey("governance.Detector", models.PROTECT, null=True, related_name="+")
    # Every rule that was true: [{"detector": id, "version": n, "state": ..., "action": ..., "layer": ...}, ...].
    fired = models.JSONField(default=list)
    occurrence = models.ForeignKey("governance.Occurrence", models.PROTECT, null=True, related_name="+")
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=now)
    until = models.DateTimeField(null=True)
    # The decision that this one follows from: a sanction from its violation, a look again from what it confirms.
    cause = models.ForeignKey("governance.Decision", models.PROTECT, null=True, related_name="+")
    reverses = models.OneToOneField("governance.Decision", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="decision_action", condition=Q(action__in=rules.ACTIONS)),
            models.CheckConstraint(
                name="decision_reverses",
                condition=Q(action="reverse", reverses__isnull=False)
                | (~Q(action="reverse") & Q(reverses__isnull=True)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["subject_kind", "subject_id", "-id"], name="decision_of_subject"),
            models.Index(fields=["rule_id", "-id"], name="decision_by_rule"),
            models.Index(
                fields=["party_kind", "party_id", "-id"], condition=Q(party_id__isnull=False), name="decision_of_party"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_kind} {self.subject_id}"

    @property
    def reason(self) -> str:
        """Why, as those concerned read it; empty once erased."""
        return self.words.reason if hasattr(self, "words") else ""

    @property
    def inputs(self) -> dict[str, Any]:
        return dict(self.words.inputs) if hasattr(self, "words") else {}


class DecisionText(models.Model):
    """The words of a decision, apart from it, so that they can be erased while the sealed decision stays."""

    decision = models.OneToOneField(Decision, models.PROTECT, primary_key=True, related_name="words")
    salt = models.UUIDField()
    reason = models.TextField()
    reason_zh = models.TextField(blank=True)
    inputs = models.JSONField(default=dict)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="decision_reason", condition=~Q(reason="") | Q(erased_at__isnull=False))
        ]


class Unsealed(models.Model):
    """Decisions that wait for the seal; a trigger puts each new one here, so none can be left out."""

    decision = models.OneToOneField(Decision, models.PROTECT, primary_key=True, related_name="+")
    made_at = models.DateTimeField(db_index=True)


class Seal(models.Model):
    """One link of the chain: the hash of the link before and of the digests of its decisions."""

    id = models.BigIntegerField(primary_key=True)
    first_place = models.BigIntegerField()
    last_place = models.BigIntegerField()
    before = models.BinaryField(max_length=32, unique=True)
    hash = models.BinaryField(max_length=32)
    at = models.DateTimeField()


class SealedDecision(models.Model):
    """A decision's place in the chain with its digests: of the row, and of its words before they could be erased."""

    place = models.BigIntegerField(primary_key=True)
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="+")
    digest = models.BinaryField(max_length=32)
    words_digest = models.BinaryField(max_length=32)
