"""What a person reads when something is refused, missing or broken, and what they can do next."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _text
from django.utils.translation import gettext_lazy as _

from meadow.kernel.errors import Refusal, Says
from meadow.web import shown

REFUSALS: dict[str, Says] = {
    "foreign_form": Says(
        403,
        "This form was sent from another site. Open the page here and try again.",
        "该表单来自其他网站，请在本站打开页面后重试。",
    ),
    "choice_missing": Says(
        422,
        "Please choose one of what is offered first.",
        "请先选择商品规格。",
    ),
}

# Where a refusal leads: the words on the button and the name of the page.  Everything else leads to the feed.
_NEXT_STEPS = {
    "cart_full": (_("Go to the cart"), "cart"),
    "checkout_empty": (_("Go to the cart"), "cart"),
    "checkout_too_long": (_("Go to the cart"), "cart"),
    "not_a_token": (_("Paste another token"), "paste"),
    "creator_required": (_("Go to my account"), "me"),
    "creator_exists": (_("Go to my account"), "me"),
}
_HOME = (_("To the recommendations"), "feed")


def said(refusal: Refusal) -> str:
    """The sentence of a refusal as a page says it: without the codes and counts that only machines read."""
    if refusal.code == "stale_state":
        return _text("This has changed meanwhile. Load the page anew to see what is possible now.")
    if refusal.code == "total_changed":
        amount = shown.money(refusal.params["total_minor"], refusal.params["currency"])
        return _text("The total is now {amount}. Look at it and confirm it.").format(amount=amount)
    field = _FIELDS.get(str(refusal.params.get("field", "")).rpartition(".")[2])
    if refusal.code == "malformed" and shown.language() == "zh" and field is not None:
        # What exactly is wrong stands in English, for machines; here the field's name must do.
        return _text("Please correct “{field}”.").format(field=field)
    return refusal.text(shown.language())


_FIELDS = {
    "name": _("Name"), "email": _("E-mail"), "phone": _("Phone"), "time_zone": _("Time zone"), "locale": _("Language"),
    "quantity": _("Quantity"), "next": _("Address"), "cursor": _("Address"), "reason": _("Reason"),
}  # fmt: skip


def refusal_page(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The page of a business "no"; who is not signed in and must be is asked to."""
    if refusal.code == "sign_in_required" and request.method in ("GET", "HEAD"):
        return redirect(f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}")
    label, page = _NEXT_STEPS.get(refusal.code, _HOME)
    url = reverse(page)
    if refusal.code == "link_blocked" and "decision" in refusal.params:
        label, url = _("Read the rule, or appeal"), reverse("blocked_link", args=[refusal.params["decision"]])
    values = {
        "says": said(refusal),
        "status": refusal.status,
        "code": refusal.code,
        "next_label": label,
        "next_url": url,
        "request_id": getattr(request, "request_id", ""),
    }
    response = render(request, "web/refused.html", values, status=refusal.status)
    if "retry_after" in refusal.params:
        response["Retry-After"] = str(refusal.params["retry_after"])
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal_page(request, Refusal("not_found"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "web/refused.html", _plain(request, 400), status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal_page(request, Refusal("forbidden"))


def server_error(request: HttpRequest) -> HttpResponse:
    """Our own fault.  Nothing here asks the database, which may be what broke."""
    values = {"request_id": getattr(request, "request_id", ""), "language": shown.language(), "site_name": ""}
    return HttpResponse(render_to_string("web/broken.html", values), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its proof: most often cookies are off, or the person signed in in another tab meanwhile."""
    values = {"back": request.path, "request_id": getattr(request, "request_id", "")}
    return render(request, "web/csrf.html", values, status=403)


def _plain(request: HttpRequest, status: int) -> dict[str, object]:
    return {
        "says": _("The browser sent something that this page cannot read. Go back and try again."),
        "status": status,
        "next_label": _HOME[0],
        "next_url": reverse(_HOME[1]),
        "request_id": getattr(request, "request_id", ""),
    }
