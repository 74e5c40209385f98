"""The verbs of recommendations: publish, end, and hide or show them as governance decides."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count

from meadow.accounts import queries as accounts
from meadow.accounts.queries import Creator
from meadow.catalog import queries as catalog
from meadow.content import rules
from meadow.content.models import Recommendation, RecommendationItem, Stop
from meadow.content.services.showcase import forget_recommendation
from meadow.governance import queries as governance
from meadow.governance.services import require_allowed, require_links
from meadow.kernel import clock, db
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import RecommendationEnded, RecommendationPublished
from meadow.kernel.outbox import emit

__all__ = ["end_recommendation", "publish_recommendation"]


def publish_recommendation(
    *,
    creator_id: int,
    items: Sequence[tuple[int, str]],
    title: str = "",
    text: str = "",
    links: Sequence[str] = (),
) -> Recommendation:
    """A creator recommends one to nine products (product id, reason), each with a reason of their own.

    Price, stock and label come from the server alone.  Refuses: no_products, too_many_products, product_twice,
    reason_blank, reason_too_short, reason_copied, malformed, creator_required, creator_suspended, feature_suspended,
    limited, link_blocked, not_found, product_unavailable.
    """
    items = _checked(items)
    title = rules.check_length("title", title, rules.LIMITS["title_most_characters"])
    text = rules.check_length("text", text, rules.LIMITS["text_most_characters"])
    creator = _active_creator(creator_id)
    governance.require_feature("posting")
    has_links = any(link.strip() for link in links) or bool(governance.links_in_text(f"{title}\n{text}"))
    require_allowed(parties=governance.parties_of(creator.person_id), act="links" if has_links else "post")
    # Before the transaction, so that the record of a blocked link outlives the refusal.
    require_links(
        surface="post",
        subject=(rules.CREATOR, creator_id),
        urls=[link for link in links if link.strip()],
        text="\n".join([title, text, *(reason for _, reason in items)]),
    )
    cards = catalog.cards([product_id for product_id, _ in items])
    for product_id, _ in items:
        card = cards.get(product_id)
        if card is None:
            raise Refusal("not_found")
        if not card.on_sale:
            raise Refusal("product_unavailable", title=card.title)
    with atomic():
        _turn(creator_id, "_shared")
        if Stop.objects.filter(subject_kind=rules.CREATOR, subject_id=creator_id, lifted_at__isnull=True).exists():
            raise Refusal("creator_suspended")
        _check_copies([reason for _, reason in items])
        post = Recommendation.objects.create(
            creator=creator, creator_public_id=creator.public_id, creator_name=creator.name,
            title=title, text=text, published_at=clock.now(),
        )  # fmt: skip
        RecommendationItem.objects.bulk_create(
            RecommendationItem(
                recommendation=post, position=position, product_id=product_id, shop_id=cards[product_id].shop_id,
                reason=reason, reason_digest=rules.reason_digest(reason), title_at_post=cards[product_id].title,
                price_at_post_minor=cards[product_id].price_minor, currency=cards[product_id].currency,
            )
            for position, (product_id, reason) in enumerate(items, start=1)
        )  # fmt: skip
        emit(RecommendationPublished(post.pk, creator_id))
    return post


def end_recommendation(*, recommendation_id: int, creator_id: int) -> Recommendation:
    """The creator ends a post of theirs: it can be read but leaves every list.  Refuses: not_found, stale_state."""
    with atomic():
        post = Recommendation.objects.filter(pk=recommendation_id, creator_id=creator_id).first()
        if post is None:
            raise Refusal("not_found")
        db.move(post, rules.RECOMMENDATION, "end", ended_at=clock.now())
        forget_recommendation(recommendation_id=post.pk)
        emit(RecommendationEnded(post.pk, creator_id))
    return post


def stop(*, subject_kind: str, subject_id: int, decision_id: int, until: datetime | None) -> None:
    """Carries out a suspension: the posts it covers are hidden while it lasts.  Twice is once."""
    with atomic():
        _turn_of(subject_kind, subject_id)
        Stop.objects.get_or_create(
            decision_id=decision_id,
            defaults={"subject_kind": subject_kind, "subject_id": subject_id, "until": until},
        )
        _show_or_hide(subject_kind, subject_id)


def lift_stops(*, subject_kind: str, subject_id: int, decision_id: int) -> None:
    """A decision restores the subject: every stop on it is lifted."""
    with atomic():
        _turn_of(subject_kind, subject_id)
        open_stops = Stop.objects.filter(subject_kind=subject_kind, subject_id=subject_id, lifted_at__isnull=True)
        open_stops.update(lifted_at=clock.now(), lifted_by=decision_id)
        _show_or_hide(subject_kind, subject_id)


def undo_decision(*, decision_id: int, subject_kind: str, subject_id: int) -> None:
    """A decision was reversed: what it stopped is shown, what it had restored is stopped again."""
    with atomic():
        _turn_of(subject_kind, subject_id)
        Stop.objects.filter(decision_id=decision_id, lifted_at__isnull=True).update(lifted_at=clock.now())
        Stop.objects.filter(lifted_by=decision_id).update(lifted_at=None, lifted_by=None)
        _show_or_hide(subject_kind, subject_id)


def lift_expired(*, stop: Stop) -> None:
    """The end of a stop that had one."""
    with atomic():
        _turn_of(stop.subject_kind, stop.subject_id)
        Stop.objects.filter(pk=stop.pk, lifted_at__isnull=True).update(lifted_at=clock.now())
        _show_or_hide(stop.subject_kind, stop.subject_id)


def _turn(creator_id: int, shared: str = "") -> None:
    """Posts of a creator are published side by side, but never while a stop is laid or lifted: none slips through."""
    db.execute(f"SELECT pg_advisory_xact_lock{shared}(hashtextextended('content:creator', %s))", [creator_id])


def _turn_of(subject_kind: str, subject_id: int) -> None:
    if subject_kind == rules.CREATOR:
        _turn(subject_id)
    else:
        for creator_id in Recommendation.objects.filter(pk=subject_id).values_list("creator_id", flat=True):
            _turn(creator_id)


def _show_or_hide(subject_kind: str, subject_id: int) -> None:
    """Brings the posts of a subject to the state that the open stops ask for; what has ended stays ended."""
    column = "creator_id" if subject_kind == rules.CREATOR else "id"
    db.execute(
        "WITH wanted AS (SELECT r.id, CASE WHEN EXISTS (SELECT 1 FROM content_stop s WHERE s.lifted_at IS NULL "
        "AND s.subject_kind = %(post)s AND s.subject_id = r.id) THEN 'taken_down' "
        "WHEN EXISTS (SELECT 1 FROM content_stop s WHERE s.lifted_at IS NULL "
        "AND s.subject_kind = %(creator)s AND s.subject_id = r.creator_id) THEN 'hidden' ELSE 'published' END AS state "
        f"FROM content_recommendation r WHERE r.{column} = %(subject)s AND r.state <> 'ended' "
        "ORDER BY r.id FOR UPDATE) "
        "UPDATE content_recommendation r SET state = w.state FROM wanted w WHERE r.id = w.id AND r.state <> w.state",
        {"post": rules.POST, "creator": rules.CREATOR, "subject": subject_id},
    )


def _checked(items: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    if not items:
        raise Refusal("no_products")
    if len(items) > rules.LIMITS["products_per_post"]:
        raise Refusal("too_many_products", most=rules.LIMITS["products_per_post"])
    if len({product_id for product_id, _ in items}) < len(items):
        raise Refusal("product_twice")
    return [(product_id, rules.check_reason(reason)) for product_id, reason in items]


def _active_creator(creator_id: int) -> Creator:
    creator = accounts.creator(creator_id)
    # Governance knows of a suspension before accounts has carried it out.
    if creator.state == "suspended" or governance.is_suspended(rules.CREATOR, creator_id):
        raise Refusal("creator_suspended")
    if creator.state != "active":
        raise Refusal("creator_required")
    return creator


def _check_copies(reasons: list[str]) -> None:
    """A reason that already stands in many other posts is nobody's own."""
    copies = (
        RecommendationItem.objects.filter(reason_digest__in=[rules.reason_digest(reason) for reason in reasons])
        .values("reason_digest")
        .annotate(posts=Count("recommendation", distinct=True))
        .order_by("-posts")
        .values_list("posts", flat=True)
        .first()
    )
    if copies is not None and copies >= rules.LIMITS["posts_with_one_reason"]:
        raise Refusal("reason_copied", copies=copies)
