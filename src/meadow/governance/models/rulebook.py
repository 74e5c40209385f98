"""Which tables hold the public rules with their versions and drafts, what people say to a draft, and who accepted."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.governance.rules.lifecycles import DRAFT, FAREWELL
from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_draft_id() -> str:
    return new_id("drf")


class Rule(models.Model):
    """One version of one rule, as it was published; versions are never changed, only followed by newer ones."""

    rule_id = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    jurisdiction = models.CharField(max_length=10, default="global")
    title_en = models.CharField(max_length=200)
    title_zh = models.CharField(max_length=200)
    text_en = models.TextField()
    text_zh = models.TextField()
    published_at = models.DateTimeField(default=now)
    # Rules written before this field came into force when they were published; migration 0004 says so.
    effective_from = models.DateTimeField(default=now)
    # A version may end its rule: what it says is why, and from its date on nothing can be decided by the rule.
    repeals = models.BooleanField(default=False)
    # Which version of a shipped pack this text came from; none for what was written here.
    shipped = models.PositiveIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule_id", "version"], name="rule_version_once"),
            models.CheckConstraint(name="rule_never_backdated", condition=Q(effective_from__gte=F("published_at"))),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} v{self.version}"


class RuleDraft(models.Model):
    """A rule that is being written: first for operators only, then open to everybody's comments, then published."""

    public_id = models.CharField(max_length=32, unique=True, default=new_draft_id, editable=False)
    rule_id = models.CharField(max_length=60)
    jurisdiction = models.CharField(max_length=10, default="global")
    title_en = models.CharField(max_length=200)
    title_zh = models.CharField(max_length=200)
    text_en = models.TextField()
    text_zh = models.TextField()
    why = models.TextField()
    repeals = models.BooleanField(default=False)
    shipped = models.PositiveIntegerField(null=True)
    state = models.CharField(max_length=12, default=DRAFT.start)
    written_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    written_at = models.DateTimeField(default=now)
    consulted_at = models.DateTimeField(null=True)
    published = models.OneToOneField("governance.Rule", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="rule_draft_state", condition=Q(state__in=DRAFT.states)),
            models.CheckConstraint(
                name="rule_draft_published", condition=Q(state="published") ^ Q(published__isnull=True)
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "-id"], name="rule_draft_by_state")]


class DraftComment(models.Model):
    """What somebody says to a rule in consultation.  Its text is emptied when its author is erased."""

    draft = models.ForeignKey(RuleDraft, models.PROTECT, related_name="comments")
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    text = models.TextField()
    at = models.DateTimeField(default=now)


class RuleAnswer(models.Model):
    """A merchant's acceptance of a rule version; append-only by trigger."""

    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+")
    rule = models.ForeignKey(Rule, models.PROTECT, related_name="+")
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["merchant", "rule"], name="rule_answer_once")]


class Farewell(models.Model):
    """A merchant that leaves under the old rules: what it still owes is judged by the rules of `rules_as_of`."""

    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+")
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    refused = models.ForeignKey(Rule, models.PROTECT, related_name="+")
    rules_as_of = models.DateTimeField()
    state = models.CharField(max_length=8, default=FAREWELL.start)
    at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="farewell_state", condition=Q(state__in=FAREWELL.states)),
            models.UniqueConstraint(fields=["merchant"], condition=~Q(state="stayed"), name="farewell_once"),
        ]
