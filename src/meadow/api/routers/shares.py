"""Operations of sharing in one go: everything for the channel at hand, many tokens at once, another's token as one's own."""

from datetime import timedelta
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest
from ninja import Query
from pydantic import Field

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.language import language_of
from meadow.api.operations import Group
from meadow.api.routers.outlets import OutletCode
from meadow.api.routers.sharing import PasteIn, TokenIn, TokenOut, creator_of_caller, is_ad, target_of, token_document
from meadow.catalog import queries as catalog
from meadow.content import queries as content
from meadow.kernel import clock
from meadow.kernel.errors import Refusal
from meadow.sharing import queries, services

group = Group("shares")
POST, PRODUCT, SHOP = "content.recommendation", "catalog.product", "catalog.shop"
Days = Annotated[int, Query(ge=1, le=90, description="So many days back.")]


class PieceOut(t.Out):
    """One form for one channel: a text to copy as it stands, or the address of a picture to save."""

    form: str = Field(examples=["text"])
    text: str = Field(examples=["￥7KQ2M0XA9VTD3-2G￥ Mei recommends “Linen shirt”"])
    picture: str = Field(examples=[""])
    length: int = Field(examples=[46], description="As the channel counts it.")


class MaterialOut(t.Out):
    """All forms that get through to a channel, the one to use first in front."""

    outlet: OutletCode
    name_en: str = Field(examples=["Weibo"])
    name_zh: str = Field(examples=["微博"])
    default: str = Field(examples=["link"])
    pieces: list[PieceOut]


class PicturesOut(t.Out):
    qr_svg: str = Field(examples=["http://localhost:8000/q/7KQ2M0XA9VTD3.svg"])
    qr_png: str = Field(examples=["http://localhost:8000/q/7KQ2M0XA9VTD3.png"])
    poster: str | None = Field(examples=["http://localhost:8000/q/7KQ2M0XA9VTD3/poster.png"])
    card: str | None = Field(examples=["http://localhost:8000/q/7KQ2M0XA9VTD3/card.png"])
    square: str | None = Field(examples=["http://localhost:8000/q/7KQ2M0XA9VTD3/square.png"])


class ShareIn(TokenIn):
    outlet: OutletCode | None = Field(None, description="The material of this channel alone.")


class ShareOut(t.Out):
    """A token in every form, its pictures, and its material for each channel that takes any of it."""

    token: TokenOut
    pictures: PicturesOut
    material: list[MaterialOut]


class BatchIn(t.In):
    targets: Annotated[list[TokenIn], Field(min_length=1, max_length=1000)]


class BatchToken(t.Out):
    id: t.TokenId
    code: str = Field(examples=["7KQ2M0XA9VTD3"])
    digits: str = Field(examples=["￥012 345 678 901 234 567 890￥"])
    url: str = Field(examples=["http://localhost:8000/S/7KQ2M0XA9VTD3"])
    product: t.ProductId


class ByChannel(t.Out):
    channel: str = Field(examples=["weibo"])
    form: str = Field(examples=["link"])
    clicks: int = Field(examples=[12])
    people: int = Field(examples=[9], description="Browsers and people that could be told apart.")
    last_at: t.Moment


class TokenReport(t.Out):
    """What a token brought, per channel and form, and what stands in its way."""

    id: t.TokenId
    state: str = Field(examples=["active"])
    code: str = Field(examples=["7KQ2M0XA9VTD3"])
    expires_at: t.Moment
    decision: t.DecisionId | None = Field(description="The decision that blocks it; appeal there.", examples=[None])
    clicks: int = Field(examples=[12])
    channels: list[ByChannel]


@group.post(
    "/shares", gives=ShareOut, status=201, scope="share",
    refuses=["creator_required", "creator_suspended", "token_blocked", "not_found", "unavailable", "outlet_closed"],
)  # fmt: skip
def share(request: HttpRequest, body: ShareIn) -> Any:
    """Mints the token, or finds it, and hands out everything for the channel at hand."""
    creator = accounts.require_creator(caller_of(request).person)
    product_id, shop_id, kind, target_id = target_of(body)
    token = services.mint_token(
        creator_id=creator.pk, target_kind=kind, target_id=target_id, shop_id=shop_id, product_id=product_id,
        is_poster=body.is_poster,
    )  # fmt: skip
    return _share(request, token, creator, body.outlet)


@group.get("/tokens/{token}/share", gives=ShareOut, scope="share", refuses=["creator_required", "outlet_closed"])
def get_share(request: HttpRequest, token: t.TokenId, outlet: Annotated[str, Query(max_length=24)] = "") -> Any:
    """The same for a token of one's own, as the channels are at this moment."""
    creator = creator_of_caller(caller_of(request))
    return _share(request, queries.token(token, creator_id=creator.pk), creator, outlet or None)


