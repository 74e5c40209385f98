"""How a look becomes a view and a followed link a click, and how a page carries either to the next (settled 18, 19)."""

from typing import Any

from django.http import HttpRequest

from meadow.kernel import clock
from meadow.kernel.signing import unsign
from meadow.sharing import services as sharing
from meadow.web.visitor import Visitor

_CARD_LIFE = 60 * 60 * 24 * 15


def shown_view(request: HttpRequest, visitor: Visitor, origin: sharing.Origin | None) -> sharing.View:
    """The view of a landing: a click at once where the browser vouches for a person, else when it is followed."""
    return sharing.open_view(
        origin=origin, method=request.method or "", headers=request.headers, carrier=visitor.carrier,
        person_id=visitor.person_id,
    )  # fmt: skip


def link_view(visitor: Visitor, origin: sharing.Origin) -> str:
    """The view behind one link among several: it becomes a click only when this very link is followed."""
    view = sharing.open_view(
        origin=origin, method="GET", headers={}, carrier=visitor.carrier, person_id=visitor.person_id
    )
    return view.text


def followed(request: HttpRequest, visitor: Visitor) -> str:
    """The click that brought this request: of the view it followed, or one that it carries along; else empty."""
    sent = request.POST if request.method == "POST" else request.GET
    return follow(request, visitor, sent.get("v", "")) or sent.get("k", "")[:1000]


def follow(request: HttpRequest, visitor: Visitor, view: str) -> str:
    """The click of a view, if it is ours and this request follows it."""
    if not view or request.method == "HEAD":
        return ""
    click = sharing.click_from_view(
        view=view, method=request.method or "", headers=request.headers, carrier=visitor.carrier,
        person_id=visitor.person_id,
    )  # fmt: skip
    return click or ""


def followed_card(request: HttpRequest, visitor: Visitor, origin: sharing.Origin) -> str:
    """The click of a card that was tapped in the feed; its page's nonce proves that the feed was shown."""
    payload: dict[str, Any] | None = unsign(request.GET.get("v", ""), "cards")
    if payload is None or not 0 <= clock.machine_now().timestamp() - payload["at"] + 1 <= _CARD_LIFE:
        return ""
    return follow(request, visitor, link_view(visitor, origin))
