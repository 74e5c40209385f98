"""Operations on share tokens: mint in every form, resolve whatever people paste, open a landing, follow it."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from pydantic import Field

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import Caller, caller_of
from meadow.api.landings import landing_head, landing_json, resolved_document
from meadow.api.language import language_of
from meadow.api.operations import Group
from meadow.catalog import queries as catalog
from meadow.content import queries as content
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.plans import queries as plans
from meadow.sharing import queries, services

group = Group("sharing")

# What a token of ours can lead to; sharing itself keeps the pair (kind, id) without knowing what it is.
POST, PRODUCT = "content.recommendation", "catalog.product"

Carrier = Annotated[
    str,
    Field(
        max_length=24, pattern=r"^[A-Za-z0-9_-]*$", examples=["device-7"],
        description="Your own name for the shopper's device, so that clicks before a sign-in are found again.",
    ),
]  # fmt: skip


class TokenIn(t.In):
    product: t.ProductId
    recommendation: t.RecommendationId | None = Field(
        None, description="Leads to this recommendation with the product chosen; left out: to the product alone."
    )
    is_poster: bool = Field(False, description="Posters live for a year, others for sixty days.")


class PartnerPageIn(t.In):
    url: Annotated[str, Field(min_length=1, max_length=2000, examples=["https://item.example.org/item/7"])]


class TokenOut(t.Out):
    id: t.TokenId
    state: str = Field(examples=["active"])
    target: Literal["recommendation", "product", "shop", "partner_page"]
    product: t.ProductId | None
    page: str | None = Field(description="The partner's page it leads to.", examples=[None])
    expires_at: t.Moment
    code: str = Field(examples=["7KQ2M0XA9VTD3"])
    text: str = Field(examples=["￥7KQ2M0XA9VTD3￥ Mei recommends “Linen shirt”. Copy this message …"])
    digits: str = Field(examples=["￥012 345 678 901 234 567 890￥"])
    url: str = Field(examples=["http://localhost:8000/S/7KQ2M0XA9VTD3"])


class PasteIn(t.In):
    text: Annotated[str, Field(min_length=1, max_length=4000, examples=["look ￥7KQ2M0XA9VTD3￥ nice"])]


class Sharer(t.Out):
    id: t.CreatorId
    name: str = Field(examples=["Mei"])


class LandingProduct(t.Out):
    id: t.ProductId
    title: str = Field(examples=["Linen shirt"])
    image: str = Field(examples=["/pictures/prd_01jd2m4q8r6t0v3x5z7y/1.svg"])
    price_minor: int = Field(examples=[10000])
    currency: str = Field(examples=["CNY"])
    left: int = Field(examples=[10])
    on_sale: bool


class PageOut(t.Out):
    """A partner's page, outside of this site, with the link policy's decision of this moment."""

    url: str = Field(examples=["https://item.example.org/item/7"])
    host: str = Field(examples=["item.example.org"])
    partner: Annotated[str, Field(examples=["prt_01jd2m4q8r6t0v3x5z7y"])]
    name: str = Field(examples=["Example Mall"])
    after_sale_contact: str = Field(examples=["care@example.org"])
    verdict: Literal["allow", "warn", "block"] = Field(description="Lead there by itself nobody, warn or not at all.")
    rule: str = Field(examples=["link.partners v1"])
    reason: str = Field(examples=["It is a product page of our partner Example Mall."])
    reason_zh: str = Field(examples=["这是合作方 Example Mall 的商品页。"])


class Resolved(t.Out):
    code: str = Field(examples=["7KQ2M0XA9VTD3"])
    url: str = Field(examples=["http://localhost:8000/S/7KQ2M0XA9VTD3"])
    problem: str | None = Field(description="Why nobody earns by it any more; null while it lives.", examples=[None])
    target: str = Field(description="recommendation, product, shop or partner_page.", examples=["recommendation"])
    creator: Sharer
    shop: t.ShopId | None
    product: LandingProduct | None
    recommendation: t.RecommendationId | None
    page: PageOut | None = Field(description="Where a partner's page is; null for all that is sold here.")
    ad_label: bool = Field(description="Computed from the plans in force; nobody can set it.")


class Landing(Resolved):
    view: str = Field(description="Send it to /clicks when the shopper goes on.", examples=["eyJuIjoi…"])
    click: str | None = Field(description="Set if the request itself proved a person.", examples=[None])


class ClickIn(t.In):
    view: Annotated[str, Field(min_length=1, max_length=2000, examples=["eyJuIjoi…"])]
    carrier: Carrier = ""


class ClickOut(t.Out):
    click: str | None = Field(
        description="Hand it to the checkout; null if the view was not believed.", examples=["eyJuIjoi…"]
    )


@group.post(
    "/tokens", gives=TokenOut, status=201, scope="share",
    refuses=["creator_required", "creator_suspended", "token_blocked", "not_found", "unavailable"],
)  # fmt: skip
def mint_token(request: HttpRequest, body: TokenIn) -> Any:
    """Mints the creator's token for a product or a recommendation, or finds the live one and renews it."""
    creator = accounts.require_creator(caller_of(request).person)
    product_id, shop_id, kind, target_id = target_of(body)
    token = services.mint_token(
        creator_id=creator.pk, target_kind=kind, target_id=target_id, shop_id=shop_id, product_id=product_id,
        is_poster=body.is_poster,
    )  # fmt: skip
    return token_document(request, token, creator)


