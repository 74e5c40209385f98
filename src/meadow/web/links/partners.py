"""One partner as operators keep it: its contract and until when, who answers after a sale, its pages, every change."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from meadow.governance import queries, services
from meadow.kernel import clock
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.web.links.words import change_of
from meadow.web.rulebook import words
from meadow.web.visitor import guarded, in_their_time

SOON = timedelta(days=30)


@never_cache
@guarded
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def partner(request: HttpRequest, public_id: str) -> HttpResponse:
    """Shows a partner with all its changes, and changes, renews or ends it.  Refuses: not_found."""
    by, found = words.operator(request), queries.partner(public_id)
    values: dict[str, Any] = {"typed": _typed(found)}
    status = 200
    if request.method == "POST":
        act = request.POST.get("act", "")
        try:
            _act(request.POST, act, found, by)
        except Refusal as refusal:
            if refusal.status not in (409, 422):
                raise
            status = refusal.status
            values = {**words.wrong_of(refusal), "wrong_at": act, "typed": values["typed"] | request.POST.dict()}
        else:
            messages.success(request, _("Saved. It holds from now on."))
            return redirect("partner", public_id)
    return render(request, "web/links/partner.html", _shown(queries.partner(public_id)) | values, status=status)


def _act(form: QueryDict, act: str, found: queries.Partner, by: Actor) -> None:
    """Refuses: malformed, and what the verbs refuse."""
    sent = form.get("version", "")
    version = int(sent) if sent.isascii() and sent.isdecimal() and len(sent) < 10 else None
    reason = form.get("reason", "")
    if act == "change":
        changes = {
            "name": form.get("name", ""), "hosts": form.get("hosts", "").split(),
            "product_patterns": form.get("product_patterns", "").split(), "contract": form.get("contract", ""),
            "after_sale_contact": form.get("after_sale_contact", ""),
            "contract_until": until_of(form.get("contract_until", "")),
        }  # fmt: skip
        services.change_partner(partner_id=found.pk, changes=changes, reason=reason, by=by, version=version)
    elif act == "renew":
        services.renew_partner(
            partner_id=found.pk, contract=form.get("contract", ""),
            contract_until=until_of(form.get("contract_until", "")), reason=reason, by=by, version=version,
        )  # fmt: skip
    elif act == "end":
        services.end_partner(partner_id=found.pk, reason=reason, by=by)
    else:
        raise Refusal("malformed", field="act", why="change, renew or end")


def until_of(text: str) -> datetime | None:
    """The end of the last day of a contract, in the operator's time; None for an open one.  Refuses: malformed."""
    if not text.strip():
        return None
    try:
        last = date.fromisoformat(text.strip()[:10])
        return timezone.make_aware(datetime.combine(last + timedelta(days=1), time()))
    except (ValueError, OverflowError) as error:
        raise Refusal("malformed", field="contract_until", why="a day such as 2027-12-31") from error


def last_day(until: datetime | None) -> date | None:
    """The last day on which a contract holds."""
    return timezone.localtime(until - timedelta(microseconds=1)).date() if until else None


def _typed(of: queries.Partner) -> dict[str, Any]:
    last = last_day(of.contract_until)
    return {
        "name": of.name, "hosts": "\n".join(of.hosts), "product_patterns": "\n".join(of.product_patterns),
        "contract": of.contract, "after_sale_contact": of.after_sale_contact, "version": of.version,
        "contract_until": last.isoformat() if last else "",
    }  # fmt: skip


def _shown(of: queries.Partner) -> dict[str, Any]:
    now = clock.now()
    runs, until = of.runs_at(now), of.contract_until
    return {
        "partner": of, "runs": runs, "ends": until - timedelta(microseconds=1) if until else None,
        "ends_soon": bool(runs and until and until - now < SOON),
        "changes": [change_of(one.at, one.verb, one.before, one.after) for one in queries.partner_trail(of.public_id)],
    }  # fmt: skip
