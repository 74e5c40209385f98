"""Which tables hold merchants' applications for payment: their data sealed, their proofs, documents and reviews."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id
from meadow.payments.rules import applications as rules


def new_application_id() -> str:
    return new_id("app")


def new_document_id() -> str:
    return new_id("doc")


class LegalEntity(models.Model):
    """Who is legally behind merchants, known by a keyed digest of their number; two merchants of one are linked by it."""

    kind = models.CharField(max_length=8)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=now)

    class Meta:
        verbose_name_plural = "legal entities"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "digest"], name="legal_entity_once"),
            models.CheckConstraint(name="legal_entity_kind", condition=Q(kind__in=["person", "company"])),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class MerchantApplication(models.Model):
    """A merchant's way to being paid.  One may be on its way and one may stand; the data is sealed."""

    public_id = models.CharField(max_length=32, unique=True, default=new_application_id, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+")
    level = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=24, default=rules.APPLICATION.start)
    data_sealed = models.BinaryField(default=b"")
    faults = models.JSONField(default=list)  # [{field, code, words}] of the last answer
    entity = models.ForeignKey("payments.LegalEntity", models.PROTECT, null=True, related_name="+")
    applicant = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    reviewer = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=400, blank=True, default="")  # a reviewer's or an operator's reason
    created_at = models.DateTimeField(default=now)
    submitted_at = models.DateTimeField(null=True)
    check_due_at = models.DateTimeField(null=True)  # when a check that was cut short is taken up again
    needs_review = models.BooleanField(default=False)
    review_due_at = models.DateTimeField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    agreed_to = models.CharField(max_length=32, blank=True, default="")
    finished_at = models.DateTimeField(null=True)
    forget_at = models.DateTimeField(null=True)  # when its documents and data have to be gone

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="application_state", condition=Q(state__in=rules.APPLICATION.states)),
            models.CheckConstraint(name="application_level", condition=Q(level__in=rules.LEVELS)),
            models.UniqueConstraint(fields=["merchant"], name="application_open", condition=Q(state__in=rules.OPEN)),
            models.UniqueConstraint(fields=["merchant"], name="application_standing", condition=Q(state=rules.LIVE)),
            models.CheckConstraint(
                name="application_review", condition=~Q(state="auditing") | Q(review_due_at__isnull=False)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["review_due_at", "id"], name="application_review", condition=Q(state="auditing")),
            models.Index(fields=["check_due_at", "id"], name="application_check", condition=Q(state="checking")),
            models.Index(fields=["forget_at", "id"], name="application_forget", condition=Q(forget_at__isnull=False)),
            models.Index(fields=["entity"], name="application_entity"),
        ]

    def __str__(self) -> str:
        return self.public_id


class ApplicationVersion(models.Model):
    """The data as it was submitted once, and what came of it; earlier ones stay until all of it is forgotten."""

    application = models.ForeignKey("payments.MerchantApplication", models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    data_sealed = models.BinaryField()
    faults = models.JSONField(default=list)
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "number"], name="application_version_once")
        ]


class Proof(models.Model):
    """What was proved of a person once, by a keyed digest of the data; a later application need not prove it again."""

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8)
    digest = models.CharField(max_length=64)
    proved_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "kind", "digest"], name="proof_once"),
            models.CheckConstraint(name="proof_kind", condition=Q(kind__in=rules.PROOFS)),
        ]


class Challenge(models.Model):
    """A code sent to a phone or a small amount sent to an account; whoever can say it owns what it went to."""

    application = models.ForeignKey("payments.MerchantApplication", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8)
    secret_sealed = models.BinaryField()
    sent_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    met_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application", "kind"], name="challenge_once"),
            models.CheckConstraint(name="challenge_kind", condition=Q(kind__in=rules.CHALLENGES)),
        ]


class ApplicantDocument(models.Model):
    """A picture of a document, sealed; only reviewers see it, every look is noted, and its time ends."""

    public_id = models.CharField(max_length=32, unique=True, default=new_document_id, editable=False)
    application = models.ForeignKey("payments.MerchantApplication", models.PROTECT, related_name="+")
    field = models.CharField(max_length=32)
    content_sealed = models.BinaryField(null=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    uploaded_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    uploaded_at = models.DateTimeField(default=now)
    is_current = models.BooleanField(default=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["application", "field"], name="document_current", condition=Q(is_current=True)
            ),
            models.CheckConstraint(name="document_field", condition=Q(field__in=rules.EVERY_DOCUMENT)),
            models.CheckConstraint(
                name="document_content",
                condition=Q(content_sealed__isnull=False, deleted_at__isnull=True)
                | Q(content_sealed__isnull=True, deleted_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class DocumentView(models.Model):
    """One look of a reviewer at a document; rows are only ever added."""

    document = models.ForeignKey("payments.ApplicantDocument", models.PROTECT, related_name="+")
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(default=now)


class TwinRecord(models.Model):
    """What the verification twin has in its register: a number, whose it is, and until when."""

    kind = models.CharField(max_length=8)
    number = models.CharField(max_length=64)
    name = models.CharField(max_length=rules.MOST_VALUE)
    expires_on = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "number"], name="twin_record_once")]


class TwinMessage(models.Model):
    """What the verification twin sent out instead of a real message or a real transfer; sandbox installations only."""

    application = models.ForeignKey("payments.MerchantApplication", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8)
    target = models.CharField(max_length=64)
    content = models.CharField(max_length=16)
    at = models.DateTimeField(default=now)
