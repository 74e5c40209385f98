"""Which tables hold who may reach a person: their consents, mutes and blocks, quiet hours, windows, and every contact."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.governance.rules import contact as rules
from meadow.kernel.clock import now


class ContactStance(models.Model):
    """A person's consent to, mute of or block against a party.  It is ended, never deleted."""

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+", db_index=False)
    stance = models.CharField(max_length=8)
    party_kind = models.CharField(max_length=40)
    party_id = models.BigIntegerField()
    since = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=40, blank=True)  # where it was said: page, api, link in a message

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="contact_stance", condition=Q(stance__in=rules.STANCES)),
            models.UniqueConstraint(
                fields=["person", "stance", "party_kind", "party_id"], name="contact_stance_once",
                condition=Q(ended_at__isnull=True),
            ),
        ]  # fmt: skip


class QuietHours(models.Model):
    """When marketing must wait, in minutes of the person's own day (equal ends: never), and how much they take."""

    person = models.OneToOneField("accounts.Person", models.PROTECT, related_name="+")
    start_minute = models.PositiveSmallIntegerField(default=rules.QUIET_FROM)
    end_minute = models.PositiveSmallIntegerField(default=rules.QUIET_UNTIL)
    # A person's own caps, which can only be lower than those of the house.
    day_most = models.PositiveSmallIntegerField(default=rules.PERSON_DAY)
    month_most = models.PositiveSmallIntegerField(default=rules.OWNER_MONTH)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="quiet_minutes",
                condition=Q(start_minute__lt=rules.DAY_MINUTES, end_minute__lt=rules.DAY_MINUTES),
            ),
            models.CheckConstraint(
                name="own_caps", condition=Q(day_most__lte=rules.PERSON_DAY, month_most__lte=rules.OWNER_MONTH)
            ),
        ]


class ContactWindow(models.Model):
    """What a person did that a party may answer: how many answers are left, and until when."""

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+", db_index=False)
    party_kind = models.CharField(max_length=40)
    party_id = models.BigIntegerField()
    opening = models.CharField(max_length=8)
    opened_at = models.DateTimeField(default=now)
    until = models.DateTimeField()
    answers_left = models.SmallIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="contact_window_left", condition=Q(answers_left__gte=0)),
            models.CheckConstraint(name="contact_window_opening", condition=Q(opening__in=tuple(rules.OPENINGS))),
        ]
        indexes: ClassVar = [
            models.Index(fields=["person", "party_kind", "party_id", "until"], name="contact_window_of_person"),
        ]


class ContactRecord(models.Model):
    """One decision on one message to one person, allowed or not; caps are counted from these rows alone."""

    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=9)
    party_kind = models.CharField(max_length=40)
    party_id = models.BigIntegerField()
    owner = models.CharField(max_length=80)  # whom caps are counted by, whatever shop, campaign or app sends
    channel = models.CharField(max_length=80)
    via = models.CharField(max_length=80, blank=True)  # the third-party app that sent for the party
    cause_kind = models.CharField(max_length=40)
    cause_id = models.BigIntegerField()
    verdict = models.CharField(max_length=6)
    reason = models.CharField(max_length=20, blank=True)
    until = models.DateTimeField(null=True)
    at = models.DateTimeField(default=now)
    day = models.DateField(null=True)  # of the person, by their own clock; caps and figures count by it

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="contact_kind", condition=Q(kind__in=rules.CLASSES)),
            models.CheckConstraint(name="contact_verdict", condition=Q(verdict__in=rules.VERDICTS)),
            models.CheckConstraint(
                name="contact_deferred_until",
                condition=Q(verdict="defer", until__isnull=False) | (~Q(verdict="defer") & Q(until__isnull=True)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["person", "at"], name="contact_counted", condition=Q(kind="marketing", verdict="allow")
            ),
            models.Index(F("person"), F("id").desc(), name="contact_of_person"),
        ]
