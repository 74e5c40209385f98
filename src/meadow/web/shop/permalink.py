"""Permalinks as UCP has them: an address that fills a checkout in a browser and orders nothing."""

import base64
import binascii
import re
from datetime import timedelta
from urllib.parse import quote, urljoin

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from meadow.catalog import queries as catalog
from meadow.kernel import limits
from meadow.kernel.errors import Refusal
from meadow.trade import queries as trade
from meadow.trade import services as trade_services
from meadow.web.shop.cart import buy
from meadow.web.shop.extras import with_extras
from meadow.web.visitor import address_of, keep_carrier, visitor_of

MOST_ITEMS = 50
OPENED_A_MINUTE = 60
_UNSAFE = re.compile(r"[\\\s\x00-\x1f\x7f]")
_PAIR = re.compile(r"([A-Za-z0-9._-]+|~[A-Za-z0-9_-]+):([1-9][0-9]{0,4})")


@csrf_exempt  # buying looks itself, and only where a session exists: who keeps no cookies buys too
def endpoint(request: HttpRequest) -> HttpResponse:
    """The permalink endpoint itself: a link without items leads on, a form buys."""
    return buy(request) if request.method == "POST" else onwards(request)


@never_cache
@require_safe
def onwards(request: HttpRequest) -> HttpResponse:
    """A permalink without items opens nothing: it leads to continue_to, or to the cart."""
    return _lead(request, _target(request) or reverse("cart"))


@never_cache
@require_safe
def permalink(request: HttpRequest, items: str) -> HttpResponse:
    """Opens a checkout with the items named and leads there, or to continue_to on this site.

    Refuses: malformed, not_found, rate_limited, and what opening a checkout refuses.
    """
    if request.method == "HEAD":
        return HttpResponse()  # whoever only looks at the address opens nothing
    limits.hit("web.permalink", address_of(request), per=timedelta(minutes=1), burst=OPENED_A_MINUTE)
    wanted = [_pair(text) for text in items.split(",", MOST_ITEMS)[:MOST_ITEMS]]
    ids = catalog.sku_ids({item for item, _ in wanted})
    if any(item not in ids for item, _ in wanted):
        raise Refusal("not_found")
    visitor, target = visitor_of(request), _target(request)
    lines = [trade_services.LineIn(ids[item], quantity) for item, quantity in wanted]
    # Nobody's address may put things into the cart of somebody who is signed in: a checkout of its own stands apart.
    if target == reverse("cart") and visitor.person_id is None:
        for line in lines:
            trade_services.add_to_cart(
                sku_id=line.sku_id, quantity=line.quantity, person_id=visitor.person_id, carrier=visitor.carrier
            )
        return keep_carrier(_lead(request, target), visitor)
    opened = trade_services.open_checkout(lines=lines, buyer_id=visitor.person_id, carrier=visitor.carrier)
    trade_services.note_attribution(
        checkout_id=opened.pk, touchpoint="first", attribution=_attribution(request) or None
    )
    staged = reverse("checkout", args=[trade.checkout_token(opened)])
    return keep_carrier(_lead(request, staged if target in ("", reverse("cart")) else target), visitor)


def _lead(request: HttpRequest, target: str) -> HttpResponse:
    """The answer to every permalink: on, by GET, kept nowhere, telling nobody where one came from."""
    response = HttpResponse(status=303, headers={"Location": with_extras(request, target)})
    response["Referrer-Policy"] = "no-referrer"
    return response


def _pair(text: str) -> tuple[str, int]:
    """An item's id and its quantity.  Refuses: malformed."""
    found = _PAIR.fullmatch(text)
    if found is None:
        raise Refusal("malformed", field="items", why="written id:quantity, joined by commas")
    return _decoded(found[1]), int(found[2])


def _decoded(token: str) -> str:
    """Refuses: malformed, for what is not the one form of base64url."""
    if not token.startswith("~"):
        return token
    body = token[1:]
    try:
        raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        text = raw.decode("utf-8")
    except (binascii.Error, ValueError):
        raise Refusal("malformed", field="items", why="what follows ~ is base64url of the id") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != body or not text.isprintable():
        raise Refusal("malformed", field="items", why="what follows ~ is base64url of the id")
    return text


def _target(request: HttpRequest) -> str:
    """Where to go on this site in its one form; nothing for any other place, or more than one."""
    given = request.GET.getlist("continue_to")
    if len(given) != 1 or not given[0].startswith("/") or not url_has_allowed_host_and_scheme(given[0], None):
        return ""
    if _UNSAFE.search(given[0]):
        return ""
    path, question, query = urljoin("/", given[0].partition("#")[0]).partition("?")
    return quote(path, safe="/%:@!$&'()*+,;=~") + question + quote(query, safe="/%:@!$&'()*+,;=~?")


def _attribution(request: HttpRequest) -> dict[str, str]:
    """UCP's field path attribution/NAME; a name that comes twice says nothing, whatever its order."""
    found: dict[str, list[str]] = {}
    for name in request.GET:
        path = name.removeprefix("/")
        if path.startswith("attribution/") and path.count("/") == 1:
            found.setdefault(path.partition("/")[2][:255], []).extend(request.GET.getlist(name))
    return {name: values[0][:4096] for name, values in list(found.items())[:50] if name and len(values) == 1}
