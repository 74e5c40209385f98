"""What a merchant's people have sent to many, and the second person's yes that a message to very many waits for."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from meadow.kernel.audit import Actor
from meadow.messaging import queries, services
from meadow.web.visitor import in_their_time, signed_in


@never_cache
@require_safe
@in_their_time
def sends(request: HttpRequest) -> HttpResponse:
    """The newest first, with what became of each."""
    person_id = signed_in(request)
    found = queries.sends_of(person_id)
    rows = [{"send": one, "report": queries.report_of_send(one.public_id, person_id=person_id), **_label(one)}
            for one in found]  # fmt: skip
    return render(request, "web/inbox/sends.html", {"tab": "me", "rows": rows})


@require_POST
def confirm(request: HttpRequest, public_id: str) -> HttpResponse:
    """Somebody else than the writer lets it go out."""
    services.confirm_send(send_id=public_id, by=Actor("person", signed_in(request)))
    messages.success(request, _("Confirmed. It goes out now."))
    return redirect("sends")


def _label(one: queries.SendShort) -> dict[str, Any]:
    words = {
        "accepted": (_("Sent"), "good"), "unconfirmed": (_("Waits for a second person"), "warn"),
        "expired": (_("Nobody confirmed it in time"), "bad"),
    }  # fmt: skip
    label, css = words[one.state]
    return {"label": label, "css": css}
