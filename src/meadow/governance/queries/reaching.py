"""What counts for whether people may be reached at a moment, and how many of many would be, before anything is sent."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet

from meadow.accounts import queries as accounts
from meadow.governance.models import ContactRecord, ContactStance, ContactWindow, QuietHours
from meadow.governance.queries.contact import owner_of
from meadow.governance.rules import contact as rules
from meadow.governance.rules.contact import ContactFacts, MessageClass
from meadow.kernel import clock

Party = tuple[str, int]
_AT_ONCE = 2_000


@dataclass(slots=True)
class Foreseen:
    """How a message would fare if it went out now: allowed + waiting + what is refused = the people asked about."""

    allowed: int = 0
    waiting: int = 0
    first: datetime | None = None  # when the quiet hours of those who wait end
    last: datetime | None = None
    refused: Counter[str] = field(default_factory=Counter)


def foresee(*, party: Party, kind: MessageClass, person_ids: Sequence[int]) -> Foreseen:
    """What the contact policy would say to each, by the one function that decides; nothing is stored or counted."""
    found, owner, at = Foreseen(), owner_of(party), clock.now()
    for start in range(0, len(person_ids), _AT_ONCE):
        some = person_ids[start : start + _AT_ONCE]
        people = accounts.Person.objects.filter(pk__in=some, is_active=True)
        zones = dict(people.values_list("pk", "time_zone"))
        found.refused["no_recipient"] += len(some) - len(zones)
        for facts in facts_for(party, owner, kind, zones, at).values():
            one = rules.may_contact(facts)
            if one.verdict == "allow":
                found.allowed += 1
            elif one.verdict == "defer" and one.until is not None:
                found.waiting += 1
                found.first = min(found.first or one.until, one.until)
                found.last = max(found.last or one.until, one.until)
            else:
                found.refused[one.reason] += 1
    found.refused = +found.refused
    return found


def facts_for(
    party: Party,
    owner: str,
    kind: MessageClass,
    zones: dict[int, str],
    at: datetime,
    *,
    channel: str = "",
    is_open: bool = False,
) -> dict[int, ContactFacts]:
    """What counts for each person, in a few statements for all of them."""
    if kind == "service":
        return {person_id: ContactFacts(kind) for person_id in zones}
    held: Counter[tuple[int, str]] = Counter(
        ContactStance.objects.filter(
            person_id__in=zones, party_kind=party[0], party_id=party[1], ended_at__isnull=True
        ).values_list("person_id", "stance")
    )
    open_for = set(windows(party, zones, at).values_list("person_id", flat=True)) if kind == "reply" else set()
    wishes = {row.person_id: row for row in QuietHours.objects.filter(person_id__in=zones)}
    sent = _sent(zones, at) if kind == "marketing" else {}
    channel = channel or f"{party[0]}:{party[1]}"
    facts = {}
    for person_id, zone_name in zones.items():
        zone = rules.zone_of(zone_name)
        day, mine = rules.day_start(at, zone), sent.get(person_id, [])
        month = rules.month_start(at, zone)
        wish = wishes.get(person_id) or QuietHours()
        facts[person_id] = ContactFacts(
            kind,
            has_consent=bool(held[person_id, "consent"]),
            is_muted=bool(held[person_id, "mute"]),
            is_blocked=bool(held[person_id, "block"]),
            is_window_open=is_open or person_id in open_for,
            sent_today_by_channel=sum(1 for _, on, when in mine if on == channel and when >= day),
            sent_this_month_by_owner=sum(1 for by, _, when in mine if by == owner and when >= month),
            received_today=sum(1 for _, _, when in mine if when >= day),
            quiet_until=rules.quiet_until(at, zone, wish.start_minute, wish.end_minute),
            day_most=wish.day_most,
            month_most=wish.month_most,
        )
    return facts


def _sent(person_ids: Iterable[int], at: datetime) -> dict[int, list[tuple[str, str, datetime]]]:
    """The marketing that reached people in any zone's current month: (owner, channel, when)."""
    found: dict[int, list[tuple[str, str, datetime]]] = {}
    # The longest month and the width of all zones; each person's own month is cut out of it.
    rows = ContactRecord.objects.filter(
        person_id__in=list(person_ids), kind="marketing", verdict="allow", at__gt=at - timedelta(days=33)
    )
    for person_id, owner, channel, when in rows.values_list("person_id", "owner", "channel", "at"):
        found.setdefault(person_id, []).append((owner, channel, when))
    return found


def windows(party: Party, person_ids: Iterable[int], at: datetime) -> QuerySet[ContactWindow]:
    """The windows to answer that people opened and that are not used up."""
    return ContactWindow.objects.filter(
        person_id__in=list(person_ids), party_kind=party[0], party_id=party[1], until__gt=at, answers_left__gt=0
    )
