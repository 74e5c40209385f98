"""The operator's registry of outside channels: what each lets through, what came by it, alarms and reports."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meadow.accounts import queries as accounts
from meadow.kernel import clock
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.sharing import queries, services
from meadow.trade import queries as trade
from meadow.web import shown
from meadow.web.failures import said
from meadow.web.share import words
from meadow.web.visitor import in_their_time, signed_in

WEEK = timedelta(days=7)
FLAGS = ("clickable_link", "text_token", "picture", "deep_link", "may_induce", "switches_itself", "is_retired")


@never_cache
@require_safe
@in_their_time
def channels(request: HttpRequest) -> HttpResponse:
    """All channels at one look, with a week of reach and sales."""
    _operator(request)
    now, found = clock.now(), queries.outlets(with_retired=True)
    names = {each.code: each.name(shown.language()) for each in found}
    values = {
        "outlets": [_outlet(each) for each in found],
        "alarms": [_alarm(each) for each in queries.alarms(limit=20)],
        "reach": [
            {"name": _named(row.channel, names), "form": words.FORMS[row.form] if row.form else "", "row": row}
            for row in queries.reach(now - WEEK, now)
        ],
        "sales": _sales(names), "reports": [
            {"name": names[each.outlet.code], "form": words.FORMS[each.form], "report": each}
            for each in queries.channel_reports(20)
        ],
    }  # fmt: skip
    return render(request, "web/share/channels.html", values)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def channel(request: HttpRequest, code: str) -> HttpResponse:
    """One channel: what it lets through, and what was changed about it."""
    by = _operator(request)
    found = queries.outlet(code, with_retired=True)
    values: dict[str, Any] = {"outlet": found, "typed": _typed(found), "is_new": False}
    if request.method == "POST":
        try:
            sent = _sent(request.POST)
            services.change_outlet(code=code, changes=sent, by=by, version=_version(request.POST))
            messages.success(request, _("Saved. New shares are made by it from now on."))
            return redirect("channel", code)
        except Refusal as refusal:
            values |= {"says": said(refusal), "wrong": refusal.params.get("field", ""), "typed": request.POST.dict()}
    values |= {"changes": [_change(each) for each in queries.outlet_changes(code, 20)]}
    return _form(request, values)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_channel(request: HttpRequest) -> HttpResponse:
    """A channel that is not in the registry yet."""
    by = _operator(request)
    values: dict[str, Any] = {"typed": {"unit": "characters", "picture": "on"}, "is_new": True}
    if request.method == "POST":
        try:
            sent = _sent(request.POST)
            allows = queries.Allows(
                sent["clickable_link"], sent["text_token"], sent["picture"], sent["deep_link"], sent["may_induce"],
                sent["max_len"], sent["unit"],
            )  # fmt: skip
            made = services.add_outlet(
                code=request.POST.get("code", ""), name_en=sent["name_en"], name_zh=sent["name_zh"], allows=allows,
                default_form=sent["default_form"], by=by,
            )  # fmt: skip
            messages.success(request, _("Saved. New shares are made by it from now on."))
            return redirect("channel", made.code)
        except Refusal as refusal:
            values |= {"says": said(refusal), "wrong": refusal.params.get("field", ""), "typed": request.POST.dict()}
    return _form(request, values)


@require_POST
def block_links(request: HttpRequest, code: str) -> HttpResponse:
    """One tap when a channel begins to block links: what works is handed out from the next share on."""
    changed = services.change_outlet(code=code, changes={"clickable_link": False}, by=_operator(request))
    form = str(words.FORMS[changed.default or ""])
    messages.success(request, _("Links are off there. Handed out now: {form}.").format(form=form))
    return redirect("channels")


@require_POST
def close_alarm(request: HttpRequest, public_id: str) -> HttpResponse:
    """The operator has looked: the form is handed out again."""
    services.close_alarm(alarm_id=public_id, by=_operator(request))
    messages.success(request, _("Closed. The form is handed out again where it works."))
    return redirect("channels")


def _operator(request: HttpRequest) -> Actor:
    person_id = signed_in(request)
    if not accounts.is_operator(person_id):
        raise Refusal("forbidden")
    return Actor("person", person_id)


def _form(request: HttpRequest, values: dict[str, Any]) -> HttpResponse:
    values |= {
        "flags": [
            (name, words.CAPABILITIES[name], values["typed"].get(name) == "on")
            for name in (FLAGS[:5] if values["is_new"] else FLAGS)
        ],
        "units": list(words.UNITS.items()), "forms": [(form, words.FORMS[form]) for form in queries.FORMS],
    }  # fmt: skip
    return render(request, "web/share/channel.html", values, status=422 if "says" in values else 200)


def _sent(form: QueryDict) -> dict[str, Any]:
    """What the form says.  Refuses: malformed."""
    length = form.get("max_len", "").strip()
    if length and not (length.isascii() and length.isdecimal() and len(length) <= 6):
        raise Refusal("malformed", field="max_len", why="a whole number, or nothing")
    sent: dict[str, Any] = {name: form.get(name) == "on" for name in FLAGS if name in form or "version" in form}
    sent |= {name: sent.get(name, False) for name in FLAGS[:5]}
    return sent | {
        "name_en": form.get("name_en", ""), "name_zh": form.get("name_zh", ""), "unit": form.get("unit", ""),
        "default_form": form.get("default_form", ""), "max_len": int(length) if length else None,
    }  # fmt: skip


def _version(form: QueryDict) -> int | None:
    text = form.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _typed(of: queries.OutletView) -> dict[str, Any]:
    flags = {name: getattr(of.allows, name, None) for name in FLAGS[:5]}
    flags |= {"switches_itself": of.switches_itself, "is_retired": of.is_retired}
    return {name: "on" if value else "" for name, value in flags.items()} | {
        "name_en": of.name_en, "name_zh": of.name_zh, "unit": of.allows.unit, "default_form": of.chosen,
        "max_len": of.allows.max_len or "", "version": of.version,
    }  # fmt: skip


def _outlet(of: queries.OutletView) -> dict[str, Any]:
    return {
        "view": of, "name": of.name(shown.language()), "default": words.FORMS[of.default or ""] if of.default else "",
        "forms": [words.FORMS[form] for form in of.forms], "paused": [words.FORMS[form] for form in of.paused],
    }  # fmt: skip


def _alarm(of: queries.ChannelAlarm) -> dict[str, Any]:
    name = of.outlet.name_zh if shown.language() == "zh" else of.outlet.name_en
    return {
        "alarm": of, "name": name, "form": words.FORMS[of.form],
        "switched_to": words.FORMS[of.switched_to] if of.switched_to else "",
    }  # fmt: skip


def _change(of: queries.OutletChange) -> dict[str, Any]:
    changed = [name for name, value in of.after.items() if of.before.get(name) != value]
    return {
        "at": of.at, "is_automatic": of.is_automatic, "fields": ", ".join(changed),
        "before": words.FORMS[of.form_before], "after": words.FORMS[of.form_after],
        "is_flipped": of.form_before != of.form_after,
    }  # fmt: skip


def _sales(names: dict[str, str]) -> list[dict[str, Any]]:
    now, codes, found = clock.now(), queries.channel_names(), []
    for row in trade.sales_by_origin(now - WEEK, now):
        channel, form = queries.channel_of(row.tag, codes)
        found.append({
            "name": _named(channel, names), "form": words.FORMS[form] if form else "", "orders": row.orders,
            "goods": shown.money(row.goods_minor, row.currency),
        })  # fmt: skip
    return found


def _named(channel: str, names: dict[str, str]) -> Any:
    return names.get(channel) or words.CHANNELS[channel]
