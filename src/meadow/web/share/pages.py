"""A creator's shares: one tap from a product to everything for the channel at hand, and what each share brought."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from meadow.accounts import queries as accounts
from meadow.catalog import queries as catalog
from meadow.content import queries as content
from meadow.governance import queries as governance
from meadow.kernel import clock
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.plans import queries as plans
from meadow.sharing import queries, services
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.share import words
from meadow.web.visitor import address_of, in_their_time, signed_in

LOOK_BACK = timedelta(days=30)
POST, PRODUCT, SHOP = "content.recommendation", "catalog.product", "catalog.shop"


@never_cache
@require_safe
@in_their_time
def shares(request: HttpRequest) -> HttpResponse:
    """One's tokens with what each brought, which channels changed, and the button for a product that was picked."""
    return _shares(request, _creator(request), {})


def _shares(
    request: HttpRequest, creator: accounts.Creator, more: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    clicks: dict[int, int] = {}
    for row in queries.token_clicks(creator.pk, clock.now() - LOOK_BACK):
        clicks[row.token_id] = clicks.get(row.token_id, 0) + row.clicks
    rows = [_row(token, clicks.get(token.pk, 0)) for token in queries.tokens_of_creator(creator.pk)]
    values: dict[str, Any] = {
        "tab": "me",
        "rows": rows,
        "news": [_news(each) for each in queries.outlet_news(5)],
        "creator": creator,
        "partners": [one.name for one in governance.partners(active_only=True)],
    }
    if request.GET.get("product"):
        values["picked"] = catalog.product_page(request.GET["product"]).card
    return render(request, "web/share/shares.html", values | more, status=status)


@require_POST
def new(request: HttpRequest) -> HttpResponse:
    """One tap: the token of a product, or of a recommendation with the product chosen, and its page."""
    creator = accounts.require_creator(signed_in(request))
    page = catalog.product_page(request.POST.get("product", ""))
    kind, target_id = PRODUCT, page.card.product_id
    if request.POST.get("recommendation"):
        post = content.recommendation(request.POST["recommendation"])
        if page.card.product_id not in {item.product_id for item in post.items}:
            raise Refusal("not_found")
        kind, target_id = POST, post.recommendation_id
    token = services.mint_token(
        creator_id=creator.pk, target_kind=kind, target_id=target_id, shop_id=page.shop.shop_id,
        product_id=page.card.product_id,
    )  # fmt: skip
    return redirect("share_token", token.public_id)


@require_POST
@in_their_time
def page(request: HttpRequest) -> HttpResponse:
    """The token of a partner's page; what is wrong with the address stands beside the field, with the rule."""
    creator = accounts.require_creator(signed_in(request))
    url = request.POST.get("url", "").strip()[:2000]
    try:
        token = services.mint_partner_token(creator_id=creator.pk, url=url, by=Actor("person", creator.person_id))
    except Refusal as refusal:
        if refusal.code not in ("link_blocked", "page_refused", "malformed"):
            raise
        values = {"typed_url": url, "page_wrong": said(refusal), "decision": refusal.params.get("decision", "")}
        return _shares(request, creator, values, status=422)
    return redirect("share_token", token.public_id)


@never_cache
@require_safe
@in_their_time
def share(request: HttpRequest, public_id: str) -> HttpResponse:
    """Everything for the channel at hand: what gets through there in front, every form below."""
    creator = _creator(request)
    token = queries.token(public_id, creator_id=creator.pk)
    outlets = queries.outlets()
    wanted = request.GET.get("to", "")
    chosen = next((each for each in outlets if each.code == wanted), outlets[0] if outlets else None)
    code, state, is_ad = queries.code_of(token.number), queries.state_now(token), _is_ad(token, creator)
    label, css = words.STATES[state]
    values: dict[str, Any] = {
        "tab": "me", "token": token, "code": code, "title": queries.title_of(token), "state_text": label, "css": css,
        "state": state, "forms": queries.forms(token, language=shown.language(), creator_name=creator.name, is_ad=is_ad),
        "outlets": [(each.code, each.name(shown.language())) for each in outlets], "chosen": chosen,
        "chosen_name": chosen.name(shown.language()) if chosen else "", "by_channel": _by_channel(creator.pk, token.pk),
        "decision": queries.blocking_decision(token), "page": _page_of(token), "has_pictures": token.product_id is not None,
    }  # fmt: skip
    if chosen is not None and state == "active":
        values |= _material(token, chosen, creator, is_ad=is_ad)
    return render(request, "web/share/share.html", values)


@require_POST
def convert(request: HttpRequest) -> HttpResponse:
    """One's own token for what another's leads to; what is wrong stands beside the field."""
    creator = accounts.require_creator(signed_in(request))
    callers = [f"address:{address_of(request)}", f"person:{creator.person_id}"]
    try:
        token = services.convert(text=request.POST.get("text", ""), creator_id=creator.pk, callers=callers)
    except Refusal as refusal:
        if refusal.code not in ("not_a_token", "target_gone", "token_blocked", "page_refused"):
            raise
        messages.error(request, said(refusal))
        return redirect("share")
    return redirect("share_token", token.public_id)


@require_POST
def revoke(request: HttpRequest, public_id: str) -> HttpResponse:
    """Takes a token back: no new clicks, earlier ones still earn."""
    creator = _creator(request)
    token = queries.token(public_id, creator_id=creator.pk)
    services.revoke_token(token_id=token.pk, creator_id=creator.pk)
    messages.success(request, _("Taken back. Clicks made before still earn."))
    return redirect("share")


@require_POST
def report(request: HttpRequest, public_id: str) -> HttpResponse:
    """Tells the operator that a form does not get through to a channel any more."""
    creator = _creator(request)
    token, code = queries.token(public_id, creator_id=creator.pk), request.POST.get("outlet", "")
    services.report_block(
        creator_id=creator.pk, code=code, form=request.POST.get("form", ""), note=request.POST.get("note", "")
    )
    messages.success(request, _("Thank you. When several creators say so, another form is handed out."))
    response = redirect("share_token", token.public_id)
    response["Location"] += f"?to={queries.outlet(code).code}"
    return response


def _creator(request: HttpRequest) -> accounts.Creator:
    """The signed-in creator in whatever state: a suspended one may still look, and take tokens back."""
    found = accounts.creator_of(signed_in(request))
    if found is None:
        raise Refusal("creator_required")
    return found


def _is_ad(token: queries.ShareToken, creator: accounts.Creator) -> bool:
    """Whether somebody earns by it: then whatever is handed out says that it is an advertisement."""
    if token.product_id is None or token.shop_id is None:
        return token.target_kind == queries.PARTNER_PAGE  # what a partner pays nobody here knows
    return bool(plans.pairs_with_commission([(token.product_id, token.shop_id, creator.pk)]))


def _material(
    token: queries.ShareToken, outlet: queries.OutletView, creator: accounts.Creator, *, is_ad: bool
) -> dict[str, Any]:
    try:
        made = queries.material(token, outlet, language=shown.language(), creator_name=creator.name, is_ad=is_ad)
    except Refusal as refusal:
        return {"closed": said(refusal)}
    pieces = [{"piece": piece, "label": words.FORMS[piece.form]} for piece in made.pieces]
    return {"first": pieces[0], "rest": pieces[1:], "is_ad": is_ad}


def _row(token: queries.ShareToken, clicks: int) -> dict[str, Any]:
    label, css = words.STATES[queries.state_now(token)]
    return {"token": token, "title": queries.title_of(token), "label": label, "css": css, "clicks": clicks,
            "page": _page_of(token)}  # fmt: skip


def _page_of(token: queries.ShareToken) -> str:
    """The partner's page a token leads to, if it does."""
    return queries.partner_page(token.target_id).url if token.target_kind == queries.PARTNER_PAGE else ""


def _news(change: queries.OutletChange) -> dict[str, Any]:
    name = change.outlet.name_zh if shown.language() == "zh" else change.outlet.name_en
    return {"name": name, "before": words.FORMS[change.form_before], "after": words.FORMS[change.form_after],
            "at": change.at}  # fmt: skip


def _by_channel(creator_id: int, token_id: int) -> list[dict[str, Any]]:
    names = {each.code: each.name(shown.language()) for each in queries.outlets(with_retired=True)}
    codes, found = queries.channel_names(), []
    for row in queries.token_clicks(creator_id, clock.now() - LOOK_BACK):
        if row.token_id == token_id:
            channel, form = queries.channel_of(row.tag, codes)
            name = names.get(channel) or words.CHANNELS[channel]
            found.append({"name": name, "form": words.FORMS[form] if form else "", "row": row})
    return found
