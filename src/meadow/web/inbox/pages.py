"""The inbox, chats with shops, who may reach me and who did, and the link that ends marketing without signing in."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from meadow.accounts import queries as accounts
from meadow.catalog import queries as catalog
from meadow.governance import queries as governance
from meadow.governance.queries import contact as contact_queries
from meadow.governance.services import contact as contacts
from meadow.kernel import cursors
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id
from meadow.messaging import queries, services
from meadow.web.failures import said
from meadow.web.shown import language
from meadow.web.visitor import in_their_time, signed_in

PAGE = 20


@never_cache
@require_safe
@in_their_time
def inbox(request: HttpRequest) -> HttpResponse:
    """One's messages, the newest first; what is shown counts as read."""
    person_id, after = signed_in(request), request.GET.get("after")
    before_id = int(cursors.unseal(after, "inbox")[0]) if after else None
    found = queries.inbox(person_id, before_id=before_id, limit=PAGE + 1)
    rows = [(row, queries.said(row, language())) for row in found[:PAGE]]
    for row, _said in rows:
        if row.read_at is None:
            services.mark_read(message_id=row.public_id, person_id=person_id)
    more = cursors.seal([found[PAGE - 1].pk], "inbox") if len(found) > PAGE else None
    return render(request, "web/inbox/inbox.html", {"tab": "me", "rows": rows, "more": more})


@never_cache
@require_safe
@in_their_time
def chats(request: HttpRequest) -> HttpResponse:
    """One's talks, on either side."""
    return render(request, "web/inbox/chats.html", {"tab": "me", "held": queries.threads_of(signed_in(request))})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def chat(request: HttpRequest, public_id: str) -> HttpResponse:
    """A talk, to its two sides alone."""
    person_id = signed_in(request)
    held = queries.thread_for(public_id, person_id=person_id)
    if request.method == "POST":
        text = request.POST.get("text", "")
        if held.side == "merchant":
            services.answer(thread_id=public_id, person_id=person_id, text=text)
        else:
            services.write_to_merchant(merchant_id=held.thread.merchant_id, person_id=person_id, text=text)
        return redirect("chat", public_id)
    values = {
        "tab": "me", "held": held, "lines": queries.lines_of(held),
        "warning": queries.WARNING[1 if language() == "zh" else 0],
    }  # fmt: skip
    return render(request, "web/inbox/chat.html", values)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@in_their_time
def write(request: HttpRequest, merchant: str) -> HttpResponse:
    """The first words to a shop's owner, named as such or by the shop."""
    person_id = signed_in(request)
    found = accounts.merchant(catalog.shop(merchant).merchant_id if is_id(merchant, "shp") else merchant)
    if request.method == "POST":
        line = services.write_to_merchant(merchant_id=found.pk, person_id=person_id, text=request.POST.get("text", ""))
        return redirect("chat", line.thread.public_id)
    return render(request, "web/inbox/write.html", {"tab": "me", "merchant": found})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def phone(request: HttpRequest, order: str) -> HttpResponse:
    """The numbers that the two sides of a paid order give each other."""
    person_id, revealed = signed_in(request), ""
    phones = queries.phones_of(order, person_id=person_id)
    if request.method == "POST":
        if request.POST.get("show"):
            revealed = services.reveal_phone(order_id=order, person_id=person_id)
        else:
            try:
                services.share_phone(order_id=order, person_id=person_id, phone=request.POST.get("phone", ""))
            except Refusal as refusal:
                values = {"tab": "me", "phones": phones, "says": said(refusal)}
                return render(request, "web/inbox/phone.html", values, status=refusal.status)
            messages.success(request, _("Saved."))
            return redirect("phone", order)
    return render(request, "web/inbox/phone.html", {"tab": "me", "phones": phones, "revealed": revealed})


