"""How a browser without an account finds its orders again: their signed links, the newest few, in a cookie."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from meadow.kernel.errors import Refusal
from meadow.trade import queries as trade

COOKIE = "orders"
COOKIE_AGE = 60 * 60 * 24 * 90
MOST = 8


def keep_orders(request: HttpRequest, response: HttpResponse, orders: Iterable[Any]) -> None:
    """Adds the links of these orders before those that the browser keeps already."""
    links = dict.fromkeys([*(trade.order_link(order) for order in orders), *_links(request)])
    response.set_cookie(
        COOKIE, ".".join(list(links)[:MOST]), max_age=COOKIE_AGE, httponly=True, samesite="Lax",
        secure=settings.MEADOW.is_https,
    )  # fmt: skip


def kept_orders(request: HttpRequest) -> list[tuple[str, trade.OrderView]]:
    """The orders a browser keeps, each with its link; what was tampered with is left out."""
    found = []
    for link in _links(request):
        try:
            found.append((link, trade.order_by_link(link)))
        except Refusal:
            continue
    return found


def _links(request: HttpRequest) -> list[str]:
    return [link for link in request.COOKIES.get(COOKIE, "").split(".")[:MOST] if link]
