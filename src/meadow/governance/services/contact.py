"""How a contact is decided, counted and kept, and how a person says who may reach them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from meadow.accounts import queries as accounts
from meadow.governance.models import ContactRecord, ContactStance, ContactWindow, QuietHours
from meadow.governance.queries import contact as queries
from meadow.governance.queries import reaching
from meadow.governance.rules import contact as rules
from meadow.governance.rules.contact import ContactDecision, MessageClass, Opening
from meadow.kernel import clock, db, rows
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

__all__ = [
    "PLATFORM",
    "Decided",
    "MessageClass",
    "Opening",
    "Sender",
    "decide_contacts",
    "end_stance",
    "open_window",
    "set_caps",
    "set_quiet_hours",
    "set_stance",
]

Party = tuple[str, int]
BATCH_MOST = 1000
PLATFORM: Party = ("platform.itself", 1)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: the party that answers for it, the channel it stands on, the app that sent for the party if any."""

    party: Party
    channel: str = ""
    via: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision and the row that keeps it."""

    decision: ContactDecision
    contact_id: int


def decide_contacts(
    *, sender: Sender, kind: MessageClass, person_ids: Iterable[int], cause: Party, is_open: bool = False
) -> dict[int, Decided]:
    """Decides, counts and keeps each contact; unknown people are left out.  Call it in the transaction that delivers.

    One person's contacts are decided one after the other, so no two threads both take the last that a cap allows.
    is_open: the window stands open by the talk itself (a person's side of a chat).  Locks: the people, in id order.
    """
    wanted = sorted(set(person_ids))
    if len(wanted) > BATCH_MOST:
        raise Refusal("malformed", field="person_ids", why=f"at most {BATCH_MOST} at once")
    with atomic():
        if kind != "service":
            db.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('governance:contact', p)) FROM "
                "(SELECT p FROM unnest(%s::bigint[]) AS u(p) ORDER BY p) s",
                [wanted],
            )
        zones = {person.pk: person.time_zone for person in rows.find(accounts.Person, id=wanted, is_active=True)}
        owner, at = queries.owner_of(sender.party), clock.now()
        facts = reaching.facts_for(sender.party, owner, kind, zones, at, channel=sender.channel, is_open=is_open)
        decided = {person_id: rules.may_contact(found) for person_id, found in facts.items()}
        if kind == "reply" and not is_open:
            _use_windows(sender.party, [pk for pk, one in decided.items() if one.verdict == "allow"], at)
        kept = [
            ContactRecord(
                person_id=person_id, kind=kind, party_kind=sender.party[0], party_id=sender.party[1], owner=owner,
                channel=sender.channel or f"{sender.party[0]}:{sender.party[1]}", via=sender.via,
                cause_kind=cause[0], cause_id=cause[1], verdict=one.verdict, reason=one.reason, until=one.until, at=at,
                day=at.astimezone(rules.zone_of(zones[person_id])).date(),
            )
            for person_id, one in decided.items()
        ]  # fmt: skip
        rows.add(*kept)
    return {row.person_id: Decided(decided[row.person_id], row.pk) for row in kept}


def open_window(*, person_id: int, party: Party, opening: Opening) -> None:
    """A person did something that a party may answer."""
    answers, time = rules.OPENINGS[opening]
    at = clock.now()
    rows.add(
        ContactWindow(
            person_id=person_id, party_kind=party[0], party_id=party[1], opening=opening, opened_at=at,
            until=at + time, answers_left=answers,
        )
    )  # fmt: skip


def set_stance(*, person_id: int, stance: str, party: Party, source: str = "") -> None:
    """A person consents to, mutes or blocks a party.  Twice is once.  Refuses: malformed."""
    _check(stance, party)
    with atomic():
        ContactStance.objects.get_or_create(
            person_id=person_id, stance=stance, party_kind=party[0], party_id=party[1], ended_at=None,
            defaults={"since": clock.now(), "source": source[:40]},
        )  # fmt: skip


def end_stance(*, person_id: int, stance: str, party: Party) -> None:
    """A person takes back what they said about a party.  Twice is once.  Refuses: malformed."""
    _check(stance, party)
    ContactStance.objects.filter(
        person_id=person_id, stance=stance, party_kind=party[0], party_id=party[1], ended_at__isnull=True
    ).update(ended_at=clock.now())


def set_quiet_hours(*, person_id: int, start_minute: int, end_minute: int) -> None:
    """When marketing must wait, in minutes of the person's day; equal: never.  Refuses: malformed."""
    if not (0 <= start_minute < rules.DAY_MINUTES and 0 <= end_minute < rules.DAY_MINUTES):
        raise Refusal("malformed", field="quiet_hours", why="minutes of a day, 0 to 1439")
    QuietHours.objects.update_or_create(
        person_id=person_id, defaults={"start_minute": start_minute, "end_minute": end_minute}
    )


def set_caps(*, person_id: int, day_most: int, month_most: int) -> None:
    """How much marketing a person takes: a day of everybody together, a month of one seller.  Refuses: malformed."""
    if not (0 <= day_most <= rules.PERSON_DAY and 0 <= month_most <= rules.OWNER_MONTH):
        raise Refusal("malformed", field="caps", why=f"0 to {rules.PERSON_DAY} a day, 0 to {rules.OWNER_MONTH} a month")
    QuietHours.objects.update_or_create(person_id=person_id, defaults={"day_most": day_most, "month_most": month_most})


def _check(stance: str, party: Party) -> None:
    if stance not in rules.STANCES:
        raise Refusal("malformed", field="stance", why="consent, mute or block")
    if party[0] not in ("accounts.person", "accounts.creator", "accounts.merchant"):
        raise Refusal("malformed", field="party", why="a person, a creator or a merchant")


def _use_windows(party: Party, person_ids: list[int], at: datetime) -> None:
    """Takes one answer from the window of each that ends first."""
    first = reaching.windows(party, person_ids, at).order_by("person_id", "until", "pk").distinct("person_id")
    ContactWindow.objects.filter(pk__in=list(first.values_list("pk", flat=True))).update(
        answers_left=F("answers_left") - 1
    )