@never_cache
@require_safe
@in_their_time
def reach(request: HttpRequest) -> HttpResponse:
    """Who may reach me, and every commercial contact received or kept away, with its reason."""
    person_id = signed_in(request)
    start, end = contact_queries.quiet_hours(person_id)
    stances, contacts_seen = contact_queries.stances_of(person_id), contact_queries.commercial_contacts(person_id)
    faces = governance.faces([one.party for one in stances] + [one.party for one in contacts_seen])
    day_most, month_most = contact_queries.caps(person_id)
    values = {
        "tab": "me", "start": _clock(start), "end": _clock(end),
        "stances": [
            {"stance": one.stance, "label": _label(one.stance), "face": faces[one.party], "since": one.since}
            for one in stances
        ],
        "received": [
            {"face": faces[one.party], "via": one.via, "at": one.at, "is_reached": one.verdict == "allow",
             "reason": one.reason_zh if language() == "zh" else one.reason_en}
            for one in contacts_seen
        ],
        "day_choices": range(contact_queries.PERSON_DAY + 1), "day_most": day_most,
        "month_choices": range(contact_queries.OWNER_MONTH + 1), "month_most": month_most,
        "figures": contact_queries.contacts_a_day(),
    }  # fmt: skip
    return render(request, "web/inbox/reach.html", values)


@never_cache
@require_safe
def reach_party(request: HttpRequest, kind: str, public_id: str) -> HttpResponse:
    """What I say about one person, creator or shop's owner: agree, mute, block, or take it back."""
    person_id, party = signed_in(request), _party(kind, public_id)
    held = {one.stance for one in contact_queries.stances_of(person_id) if one.party == party}
    choices = [
        {"stance": stance, "label": _verb(stance), "hint": _effect(stance), "is_held": stance in held}
        for stance in (("consent", "mute", "block") if kind == "merchant" else ("mute", "block"))
    ]
    values = {"tab": "me", "face": governance.faces([party])[party], "choices": choices}
    return render(request, "web/inbox/reach_party.html", values)


@require_POST
def change_reach(request: HttpRequest) -> HttpResponse:
    """Consents to, mutes or blocks somebody, or takes that back."""
    person_id = signed_in(request)
    party = _party(request.POST.get("kind", "merchant"), request.POST.get("party") or request.POST.get("merchant", ""))
    stance = request.POST.get("stance", "")
    if request.POST.get("end"):
        contacts.end_stance(person_id=person_id, stance=stance, party=party)
    else:
        contacts.set_stance(person_id=person_id, stance=stance, party=party, source="page")
    messages.success(request, _("Saved."))
    return redirect("reach")


@require_POST
def change_quiet_hours(request: HttpRequest) -> HttpResponse:
    """Sets when marketing must wait."""
    contacts.set_quiet_hours(
        person_id=signed_in(request), start_minute=_minute(request.POST.get("start", "")),
        end_minute=_minute(request.POST.get("end", "")),
    )  # fmt: skip
    messages.success(request, _("Saved."))
    return redirect("reach")


@require_POST
def change_caps(request: HttpRequest) -> HttpResponse:
    """Sets how much marketing one takes."""
    contacts.set_caps(
        person_id=signed_in(request), day_most=_number(request.POST.get("day", "")),
        month_most=_number(request.POST.get("month", "")),
    )  # fmt: skip
    messages.success(request, _("Saved."))
    return redirect("reach")


# The link proves who it was sent to; mail programs post to it themselves, without a form of ours.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """One tap on the link of a message ends that merchant's marketing; twice is once."""
    merchant = accounts.merchant(services.unsubscribe(token=token))
    response = render(request, "web/inbox/stopped.html", {"merchant": merchant})
    response["Referrer-Policy"] = "no-referrer"
    return response


def _party(kind: str, public_id: str) -> tuple[str, int]:
    """Somebody to have a stance about.  Refuses: malformed, not_found."""
    if kind not in ("person", "creator", "merchant"):
        raise Refusal("malformed", field="kind", why="a person, a creator or a merchant")
    return governance.subject_named(kind, public_id)


def _label(stance: str) -> Any:
    return {"consent": _("You agreed to marketing"), "mute": _("Muted"), "block": _("Blocked")}[stance]


def _verb(stance: str) -> Any:
    return {"consent": _("Agree to marketing"), "mute": _("Mute"), "block": _("Block")}[stance]


def _effect(stance: str) -> Any:
    return {
        "consent": _("They may send you news and offers, within your caps and quiet hours."),
        "mute": _("You see no posts and comments of theirs, and get no marketing from them."),
        "block": _("As muted; and they can neither write to you nor comment on what you post."),
    }[stance]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _minute(text: str) -> int:
    hours, _colon, minutes = text.partition(":")
    if not (hours.isascii() and hours.isdigit() and minutes[:2].isascii() and minutes[:2].isdigit() and len(hours) < 3):
        raise Refusal("malformed", field="quiet_hours", why="a time of day such as 22:00")
    return int(hours) * 60 + int(minutes[:2])
