"""Which links are allowed, whose partners' they are, and which hosts were blocked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from meadow.governance import rules
from meadow.governance.models import BarredHost, Partner
from meadow.governance.rules import Allowlist, FoundLink, LinkDecision, PartnerPages, build_allowlist
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.kernel.models import AuditEntry

PartnerFileError = rules.PartnerFileError
read_partner_file = rules.read_partner_file
decide_link = rules.decide_link
"""decide_link(url, surface, partners: Allowlist, *, own="") -> LinkDecision; pure, microseconds, no network."""


def allowlist() -> Allowlist:
    """The partners and the operator's policy as the link decision needs them, in one statement; a partner that ends is
    gone at once."""
    return build_allowlist(*_policy())


_POLICY = """
SELECT 'page' AS kind, id, public_id AS partner, name, hosts, product_patterns AS patterns, active,
  contract_until AS until, NULL AS surface, NULL AS verdict, NULL AS rule_id, NULL AS reason, NULL AS reason_zh FROM governance_partner
UNION ALL SELECT 'set', s.id, p.public_id, NULL, NULL, NULL, NULL, NULL, s.surface, s.verdict, NULL, NULL, NULL
  FROM governance_linksetting s LEFT JOIN governance_partner p ON p.id = s.partner_id
UNION ALL SELECT 'bar', id, NULL, host, NULL, NULL, NULL, NULL, NULL, NULL, rule_id, reason, reason_zh
  FROM governance_barredhost WHERE lifted_at IS NULL
ORDER BY 1, 2
"""


def _policy() -> tuple[tuple[PartnerPages, ...], rules.Policy]:
    of: dict[str, list[dict[str, Any]]] = {"page": [], "set": [], "bar": []}
    for row in db.rows(_POLICY):
        of[row["kind"]].append(row)
    # Most contracts are open, and then nobody needs to know the time.
    now = clock.now() if any(row["until"] for row in of["page"]) else None
    pages = tuple(
        PartnerPages(
            row["partner"], row["name"], tuple(row["hosts"]), tuple(row["patterns"]),
            row["active"] and (now is None or row["until"] is None or now < row["until"]),
        )
        for row in of["page"]
    )  # fmt: skip
    return pages, rules.Policy(
        tuple((row["surface"], row["verdict"]) for row in of["set"] if row["partner"] is None),
        tuple((row["partner"], row["surface"], row["verdict"]) for row in of["set"] if row["partner"] is not None),
        tuple(rules.Bar(row["name"], row["rule_id"], row["reason"], row["reason_zh"]) for row in of["bar"]),
    )


@dataclass(frozen=True, slots=True)
class SurfaceRow:
    """What holds on one surface: for plain addresses, and for each partner where it is not simply allowed."""

    surface: str
    strangers: str
    default: str
    partners: tuple[tuple[str, str, str], ...]  # (public id, name, verdict)


def link_policy() -> list[SurfaceRow]:
    """The policy in force, surface by surface."""
    pages, policy = _policy()
    names = {page.public_id: page.name for page in pages}
    strangers = dict(policy.strangers)
    return [
        SurfaceRow(
            surface, strangers.get(surface, default), default,
            tuple((who, names[who], verdict) for who, where, verdict in policy.partners if where == surface),
        )
        for surface, default in rules.SURFACES.items()
    ]  # fmt: skip


def barred_hosts(*, also_lifted: bool = False) -> list[BarredHost]:
    """Hosts that are blocked everywhere, the newest first."""
    found = BarredHost.objects.order_by("-pk")
    return list(found if also_lifted else found.filter(lifted_at__isnull=True))


def barred_host(public_id: str) -> BarredHost:
    """Refuses: not_found."""
    found = BarredHost.objects.filter(public_id=public_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def partner(public_id: str) -> Partner:
    """Refuses: not_found."""
    found = Partner.objects.filter(public_id=public_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def link_policy_trail(limit: int = 100) -> list[dict[str, Any]]:
    """Who changed the policy, when and how, the newest first."""
    kinds = ("governance.partner", "governance.linksetting", "governance.barredhost")
    found = AuditEntry.objects.filter(subject_kind__in=kinds).order_by("-pk")[:limit]
    return [
        {"at": one.at, "person_id": one.person_id, "verb": one.verb, "before": one.before, "after": one.after}
        for one in found
    ]


def shown_links(text: str, surface: str) -> list[tuple[FoundLink, LinkDecision]]:
    """The addresses in a text that was posted on a surface, judged as of now for showing them.  No statement without one."""
    found = rules.links_in_text(text)
    if not found:
        return []
    partners_, own = allowlist(), settings.MEADOW.base_url
    return [(link, rules.decide_shown(link.raw, surface, partners_, own=own)) for link in found]


def shown_link(url: str, surface: str) -> LinkDecision:
    """One such address as of now, when somebody follows it."""
    return rules.decide_shown(url, surface, allowlist(), own=settings.MEADOW.base_url)


def blocked_in(text: str, surface: str, allowed: Allowlist) -> tuple[str, LinkDecision] | None:
    """The first address in a text that may not stand on a surface, by partners that were looked up before."""
    own = settings.MEADOW.base_url
    judged = ((link.raw, rules.decide_link(link.raw, surface, allowed, own=own)) for link in rules.links_in_text(text))
    return next(((raw, made) for raw, made in judged if made.verdict == "block"), None)


def judge_link(url: str, surface: str) -> LinkDecision:
    """The decision about one address with today's partners, recording nothing."""
    return rules.decide_link(url, surface, allowlist(), own=settings.MEADOW.base_url)


def partners(*, active_only: bool = False) -> list[Partner]:
    """The partners by name; active ones are those whose contract runs."""
    found, now = Partner.objects.order_by("name"), clock.now()
    return [one for one in found if one.runs_at(now) or not active_only]


def partner_trail(public_id: str, limit: int = 100) -> list[AuditEntry]:
    """Who changed a partner, when and how, the newest first.  Refuses: not_found."""
    subject = {"subject_kind": "governance.partner", "subject_id": partner(public_id).pk}
    return list(AuditEntry.objects.filter(**subject).order_by("-pk")[:limit])


def blocked_hosts(limit: int = 1000, least_accounts: int = 1) -> list[dict[str, object]]:
    """Which hosts were blocked, by which rule and why, how often: {host, rule_id, rule_version, code, times, last}.

    least_accounts: how many different accounts must have met it.
    """
    return db.rows(
        "SELECT t.inputs->>'host' AS host, d.rule_id, d.rule_version, t.inputs->>'code' AS code, count(*) AS times, "
        "max(d.made_at) AS last FROM governance_decision d JOIN governance_decisiontext t ON t.decision_id = d.id "
        "WHERE d.action = 'block_link' GROUP BY 1, 2, 3, 4 "
        "HAVING count(DISTINCT (d.party_kind, d.party_id)) >= %s ORDER BY times DESC, host LIMIT %s",
        [least_accounts, limit],
    )


def is_known_offence(party: tuple[str, int], url: str, since: datetime) -> bool:
    """Whether a party was told of this very address since a moment."""
    return bool(
        db.call(
            "SELECT EXISTS (SELECT FROM governance_decision d JOIN governance_decisiontext t ON t.decision_id = d.id "
            "WHERE d.action = 'violation' AND d.party_kind = %s AND d.party_id = %s AND d.made_at >= %s "
            "AND t.inputs->>'url' = %s)",
            [*party, since, url],
        )
    )


def clean_host(text: str) -> str | None:
    """A site's host in its one form, or None if it is no registered name."""
    try:
        return rules.clean_host(text)
    except rules.PatternError:
        return None
