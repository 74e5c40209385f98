"""Which links are allowed, whose partners' they are, and which hosts were blocked."""

from django.conf import settings

from meadow.governance import rules
from meadow.governance.models import Partner
from meadow.governance.rules import Allowlist, LinkDecision, PartnerPages, build_allowlist
from meadow.kernel import db

PartnerFileError = rules.PartnerFileError
read_partner_file = rules.read_partner_file
decide_link = rules.decide_link
"""decide_link(url, surface, partners: Allowlist, *, own="") -> LinkDecision; pure, microseconds, no network."""


def allowlist() -> Allowlist:
    """The partners as the link decision needs them, in one statement; a partner that ends is gone at once."""
    rows = Partner.objects.order_by("pk").values_list("public_id", "name", "hosts", "product_patterns", "active")
    return build_allowlist(tuple(PartnerPages(i, n, tuple(h), tuple(p), a) for i, n, h, p, a in rows))


def judge_link(url: str, surface: str) -> LinkDecision:
    """The decision about one address with today's partners, recording nothing."""
    return rules.decide_link(url, surface, allowlist(), own=settings.MEADOW.base_url)


def partners(*, active_only: bool = False) -> list[Partner]:
    """The partners by name."""
    return list((Partner.objects.filter(active=True) if active_only else Partner.objects.all()).order_by("name"))


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
