"""How the platforms whose product pages may be linked come, change, are renewed and go."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError

from meadow.governance import rules
from meadow.governance.models import Partner
from meadow.governance.services.guards import reason_text, require_operator
from meadow.kernel import audit, clock
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

_TEXTS = {"name": 120, "contract": rules.LIMITS["reason_length"], "after_sale_contact": 254}
EDITABLE = ("name", "hosts", "product_patterns", "contract", "after_sale_contact", "contract_until")


def add_partner(
    *,
    name: str,
    hosts: Iterable[str],
    product_patterns: Iterable[str],
    contract: str,
    after_sale_contact: str,
    by: Actor,
    contract_until: datetime | None = None,
) -> Partner:
    """A platform whose product pages may be linked from now on, until its contract ends if that is known.

    Refuses: forbidden, malformed, pattern_invalid, partner_exists.
    """
    require_operator(by)
    partner = Partner(since=clock.now())
    sent = {
        "name": name, "hosts": list(hosts), "product_patterns": list(product_patterns), "contract": contract,
        "after_sale_contact": after_sale_contact, "contract_until": contract_until,
    }  # fmt: skip
    for field, value in _cleaned(sent, partner).items():
        setattr(partner, field, value)
    with atomic():
        _save(partner)
        audit.record(by, "add_partner", ("governance.partner", partner.pk), after=_facts(partner))
    return partner


def change_partner(
    *, partner_id: int, changes: dict[str, Any], reason: str, by: Actor, version: int | None = None
) -> Partner:
    """Changes what is named of: name, hosts, product_patterns, contract, after_sale_contact, contract_until.

    The next decision about a link is made by it.  `version` is the one the operator has seen, if that matters.
    Refuses: forbidden, not_found, malformed, pattern_invalid, partner_exists, stale_state.
    """
    require_operator(by)
    unknown = set(changes) - set(EDITABLE)
    if unknown:
        raise Refusal("malformed", field=min(unknown), why=f"use {', '.join(EDITABLE)}")
    text = reason_text(reason)
    with atomic():
        partner = _locked(partner_id, version)
        _change(partner, "change_partner", _cleaned(changes, partner), text, by)
    return partner


def renew_partner(
    *,
    partner_id: int,
    contract: str,
    contract_until: datetime | None,
    reason: str,
    by: Actor,
    version: int | None = None,
) -> Partner:
    """A new contract: the partnership holds from now on, whether it had ended or not.  Old links are plain again.

    Refuses: forbidden, not_found, malformed, stale_state.
    """
    require_operator(by)
    text = reason_text(reason)
    with atomic():
        partner = _locked(partner_id, version)
        terms = _cleaned({"contract": contract, "contract_until": contract_until}, partner)
        _change(partner, "renew_partner", {**terms, "active": True, "ended_at": None}, text, by)
    return partner


def end_partner(*, partner_id: int, reason: str, by: Actor) -> Partner:
    """From now on no new link to this partner; those posted before carry a warning.  Refuses: forbidden, not_found,
    malformed."""
    require_operator(by)
    text = reason_text(reason)
    with atomic():
        partner = _locked(partner_id, None)
        if partner.active:
            _change(partner, "end_partner", {"active": False, "ended_at": clock.now()}, text, by)
    return partner


def _locked(partner_id: int, version: int | None) -> Partner:
    """Refuses: not_found, stale_state."""
    partner = Partner.objects.select_for_update().filter(pk=partner_id).first()
    if partner is None:
        raise Refusal("not_found")
    if version is not None and version != partner.version:
        raise Refusal("stale_state", state=f"version {partner.version}", event="change")
    return partner


def _change(partner: Partner, verb: str, changes: dict[str, Any], reason: str, by: Actor) -> None:
    """Saves what differs as one more version, on record with what it was before; nothing if nothing differs."""
    before = _facts(partner)
    for field, value in changes.items():
        setattr(partner, field, value)
    after = _facts(partner)
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        return
    partner.version += 1
    _save(partner)
    audit.record(
        by, verb, ("governance.partner", partner.pk), before={name: before[name] for name in changed},
        after={name: after[name] for name in changed} | {"reason": reason},
    )  # fmt: skip


def _save(partner: Partner) -> None:
    """Refuses: partner_exists."""
    try:
        with atomic():
            partner.save()
    except IntegrityError as error:
        raise Refusal("partner_exists") from error


def _facts(partner: Partner) -> dict[str, Any]:
    """What the trail keeps of a partner."""
    until = partner.contract_until
    return {
        "name": partner.name, "hosts": partner.hosts, "product_patterns": partner.product_patterns,
        "contract": partner.contract, "after_sale_contact": partner.after_sale_contact,
        "contract_until": until.isoformat() if until else None, "active": partner.active,
    }  # fmt: skip


def _cleaned(changes: dict[str, Any], partner: Partner) -> dict[str, Any]:
    """The sent values in their one form.  Refuses: malformed, pattern_invalid."""
    clean: dict[str, Any] = {}
    for field, most in _TEXTS.items():
        if field in changes:
            clean[field] = rules.clean_text(changes[field], most)
            if not clean[field]:
                raise Refusal("malformed", field=field, why="name it, its contract and who answers after a sale")
    if "contract_until" in changes:
        until = changes["contract_until"]
        if until is not None and (until.tzinfo is None or (until <= clock.now() and until != partner.contract_until)):
            raise Refusal(
                "malformed", field="contract_until", why="a moment to come, with its time zone; to end it now, end it"
            )
        clean["contract_until"] = until
    if "hosts" in changes or "product_patterns" in changes:
        hosts, patterns = changes.get("hosts", partner.hosts), changes.get("product_patterns", partner.product_patterns)
        clean["hosts"], clean["product_patterns"] = _clean_pages(list(hosts), list(patterns))
    return clean


def _clean_pages(hosts: list[str], patterns: list[str]) -> tuple[list[str], list[str]]:
    if (
        not 1 <= len(hosts) <= rules.LIMITS["partner_hosts"]
        or not 1 <= len(patterns) <= rules.LIMITS["partner_patterns"]
    ):
        field = "hosts" if not 1 <= len(hosts) <= rules.LIMITS["partner_hosts"] else "product_patterns"
        raise Refusal("malformed", field=field, why="name at least one host and one product page")
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
