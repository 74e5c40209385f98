"""What is stopped for a time and until when: for everybody to see, for those concerned, and for operators with its trail."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from meadow.governance.models import Decision, Suspension
from meadow.governance.rules import suspensions as laws
from meadow.kernel import rows
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id
from meadow.kernel.models import AuditEntry

Party = tuple[str, int]
# Whose suspension everybody may read of: what people buy from and what the site offers.  People are not named.
PUBLIC_KINDS = (laws.FEATURE, "accounts.merchant", "catalog.shop", "catalog.product")

FEATURE = laws.FEATURE
TARGETS = laws.TARGETS
FEATURES = laws.FEATURES
FEATURE_NAMES = laws.FEATURE_NAMES
SCOPES, GROUNDS, AT_REVIEW, AT_ONCE = laws.SCOPES, laws.GROUNDS, laws.AT_REVIEW, laws.AT_ONCE
NOTICE, LONGEST = laws.NOTICE, laws.LONGEST


def suspension(suspension_id: int | str) -> Suspension:
    """A suspension by id or public id.  Refuses: not_found."""
    if isinstance(suspension_id, str):
        known = Suspension.objects.filter(public_id=suspension_id) if is_id(suspension_id, "sus") else None
    else:
        known = Suspension.objects.filter(pk=suspension_id)
    found = known.select_related("rule", "decision").first() if known is not None else None
    if found is None:
        raise Refusal("not_found")
    return found


def suspensions(*, states: Iterable[str] = (), limit: int = 200) -> list[Suspension]:
    """The newest suspensions, of these states if some are named."""
    found = Suspension.objects.select_related("rule", "decision").order_by("-pk")
    return list((found.filter(state__in=list(states)) if states else found)[:limit])


def public_suspensions(limit: int = 200) -> list[Suspension]:
    """What is stopped now or will be, as far as everybody may read of it; overdue ones first."""
    found = Suspension.objects.select_related("rule").filter(
        state__in=("announced", *laws.IN_FORCE), subject_kind__in=PUBLIC_KINDS
    )
    return sorted(found.order_by("-pk")[:limit], key=lambda one: one.state != "overdue")


def suspensions_of(parties: Iterable[Party], limit: int = 100) -> list[Suspension]:
    """What was ever stopped of these parties, the newest first."""
    wanted = Q(pk__in=[])
    for kind, party_id in parties:
        wanted |= Q(party_kind=kind, party_id=party_id) | Q(subject_kind=kind, subject_id=party_id)
    return list(Suspension.objects.select_related("rule", "decision").filter(wanted).order_by("-pk")[:limit])


def standing_decisions(kind: str, subject_id: int) -> list[int]:
    """The decisions that suspend a subject and were not taken back, oldest first."""
    found = Decision.objects.filter(subject_kind=kind, subject_id=subject_id, action__in=("suspend", "stop_new"))
    undone = Decision.objects.filter(reverses__subject_kind=kind, reverses__subject_id=subject_id).values("reverses_id")
    return list(found.exclude(pk__in=undone).order_by("pk").values_list("pk", flat=True))


def require_feature(name: str) -> None:
    """Whoever begins something of a feature asks this first; what is on its way does not.  Refuses:
    feature_suspended."""
    found = rows.first(
        Suspension, subject_kind=laws.FEATURE, subject_id=laws.FEATURES[name].number, state=laws.IN_FORCE
    )
    if found is not None:
        raise Refusal(
            "feature_suspended", until=found.review_by.date().isoformat(), rule=str(found.rule), reason=found.reason,
            reason_zh=found.reason_zh or found.reason,
        )  # fmt: skip


def suspension_trail(suspension_id: int) -> list[dict[str, Any]]:
    """Who did what to a suspension, when, with what was before and after, oldest first."""
    found = AuditEntry.objects.filter(subject_kind="governance.suspension", subject_id=suspension_id).order_by("pk")
    return [
        {"at": one.at, "person_id": one.person_id, "verb": one.verb, "before": one.before, "after": one.after}
        for one in found
    ]
