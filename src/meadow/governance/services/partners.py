"""How the platforms whose product pages may be linked come and go."""

from collections.abc import Iterable

from django.db import IntegrityError

from meadow.governance import rules
from meadow.governance.models import Partner
from meadow.governance.services.guards import reason_text, require_operator
from meadow.kernel import audit, clock
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal


def add_partner(
    *,
    name: str,
    hosts: Iterable[str],
    product_patterns: Iterable[str],
    contract: str,
    after_sale_contact: str,
    by: Actor,
) -> Partner:
    """A platform whose product pages may be linked from now on.  Refuses: forbidden, malformed, pattern_invalid,
    partner_exists."""
    require_operator(by)
    title, contact = rules.clean_text(name, 120), rules.clean_text(after_sale_contact, 254)
    terms = rules.clean_text(contract, rules.LIMITS["reason_length"])
    if not title or not terms or not contact:
        raise Refusal("malformed", field="partner", why="name it, its contract and who answers after a sale")
    cleaned, patterns = _clean_pages(list(hosts), list(product_patterns))
    try:
        with atomic():
            partner = Partner.objects.create(
                name=title, hosts=cleaned, product_patterns=patterns, contract=terms,
                after_sale_contact=contact, since=clock.now(),
            )  # fmt: skip
            audit.record(
                by, "add_partner", ("governance.partner", partner.pk),
                after={"name": title, "hosts": cleaned, "product_patterns": patterns},
            )  # fmt: skip
    except IntegrityError as error:
        raise Refusal("partner_exists") from error
    return partner


def end_partner(*, partner_id: int, reason: str, by: Actor) -> Partner:
    """From now on no new link to this partner; those posted before carry a warning.  Refuses: forbidden, not_found,
    malformed."""
    require_operator(by)
    text = reason_text(reason)
    with atomic():
        partner = Partner.objects.select_for_update().filter(pk=partner_id).first()
        if partner is None:
            raise Refusal("not_found")
        if partner.active:
            partner.active, partner.ended_at = False, clock.now()
            partner.save(update_fields=["active", "ended_at"])
            audit.record(by, "end_partner", ("governance.partner", partner.pk), after={"reason": text})
    return partner


def _clean_pages(hosts: list[str], patterns: list[str]) -> tuple[list[str], list[str]]:
    if (
        not 1 <= len(hosts) <= rules.LIMITS["partner_hosts"]
        or not 1 <= len(patterns) <= rules.LIMITS["partner_patterns"]
    ):
        raise Refusal("malformed", field="partner", why="name at least one host and one product page")
    shown = ""
    try:
        cleaned = []
        for shown in hosts:
            cleaned.append(rules.clean_host(shown))
        for shown in patterns:
            pattern = rules.compile_pattern(shown)
            if pattern.host not in cleaned:
                raise rules.PatternError("its host is none of the partner's")
    except rules.PatternError as error:
        raise Refusal("pattern_invalid", pattern=shown, why=str(error)) from error
    return list(dict.fromkeys(cleaned)), [pattern.strip() for pattern in patterns]
