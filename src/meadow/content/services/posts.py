"""How a recommendation is published and ended."""

from collections.abc import Sequence

from django.db.models import Count

from meadow.accounts import queries as accounts
from meadow.accounts.queries import Creator
from meadow.catalog import queries as catalog
from meadow.content import rules
from meadow.content.models import Recommendation, RecommendationItem, Stop
from meadow.content.services.pictures import attach, pictures_to_attach
from meadow.content.services.showcase import forget_recommendation
from meadow.content.services.standing import hide_at_once, turn_of_creator
from meadow.content.services.texts import words_of
from meadow.governance import queries as governance
from meadow.governance.services import (
    TextSurface,
    hold_text,
    judge_words,
    next_id,
    require_allowed,
    require_links,
    require_text,
)
from meadow.kernel import clock, db
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import RecommendationEnded, RecommendationPublished
from meadow.kernel.outbox import emit
from meadow.plans import queries as plans


def publish_recommendation(
    *,
    creator_id: int,
    items: Sequence[tuple[int, str]],
    title: str = "",
    text: str = "",
    links: Sequence[str] = (),
    pictures: Sequence[str] = (),
) -> Recommendation:
    """A creator recommends one to nine products (product id, reason), each with a reason of their own.

    Price, stock and label come from the server alone.  What should be looked at first is hidden until somebody has.
    Refuses: no_products, too_many_products, product_twice, reason_blank, reason_too_short, reason_copied, malformed,
    creator_required, creator_suspended, feature_suspended, limited, link_blocked, text_refused, not_found,
    product_unavailable, too_many_pictures, picture_taken.
    """
    items = _checked(items)
    title = rules.check_length("title", title, rules.LIMITS["title_most_characters"])
    text = rules.check_length("text", text, rules.LIMITS["text_most_characters"])
    creator = _active_creator(creator_id)
    governance.require_feature("posting")
    has_links = any(link.strip() for link in links) or bool(governance.links_in_text(f"{title}\n{text}"))
    require_allowed(parties=governance.parties_of(creator.person_id), act="links" if has_links else "post")
    # Before the transaction, so that the record of what was blocked outlives the refusal.
    words = words_of(title, text, [reason for _, reason in items])
    require_links(
        surface="post", subject=(rules.CREATOR, creator_id), urls=[link for link in links if link.strip()], text=words
    )
    verdict = require_text(surface=TextSurface.RECOMMENDATION, text=words, subject=(rules.CREATOR, creator_id))
    shown = pictures_to_attach(pictures, person_id=creator.person_id, use="post")
    cards = catalog.cards([product_id for product_id, _ in items])
    for product_id, _ in items:
        card = cards.get(product_id)
        if card is None:
            raise Refusal("not_found")
        if not card.on_sale:
            raise Refusal("product_unavailable", title=card.title)
    post_id = next_id("content_recommendation")
    heard = judge_words(
        event_type="text", surface=TextSurface.RECOMMENDATION, words=words, subject=(rules.POST, post_id),
        actor=(rules.CREATOR, creator_id), verdict=verdict, urls=[link for link in links if link.strip()],
        among=f"shop:{cards[items[0][0]].shop_id}",
        more={"has_commission": _earns(creator_id, [cards[product_id] for product_id, _ in items])},
    )  # fmt: skip
    with atomic():
        turn_of_creator(creator_id, "_shared")
        if Stop.objects.filter(subject_kind=rules.CREATOR, subject_id=creator_id, lifted_at__isnull=True).exists():
            raise Refusal("creator_suspended")
        _check_copies([reason for _, reason in items])
        post = Recommendation.objects.create(
            pk=post_id, creator=creator, creator_public_id=creator.public_id, creator_name=creator.name,
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
        attach(shown, "recommendation", post.pk)
        if verdict.verdict == "review":
            held = hold_text(verdict=verdict, surface=TextSurface.RECOMMENDATION, subject=(rules.POST, post.pk))
            hide_at_once(subject=(rules.POST, post.pk), decision_id=held.pk)
        if heard.decision_id is not None:
            hide_at_once(subject=(rules.POST, post.pk), decision_id=heard.decision_id)
        post.refresh_from_db()
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


def end_all_of(*, creator_id: int) -> int:
    """A creator who leaves ends every post of theirs; returns how many."""
    going = Recommendation.objects.filter(creator_id=creator_id).exclude(state="ended")
    ids = list(going.order_by("pk").values_list("pk", flat=True))
    for recommendation_id in ids:
        end_recommendation(recommendation_id=recommendation_id, creator_id=creator_id)
    return len(ids)


def _earns(creator_id: int, cards: Sequence[catalog.Card]) -> bool:
    """Whether the creator is paid for any of these products."""
    return bool(plans.pairs_with_commission([(card.product_id, card.shop_id, creator_id) for card in cards]))


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
