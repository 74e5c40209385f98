"""What a creator earns, order by order: estimated at payment and at receipt, final, or void and why; what was taken back."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from meadow.affiliate import queries as affiliate
from meadow.kernel import cursors
from meadow.ledger import queries as ledger
from meadow.trade import queries as trade
from meadow.web import shown
from meadow.web.studio.words import creator_of
from meadow.web.visitor import in_their_time

PAGE, CLAWBACKS = 30, 20


@never_cache
@require_safe
@in_their_time
def commissions(request: HttpRequest) -> HttpResponse:
    """Commissions, the newest first, and the newest clawbacks with their cause."""
    creator = creator_of(request)
    name = f"commissions-page:{creator.pk}"
    after = request.GET.get("after")
    before_id = int(cursors.unseal(after, name)[0]) if after else None
    found = affiliate.commissions_of_creator(creator.pk, before_id=before_id, limit=PAGE + 1)
    faces = trade.line_faces([line.order_line_id for line in found[:PAGE]])
    back = [] if after else ledger.taken_back("creator", creator.pk, limit=CLAWBACKS)
    causes = trade.refund_faces([str((each.note or {}).get("refund", "")) for each in back])
    values = {
        "tab": "me", "creator": creator, "lines": [_line_texts(line, faces) for line in found[:PAGE]],
        "more": cursors.seal([found[PAGE - 1].pk], name) if len(found) > PAGE else None,
        "clawbacks": [_clawback_texts(each, causes) for each in back],
    }  # fmt: skip
    return render(request, "web/studio/commissions.html", values)


def _line_texts(line: affiliate.CommissionLine, faces: dict[int, tuple[str, str, str]]) -> dict[str, Any]:
    states = {
        "estimated_at_payment": (_("Estimated: paid"), "warn"), "estimated_at_receipt": (_("Estimated: received"), "warn"),
        "final": (_("Final"), "good"), "void": (_("Void"), "bad"),
    }  # fmt: skip
    text, css = states.get(line.state, (line.state, "warn"))
    said = affiliate.SAYS.get(line.void_reason, ("", ""))

    def amount(minor: int | None) -> str:
        return shown.money(minor, line.currency) if minor is not None else "–"

    return {
        "title": faces[line.order_line_id][2], "line": faces[line.order_line_id][0], "state_text": text, "css": css,
        "now": amount(line.creator_minor), "at_payment": amount(line.at_payment_minor),
        "at_receipt": amount(line.at_receipt_minor), "final": amount(line.final_minor), "paid_at": line.paid_at,
        "why": said[1 if shown.language() == "zh" else 0],
    }  # fmt: skip


def _clawback_texts(each: ledger.TakenBack, causes: dict[str, trade.RefundFace]) -> dict[str, Any]:
    face = causes.get(str((each.note or {}).get("refund", "")))
    kinds = {
        "refund": _("Refund"), "cancel": _("Cancelled order"), "late": _("Refund"), "claim": _("After-sale claim"),
        "chargeback": _("Chargeback by the bank"),
    }  # fmt: skip
    return {
        "amount": shown.money(each.amount_minor, each.currency), "at": each.at,
        "owed": shown.money(each.owed_minor, each.currency) if each.owed_minor else "",
        "cause": kinds.get(face.kind, _("Refund")) if face else _("Refund"), "order": face.order if face else "",
    }  # fmt: skip
