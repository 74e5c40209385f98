"""The address book: a person's own addresses, kept, changed, chosen first and deleted."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.kernel.errors import Refusal
from meadow.trade import queries as trade
from meadow.trade import services as trade_services
from meadow.web.failures import said
from meadow.web.shop import address, order_words
from meadow.web.visitor import guarded, signed_in


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
def addresses(request: HttpRequest) -> HttpResponse:
    """Lists what is kept, and takes a new one or a change."""
    person_id = signed_in(request)
    posted = request.POST.dict()
    refusal: Refusal | None = None
    if request.method == "POST":
        try:
            _do(person_id, posted)
        except Refusal as caught:
            if caught.status not in (409, 422):
                raise
            refusal = caught
        else:
            messages.success(request, _("Saved."))
            return redirect("addresses")
    changing = posted.get("address") or request.GET.get("change") or ""
    typed: Mapping[str, str] = posted
    if changing and not posted:
        typed = trade.address_of_person(changing, person_id=person_id).address
    fields = [field for field in address.fields_of(typed, refusal, is_guest=False) if field.name not in address.CONTACT]
    values = {
        "tab": "me", "changing": changing, "fields": fields,
        "says": said(refusal) if refusal and refusal.code != "address_refused" else "",
        "kept": [
            {"id": one.public_id, "text": order_words.address(one.address), "is_default": one.is_default}
            for one in trade.addresses_of(person_id)
        ],
    }  # fmt: skip
    return render(request, "web/addresses.html", values, status=refusal.status if refusal else 200)


def filled(person_id: int | None, wanted: str) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """What a checkout's form begins with for somebody who keeps addresses, and what else they can choose."""
    kept = trade.addresses_of(person_id) if person_id is not None else []
    if not kept:
        return {}, []
    chosen = next((one for one in kept if one.public_id == wanted), kept[0])
    choices = [
        {"id": one.public_id, "text": f"{one.address['name']}, {one.address['line1']}", "is_now": one is chosen}
        for one in kept
    ]
    return dict(chosen.address), choices


def _do(person_id: int, posted: Mapping[str, str]) -> None:
    if posted.get("act") == "drop":
        trade_services.drop_address(person_id=person_id, address_id=posted.get("address", ""))
    else:
        trade_services.save_address(
            person_id=person_id, address=address.address_in(posted), is_default=bool(posted.get("is_default")),
            address_id=posted.get("address") or None,
        )  # fmt: skip
