"""Which tables hold share tokens, clicks, refused clicks, outside channels, what reached us by them, and their alarms."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id
from meadow.sharing import rules


def new_token_id() -> str:
    return new_id("tok")


def new_outlet_id() -> str:
    return new_id("out")


def new_alarm_id() -> str:
    return new_id("alm")


def new_report_id() -> str:
    return new_id("rpt")


class ShareToken(models.Model):
    """The one record behind the text, the digits, the link and the QR code; the target is opaque here."""

    public_id = models.CharField(max_length=32, unique=True, default=new_token_id, editable=False)
    number = models.BigIntegerField(unique=True)  # 55 random bits; what all forms spell
    creator = models.ForeignKey("accounts.Creator", models.PROTECT, related_name="+", db_index=False)
    # No shop stands behind a partner's page.
    shop = models.ForeignKey("catalog.Shop", models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    product = models.ForeignKey(
        "catalog.Product", models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    target_kind = models.CharField(max_length=40)
    target_id = models.BigIntegerField()
    life_days = models.SmallIntegerField(default=rules.LIFE_DAYS)
    state = models.CharField(max_length=8, default=rules.TOKEN.start)
    blocked_by = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    # The transaction that last changed what a landing shows of it; the database marks it (migration 0009).
    changed_by = models.BigIntegerField(null=True, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="token_state", condition=Q(state__in=rules.TOKEN.states)),
            models.CheckConstraint(name="token_number", condition=Q(number__range=(0, (1 << rules.BITS) - 1))),
            # One live token per creator and target: sharing the same thing twice gives the same token, and a
            # blocked one cannot be escaped by minting anew.
            models.UniqueConstraint(
                fields=["creator", "target_kind", "target_id", "product"],
                name="token_live_once",
                condition=Q(state__in=("active", "blocked")),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="token_shop", condition=Q(shop__isnull=False) | Q(target_kind=rules.PARTNER_PAGE)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], name="token_due", condition=Q(state="active")),
            models.Index(fields=["changed_by"], name="token_changed", condition=Q(changed_by__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id


class Click(models.Model):
    """A view that a person followed.  Append-only but for its person; partitioned by the month of viewed_at.

    The rows come from texts that this installation signed, in batches, so foreign keys are not checked again.
    """

    pk = models.CompositePrimaryKey("viewed_at", "public_id")
    viewed_at = models.DateTimeField()
    public_id = models.CharField(max_length=32)
    at = models.DateTimeField()
    token = models.ForeignKey(
        "sharing.ShareToken", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    creator = models.ForeignKey(
        "accounts.Creator", models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    shop = models.ForeignKey(
        "catalog.Shop", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )  # none: a token led to a partner's page
    product = models.ForeignKey(
        "catalog.Product", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    surface = models.CharField(max_length=12)
    person = models.ForeignKey(
        "accounts.Person", models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    carrier = models.CharField(max_length=40, blank=True)
    tag = models.SmallIntegerField(default=0)  # outlet and form that brought it; 0 if none is known

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="click_surface", condition=Q(surface__in=rules.SURFACES)),
            models.CheckConstraint(name="click_shop", condition=Q(shop__isnull=False) | Q(token__isnull=False)),
            models.CheckConstraint(name="click_after_view", condition=Q(at__gte=F("viewed_at"))),
        ]
        indexes: ClassVar = [
            models.Index(
                F("person"), F("shop"), F("at").desc(), name="click_of_person", condition=Q(person__isnull=False)
            ),
            models.Index(F("carrier"), F("shop"), F("at").desc(), name="click_of_carrier", condition=~Q(carrier="")),
            models.Index(F("creator"), F("at").desc(), name="click_of_creator"),
        ]

    def __str__(self) -> str:
        return self.public_id


class RefusedClick(models.Model):
    """A view or click text that was not believed: forged, cut, or taken to another target.  For the operator's eyes."""

    at = models.DateTimeField(default=now)
    reason = models.CharField(max_length=16)
    excerpt = models.CharField(max_length=120, blank=True)
    carrier = models.CharField(max_length=40, blank=True)
    person = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="refused_click_reason", condition=Q(reason__in=rules.REFUSED_CLICKS)),
        ]
        indexes: ClassVar = [models.Index(F("at").desc(), name="refused_click_newest")]

    def __str__(self) -> str:
        return f"{self.reason} {self.at:%Y-%m-%d %H:%M}"


class PartnerPage(models.Model):
    """A partner's page that a token may lead to; judged when it was shared and again at every visit."""

    url = models.TextField(unique=True)  # as the link policy normalised it
    host = models.CharField(max_length=253)
    partner = models.CharField(max_length=32)  # the partner's public id
    created_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return self.url


