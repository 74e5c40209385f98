"""How plans and standings read, and what a creator's pages have in common."""

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from meadow.accounts import queries as accounts
from meadow.accounts.queries import Creator
from meadow.web.visitor import signed_in

PLANS: dict[str, Promise] = {
    "exclusive": _("Exclusive"), "directed": _("For invited creators"), "marketing": _("Campaign"),
    "general": _("For every creator"), "none": _("No commission"),
}  # fmt: skip
STANDINGS: dict[str, Promise] = {
    "good": _("Good standing"), "noted": _("Has penalty points"), "limited": _("Limited by a sanction"),
}  # fmt: skip
SORTS: dict[str, Promise] = {
    "earns": _("Highest commission"), "rate": _("Highest rate"), "newest": _("Newest"), "cheapest": _("Lowest price"),
    "dearest": _("Highest price"),
}  # fmt: skip


def creator_of(request: HttpRequest) -> Creator:
    """The signed-in creator.  Refuses: sign_in_required, creator_required, creator_suspended."""
    return accounts.require_creator(signed_in(request))


def share_address(product: str) -> str:
    """Where a product is shared from in one tap; empty where there is no such page."""
    try:
        return f"{reverse('share')}?{urlencode({'product': product})}"
    except NoReverseMatch:
        return ""
