"""Which tables hold the packs of terms with their versions, which are in force, rescans, and what terms found."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.governance.rules.lifecycles_texts import SCAN
from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_scan_id() -> str:
    return new_id("scn")


class Pack(models.Model):
    """One version of a pack, as it was published; append-only by trigger."""

    name = models.CharField(max_length=20)
    version = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    body = models.TextField()
    published_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["name", "version"], name="pack_version_once")]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class PackPreview(models.Model):
    """What a version would do to what stands already: counts and a sample, before anybody puts it in force."""

    pack = models.ForeignKey(Pack, models.PROTECT, related_name="+")
    counts = models.JSONField(default=dict)
    sample = models.JSONField(default=list)
    at = models.DateTimeField(default=now)
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")


class PackTerm(models.Model):
    """A pack comes into force, or leaves it where no version is named; the newest row of a name holds.  Append-only."""

    name = models.CharField(max_length=20)
    pack = models.ForeignKey(Pack, models.PROTECT, null=True, related_name="+")
    since = models.DateTimeField(default=now)
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["name", "-id"], name="pack_term_newest")]


class Scan(models.Model):
    """A look at everything that stands, after the packs have changed: where it is, and what it came to."""

    public_id = models.CharField(max_length=32, unique=True, default=new_scan_id, editable=False)
    state = models.CharField(max_length=8, default=SCAN.start)
    kind = models.CharField(max_length=40, blank=True)
    after_id = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    due_at = models.DateTimeField(default=now)
    started_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="scan_state", condition=Q(state__in=SCAN.states)),
            models.UniqueConstraint(fields=["state"], condition=Q(state="running"), name="scan_one_running"),
        ]


class TextFinding(models.Model):
    """A term that a decision about a text rests on: it gives the term's budget and its precision.  Append-only."""

    decision = models.ForeignKey("governance.Decision", models.PROTECT, related_name="+")
    term = models.CharField(max_length=120)
    layer = models.CharField(max_length=8)
    at = models.DateTimeField(default=now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["term", "-at"], name="text_finding_of_term")]
