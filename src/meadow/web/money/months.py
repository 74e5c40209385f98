"""Statements by month: what an account began with, what moved and what it ended with, each line in a file."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meadow.kernel.errors import Refusal
from meadow.ledger import queries as ledger
from meadow.trade import queries as trade
from meadow.web import shown
from meadow.web.money.mine import own
from meadow.web.visitor import signed_in


@never_cache
@require_safe
def months(request: HttpRequest, kind: str, public_id: str) -> HttpResponse:
    """A party's months, the newest first."""
    party_id, name = own(signed_in(request), kind, public_id)
    found: dict[date, list[dict[str, Any]]] = {}
    for view in ledger.months_of(kind, party_id):
        found.setdefault(view.month, []).append(_account_texts(view))
    values = {
        "tab": "me", "kind": kind, "public_id": public_id, "name": name,
        "months": [
            {"name": f"{month:%Y-%m}", "accounts": accounts, "is_closed": all(one["is_closed"] for one in accounts)}
            for month, accounts in sorted(found.items(), reverse=True)
        ],
    }  # fmt: skip
    return render(request, "web/money/months.html", values)


@never_cache
@require_safe
def file(request: HttpRequest, kind: str, public_id: str, month: str) -> StreamingHttpResponse:
    """Every entry of a month, with the order that caused it; it adds up to the statement."""
    party_id, _name = own(signed_in(request), kind, public_id)
    response = StreamingHttpResponse(trade.month_csv(kind, party_id, _first_day(month)), content_type="text/csv")
    response["Content-Disposition"] = f'attachment; filename="statement-{month}.csv"'
    return response


def _first_day(month: str) -> date:
    year, _dash, number = month.partition("-")
    if not (len(month) == 7 and year.isdecimal() and number.isdecimal() and month.isascii()):
        raise Refusal("not_found")
    if int(year) < 1970 or not 1 <= int(number) <= 12:
        raise Refusal("not_found")
    return date(int(year), int(number), 1)


def _account_texts(view: ledger.MonthView) -> dict[str, Any]:
    names = {"available": _("Balance"), "held": _("Held"), "receivable": _("Owed")}
    return {
        "name": names[view.account], "currency": view.currency, "entries": view.entries, "is_closed": view.is_closed,
        "opening": shown.money(view.opening_minor, view.currency), "came": shown.money(view.in_minor, view.currency),
        "left": shown.money(view.out_minor, view.currency), "closing": shown.money(view.closing_minor, view.currency),
    }  # fmt: skip
