"""What is known of clicks: the text of one, those that may have led to an order, those that were not believed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from meadow.kernel import db, signing
from meadow.sharing import rules
from meadow.sharing.models import RefusedClick
from meadow.sharing.rules import ClickFacts, ViewFacts


@dataclass(frozen=True, slots=True)
class CandidateClick:
    """A click that may have led to an order.  Its token was live when it was clicked, else it would not exist."""

    click_id: str
    token_id: int | None
    creator_id: int
    shop_id: int
    product_id: int | None
    surface: str
    at: datetime
    person_id: int | None
    carrier: str
    tag: int = 0


def read_view(text: str) -> ViewFacts | None:
    """The view that a signed text carries, its own or that of a click; None if it was forged or cut."""
    payload = signing.unsign(text, "view") or signing.unsign(text, "click")
    return None if payload is None else rules.view_from(payload)


def read_click(text: str) -> ClickFacts | None:
    """The click that a signed text carries; None if it was forged or cut.  It may not be stored yet."""
    payload = signing.unsign(text, "click")
    return None if payload is None else rules.click_from(payload)


def candidate_clicks(
    *, person_id: int | None, carriers: Collection[str], shop_ids: Collection[int], since: datetime
) -> list[CandidateClick]:
    """Clicks of a person or their carriers on anything in these shops since a moment, newest first.  One statement."""
    rows = db.rows(
        "SELECT public_id AS click_id, token_id, creator_id, shop_id, product_id, surface, at, person_id, carrier, tag "
        "FROM sharing_click WHERE (person_id = %(person)s OR (carrier = ANY(%(carriers)s) AND carrier <> '')) "
        # A view may be followed as long as a click may earn, so older partitions cannot hold a candidate.
        "AND shop_id = ANY(%(shops)s) AND at >= %(since)s AND viewed_at >= %(oldest)s "
        "ORDER BY at DESC, public_id DESC LIMIT %(limit)s",
        {
            "person": person_id, "carriers": list(carriers), "shops": list(shop_ids), "since": since,
            "oldest": since - rules.WINDOW, "limit": rules.LIMITS["candidate_clicks"],
        },
    )  # fmt: skip
    return [CandidateClick(**row) for row in rows]


def clicks_of_creator(creator_id: int, since: datetime, until: datetime | None = None) -> int:
    """How many clicks a creator's shares got since a moment, or in a period."""
    return int(
        db.call(
            "SELECT count(*) FROM sharing_click WHERE creator_id = %s AND at >= %s AND viewed_at >= %s "
            "AND (%s::timestamptz IS NULL OR at < %s)",
            [creator_id, since, since - rules.WINDOW, until, until],
        )
    )


def clicks_by_tag(creator_id: int, since: datetime) -> dict[int, int]:
    """The same, by the outlet and form that brought them (0: unknown, or our own surfaces)."""
    rows = db.rows(
        "SELECT tag, count(*) AS times FROM sharing_click WHERE creator_id = %s AND at >= %s AND viewed_at >= %s "
        "GROUP BY tag ORDER BY tag",
        [creator_id, since, since - rules.WINDOW],
    )
    return {row["tag"]: row["times"] for row in rows}


@dataclass(frozen=True, slots=True)
class TokenClicks:
    """How often a token was followed, by the outlet and form that brought it, and when last."""

    token_id: int
    tag: int
    clicks: int
    people: int
    last_at: datetime


def token_clicks(creator_id: int, since: datetime) -> list[TokenClicks]:
    """Clicks of each of a creator's tokens since a moment, the most first.  People are browsers that kept a carrier."""
    rows = db.rows(
        "SELECT token_id, tag, count(*) AS clicks, count(DISTINCT coalesce('p' || person_id, nullif(carrier, ''))) "
        "AS people, max(at) AS last_at FROM sharing_click WHERE creator_id = %s AND at >= %s AND viewed_at >= %s "
        "AND token_id IS NOT NULL GROUP BY token_id, tag ORDER BY clicks DESC, token_id, tag",
        [creator_id, since, since - rules.WINDOW],
    )
    return [TokenClicks(**row) for row in rows]


def refused_clicks(limit: int = 50) -> list[RefusedClick]:
    """The newest view and click texts that were not believed."""
    return list(RefusedClick.objects.order_by("-at")[:limit])