@group.post(
    "/tokens/pages", gives=TokenOut, status=201, scope="share",
    refuses=["creator_required", "creator_suspended", "token_blocked", "link_blocked", "page_refused", "unavailable"],
)  # fmt: skip
def mint_page_token(request: HttpRequest, body: PartnerPageIn) -> Any:
    """Mints the creator's token for a product page of an allowlisted partner.  The link policy decides now, and again
    whenever it is opened.  Its clicks are counted; what is bought there is settled by the partner."""
    caller = caller_of(request)
    creator = accounts.require_creator(caller.person)
    token = services.mint_partner_token(creator_id=creator.pk, url=body.url, by=Actor("person", caller.person))
    return token_document(request, token, creator)


@group.get("/tokens", gives=list[TokenOut], scope="share", refuses=["creator_required"])
def list_tokens(request: HttpRequest) -> Any:
    """The creator's newest tokens."""
    creator = creator_of_caller(caller_of(request))
    return [token_document(request, token, creator) for token in queries.tokens_of_creator(creator.pk)]


@group.get("/tokens/{token}", gives=TokenOut, scope="share", refuses=["creator_required"])
def get_token(request: HttpRequest, token: t.TokenId) -> Any:
    """A token of one's own, in every form."""
    creator = creator_of_caller(caller_of(request))
    return token_document(request, queries.token(token, creator_id=creator.pk), creator)


@group.get("/tokens/{token}/qr.svg", scope="share", media_type="image/svg+xml", refuses=["creator_required"])
def get_token_qr_svg(request: HttpRequest, token: t.TokenId) -> HttpResponse:
    """The token's short link as a QR code, SVG."""
    drawn = queries.qr_svg(_address(caller_of(request), token))
    # Inline it would inherit the page's namespace; as a file of its own it must name it.
    file = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) if "xmlns=" not in drawn else drawn
    return HttpResponse(file, content_type="image/svg+xml")


@group.get("/tokens/{token}/qr.png", scope="share", media_type="image/png", refuses=["creator_required"])
def get_token_qr_png(request: HttpRequest, token: t.TokenId) -> HttpResponse:
    """The token's short link as a QR code, PNG."""
    return HttpResponse(queries.qr_png(_address(caller_of(request), token)), content_type="image/png")


@group.post("/tokens/{token}/revoke", gives=TokenOut, scope="share", refuses=["creator_required", "stale_state"])
def revoke_token(request: HttpRequest, token: t.TokenId) -> Any:
    """Takes a token back: no new clicks, earlier ones still earn."""
    creator = creator_of_caller(caller_of(request))
    own = queries.token(token, creator_id=creator.pk)
    return token_document(request, services.revoke_token(token_id=own.pk, creator_id=creator.pk), creator)


