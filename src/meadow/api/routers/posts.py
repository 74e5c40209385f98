"""Operations on recommendations: the feed for everyone, publishing and ending for creators."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from pydantic import Field

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import Caller, caller_of
from meadow.api.lists import whole_page
from meadow.api.operations import Group
from meadow.catalog import queries as catalog
from meadow.content import queries, services
from meadow.kernel.errors import Refusal
from meadow.sharing import services as sharing
from meadow.sharing.queries import Origin

group = Group("recommendations")

Reason = Annotated[str, Field(max_length=2000, examples=["Three summers of wear and it still looks new."])]


class Card(t.Out):
    id: t.RecommendationId
    title: str = Field(examples=["What I wear when it is hot"])
    reason: str = Field(examples=["Three summers of wear and it still looks new."])
    creator: str = Field(examples=["Mei"])
    creator_id: t.CreatorId
    published_at: t.Moment
    ad_label: bool
    products: int
    product_id: t.ProductId
    product: str = Field(examples=["Linen shirt"])
    image: str = Field(examples=["/pictures/prd_01jd2m4q8r6t0v3x5z7y/1.svg"])
    shop: str = Field(examples=["Linen & Co"])
    shop_id: t.ShopId
    state: str = Field(examples=["on_sale"])
    left: int = Field(examples=[10])
    price_minor: int = Field(examples=[10000])
    price: str = Field(examples=["100.00"])
    currency: str = Field(examples=["CNY"])
    is_price_changed: bool = Field(examples=[False])


class Feed(t.Out):
    items: list[Card]
    next_cursor: str | None


class ItemIn(t.In):
    product: t.ProductId
    reason: Reason


class RecommendationIn(t.In):
    items: Annotated[list[ItemIn], Field(min_length=1, max_length=20)]
    title: Annotated[str, Field(max_length=500, examples=["What I wear when it is hot"])] = ""
    text: Annotated[str, Field(max_length=20_000, examples=["It is hot again."])] = ""
    links: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=50, examples=[[]])] = []
    pictures: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=20, examples=[[]])] = []


class Item(t.Out):
    product: t.ProductId
    title: str = Field(examples=["Linen shirt"])
    reason: Reason
    shop: t.ShopId
    shop_name: str = Field(examples=["Linen & Co"])
    image: str = Field(examples=["/pictures/prd_01jd2m4q8r6t0v3x5z7y/1.svg"])
    state: str = Field(examples=["on_sale"])
    left: int = Field(examples=[10])
    price_minor: int = Field(examples=[10000])
    price_at_post_minor: int = Field(examples=[10000])
    currency: str = Field(examples=["CNY"])
    is_price_changed: bool = Field(examples=[False])
    ad_label: bool
    view: str = Field(description="Send it to /clicks when the reader goes to the product.", examples=["eyJuIjoi…"])


class RecommendationOut(t.Out):
    id: t.RecommendationId
    creator: t.CreatorId
    creator_name: str = Field(examples=["Mei"])
    title: str = Field(examples=["What I wear when it is hot"])
    text: str = Field(examples=["It is hot again."])
    state: str = Field(examples=["published"])
    published_at: t.Moment
    ad_label: bool = Field(description="Computed from the plans in force; nobody can set it.")
    pictures: list[str] = Field(
        description="Addresses of the pictures that may be seen now.",
        examples=[["/pictures/pic_01jd2m4q8r6t0v3x5z7y.webp"]],
    )
    items: list[Item]


class RecommendationShort(t.Out):
    id: t.RecommendationId
    title: str = Field(examples=["What I wear when it is hot"])
    state: str = Field(examples=["published"])
    published_at: t.Moment


@group.get("/feed", gives=Feed, guests=True)
def get_feed(request: HttpRequest, cursor: t.Cursor = "", limit: t.PageSize = t.PAGE) -> HttpResponse:
    """The newest recommendations, each as a card of its first product with live price and stock."""
    return whole_page(request, queries.feed_json(cursor or None, limit, reader_id=caller_of(request).person_id))


@group.get("/recommendations/{recommendation}", gives=RecommendationOut, guests=True)
def get_recommendation(request: HttpRequest, recommendation: t.RecommendationId) -> Any:
    """A recommendation with its products, live prices and stock."""
    caller = caller_of(request)
    found = queries.recommendation(recommendation, for_creator=_creator_id(caller), for_operator=caller.is_operator)
    return _out(request, found)


@group.post(
    "/recommendations", gives=RecommendationOut, status=201, scope="content",
    refuses=["creator_required", "creator_suspended", "no_products", "too_many_products", "product_twice",
             "reason_blank", "reason_too_short", "reason_copied", "link_blocked", "text_refused",
             "too_many_pictures", "picture_taken", "product_unavailable", "not_found"],
)  # fmt: skip
def publish_recommendation(request: HttpRequest, body: RecommendationIn) -> Any:
    """Recommends one to nine products, each with a reason of one's own."""
    creator = accounts.require_creator(caller_of(request).person)
    ids = catalog.product_ids(item.product for item in body.items)
    if any(item.product not in ids for item in body.items):
        raise Refusal("not_found")
    post = services.publish_recommendation(
        creator_id=creator.pk, items=[(ids[item.product], item.reason) for item in body.items], title=body.title,
        text=body.text, links=body.links, pictures=body.pictures,
    )  # fmt: skip
    return _out(request, queries.recommendation(post.pk, for_creator=creator.pk))