class Outlet(models.Model):
    """An outside channel: what it lets through, as the operator knows it today."""

    public_id = models.CharField(max_length=32, unique=True, default=new_outlet_id, editable=False)
    code = models.CharField(max_length=24, unique=True)
    tag = models.SmallIntegerField(unique=True)  # stands in links and on printed posters; never given twice
    name_en = models.CharField(max_length=60)
    name_zh = models.CharField(max_length=60)
    clickable_link = models.BooleanField()
    text_token = models.BooleanField()
    picture = models.BooleanField()
    deep_link = models.BooleanField(default=False)
    may_induce = models.BooleanField(default=False)
    max_len = models.IntegerField(null=True, blank=True)
    unit = models.CharField(max_length=12, default="characters")
    default_form = models.CharField(max_length=8, blank=True)
    switches_itself = models.BooleanField(default=True)  # an alarm may change the default form
    is_retired = models.BooleanField(default=False)
    version = models.IntegerField(default=1)
    changed_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="outlet_tag", condition=Q(tag__range=(1, rules.MOST_OUTLETS))),
            models.CheckConstraint(name="outlet_unit", condition=Q(unit__in=rules.UNITS)),
            models.CheckConstraint(name="outlet_form", condition=Q(default_form__in=("", *rules.FORMS))),
        ]

    def __str__(self) -> str:
        return self.code


class OutletChange(models.Model):
    """What was changed about an outlet, when and by whom; creators read here why their material looks different."""

    outlet = models.ForeignKey("sharing.Outlet", models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField(default=now)
    by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+", db_index=False)
    before = models.JSONField()
    after = models.JSONField()
    form_before = models.CharField(max_length=8, blank=True)  # what was handed out by default
    form_after = models.CharField(max_length=8, blank=True)
    is_automatic = models.BooleanField(default=False)

    class Meta:
        indexes: ClassVar = [
            models.Index(F("at").desc(), name="outlet_change_newest"),
            models.Index(F("outlet"), F("at").desc(), name="outlet_change_of"),
        ]

    def __str__(self) -> str:
        return f"{self.outlet_id} {self.at:%Y-%m-%d %H:%M}"


class Reach(models.Model):
    """How many resolves and clicks an outlet's form brought within ten minutes."""

    pk = models.CompositePrimaryKey("slot", "tag")
    slot = models.DateTimeField()
    tag = models.SmallIntegerField()
    resolves = models.IntegerField(default=0)
    clicks = models.IntegerField(default=0)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tag", "slot"], name="reach_of_tag")]

    def __str__(self) -> str:
        return f"{self.tag} {self.slot:%Y-%m-%d %H:%M}"


class ChannelAlarm(models.Model):
    """Far less came by an outlet than on such days at such hours: it may be blocking us."""

    public_id = models.CharField(max_length=32, unique=True, default=new_alarm_id, editable=False)
    outlet = models.ForeignKey("sharing.Outlet", models.PROTECT, related_name="+", db_index=False)
    form = models.CharField(max_length=8, blank=True)  # empty: the outlet as a whole
    cause = models.CharField(max_length=8, default="drop")  # reports: so many creators said so, counted in observed
    state = models.CharField(max_length=8, default=rules.ALARM.start)
    raised_at = models.DateTimeField()
    window_minutes = models.SmallIntegerField()
    expected = models.IntegerField()
    observed = models.IntegerField()
    switched_to = models.CharField(max_length=8, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="alarm_state", condition=Q(state__in=rules.ALARM.states)),
            models.CheckConstraint(name="alarm_cause", condition=Q(cause__in=rules.ALARM_CAUSES)),
            models.UniqueConstraint("outlet", "form", name="alarm_open_once", condition=Q(state="open")),
        ]
        indexes: ClassVar = [models.Index(F("raised_at").desc(), name="alarm_newest")]

    def __str__(self) -> str:
        return f"{self.outlet_id} {self.form} {self.state}"


class ChannelReport(models.Model):
    """A creator says that a form does not get through to an outlet any more: a probe that no machine of ours can be."""

    public_id = models.CharField(max_length=32, unique=True, default=new_report_id, editable=False)
    outlet = models.ForeignKey("sharing.Outlet", models.PROTECT, related_name="+", db_index=False)
    form = models.CharField(max_length=8)
    creator = models.ForeignKey("accounts.Creator", models.PROTECT, related_name="+", db_index=False)
    note = models.CharField(max_length=rules.LIMITS["report_characters"], blank=True)
    at = models.DateTimeField(default=now)
    day = models.DateField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="report_form", condition=Q(form__in=rules.FORMS)),
            # One voice a day, however often it is raised.
            models.UniqueConstraint("outlet", "form", "creator", "day", name="report_once_a_day"),
        ]
        indexes: ClassVar = [models.Index(F("outlet"), F("at").desc(), name="report_of_outlet")]

    def __str__(self) -> str:
        return f"{self.outlet_id} {self.form} {self.at:%Y-%m-%d %H:%M}"


class ChannelWatch(models.Model):
    """When the channels were last looked at; one row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    ran_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="watch_one_row", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"{self.ran_at}"