@group.post("/tokens/resolve", gives=Resolved, guests=True, refuses=["not_a_token"])
def resolve_token(request: HttpRequest, body: PasteIn) -> Any:
    """Finds the first live token in whatever was pasted: a chat message, digits, a link."""
    caller = caller_of(request)
    callers = [f"address:{caller.address}"] + ([f"person:{caller.person_id}"] if caller.person_id else [])
    return resolved_document(services.resolve(text=body.text, callers=callers))


@group.get("/landings/{code}", gives=Landing, guests=True, refuses=["not_a_token"])
def open_landing(request: HttpRequest, code: Annotated[str, Field(max_length=40)]) -> Any:
    """What a short link shows, with a signed view that becomes a click when it is followed."""
    caller, found = caller_of(request), queries.landing(code)
    if found is None:
        services.count_miss(caller=f"address:{caller.address}")
        raise Refusal("not_a_token")
    view = services.open_view(
        origin=found.origin(), method=str(request.META.get("REQUEST_METHOD")), headers=request.headers,
        person_id=caller.person_id,
    )  # fmt: skip
    return landing_json(landing_head(found), view)


@group.post("/clicks", gives=ClickOut, status=201, guests=True)
def follow_view(request: HttpRequest, body: ClickIn) -> Any:
    """Turns a view that the shopper followed into a click; one view gives one click, however often it is sent."""
    caller = caller_of(request)
    click = services.click_from_view(
        view=body.view, method="POST", headers=request.headers, carrier=carrier_of(caller, body.carrier),
        person_id=caller.person_id,
    )  # fmt: skip
    return {"click": click}


def carrier_of(caller: Caller, named: str) -> str:
    """The carrier as we keep it: apart for each key, so that nobody can speak for a browser or another's app."""
    return f"api:{caller.key_id or 'guest'}:{named}"[:40] if named else ""


def creator_of_caller(caller: Caller) -> accounts.Creator:
    """The caller's creator in whatever state: a suspended one may still look, and take tokens back."""
    found = accounts.creator_of(caller.person)
    if found is None:
        raise Refusal("creator_required")
    return found


def target_of(body: TokenIn) -> tuple[int, int, str, int]:
    """(product id, shop id, target kind, target id).  Refuses: not_found."""
    found = catalog.product_page(body.product)
    product_id, shop_id = found.card.product_id, found.shop.shop_id
    if body.recommendation is None:
        return product_id, shop_id, PRODUCT, product_id
    post = content.recommendation(body.recommendation)
    if product_id not in {item.product_id for item in post.items}:
        raise Refusal("not_found")
    return product_id, shop_id, POST, post.recommendation_id


def _address(caller: Caller, token: str) -> str:
    own = queries.token(token, creator_id=creator_of_caller(caller).pk)
    return queries.forms(own, creator_name="", title="-").url


def is_ad(token: queries.ShareToken, creator: accounts.Creator) -> bool:
    """Whether somebody earns by it: then whatever is handed out says that it is an advertisement."""
    if token.product_id is None or token.shop_id is None:
        return token.target_kind == queries.PARTNER_PAGE  # what a partner pays nobody here knows
    return bool(plans.pairs_with_commission([(token.product_id, token.shop_id, creator.pk)]))


def token_document(request: HttpRequest, token: queries.ShareToken, creator: accounts.Creator) -> dict[str, Any]:
    forms = queries.forms(token, language=language_of(request), creator_name=creator.name, is_ad=is_ad(token, creator))
    product = catalog.cards([token.product_id])[token.product_id].public_id if token.product_id else None
    kind = token.target_kind.partition(".")[2]
    return {
        "id": token.public_id, "state": token.state, "expires_at": token.expires_at, "product": product,
        "target": kind,
        "page": queries.partner_page(token.target_id).url if token.target_kind == queries.PARTNER_PAGE else None,
        "code": forms.code, "text": forms.text, "digits": forms.digits, "url": forms.url,
    }  # fmt: skip