@group.get("/me/recommendations", gives=list[RecommendationShort], scope="content", refuses=["creator_required"])
def list_my_recommendations(request: HttpRequest) -> Any:
    """The creator's own recommendations in every state, the newest first."""
    creator = accounts.require_creator(caller_of(request).person)
    return [
        {"id": post.public_id, "title": post.title, "state": post.state, "published_at": post.published_at}
        for post in queries.posts_of_creator(creator.pk)
    ]


@group.post(
    "/recommendations/{recommendation}/end", gives=RecommendationOut, scope="content",
    refuses=["creator_required", "creator_suspended", "stale_state"],
)  # fmt: skip
def end_recommendation(request: HttpRequest, recommendation: t.RecommendationId) -> Any:
    """Ends a recommendation of one's own: it can be read but leaves every list."""
    creator = accounts.require_creator(caller_of(request).person)
    found = queries.recommendation(recommendation, for_creator=creator.pk)
    services.end_recommendation(recommendation_id=found.recommendation_id, creator_id=creator.pk)
    return _out(request, queries.recommendation(found.recommendation_id, for_creator=creator.pk))


def _creator_id(caller: Caller) -> int | None:
    creator = accounts.creator_of(caller.person_id) if caller.person_id else None
    return creator.pk if creator else None


def _out(request: HttpRequest, post: queries.RecommendationView) -> dict[str, Any]:
    return {
        "id": post.public_id, "creator": post.creator_public_id, "creator_name": post.creator_name,
        "title": post.title, "text": post.text, "state": post.state, "published_at": post.published_at,
        "ad_label": post.ad_label,
        "pictures": [
            reverse("sent_picture", args=[one.public_id])
            for one in queries.pictures_of("recommendation", post.recommendation_id)
        ],
        "items": [_item(request, post, item) for item in post.items],
    }  # fmt: skip


def _item(request: HttpRequest, post: queries.RecommendationView, item: queries.ItemView) -> dict[str, Any]:
    view = sharing.open_view(
        origin=Origin(post.creator_id, item.shop_id, item.product_id, "post"),
        method=str(request.META.get("REQUEST_METHOD")), headers=request.headers, person_id=caller_of(request).person_id,
    )  # fmt: skip
    return {
        "product": item.product_public_id, "title": item.title, "reason": item.reason, "shop": item.shop_public_id,
        "shop_name": item.shop_name, "image": item.image, "state": item.state, "left": item.left,
        "price_minor": item.price_minor, "price_at_post_minor": item.price_at_post_minor, "currency": item.currency,
        "is_price_changed": item.is_price_changed, "ad_label": item.ad_label, "view": view.text,
    }  # fmt: skip
