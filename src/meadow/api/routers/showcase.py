"""Operations on showcases: a creator sorts theirs, everybody sees it."""

from typing import Annotated, Any

from django.http import HttpRequest
from pydantic import Field, StrictInt

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.catalog import queries as catalog
from meadow.content import queries, services
from meadow.kernel.errors import Refusal
from meadow.sharing import services as sharing
from meadow.sharing.queries import Origin

group = Group("showcase")

EntryId = Annotated[str, t._id("shw")]
Tab = Annotated[str, Field(max_length=40)]
MINE = ["creator_required", "creator_suspended"]


class ShowcaseEntryOut(t.Out):
    id: EntryId
    recommendation: t.RecommendationId
    product: t.ProductId
    title: str = Field(examples=["Linen shirt"])
    reason: str = Field(examples=["Three summers of wear and it still looks new."])
    shop: t.ShopId
    image: str = Field(examples=["/pictures/prd_01jd2m4q8r6t0v3x5z7y/1.svg"])
    tab: str = Field(examples=["Shirts"])
    state: str = Field(description="withdrawn is told to the owner only.", examples=["on_sale"])
    left: int = Field(examples=[10])
    price_minor: int = Field(examples=[10000])
    currency: str = Field(examples=["CNY"])
    ad_label: bool
    view: str = Field(description="Send it to /clicks when the shopper taps the entry.", examples=["eyJuIjoi…"])


class TabOut(t.Out):
    name: str = Field(examples=["Shirts"])
    products: int


class ShowcaseOut(t.Out):
    creator: t.CreatorId
    version: int = Field(description="Hand it back when you sort.")
    tabs: list[TabOut]
    entries: list[ShowcaseEntryOut]


class EntryIn(t.In):
    recommendation: t.RecommendationId
    product: t.ProductId | None = Field(None, description="null: every product of it that is on sale.")


class OrderIn(t.In):
    version: Annotated[StrictInt, Field(ge=1, le=2**31 - 1, examples=[3])]
    entries: Annotated[list[EntryId], Field(max_length=2000)]


@group.get("/creators/{creator}/showcase", gives=ShowcaseOut, guests=True)
def get_showcase(request: HttpRequest, creator: t.CreatorId, tab: t.Filter = "") -> Any:
    """What a creator shows just now, in their order; a tap on an entry counts as theirs."""
    found = accounts.creator(creator)
    return _wall(request, found, queries.showcase(found.pk), tab)


@group.get("/me/showcase", gives=ShowcaseOut, scope="content", refuses=MINE)
def get_my_showcase(request: HttpRequest) -> Any:
    """One's own showcase, with what shoppers do not see just now."""
    return _mine(request, accounts.require_creator(caller_of(request).person))


@group.post(
    "/me/showcase/entries", gives=ShowcaseOut, status=201, scope="content",
    refuses=["not_found", "stale_state", "product_unavailable", "showcase_full", *MINE],
)  # fmt: skip
def add_to_showcase(request: HttpRequest, body: EntryIn) -> Any:
    """Puts a product of one's live recommendation on top of the showcase; twice is once."""
    creator = accounts.require_creator(caller_of(request).person)
    post = queries.recommendation(body.recommendation, for_creator=creator.pk)
    if post.creator_id != creator.pk:
        raise Refusal("not_found")
    if body.product is None:
        services.show_whole_recommendation(creator_id=creator.pk, recommendation_id=post.recommendation_id)
    else:
        product_id = catalog.product_ids([body.product]).get(body.product)
        if product_id is None:
            raise Refusal("not_found")
        services.add_to_showcase(creator_id=creator.pk, recommendation_id=post.recommendation_id, product_id=product_id)
    return _mine(request, creator)


@group.delete("/me/showcase/entries/{entry}", gives=ShowcaseOut, scope="content", refuses=MINE)
def remove_from_showcase(request: HttpRequest, entry: EntryId) -> Any:
    """Takes a product off the showcase; the recommendation stays."""
    creator = accounts.require_creator(caller_of(request).person)
    services.remove_from_showcase(creator_id=creator.pk, entry=entry)
    return _mine(request, creator)


@group.put("/me/showcase/order", gives=ShowcaseOut, scope="content", refuses=["showcase_changed", "not_found", *MINE])
def sort_showcase(request: HttpRequest, body: OrderIn) -> Any:
    """Sorts the showcase: the named entries first; a version that is not the newest is refused."""
    creator = accounts.require_creator(caller_of(request).person)
    services.reorder_showcase(creator_id=creator.pk, entries=body.entries, version=body.version)
    return _mine(request, creator)


def _mine(request: HttpRequest, creator: accounts.Creator) -> dict[str, Any]:
    return _wall(request, creator, queries.showcase(creator.pk, for_owner=True))


def _wall(request: HttpRequest, creator: accounts.Creator, view: queries.ShowcaseView, tab: str = "") -> dict[str, Any]:
    return {
        "creator": creator.public_id, "version": view.version,
        "tabs": [{"name": name, "products": count} for name, count in view.tabs],
        "entries": [_entry(request, creator.pk, item) for item in queries.shown_items(view, tab)],
    }  # fmt: skip


def _entry(request: HttpRequest, creator_id: int, item: queries.ShowcaseItem) -> dict[str, Any]:
    card = item.card
    view = sharing.open_view(
        origin=Origin(creator_id, card.shop_id, card.product_id, "showcase"),
        method=str(request.META.get("REQUEST_METHOD")), headers=request.headers, person_id=caller_of(request).person_id,
    )  # fmt: skip
    return {
        "id": item.public_id, "recommendation": item.recommendation_public_id, "product": card.public_id,
        "title": card.title, "reason": item.reason, "shop": card.shop_public_id, "image": card.image, "tab": item.tab,
        "state": item.state, "left": card.left, "price_minor": card.price_minor, "currency": card.currency,
        "ad_label": item.ad_label, "view": view.text,
    }  # fmt: skip
