"""Who somebody is, what they may do and for whom: the reads that everyone above asks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db.models import Q, QuerySet

from meadow.accounts import rules
from meadow.accounts.models import (
    ApiKey,
    Creator,
    Mail,
    Merchant,
    MerchantStaff,
    OperatorCode,
    Person,
    StaffInvitation,
    Standing,
)
from meadow.accounts.rules import OPERATOR_SCOPES, SCOPES
from meadow.kernel import clock, db, rows
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import is_id
from meadow.kernel.signing import unsign

__all__ = [
    "operator_ids",
    "OPERATOR_SCOPES",
    "SCOPES",
    "ApiKey",
    "Creator",
    "KeyActor",
    "Mail",
    "Membership",
    "Merchant",
    "Person",
    "StaffInvitation",
    "active_creators",
    "actor_for_key",
    "applications",
    "creator",
    "creator_of",
    "has_operator",
    "identity_keys",
    "identity_keys_of",
    "invitations_of",
    "is_operator",
    "keys_for_merchant",
    "keys_of",
    "mailbox",
    "may_act_for",
    "merchant",
    "merchant_ids",
    "merchants_of",
    "newest_mail",
    "open_operator_codes",
    "person",
    "person_by_public_id",
    "person_of_creator",
    "require_creator",
    "require_merchant",
    "require_scope",
    "restrictions",
    "role_at",
    "staff_of",
    "PRESENCE",
    "is_present",
]

PRESENCE = "presence"


@dataclass(frozen=True, slots=True)
class KeyActor:
    """Who an API key acts for, within which scopes, and for which merchant if it is bound to one."""

    person_id: int
    key_id: int
    scopes: frozenset[str]
    merchant_id: int | None
    is_operator: bool
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Membership:
    """A merchant somebody is staff of, and as what."""

    merchant_id: int
    public_id: str
    name: str
    role: str
    state: str


def person(person_id: int) -> Person:
    """Refuses: not_found."""
    found = rows.first(Person, id=person_id)
    if found is None:
        raise Refusal("not_found")
    return found


def person_by_public_id(public_id: str) -> Person:
    """Refuses: not_found."""
    found = Person.objects.filter(public_id=public_id).first() if is_id(public_id, "per") else None
    if found is None:
        raise Refusal("not_found")
    return found


def is_operator(person_id: int) -> bool:
    return Person.objects.filter(pk=person_id, is_operator=True, is_active=True).exists()


def operator_ids() -> list[int]:
    """Whoever runs the installation."""
    return list(Person.objects.filter(is_operator=True, is_active=True).order_by("pk").values_list("pk", flat=True))


def has_operator() -> bool:
    """Whether the installation has somebody who runs it."""
    return Person.objects.filter(is_operator=True, is_active=True).exists()


def creator_of(person_id: int) -> Creator | None:
    """The person's creator in whatever state, or None if they never applied."""
    return Creator.objects.filter(person_id=person_id).first()


def creator(creator_id: int | str) -> Creator:
    """A creator by id or public id.  Refuses: not_found."""
    found = Creator.objects.filter(_by_id(creator_id, "cre")).first()
    if found is None:
        raise Refusal("not_found")
    return found


def person_of_creator(creator_id: int) -> int | None:
    """Whose creator it is, in whatever state; None if there is no such creator."""
    return Creator.objects.filter(pk=creator_id).values_list("person_id", flat=True).first()


def require_creator(person_id: int) -> Creator:
    """The person's creator, able to act.  Refuses: creator_required, creator_suspended."""
    found = creator_of(person_id)
    if found is None or found.state not in ("active", "suspended"):
        raise Refusal("creator_required")
    if found.state == "suspended":
        raise Refusal("creator_suspended")
    return found


def active_creators(creator_ids: Iterable[int]) -> dict[int, int]:
    """The ids among these that are active creators, each with its person's id."""
    found = Creator.objects.filter(pk__in=list(creator_ids), state="active")
    return dict(found.values_list("pk", "person_id"))


def applications(limit: int = 100) -> list[Creator]:
    """Applications that wait for an operator, the oldest first."""
    return list(Creator.objects.filter(state="applied").order_by("applied_at", "pk")[:limit])


def merchant(merchant_id: int | str) -> Merchant:
    """A merchant by id or public id.  Refuses: not_found."""
    if isinstance(merchant_id, int):
        found = rows.first(Merchant, id=merchant_id)
    else:
        found = rows.first(Merchant, public_id=merchant_id) if is_id(merchant_id, "mer") else None
    if found is None:
        raise Refusal("not_found")
    return found


def merchant_ids() -> list[int]:
    """All merchants there are now."""
    return list(Merchant.objects.order_by("pk").values_list("pk", flat=True))


def require_merchant(merchant_id: int) -> Merchant:
    """A merchant able to act.  Refuses: not_found, merchant_suspended."""
    found = merchant(merchant_id)
    if found.state == "suspended":
        raise Refusal("merchant_suspended")
    return found


def merchants_of(person_id: int) -> list[Membership]:
    """The merchants a person may act for, the oldest first."""
    found = MerchantStaff.objects.filter(person_id=person_id).order_by("merchant_id")
    rows = found.values_list("merchant_id", "merchant__public_id", "merchant__name", "role", "merchant__state")
    return [Membership(*row) for row in rows]


def role_at(person_id: int, merchant_id: int) -> str | None:
    """The person's role at a merchant: owner, staff, finance, or None."""
    found = rows.first(MerchantStaff, person_id=person_id, merchant_id=merchant_id)
    return found.role if found else None


