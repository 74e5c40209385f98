"""How a merchant is opened and gets its staff: the owner invites, a one-time code accepts."""

from django.db import IntegrityError

from meadow.accounts import queries, rules
from meadow.accounts.models import Merchant, MerchantStaff, Person, StaffInvitation
from meadow.accounts.services.people import hit_limits
from meadow.accounts.services.words import require_fit
from meadow.kernel import audit, clock
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal


def open_merchant(*, person_id: int, name: str, kind: str = "individual") -> Merchant:
    """A legal seller owned by a person.

    Refuses: malformed, sign_in_required, limit_reached, text_refused, link_blocked.
    """
    title = rules.clean_name(name, longest=rules.MERCHANT_NAME_LENGTH)
    require_fit(title, person_id=person_id)
    if kind not in rules.MERCHANT_KINDS:
        raise Refusal("malformed", field="kind", why="use individual or company")
    with atomic():
        owner = Person.objects.select_for_update(no_key=True).filter(pk=person_id, is_active=True).first()
        if owner is None or owner.is_guest:
            raise Refusal("sign_in_required")
        if Merchant.objects.filter(owner=owner).count() >= rules.MERCHANTS_MOST:
            raise Refusal("limit_reached", most=rules.MERCHANTS_MOST)
        merchant = Merchant.objects.create(name=title, kind=kind, owner=owner, created_at=clock.now())
        MerchantStaff.objects.create(merchant=merchant, person=owner, role="owner", since=clock.now())
        audit.record(
            Actor("person", owner.pk), "open_merchant", ("accounts.merchant", merchant.pk), after={"name": title}
        )
    return merchant


def invite_staff(*, merchant_id: int, email: str, role: str, by: Actor) -> tuple[StaffInvitation, str]:
    """An invitation and its one-time code, which is shown once.

    Refuses: malformed, not_found, forbidden, rate_limited, limit_reached.
    """
    address = rules.clean_email(email)
    if role not in ("staff", "finance"):
        raise Refusal("malformed", field="role", why="use staff or finance")
    inviter_id = _require_owner(merchant_id, by)
    hit_limits({"invitations": str(merchant_id)})
    code = rules.new_code()
    with atomic():
        if MerchantStaff.objects.filter(merchant_id=merchant_id).count() >= rules.STAFF_MOST:
            raise Refusal("limit_reached", most=rules.STAFF_MOST)
        invitation = StaffInvitation.objects.create(
            merchant_id=merchant_id, email=address, role=role, invited_by_id=inviter_id, created_at=clock.now(),
            code_hash=rules.code_hash(rules.typed_code(code)), expires_at=clock.now() + rules.INVITATION_LIFE,
        )  # fmt: skip
        audit.record(by, "invite_staff", ("accounts.merchant", merchant_id), after={"email": address, "role": role})
    return invitation, code


def accept_invitation(*, code: str, person_id: int) -> MerchantStaff:
    """Makes the holder of a code staff; it works once.

    Call it outside a transaction, so that wrong tries count.  Refuses: code_wrong, staff_exists, rate_limited.
    """
    hit_limits({"invitation_code": str(person_id)})
    digest = rules.code_hash(rules.typed_code(code))
    try:
        with atomic():
            person = Person.objects.filter(pk=person_id, is_active=True, is_guest=False).first()
            invitation = (
                StaffInvitation.objects.select_for_update()
                .filter(code_hash=digest, accepted_at__isnull=True, expires_at__gt=clock.now())
                .first()
            )
            if person is None or invitation is None:
                raise Refusal("code_wrong")
            invitation.accepted_by, invitation.accepted_at = person, clock.now()
            invitation.save(update_fields=["accepted_by", "accepted_at"])
            staff = MerchantStaff.objects.create(
                merchant_id=invitation.merchant_id, person=person, role=invitation.role, since=clock.now()
            )
            audit.record(
                Actor("person", person.pk), "accept_invitation", ("accounts.merchant", invitation.merchant_id),
                after={"person": person.pk, "role": invitation.role},
            )  # fmt: skip
            return staff
    except IntegrityError as error:
        raise Refusal("staff_exists") from error


def remove_staff(*, merchant_id: int, person_id: int, by: Actor) -> None:
    """Ends somebody's role at a merchant, and with it their keys for it.  Refuses: not_found, forbidden."""
    _require_owner(merchant_id, by)
    with atomic():
        removed = MerchantStaff.objects.filter(merchant_id=merchant_id, person_id=person_id).exclude(role="owner")
        if not removed.delete()[0]:
            raise Refusal("not_found")
        queries.keys_for_merchant(person_id, merchant_id).update(revoked_at=clock.now())
        audit.record(by, "remove_staff", ("accounts.merchant", merchant_id), before={"person": person_id})


def _require_owner(merchant_id: int, by: Actor) -> int:
    """The owner's person id.  Strangers are not told that the merchant exists; staff are told that it is the owner's to do."""
    role = queries.role_at(by.person_id, merchant_id) if by.person_id else None
    if by.person_id is None or role is None:
        raise Refusal("not_found")
    if role != "owner":
        raise Refusal("forbidden")
    return by.person_id