@group.post(
    "/tokens/batch", gives=list[BatchToken], status=201, scope="share",
    refuses=["creator_required", "creator_suspended", "token_blocked", "not_found", "unavailable"],
)  # fmt: skip
def mint_tokens(request: HttpRequest, body: BatchIn) -> Any:
    """Mints a token for each target, in their order, all or none."""
    creator = accounts.require_creator(caller_of(request).person)
    wanted = _targets(body.targets)
    is_poster = any(target.is_poster for target in body.targets)
    tokens = services.mint_tokens(creator_id=creator.pk, targets=wanted, is_poster=is_poster)
    return [
        {
            "id": token.public_id, "code": forms.code, "digits": forms.digits, "url": forms.url,
            "product": target.product,
        }
        for token, target in zip(tokens, body.targets, strict=True)
        for forms in [queries.forms(token, creator_name=creator.name, title="-")]
    ]  # fmt: skip


@group.post(
    "/tokens/convert", gives=TokenOut, status=201, scope="share",
    refuses=[
        "creator_required", "creator_suspended", "token_blocked", "not_a_token", "target_gone", "not_found",
        "unavailable",
    ],
)  # fmt: skip
def convert_token(request: HttpRequest, body: PasteIn) -> Any:
    """One's own token for what another's token in a text leads to; that one stays as it is."""
    caller = caller_of(request)
    creator = accounts.require_creator(caller.person)
    callers = [f"address:{caller.address}", f"person:{caller.person_id}"]
    return token_document(request, services.convert(text=body.text, creator_id=creator.pk, callers=callers), creator)


@group.get("/tokens/report", gives=list[TokenReport], scope="share", refuses=["creator_required"])
def report_tokens(request: HttpRequest, days: Days = 30) -> Any:
    """What each of one's newest tokens brought by which channel and form, and what stands in its way."""
    creator = creator_of_caller(caller_of(request))
    names = queries.channel_names()
    by_token: dict[int, list[queries.TokenClicks]] = {}
    for row in queries.token_clicks(creator.pk, clock.now() - timedelta(days=days)):
        by_token.setdefault(row.token_id, []).append(row)
    return [_report(token, by_token.get(token.pk, []), names) for token in queries.tokens_of_creator(creator.pk)]


def _targets(wanted: list[TokenIn]) -> list[services.Target]:
    """Every target of a batch, looked up together.  Refuses: not_found."""
    ids = catalog.product_ids({target.product for target in wanted})
    cards = catalog.cards(ids.values())
    posts = {each: content.recommendation(each) for each in {target.recommendation for target in wanted} if each}
    found = []
    for target in wanted:
        card = cards.get(ids.get(target.product, 0))
        if card is None:
            raise Refusal("not_found")
        if target.recommendation is None:
            found.append(services.Target(PRODUCT, card.product_id, card.shop_id, card.product_id))
            continue
        post = posts[target.recommendation]
        if card.product_id not in {item.product_id for item in post.items}:
            raise Refusal("not_found")
        found.append(services.Target(POST, post.recommendation_id, card.shop_id, card.product_id))
    return found


def _share(
    request: HttpRequest, token: queries.ShareToken, creator: accounts.Creator, outlet: str | None
) -> dict[str, Any]:
    pays = is_ad(token, creator)
    material = []
    for each in [queries.outlet(outlet)] if outlet else queries.outlets():
        try:
            made = queries.material(token, each, language=language_of(request), creator_name=creator.name, is_ad=pays)
        except Refusal:
            if outlet:
                raise
            continue  # nothing gets through there just now
        material.append(_material(made))
    code = queries.code_of(token.number)
    return {"token": token_document(request, token, creator), "pictures": _pictures(token, code), "material": material}


def _pictures(token: queries.ShareToken, code: str) -> dict[str, str | None]:
    base = f"{settings.MEADOW.base_url}/q/{code}"
    drawn = {name: f"{base}/{name}.png" if token.product_id else None for name in ("poster", "card", "square")}
    return {"qr_svg": f"{base}.svg", "qr_png": f"{base}.png", **drawn}


def _material(made: queries.Material) -> dict[str, Any]:
    pieces = [
        {
            "form": piece.form, "text": piece.text, "length": piece.length,
            "picture": settings.MEADOW.base_url + piece.picture if piece.picture else "",
        }
        for piece in made.pieces
    ]  # fmt: skip
    return {
        "outlet": made.outlet.code, "name_en": made.outlet.name_en, "name_zh": made.outlet.name_zh,
        "default": made.default, "pieces": pieces,
    }  # fmt: skip


def _report(token: queries.ShareToken, rows: list[queries.TokenClicks], names: dict[int, str]) -> dict[str, Any]:
    channels = []
    for row in rows:
        channel, form = queries.channel_of(row.tag, names)
        channels.append(
            {"channel": channel, "form": form, "clicks": row.clicks, "people": row.people, "last_at": row.last_at}
        )
    return {
        "id": token.public_id, "state": queries.state_now(token), "code": queries.code_of(token.number),
        "expires_at": token.expires_at, "decision": queries.blocking_decision(token),
        "clicks": sum(row.clicks for row in rows), "channels": channels,
    }  # fmt: skip