def may_act_for(person_id: int, merchant_id: int, roles: Iterable[str] = rules.STAFF_ROLES) -> bool:
    """Whether a person is staff of a merchant, in one of some roles if they are named."""
    return role_at(person_id, merchant_id) in set(roles)


def staff_of(merchant_id: int) -> list[dict[str, str | int]]:
    """A merchant's staff: person_id, name and role."""
    found = MerchantStaff.objects.filter(merchant_id=merchant_id).order_by("pk")
    return [
        {"person_id": row[0], "name": row[1], "role": row[2]}
        for row in found.values_list("person_id", "person__name", "role")
    ]


def invitations_of(merchant_id: int) -> list[StaffInvitation]:
    """A merchant's invitations, the newest first."""
    return list(StaffInvitation.objects.filter(merchant_id=merchant_id).order_by("-pk")[: rules.STAFF_MOST])


def keys_of(person_id: int) -> list[ApiKey]:
    """A person's keys that still work, the newest first."""
    return list(ApiKey.objects.filter(person_id=person_id, revoked_at__isnull=True).order_by("-pk"))


def keys_for_merchant(person_id: int, merchant_id: int) -> QuerySet[ApiKey]:
    """The keys by which a person's machines act for one merchant and that still work."""
    return ApiKey.objects.filter(person_id=person_id, merchant_id=merchant_id, revoked_at__isnull=True)


def actor_for_key(secret: str) -> KeyActor | None:
    """Who a key acts for, in one indexed statement; None for a key that is unknown, revoked or of a closed account."""
    if not rules.is_key_secret(secret):
        return None
    digest = rules.code_hash(secret)
    row = db.one(
        "SELECT k.id, k.person_id, k.merchant_id, k.scopes, k.secret_hash, k.last_used_at, p.is_operator "
        "FROM accounts_apikey k JOIN accounts_person p ON p.id = k.person_id "
        "WHERE k.secret_hash = %s AND k.revoked_at IS NULL AND p.is_active",
        [digest],
    )
    if row is None or not rules.same_hash(row["secret_hash"], digest):
        return None
    # An operator who lost the role keeps keys that no longer carry it.
    scopes = frozenset(row["scopes"]) - (frozenset() if row["is_operator"] else rules.OPERATOR_SCOPES)
    return KeyActor(row["person_id"], row["id"], scopes, row["merchant_id"], row["is_operator"], row["last_used_at"])


def require_scope(actor: KeyActor, scope: str) -> None:
    """Refuses: scope_missing."""
    if scope not in actor.scopes:
        raise Refusal("scope_missing", scope=scope)


def restrictions(kind: str, subject_id: int) -> set[str]:
    """The restrictions that decisions laid on a person, creator or merchant and that hold now."""
    found = Standing.objects.filter(subject_kind=kind, subject_id=subject_id, lifted_at__isnull=True)
    return set(found.values_list("restriction", flat=True))


def identity_keys(person_id: int, *, contact_email: str = "", contact_phone: str = "") -> set[str]:
    """Texts that two persons share only if they are one: own id, claimed guests, verified e-mail, phone, payout.

    An order's contact may be added, since a guest has no verified e-mail yet.
    """
    keys = identity_keys_of([person_id])[person_id]
    if contact_email:
        keys.add(f"email:{rules.mailbox(contact_email)}")
    if phone := rules.phone_key(contact_phone):
        keys.add(f"phone:{phone}")
    return keys


def identity_keys_of(person_ids: Iterable[int]) -> dict[int, set[str]]:
    """`identity_keys` of many people in two statements."""
    keys = {person_id: {f"person:{person_id}"} for person_id in person_ids}
    people = Person.objects.filter(Q(pk__in=keys) | Q(claimed_by__in=keys))
    for pk, owner_id, phone, payout in people.values_list("pk", "claimed_by_id", "phone", "payout_identity"):
        for holder in {pk, owner_id} & keys.keys():
            keys[holder].add(f"person:{pk}")
            keys[holder] |= {f"phone:{phone}"} if phone else set()
            keys[holder] |= {f"payout:{payout}"} if payout else set()
        if pk in keys and owner_id:
            keys[pk].add(f"person:{owner_id}")
    for owner_id, email in EmailAddress.objects.filter(user_id__in=keys, verified=True).values_list("user_id", "email"):
        keys[owner_id].add(f"email:{rules.mailbox(email)}")
    return keys


def open_operator_codes() -> int:
    """How many unused operator codes there are, in date or not."""
    return OperatorCode.objects.filter(used_at__isnull=True).count()


def mailbox(recipient: str, limit: int = rules.MAILBOX_PAGE) -> list[Mail]:
    """What the sandbox kept for an address, the newest first."""
    return list(Mail.objects.filter(recipient=rules.clean_text(recipient, 254).lower()).order_by("-pk")[:limit])


def newest_mail(limit: int = rules.MAILBOX_PAGE) -> list[Mail]:
    """What the sandbox kept for everybody, the newest first."""
    return list(Mail.objects.order_by("-pk")[:limit])


def _by_id(given: int | str, prefix: str) -> Q:
    """Finds by id or public id; a text that cannot be one finds nothing, whatever characters it holds."""
    if isinstance(given, int):
        return Q(pk=given)
    return Q(public_id=given if is_id(given, prefix) else "")


def is_present(proof: str, person_id: int | None) -> bool:
    """Whether a proof of presence is this person's and still good, in machine time."""
    payload = unsign(proof, PRESENCE) if proof and person_id is not None else None
    return payload is not None and payload["p"] == person_id and clock.machine_now().timestamp() < payload["u"]
