"""Which tables hold the inbox, the chats, and what merchants sent to whom."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id
from meadow.messaging import rules


def new_message_id() -> str:
    return new_id("msg")


def new_thread_id() -> str:
    return new_id("thr")


def new_send_id() -> str:
    return new_id("snd")


class Message(models.Model):
    """What stands in a person's inbox; each was allowed by the contact that it names."""

    public_id = models.CharField(max_length=32, unique=True, default=new_message_id, editable=False)
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=9)
    party_kind = models.CharField(max_length=40)
    party_id = models.BigIntegerField()
    title_en = models.CharField(max_length=120)
    title_zh = models.CharField(max_length=120)
    text_en = models.TextField()
    text_zh = models.TextField()
    # What a repeated event or a restarted worker finds taken.
    once = models.CharField(max_length=120, unique=True)
    contact = models.OneToOneField("governance.ContactRecord", models.PROTECT, related_name="+")
    at = models.DateTimeField(default=now)
    read_at = models.DateTimeField(null=True)
    mail_due_at = models.DateTimeField(null=True)
    # Where the mail goes if the person has no address of their own: what a guest named in their order.
    mail_to = models.CharField(max_length=254, blank=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(F("person"), F("id").desc(), name="message_of_person"),
            models.Index(fields=["mail_due_at"], name="message_mail_due", condition=Q(mail_due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id


class Thread(models.Model):
    """The talk of one person with one merchant."""

    public_id = models.CharField(max_length=32, unique=True, default=new_thread_id, editable=False)
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+")
    last_at = models.DateTimeField(default=now)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("person", "merchant", name="thread_once")]

    def __str__(self) -> str:
        return self.public_id


class ChatLine(models.Model):
    """One message of a talk.  Its words are for the two sides; an operator reads them by a report alone."""

    public_id = models.CharField(max_length=32, unique=True, default=new_message_id, editable=False)
    thread = models.ForeignKey("messaging.Thread", models.PROTECT, related_name="+")
    side = models.CharField(max_length=8)
    author = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    text = models.TextField()
    leads_outside = models.BooleanField(default=False)
    contact = models.OneToOneField("governance.ContactRecord", models.PROTECT, related_name="+")
    at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="chat_side", condition=Q(side__in=rules.SIDES))]

    def __str__(self) -> str:
        return self.public_id


class Send(models.Model):
    """A merchant's marketing message to a list of people."""

    public_id = models.CharField(max_length=32, unique=True, default=new_send_id, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", models.PROTECT, related_name="+", db_index=False)
    client_msg_id = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    title = models.CharField(max_length=80)
    text = models.TextField()
    via = models.CharField(max_length=80, blank=True)
    audience = models.PositiveIntegerField()
    unknown = models.PositiveIntegerField(default=0)
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    at = models.DateTimeField(default=now)
    state = models.CharField(max_length=11, default="accepted")
    confirm_by = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="send_state", condition=Q(state__in=rules.SEND.states)),
            # What needs a second person is accepted by one who did not write it.
            models.CheckConstraint(
                name="send_confirmed_by_other",
                condition=Q(confirm_by__isnull=True, confirmed_by__isnull=True, state="accepted")
                | Q(confirm_by__isnull=False, confirmed_by__isnull=False, state="accepted") & ~Q(confirmed_by=F("by"))
                | Q(confirm_by__isnull=False, confirmed_by__isnull=True, state__in=["unconfirmed", "expired"]),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["merchant", "client_msg_id", "-at"], name="send_of_merchant"),
            models.Index(fields=["confirm_by"], condition=Q(state="unconfirmed"), name="send_unconfirmed"),
        ]

    def __str__(self) -> str:
        return self.public_id


class PhoneShare(models.Model):
    """The number that one side of a paid order gives the other; emptied when its time is over."""

    order = models.ForeignKey("trade.Order", models.PROTECT, related_name="+", db_index=False)
    side = models.CharField(max_length=8)
    phone = models.CharField(max_length=20, blank=True)
    by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    shared_at = models.DateTimeField(default=now)
    due_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("order", "side", name="phone_once_a_side"),
            models.CheckConstraint(name="phone_side", condition=Q(side__in=rules.PHONE_SIDES)),
        ]
        indexes: ClassVar = [models.Index(fields=["due_at"], name="phone_due", condition=Q(due_at__isnull=False))]


class NoticeText(models.Model):
    """How an operator worded a notice; without one it says what ships."""

    topic = models.CharField(max_length=40, unique=True)
    title_en = models.CharField(max_length=120)
    title_zh = models.CharField(max_length=120)
    text_en = models.TextField()
    text_zh = models.TextField()
    by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return self.topic


class Delivery(models.Model):
    """One person of a send: waiting, delivered, or skipped and why."""

    send = models.ForeignKey("messaging.Send", models.PROTECT, related_name="+", db_index=False)
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=9, default="waiting")
    reason = models.CharField(max_length=20, blank=True)
    due_at = models.DateTimeField(null=True, default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("send", "person", name="delivery_once"),
            models.CheckConstraint(name="delivery_state", condition=Q(state__in=rules.DELIVERY_STATES)),
            models.CheckConstraint(
                name="delivery_due",
                condition=Q(state="waiting", due_at__isnull=False) | (~Q(state="waiting") & Q(due_at__isnull=True)),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["due_at"], name="delivery_due_next", condition=Q(state="waiting"))]
