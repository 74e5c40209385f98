"""What a token opens that leads to a partner's page: who shared it, that one leaves this site, and the way there."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from meadow.governance import queries as governance
from meadow.sharing import queries as sharing
from meadow.web.links.marks import address_out
from meadow.web.rulebook import words
from meadow.web.shop import clicks
from meadow.web.shown import language
from meadow.web.visitor import keep_carrier, visitor_of


def partner_landing(request: HttpRequest, token: sharing.Resolved, page: sharing.Lead) -> HttpResponse:
    """The face of a partner's page here.  Nobody is sent on without a tap; the way out judges the address once more."""
    visitor = visitor_of(request)
    view = clicks.shown_view(request, visitor, token.origin())
    decision, rule = page.decision, None if page.is_open else governance.rule_in_force(page.decision.rule_id)
    values = {
        "creator_name": token.creator_name, "page": page, "is_open": page.is_open,
        "is_blocked": decision.verdict == "block", "reason": decision.reason_in(language()),
        "rule": words.rule_of(rule) if rule else None, "way": address_out(page.url, sharing.SURFACE, view.text),
        "address": sharing.address_of(token.code),
        "picture_url": settings.MEADOW.base_url + reverse("qr", args=[token.code, "png"]),
    }  # fmt: skip
    response = render(request, "web/partner.html", values, status=200 if page.is_open else 410)
    return keep_carrier(response, visitor) if view.click_id else response
