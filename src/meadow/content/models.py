"""Which tables hold recommendations, the products they name, comments, pictures, and the decisions that hide them."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from meadow.content import rules
from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_recommendation_id() -> str:
    return new_id("rec")


def new_entry_id() -> str:
    return new_id("shw")


def new_comment_id() -> str:
    return new_id("cmt")


def new_picture_id() -> str:
    return new_id("pic")


class Recommendation(models.Model):
    """A creator's post that recommends one to nine products."""

    public_id = models.CharField(max_length=32, unique=True, default=new_recommendation_id, editable=False)
    creator = models.ForeignKey("accounts.Creator", models.PROTECT, related_name="+", db_index=False)
    # The byline, as it was when posted: lists read it without asking another context.
    creator_public_id = models.CharField(max_length=32)
    creator_name = models.CharField(max_length=80)
    title = models.CharField(max_length=120, blank=True)
    text = models.TextField(blank=True)
    state = models.CharField(max_length=12, default=rules.RECOMMENDATION.start)
    published_at = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="recommendation_state", condition=Q(state__in=rules.RECOMMENDATION.states)),
        ]
        indexes: ClassVar = [
            models.Index(
                F("published_at").desc(), F("id").desc(), name="recommendation_newest", condition=Q(state="published")
            ),
            models.Index(F("creator"), F("published_at").desc(), name="recommendation_of_creator"),
        ]

    def __str__(self) -> str:
        return self.title or self.public_id


class RecommendationItem(models.Model):
    """One product of a post, with the creator's reason and the price when it was posted."""

    recommendation = models.ForeignKey("content.Recommendation", models.PROTECT, related_name="+", db_index=False)
    position = models.SmallIntegerField()
    product = models.ForeignKey("catalog.Product", models.PROTECT, related_name="+")
    shop = models.ForeignKey("catalog.Shop", models.PROTECT, related_name="+", db_index=False)
    reason = models.TextField()
    reason_digest = models.BinaryField(max_length=32)  # of the reason as readers see it; finds verbatim copies
    title_at_post = models.CharField(max_length=255)
    price_at_post_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("recommendation", "position", name="item_position_once"),
            models.UniqueConstraint("recommendation", "product", name="item_product_once"),
            models.CheckConstraint(name="item_position", condition=Q(position__range=(1, 9))),
        ]
        indexes: ClassVar = [models.Index(fields=["reason_digest"], name="item_reason")]

    def __str__(self) -> str:
        return f"{self.recommendation_id} #{self.position}: product {self.product_id}"


class Stop(models.Model):
    """A decision that hides something: a creator's posts, one post, comment or picture, until no stop is open on it."""

    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    decision_id = models.BigIntegerField(unique=True)
    until = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.BigIntegerField(null=True, blank=True)  # the decision that lifted it, if it was one

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="stop_subject", condition=Q(subject_kind__in=rules.STOPPED)),
        ]
        indexes: ClassVar = [
            models.Index(fields=["subject_kind", "subject_id"], name="stop_open", condition=Q(lifted_at__isnull=True)),
            models.Index(fields=["until"], name="stop_due", condition=Q(lifted_at__isnull=True, until__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.subject_kind} {self.subject_id} by {self.decision_id}"


class Showcase(models.Model):
    """A creator's wall.  Its version grows with every change, so that nobody sorts a wall that they have not seen."""

    creator = models.OneToOneField("accounts.Creator", models.PROTECT, related_name="+")
    version = models.IntegerField(default=1)
    changed_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"showcase of {self.creator_id} v{self.version}"


class ShowcaseEntry(models.Model):
    """A product of one of the creator's recommendations, in its place on the wall."""

    public_id = models.CharField(max_length=32, unique=True, default=new_entry_id, editable=False)
    showcase = models.ForeignKey("content.Showcase", models.PROTECT, related_name="+", db_index=False)
    item = models.OneToOneField("content.RecommendationItem", models.PROTECT, related_name="+")
    position = models.IntegerField()
    added_at = models.DateTimeField(default=now)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["showcase", "position"], name="showcase_order")]
        verbose_name_plural = "showcase entries"

    def __str__(self) -> str:
        return f"showcase {self.showcase_id} #{self.position}"


class Comment(models.Model):
    """What somebody says below a post."""

    public_id = models.CharField(max_length=32, unique=True, default=new_comment_id, editable=False)
    recommendation = models.ForeignKey("content.Recommendation", models.PROTECT, related_name="+", db_index=False)
    author = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    author_name = models.CharField(max_length=80)  # as it was when they wrote
    text = models.TextField(blank=True)  # emptied when its author takes it back
    state = models.CharField(max_length=12, default=rules.COMMENT.start)
    at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="comment_state", condition=Q(state__in=rules.COMMENT.states)),
        ]
        indexes: ClassVar = [models.Index(F("recommendation"), F("id").desc(), name="comment_of_post")]

    def __str__(self) -> str:
        return self.public_id


class Picture(models.Model):
    """A picture that somebody handed in, recoded; where it stands is named once it does.

    due_at: when the worker must look at it next, to read its codes or, if it stands nowhere, to drop it.
    """

    public_id = models.CharField(max_length=32, unique=True, default=new_picture_id, editable=False)
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+", db_index=False)
    use = models.CharField(max_length=10)
    state = models.CharField(max_length=10, default=rules.PICTURE.start)
    file = models.CharField(max_length=32)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size_bytes = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    target_kind = models.CharField(max_length=40, blank=True)
    target_id = models.BigIntegerField(null=True)
    position = models.SmallIntegerField(default=1)
    uploaded_at = models.DateTimeField(default=now)
    read_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="picture_state", condition=Q(state__in=rules.PICTURE.states)),
            models.CheckConstraint(name="picture_use", condition=Q(use__in=rules.USES)),
            models.CheckConstraint(name="picture_read_first", condition=~Q(state="shown") | Q(read_at__isnull=False)),
            models.UniqueConstraint(
                "target_kind", "target_id", "position", name="picture_place_once", condition=Q(target_id__isnull=False)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="picture_due", condition=Q(due_at__isnull=False)),
            models.Index(F("person"), F("id").desc(), name="picture_of_person"),
        ]

    def __str__(self) -> str:
        return self.public_id
