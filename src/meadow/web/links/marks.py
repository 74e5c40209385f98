"""How a text that people wrote is shown with its addresses as links, each by way of a page that judges it again."""

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from meadow.governance import queries as governance
from meadow.kernel.signing import sign

PURPOSE = "out"


def linked(text: str, surface: str) -> SafeString:
    """The text with its addresses as links; one that must not be followed stays plain text.

    No link leads out directly: policy may change after the page was made, so the address is judged when it is followed.
    """
    parts: list[tuple[SafeString]] = []
    last = 0
    for link, decision in governance.shown_links(text, surface):
        if decision.verdict == "block":
            continue
        parts.append((format_html("{}", text[last : link.start]),))
        parts.append((_anchor(link.raw, surface, decision),))
        last = link.end
    parts.append((format_html("{}", text[last:]),))
    return format_html_join("", "{}", parts)


def address_out(url: str, surface: str, view: str = "") -> str:
    """Where a link leads first.  It is signed, so this site leads nobody anywhere for others.

    view: of the page it stands on, which becomes a click when the link is followed.
    """
    query = {"to": sign({"u": url, "s": surface}, PURPOSE)} | ({"v": view} if view else {})
    return f"{reverse('out')}?{urlencode(query)}"


def _anchor(raw: str, surface: str, decision: governance.LinkDecision) -> SafeString:
    if decision.code == "own":
        return format_html('<a href="{}">{}</a>', decision.url, raw)
    mark = format_html(' <span class="tag warn">{}</span>', _("Leads outside")) if decision.verdict == "warn" else ""
    return format_html(
        '<a href="{}" rel="nofollow noopener ugc sponsored">{}</a>{}', address_out(decision.url, surface), raw, mark
    )
