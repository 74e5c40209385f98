"""My account: name, language, time zone, roles; and the sandbox's mailbox."""

import zoneinfo
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meadow.accounts import queries as accounts
from meadow.accounts import services as account_services
from meadow.governance import queries as governance
from meadow.kernel.errors import Refusal
from meadow.web.site import keep_language
from meadow.web.visitor import in_their_time, signed_in


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """Shows and changes what a person says about themselves."""
    person_id = signed_in(request)
    if request.method == "POST":
        person = account_services.change_profile(
            person_id=person_id, name=request.POST.get("name", ""), locale=request.POST.get("locale", ""),
            time_zone=request.POST.get("time_zone", ""),
        )  # fmt: skip
        response = redirect("me")
        keep_language(response, person.locale)
        with translation.override(person.locale):
            messages.success(request, _("Saved."))
        return response
    person, creator = accounts.person(person_id), accounts.creator_of(person_id)
    values = {
        "tab": "me", "person": person, "shown_name": person.name or person.email or "",
        "roles": _roles(person, creator), "is_creator": creator is not None and creator.state == "active",
        "may_apply": creator is None or creator.state in ("rejected", "closed"),
        "keeps_shop": bool(accounts.merchants_of(person_id)), "languages": settings.LANGUAGES, "zones": _zones(),
    }  # fmt: skip
    return render(request, "web/me.html", values)


@require_POST
def apply(request: HttpRequest) -> HttpResponse:
    """An application as a creator."""
    person_id = signed_in(request)
    governance.require_feature("applications")
    account_services.apply_as_creator(
        person_id=person_id, name=request.POST.get("name", ""), about=request.POST.get("about", "")
    )
    messages.success(request, _("Your application is with the operator."))
    return redirect("me")


@require_safe
@in_their_time
def mailbox(request: HttpRequest) -> HttpResponse:
    """Mail that a sandbox kept instead of sending; nowhere else does this page exist.  Refuses: not_found."""
    if not settings.MEADOW.sandbox or settings.MEADOW.mail_url:
        raise Refusal("not_found")
    to = request.GET.get("to", "").strip()[:254]
    mails = accounts.mailbox(to) if to else accounts.newest_mail()
    return render(request, "web/mailbox.html", {"mails": mails, "to": to})


def _roles(person: accounts.Person, creator: accounts.Creator | None) -> list[dict[str, Any]]:
    """What a person is here, each role with its state."""
    roles = [{"label": _("Buyer"), "state_text": _("Active"), "kind": "good"}]
    if creator is not None:
        text, kind = _creator_words(creator.state)
        roles.append({"label": _("Creator: {name}").format(name=creator.name), "state_text": text, "kind": kind})
    for member in accounts.merchants_of(person.pk):
        words = {"owner": _("Owner"), "staff": _("Staff"), "finance": _("Finance")}
        roles.append({"label": member.name, "state_text": words.get(member.role, member.role), "kind": "good"})
    if person.is_operator:
        roles.append({"label": _("Operator"), "state_text": _("Active"), "kind": "good"})
    return roles


def _creator_words(state: str) -> tuple[str, str]:
    words = {
        "applied": (_("Being looked at"), "warn"), "active": (_("Active"), "good"),
        "suspended": (_("Suspended"), "bad"), "rejected": (_("Not accepted"), "bad"),
        "closed": (_("Given up"), ""),
    }  # fmt: skip
    return words[state]


@cache
def _zones() -> tuple[str, ...]:
    """Time zones named by place, which people know."""
    return tuple(sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/")))
