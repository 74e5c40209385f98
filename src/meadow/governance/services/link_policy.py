"""How operators edit the link policy: per surface and partner, barred hosts, and the permanent end for who evades it."""

from collections.abc import Sequence

from django.db import IntegrityError

from meadow.governance import rules
from meadow.governance.models import BarredHost, LinkSetting, Partner, Violation
from meadow.governance.services.decisions import cited
from meadow.governance.services.guards import reason_text, require_operator
from meadow.governance.services.parties import Subject
from meadow.governance.services.sanctions import record_violation
from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

EVASION_RULE = "conduct.evasion"
MOST_HOSTS = 100


def set_link_policy(
    *, surface: str, verdict: str, reason: str, by: Actor, partner_id: int | None = None
) -> LinkSetting:
    """What happens from now on to plain addresses on a surface, or to a partner's product pages there.

    Plain addresses can be warned about or blocked, a partner's pages also allowed.  Refuses: forbidden, malformed,
    not_found, partner_ended.
    """
    require_operator(by)
    text = reason_text(reason)
    if surface not in rules.SURFACES:
        raise Refusal("malformed", field="surface", why=f"use one of {', '.join(rules.SURFACES)}")
    allowed = ("warn", "block") if partner_id is None else ("allow", "warn", "block")
    if verdict not in allowed:
        raise Refusal("malformed", field="verdict", why=f"use one of {', '.join(allowed)}")
    with atomic():
        _in_turn()
        partner = None if partner_id is None else _active(partner_id)
        found = LinkSetting.objects.filter(surface=surface, partner=partner).first()
        before = {"verdict": found.verdict} if found else None
        made, _ = LinkSetting.objects.update_or_create(
            surface=surface, partner=partner,
            defaults={"verdict": verdict, "reason": text, "set_at": clock.now()},
        )  # fmt: skip
        after = {"surface": surface, "partner_id": partner_id, "verdict": verdict, "reason": text}
        audit.record(by, "set_link_policy", ("governance.linksetting", made.pk), before=before, after=after)
    return made


def bar_host(*, host: str, reason: str, by: Actor, rule: str = EVASION_RULE, reason_zh: str = "") -> BarredHost:
    """Blocks a host on every surface, with all that belongs to it, whoever posts it.

    Refuses: forbidden, malformed, rule_unknown, barred_already.
    """
    require_operator(by)
    text = reason_text(reason)
    try:
        clean = rules.clean_host(host)
    except rules.PatternError as error:
        raise Refusal("malformed", field="host", why=str(error)) from error
    try:
        with atomic():
            rule_id, _version = cited(rule)
            made = BarredHost.objects.create(
                host=clean, rule_id=rule_id, reason=text,
                reason_zh=rules.clean_text(reason_zh, rules.LIMITS["reason_length"]), since=clock.now(),
            )  # fmt: skip
            after = {"host": clean, "rule": rule_id, "reason": text}
            audit.record(by, "bar_host", ("governance.barredhost", made.pk), after=after)
    except IntegrityError as error:
        raise Refusal("barred_already", host=clean) from error
    return made


def lift_bar(*, bar_id: int, reason: str, by: Actor) -> BarredHost:
    """The host counts as any other again.  Lifting it twice is once.  Refuses: forbidden, malformed, not_found."""
    require_operator(by)
    text = reason_text(reason)
    with atomic():
        found = BarredHost.objects.select_for_update().filter(pk=bar_id).first()
        if found is None:
            raise Refusal("not_found")
        if found.lifted_at is None:
            found.lifted_at = clock.now()
            found.save(update_fields=["lifted_at"])
            audit.record(by, "lift_bar", ("governance.barredhost", found.pk), after={"reason": text})
    return found


def flag_link_evasion(
    *, party: Subject, hosts: Sequence[str], reason: str, by: Actor, reason_zh: str = ""
) -> Violation:
    """Somebody goes on with many hosts or accounts: their account ends until it is looked at again, the hosts for good.

    Refuses: forbidden, malformed, rule_unknown.
    """
    require_operator(by)
    if len(hosts) > MOST_HOSTS:
        raise Refusal("malformed", field="hosts", why=f"at most {MOST_HOSTS} at once")
    with atomic():
        for host in dict.fromkeys(hosts):
            try:
                bar_host(host=host, reason=reason, reason_zh=reason_zh, by=by)
            except Refusal as refusal:
                if refusal.code != "barred_already":
                    raise
        return record_violation(
            party=party, kind="evasion", severity="extreme", reason=reason, reason_zh=reason_zh, by=by
        )


def _active(partner_id: int) -> Partner:
    """Refuses: not_found, partner_ended."""
    found = Partner.objects.filter(pk=partner_id).first()
    if found is None:
        raise Refusal("not_found")
    if not found.runs_at(clock.now()):
        raise Refusal("partner_ended", name=found.name)
    return found


def _in_turn() -> None:
    db.call("SELECT pg_advisory_xact_lock(hashtextextended('governance:link policy', 0))")
