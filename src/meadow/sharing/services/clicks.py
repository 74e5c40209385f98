"""How a view becomes a click, and how a checkout takes the clicks it is handed (settled questions 18, 19 and 21)."""

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import Error as DatabaseError

from meadow.kernel import clock, db, limits, signing
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import new_id
from meadow.sharing import queries, rules
from meadow.sharing.models import RefusedClick, ShareToken
from meadow.sharing.queries import CandidateClick
from meadow.sharing.rules import ClickFacts, Origin, ViewFacts
from meadow.sharing.services import intake
from meadow.sharing.services.tokens import seen

log = logging.getLogger("meadow.sharing")


class View(NamedTuple):
    """A page that was shown.  text goes into its forms and links; if it was a click at once, click_id is the same."""

    text: str
    click_id: str | None
    is_counted: bool
    why_not_counted: str | None


NO_VIEW = View("", None, False, None)


def open_view(
    *,
    origin: Origin | None,
    method: str,
    headers: Mapping[str, str],
    carrier: str = "",
    person_id: int | None = None,
) -> View:
    """Mints the signed view of a page, and its click at once if the browser vouches for a person.

    origin None (a dead token) gives a view that nothing can come of.  HEAD, prefetches, frames and bots get a view
    that is not counted: a prefetched page may yet be looked at, and following it is judged by itself.
    """
    if origin is None:
        return NO_VIEW
    return view_as_judged(origin, rules.judged(method, *rules.told_by(headers)), carrier, person_id)


def view_as_judged(
    origin: Origin,
    judged: tuple[rules.NotCounted | None, bool],
    carrier: str = "",
    person_id: int | None = None,
    at: datetime | None = None,
) -> View:
    """The view of a request that `rules.judged` has judged; see open_view."""
    assert origin.surface in rules.SURFACES, f"{origin.surface} is no surface; rules.SURFACES lists them"
    why_not, is_click = judged
    viewed_at = at or clock.now()
    if why_not is None and origin.token_id is not None:
        seen(origin.tag, viewed_at)
    if is_click:
        click = ClickFacts(new_id("clk"), origin, viewed_at, viewed_at, carrier[:40])
        intake.take_in(click, person_id, is_new=True)
        text = signing.sign_json(rules.spelled(click), "click")
        return View(text, text, True, None)
    text = signing.sign_json(rules.spelled(ViewFacts(new_id("clk"), origin, viewed_at, carrier[:40])), "view")
    return View(text, None, why_not is None, why_not)


def click_from_view(
    *,
    view: str,
    method: str,
    headers: Mapping[str, str],
    carrier: str = "",
    person_id: int | None = None,
) -> str | None:
    """The click id of a view that was followed from its page; None if nobody followed it or it is not ours.

    One view gives one click, however often its form is sent.  The token is judged now: it must still be live.
    """
    facts = queries.read_view(view) if view else None
    if facts is None:
        if view:
            _refuse("unsigned", view, carrier, person_id)
        return None
    why_not = rules.why_not_followed(rules.visit_of(method, headers))
    if why_not is not None:
        if why_not == "cross_site":
            _refuse("cross_site", facts.public_id, carrier, person_id)
        return None
    if clock.now() - facts.viewed_at > rules.WINDOW:
        _refuse("too_old", facts.public_id, carrier, person_id)
        return None
    if not facts.is_click and not _is_token_live(facts.origin):
        return None
    click = _click_of(facts, carrier)
    intake.take_in(click, person_id)
    return signing.sign_json(rules.spelled(click), "click")


def accept_clicks(
    *, click_ids: Sequence[str], shop_ids: Collection[int], carrier: str = "", person_id: int | None = None
) -> list[CandidateClick]:
    """The believable ones of the click ids that a checkout or cart carries, stored now if they were not yet.

    Forged or cut ids, and ids of shops that are not bought from, are flagged and left out: the order goes on as
    organic.  Refuses nothing.
    """
    believed: dict[str, tuple[ClickFacts, int]] = {}
    for text in dict.fromkeys(click_ids[: rules.LIMITS["click_ids_per_checkout"]]):
        facts = queries.read_click(text) if text else None
        if facts is None:
            if text:
                _refuse("unsigned", text, carrier, person_id)
        elif (shop_id := facts.origin.shop_id) is None or shop_id not in shop_ids:
            _refuse("other_target", facts.public_id, carrier, person_id)
        else:
            believed.setdefault(facts.public_id, (facts, shop_id))
    if believed:
        with atomic():
            intake.write_clicks([(facts, person_id) for facts, _ in believed.values()])
    return [
        CandidateClick(
            facts.public_id, facts.origin.token_id, facts.origin.creator_id, shop_id,
            facts.origin.product_id, facts.origin.surface, facts.at, person_id, facts.carrier, facts.origin.tag,
        )
        for facts, shop_id in believed.values()
    ]  # fmt: skip


def bind_clicks(*, carrier: str, person_id: int) -> int:
    """At sign-in: the carrier's clicks that may still earn are this person's from now on.  Returns how many."""
    if not carrier:
        return 0
    try:
        intake.flush_clicks()
    except DatabaseError:
        log.exception("clicks that still wait were not bound to the person who signs in")
    since = clock.now() - rules.WINDOW
    return db.execute(
        "UPDATE sharing_click SET person_id = %s WHERE carrier = %s AND carrier <> '' AND person_id IS NULL "
        "AND at >= %s AND viewed_at >= %s",
        [person_id, carrier, since, since - rules.WINDOW],
    )


def _click_of(facts: ViewFacts, carrier: str) -> ClickFacts:
    # A machine's clock may be set back a little; a click never comes before its view.
    at = facts.viewed_at if facts.is_click else max(clock.now(), facts.viewed_at)
    return ClickFacts(facts.public_id, facts.origin, facts.viewed_at, at, carrier[:40] or facts.carrier)


def _is_token_live(origin: Origin) -> bool:
    if origin.token_id is None:
        return True
    return ShareToken.objects.filter(pk=origin.token_id, state="active", expires_at__gt=clock.now()).exists()


def _refuse(reason: str, text: str, carrier: str, person_id: int | None) -> None:
    """Notes it for the operator.  A flood of forgeries is told by its first few hundred a minute."""
    try:
        limits.hit("sharing.refused_click", "all", per=rules.RESOLVE_PER, burst=rules.LIMITS["refusals_per_minute"])
    except Refusal:
        return
    log.warning("a click was not believed: %s", reason)
    excerpt = ascii(text[:100])[1:-1][:120]  # whatever was sent, it can be stored and shown
    RefusedClick.objects.create(reason=reason, excerpt=excerpt, carrier=carrier[:40], person_id=person_id)
