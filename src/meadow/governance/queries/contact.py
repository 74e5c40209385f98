"""Who may reach a person, and who did: their stances, quiet hours, and every commercial contact with its reason."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from meadow.accounts import queries as accounts
from meadow.governance.models import ContactRecord, ContactStance, QuietHours
from meadow.governance.rules import contact as rules
from meadow.governance.rules.contact import OWNER_MONTH, PERSON_DAY, REASONS
from meadow.kernel import clock, db

__all__ = [
    "OWNER_MONTH",
    "PERSON_DAY",
    "REASONS",
    "ContactView",
    "StanceView",
    "Unwanted",
    "blocked_or_muted",
    "caps",
    "commercial_contacts",
    "consenting",
    "contacts_a_day",
    "has_stance",
    "owner_of",
    "quiet_hours",
    "stances_of",
    "unwanted_authors",
]

Party = tuple[str, int]
PAGE_MOST = 100


@dataclass(frozen=True, slots=True)
class StanceView:
    """A consent, mute or block that holds."""

    stance: str
    party: Party
    since: datetime


@dataclass(frozen=True, slots=True)
class Unwanted:
    """Whose posts and comments a reader does not want to see."""

    person_ids: frozenset[int]
    creator_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class ContactView:
    """A message that reached a person, or would have: by whom, of which class, what was decided and why."""

    contact_id: int
    kind: str
    party: Party
    channel: str
    via: str
    verdict: str
    reason: str
    reason_en: str
    reason_zh: str
    at: datetime


def stances_of(person_id: int) -> list[StanceView]:
    """What a person has said about who may reach them, the newest first."""
    found = ContactStance.objects.filter(person_id=person_id, ended_at__isnull=True).order_by("-pk")
    return [StanceView(row.stance, (row.party_kind, row.party_id), row.since) for row in found[:1000]]


def consenting(party: Party, most: int) -> list[int]:
    """The people who agreed to a party's marketing, by id."""
    held = ContactStance.objects.filter(
        stance="consent", party_kind=party[0], party_id=party[1], ended_at__isnull=True, person__is_active=True
    )
    return list(held.order_by("person_id").values_list("person_id", flat=True)[:most])


def has_stance(person_id: int, stance: str, parties: list[Party]) -> bool:
    """Whether a person consents to, mutes or blocks one of some parties."""
    held = ContactStance.objects.filter(person_id=person_id, stance=stance, ended_at__isnull=True)
    return not set(parties).isdisjoint(held.values_list("party_kind", "party_id"))


def blocked_or_muted(person_id: int) -> set[Party]:
    """Whose posts and comments a person does not want to see."""
    held = ContactStance.objects.filter(person_id=person_id, stance__in=("mute", "block"), ended_at__isnull=True)
    return set(held.values_list("party_kind", "party_id"))


def unwanted_authors(person_id: int) -> Unwanted:
    """Who is muted or blocked, as people and as creators: whoever is unwanted as one is as the other."""
    parties = blocked_or_muted(person_id)
    people = {pk for kind, pk in parties if kind == "accounts.person"}
    creators = {pk for kind, pk in parties if kind == "accounts.creator"}
    if parties:
        pairs = accounts.Creator.objects.filter(Q(pk__in=creators) | Q(person_id__in=people))
        for creator_id, owner_id in pairs.values_list("pk", "person_id"):
            creators.add(creator_id)
            people.add(owner_id)
    return Unwanted(frozenset(people), frozenset(creators))


def quiet_hours(person_id: int) -> tuple[int, int]:
    """When marketing waits, in minutes of the person's day."""
    found = QuietHours.objects.filter(person_id=person_id).first()
    return (found.start_minute, found.end_minute) if found else (rules.QUIET_FROM, rules.QUIET_UNTIL)


def caps(person_id: int) -> tuple[int, int]:
    """How much marketing a person takes: a day of everybody together, a month of one seller."""
    found = QuietHours.objects.filter(person_id=person_id).first()
    return (found.day_most, found.month_most) if found else (rules.PERSON_DAY, rules.OWNER_MONTH)


def commercial_contacts(person_id: int, *, before_id: int | None = None, limit: int = 50) -> list[ContactView]:
    """Every marketing message that reached a person or was kept from them, and why; the newest first."""
    found = ContactRecord.objects.filter(person_id=person_id, kind="marketing")
    if before_id is not None:
        found = found.filter(pk__lt=before_id)
    return [_view(row) for row in found.order_by("-pk")[: min(limit, PAGE_MOST)]]


def owner_of(party: Party) -> str:
    """By whom caps are counted: all merchants of one owner are one."""
    kind, party_id = party
    if kind == "accounts.merchant":
        return f"person:{accounts.merchant(party_id).owner_id}"
    if kind == "accounts.creator":
        return f"person:{accounts.creator(party_id).person_id}"
    return f"person:{party_id}" if kind == "accounts.person" else f"{kind}:{party_id}"


def contacts_a_day(days: int = 30) -> dict[str, int]:
    """How many marketing messages a person got on one of their days, of those who got any: the p99 and the most.

    ceiling is what nobody can get more than, whoever sends.
    """
    row = db.one(
        "SELECT coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY n), 0) AS p99, coalesce(max(n), 0) AS most FROM "
        "(SELECT count(*) AS n FROM governance_contactrecord WHERE kind = 'marketing' AND verdict = 'allow' "
        "AND at > %s - make_interval(days => %s) GROUP BY person_id, coalesce(day, at::date)) d",
        [clock.now(), days],
    )
    assert row is not None
    return {"p99": int(row["p99"]), "most": int(row["most"]), "ceiling": rules.PERSON_DAY, "days": days}


def _view(row: ContactRecord) -> ContactView:
    en, zh = REASONS.get(row.reason, (row.reason, row.reason))
    return ContactView(
        row.pk, row.kind, (row.party_kind, row.party_id), row.channel, row.via, row.verdict, row.reason, en, zh, row.at
    )
