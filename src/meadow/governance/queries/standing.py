"""How a party stands: its violations as a log, its points, its sanctions, and every limit with reason, rule and end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from meadow.accounts import queries as accounts
from meadow.governance.models import Decision, Sanction
from meadow.governance.rules import points
from meadow.governance.rules.points import Entry
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id
from meadow.ledger import queries as ledger

Party = tuple[str, int]
# What a limit stops besides itself: a suspended account does nothing, links are part of posting.
_STOPPED_BY = {
    "links": ("links", "post", "account"),
    "post": ("post", "account"),
    "message": ("message", "account"),
    "payout": ("payout",),
    "account": ("account",),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """Something a party may not do or that is withheld, with all it needs to know about it.

    what: a limit of the ladder, "suspended", "hidden" (waits for a look) or "taken_down"; subject names the thing.
    held: [(minor, currency), ...] of its own money that a sanction holds.
    """

    what: str
    en: str
    zh: str
    party: Party
    subject: Party
    rule_id: str
    rule_version: int
    reason: str
    reason_zh: str
    since: datetime
    until: datetime | None
    decision: str
    sanction: str | None
    held: tuple[tuple[int, str], ...] = ()
    review_by: datetime | None = None  # when somebody looks at it again, where it has no end of its own


def violation_log(kind: str, party_id: int) -> list[Entry]:
    """Every violation of a party in the order of the log, with whether it was reversed."""
    return _logs(kind, [party_id]).get(party_id, [])


def _logs(kind: str, party_ids: Iterable[int]) -> dict[int, list[Entry]]:
    logs: dict[int, list[Entry]] = {}
    for row in db.rows(
        "SELECT v.party_id, v.decision_id, v.kind, v.severity, v.schedule, v.at, "
        "EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = v.decision_id) AS reversed "
        "FROM governance_violation v WHERE v.party_kind = %s AND v.party_id = ANY(%s::bigint[]) ORDER BY v.decision_id",
        [kind, list(party_ids)],
    ):
        entry = Entry(row["decision_id"], row["kind"], row["severity"], row["at"], row["schedule"], row["reversed"])
        logs.setdefault(row["party_id"], []).append(entry)
    return logs


def points_of(kind: str, party_id: int, at: datetime | None = None) -> int:
    """A party's points at a moment, in thousandths."""
    return points.standing_milli(violation_log(kind, party_id), at or clock.now())


def points_of_many(kind: str, party_ids: Iterable[int], at: datetime) -> dict[int, int]:
    """The points of all parties of a kind that ever broke a rule, in thousandths; one statement."""
    return {party_id: points.standing_milli(log, at) for party_id, log in _logs(kind, party_ids).items()}


def sanctioned(kind: str, party_ids: Iterable[int], at: datetime) -> set[int]:
    """Those of the parties whom a sanction binds at a moment; one statement."""
    found = Sanction.objects.filter(
        Q(until__isnull=True) | Q(until__gt=at), party_kind=kind, party_id__in=list(party_ids), lifted_at__isnull=True,
        state__in=("issued", "appealed", "upheld"),
    )  # fmt: skip
    return set(found.values_list("party_id", flat=True))


def sanction(sanction_id: int | str) -> Sanction:
    """A sanction by id or public id.  Refuses: not_found."""
    given = {"public_id": sanction_id} if isinstance(sanction_id, str) else {"pk": sanction_id}
    if isinstance(sanction_id, str) and not is_id(sanction_id, "san"):
        raise Refusal("not_found")
    found = Sanction.objects.select_related("decision__words", "violation__decision").filter(**given).first()
    if found is None:
        raise Refusal("not_found")
    return found


def sanctions_of(kind: str, party_id: int) -> list[Sanction]:
    """Every sanction a party ever had, the newest first."""
    found = Sanction.objects.filter(party_kind=kind, party_id=party_id).select_related("decision__words")
    return list(found.order_by("-pk"))


def root_of(given: Sanction) -> Decision:
    """The decision that a sanction goes back to: its violation, or what that one followed from."""
    root = given.violation.decision
    while root.cause is not None:
        root = root.cause
    return root


def consequences(first: Decision) -> list[Decision]:
    """What followed from a decision and stands; sanctions are left out, they follow from the log.

    What was shown again while an appeal was late is no consequence: nothing of it needs to be taken back.
    """
    found = Decision.objects.filter(cause=first).exclude(action__in=("uphold", "restore")).order_by("pk")
    undone = set(Decision.objects.filter(reverses__cause=first).values_list("reverses_id", flat=True))
    undone |= set(Sanction.objects.filter(decision__cause=first).values_list("decision_id", flat=True))
    return [decision for decision in found if decision.pk not in undone]


def parties_of(person_id: int) -> list[Party]:
    """Everything that somebody answers for: themselves, their creator, the merchants they own."""
    found: list[Party] = [("accounts.person", person_id)]
    if creator := accounts.creator_of(person_id):
        found.append(("accounts.creator", creator.pk))
    found += [("accounts.merchant", m.merchant_id) for m in accounts.merchants_of(person_id) if m.role == "owner"]
    return found


