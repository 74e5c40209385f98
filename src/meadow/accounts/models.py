"""Which tables hold people, their roles, their keys and their standing."""

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from meadow.accounts import rules
from meadow.kernel.clock import machine_now, now
from meadow.kernel.ids import new_id


def new_person_id() -> str:
    return new_id("per")


def new_creator_id() -> str:
    return new_id("cre")


def new_merchant_id() -> str:
    return new_id("mer")


def new_key_id() -> str:
    return new_id("key")


def new_invitation_id() -> str:
    return new_id("inv")


class People(BaseUserManager["Person"]):
    """Finds people by e-mail in any case, as Django's sign-in asks it to."""

    def get_by_natural_key(self, email: str | None) -> "Person":
        return self.get(email=(email or "").lower())


class Person(AbstractBaseUser):
    """Anybody: buyer, creator, merchant's staff, operator, or a guest without credentials."""

    public_id = models.CharField(max_length=32, unique=True, default=new_person_id, editable=False)
    email = models.EmailField(max_length=254, null=True, blank=True, unique=True)
    name = models.CharField(max_length=80, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    locale = models.CharField(max_length=8, default="zh-hans", choices=[(code, code) for code in rules.LOCALES])
    time_zone = models.CharField(max_length=64, default="Asia/Shanghai")
    payout_identity = models.CharField(max_length=64, blank=True)  # keyed digest, compared but never read back
    is_operator = models.BooleanField(default=False)
    is_guest = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    claimed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    # Machine time, because Django's start-up checks make a Person before any database is asked; verbs pass the clock's.
    created_at = models.DateTimeField(default=machine_now, editable=False)

    objects: ClassVar[People] = People()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name_plural = "people"
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="person_email_once", condition=Q(email__isnull=False)),
            models.CheckConstraint(name="person_locale", condition=Q(locale__in=rules.LOCALES)),
            models.CheckConstraint(name="person_guest_bare", condition=Q(is_guest=False) | Q(email__isnull=True)),
            models.CheckConstraint(name="person_guest_no_operator", condition=~Q(is_guest=True, is_operator=True)),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.public_id

    @property
    def is_staff(self) -> bool:
        """Django's admin asks this; only operators see it, and it is read-only there."""
        return self.is_operator

    def has_perm(self, _perm: str, _obj: object = None) -> bool:
        return self.is_active and self.is_operator

    def has_module_perms(self, _label: str) -> bool:
        return self.is_active and self.is_operator


class Creator(models.Model):
    """A person who recommends: an application that an operator approved."""

    public_id = models.CharField(max_length=32, unique=True, default=new_creator_id, editable=False)
    person = models.OneToOneField("accounts.Person", models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    about = models.TextField(blank=True)
    fields = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    identity = models.CharField(max_length=64, blank=True)  # keyed digest of the verified identity
    # The creator whose identity this refused application had; no foreign key, since no creator may point to another.
    duplicate_of_id = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=12, default=rules.CREATOR.start)
    applied_at = models.DateTimeField(default=now)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="creator_state", condition=Q(state__in=rules.CREATOR.states)),
            models.UniqueConstraint(
                fields=["identity"],
                name="creator_identity_once",
                condition=~Q(identity="") & Q(duplicate_of_id__isnull=True),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "applied_at"], name="creator_queue")]

    def __str__(self) -> str:
        return self.name


class Merchant(models.Model):
    """The legal seller; owns shops."""

    public_id = models.CharField(max_length=32, unique=True, default=new_merchant_id, editable=False)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, default="individual")
    owner = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, default=rules.MERCHANT.start)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="merchant_state", condition=Q(state__in=rules.MERCHANT.states)),
            models.CheckConstraint(name="merchant_kind", condition=Q(kind__in=rules.MERCHANT_KINDS)),
        ]

    def __str__(self) -> str:
        return self.name


class MerchantStaff(models.Model):
    """Who may act for a merchant, and as what."""

    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+")
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    role = models.CharField(max_length=8)
    since = models.DateTimeField(default=now)

    class Meta:
        verbose_name_plural = "merchant staff"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "merchant"], name="staff_once"),
            models.CheckConstraint(name="staff_role", condition=Q(role__in=rules.STAFF_ROLES)),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.person_id} of {self.merchant_id}"


class StaffInvitation(models.Model):
    """A one-time code that makes somebody staff of a merchant; only its hash is kept."""

    public_id = models.CharField(max_length=32, unique=True, default=new_invitation_id, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=8)
    code_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="invitation_role", condition=Q(role__in=("staff", "finance"))),
        ]

    def __str__(self) -> str:
        return f"{self.role} for {self.merchant_id}"


class OperatorCode(models.Model):
    """The one-time code that makes the first operator; only its hash is kept."""

    code_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"code of {self.created_at:%Y-%m-%d}"


class ClaimCode(models.Model):
    """The code mailed to a guest who wants their orders in an account of their own."""

    guest = models.OneToOneField("accounts.Person", models.PROTECT, related_name="+")
    email = models.EmailField(max_length=254)
    code_hash = models.CharField(max_length=64, editable=False)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"claim of {self.guest_id}"


class PresenceCode(models.Model):
    """The code mailed to somebody who has to prove once more that it is they who ask."""

    person = models.OneToOneField("accounts.Person", models.PROTECT, related_name="+")
    code_hash = models.CharField(max_length=64, editable=False)
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"presence of {self.person_id}"


class ApiKey(models.Model):
    """A machine that acts for a person, within scopes; the secret is shown once and only its hash is kept."""

    public_id = models.CharField(max_length=32, unique=True, default=new_key_id, editable=False)
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=80)
    hint = models.CharField(max_length=12)  # the first characters, to tell keys apart
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=12))
    created_at = models.DateTimeField(default=now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="key_scopes", condition=Q(scopes__contained_by=list(rules.SCOPES))),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class Standing(models.Model):
    """A restriction that a decision laid on a person, creator or merchant, with the state it found."""

    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    restriction = models.CharField(max_length=20)
    decision_id = models.BigIntegerField(unique=True)
    prior_state = models.CharField(max_length=20)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.BigIntegerField(null=True, blank=True)  # the decision that lifted it, if one did

    class Meta:
        verbose_name_plural = "standing"
        indexes: ClassVar = [
            models.Index(
                fields=["subject_kind", "subject_id"], name="standing_open", condition=Q(lifted_at__isnull=True)
            ),
            models.Index(
                fields=["until"],
                name="standing_due",
                condition=Q(lifted_at__isnull=True, until__isnull=False),
            ),
            models.Index(fields=["lifted_by"], name="standing_lifted_by", condition=Q(lifted_by__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.restriction} {self.subject_kind} {self.subject_id}"


class Mail(models.Model):
    """A message that the sandbox kept instead of sending."""

    recipient = models.EmailField(max_length=254)
    sender = models.CharField(max_length=254)
    subject = models.CharField(max_length=998)
    text = models.TextField()
    html = models.TextField(blank=True)
    sent_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "mail"
        indexes: ClassVar = [models.Index(fields=["recipient", "-id"], name="mail_by_recipient")]

    def __str__(self) -> str:
        return f"{self.subject} to {self.recipient}"