def limits_on(person_id: int) -> list[Limit]:
    """Every limit on somebody's account, and everything of theirs that is withheld, the newest first."""
    parties = parties_of(person_id)
    found = [*_sanctions(parties), *_decisions(parties)]
    return sorted(found, key=lambda limit: limit.since, reverse=True)


def limit_on(parties: Iterable[Party], act: str) -> Limit | None:
    """The limit that keeps any of these parties from an act, the one that lasts longest."""
    stopping = _STOPPED_BY[act]
    found = [limit for limit in _sanctions(list(parties)) if limit.what in stopping]
    return max(found, key=lambda limit: (limit.until is None, limit.until), default=None)


def _sanctions(parties: Sequence[Party]) -> list[Limit]:
    now = clock.now()
    rows = db.rows(
        "SELECT s.id, s.public_id, s.limits, s.party_kind, s.party_id, s.issued_at, s.until, s.review_by, "
        "d.public_id AS decision, "
        "d.rule_id, d.rule_version, t.reason, t.reason_zh "
        "FROM governance_sanction s JOIN governance_decision d ON d.id = s.decision_id "
        "JOIN governance_decisiontext t ON t.decision_id = d.id "
        "JOIN unnest(%s::text[], %s::bigint[]) AS p(kind, id) ON s.party_kind = p.kind AND s.party_id = p.id "
        "WHERE s.state IN ('issued', 'appealed', 'upheld') AND s.lifted_at IS NULL "
        "AND (s.until IS NULL OR s.until > %s) ORDER BY s.id DESC",
        [[kind for kind, _ in parties], [party_id for _, party_id in parties], now],
    )
    return [_of_sanction(row, what) for row in rows for what in row["limits"]]


def _of_sanction(row: dict[str, Any], what: str) -> Limit:
    en, zh = points.LIMITS_OF_SANCTIONS[what]
    party = (row["party_kind"], row["party_id"])
    holds = ledger.holds_of(("governance.sanction", row["id"])) if what == "payout" else []
    return Limit(
        what, en, zh, party, party, row["rule_id"], row["rule_version"], row["reason"], row["reason_zh"],
        row["issued_at"], row["until"], row["decision"], row["public_id"],
        tuple((hold.remaining_minor, hold.currency) for hold in holds if hold.state == "open"),
        row["review_by"],
    )  # fmt: skip


_WITHHELD = {
    "suspend": ("suspended", "Suspended", "已暂停"),
    "stop_new": ("stopped", "Nothing new; what is on its way goes on", "暂停新增，在途业务照常"),
    "hold": ("hidden", "Not shown until it is looked at", "待审核，暂不展示"),
    "review": ("hidden", "Not shown until it is looked at", "待审核，暂不展示"),
}


def _decisions(parties: Sequence[Party]) -> list[Limit]:
    """What decisions withhold that are no sanctions: suspensions, posts taken down or waiting for a look."""
    rows = db.rows(
        "SELECT d.id, d.public_id, d.subject_kind, d.subject_id, d.party_kind, d.party_id, d.action, d.rule_id, "
        "d.rule_version, d.made_at, d.until, t.reason, t.reason_zh, n.review_by "
        "FROM governance_decision d JOIN governance_decisiontext t ON t.decision_id = d.id "
        "LEFT JOIN governance_suspension n ON n.decision_id = d.id "
        "JOIN unnest(%s::text[], %s::bigint[]) AS p(kind, id) ON d.party_kind = p.kind AND d.party_id = p.id "
        "WHERE d.action IN ('suspend', 'stop_new', 'hold', 'review') AND (d.until IS NULL OR d.until > %s) "
        "AND NOT EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = d.id) "
        "AND NOT EXISTS (SELECT 1 FROM governance_sanction s WHERE s.decision_id = d.id) "
        "AND NOT EXISTS (SELECT 1 FROM governance_decision l WHERE l.subject_kind = d.subject_kind "
        " AND l.subject_id = d.subject_id AND l.action = 'restore' AND l.id > d.id "
        " AND NOT EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = l.id)) ORDER BY d.id DESC",
        [[kind for kind, _ in parties], [party_id for _, party_id in parties], clock.now()],
    )
    found = []
    for row in rows:
        party, subject = (row["party_kind"], row["party_id"]), (row["subject_kind"], row["subject_id"])
        what, en, zh = _WITHHELD[row["action"]]
        if row["action"] == "suspend" and subject not in parties:
            what, en, zh = "taken_down", "Taken down", "已下架"
        found.append(
            Limit(
                what,
                en,
                zh,
                party,
                subject,
                row["rule_id"],
                row["rule_version"],
                row["reason"],
                row["reason_zh"],
                row["made_at"],
                row["until"],
                row["public_id"],
                None,
                (),
                row["review_by"],
            )  # fmt: skip
        )
    return found
