"""Operations on roles: creators apply and are answered, merchants are opened and get staff."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from pydantic import Field

from meadow.accounts import queries, services
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.governance import queries as governance
from meadow.kernel.errors import Refusal

group = Group("roles")


class CreatorIn(t.In):
    name: t.Name
    fields: Annotated[list[t.Name], Field(max_length=5, examples=[["home", "tea"]])] = []
    about: Annotated[str, Field(max_length=2000, examples=["I try things for a month before I name them."])] = ""


class CreatorOut(t.Out):
    id: t.CreatorId
    name: t.Name
    about: str = Field(examples=["I try things for a month before I name them."])
    fields: list[str] = Field(examples=[["home", "tea"]])
    state: str = Field(examples=["active"])
    reason: str = Field(examples=[""])
    applied_at: t.Moment


class RejectIn(t.In):
    reason: t.Text


class MerchantIn(t.In):
    name: t.Name
    kind: Literal["individual", "company"] = "individual"


class MerchantOut(t.Out):
    id: t.MerchantId
    name: t.Name
    kind: str = Field(examples=["individual"])
    state: str = Field(examples=["active"])


class InvitationIn(t.In):
    email: t.Email
    role: Literal["staff", "finance"]


class Invitation(t.Out):
    id: t.InvitationId
    email: t.Email
    role: str = Field(examples=["staff"])
    expires_at: t.Moment
    is_accepted: bool


class NewInvitation(Invitation):
    code: str = Field(description="Shown this once; hand it to the person.", examples=["7KQ2-M0XA-9VTD-3H8C"])


class AcceptIn(t.In):
    code: t.Code


class StaffOut(t.Out):
    merchant: MerchantOut
    role: str = Field(examples=["staff"])


class Staff(t.Out):
    person: t.PersonId
    name: str = Field(examples=["Ada"])
    role: str = Field(examples=["owner"])


@group.post(
    "/creators", gives=CreatorOut, status=201, scope="content",
    refuses=["creator_exists", "identity_taken", "feature_suspended", "text_refused", "link_blocked"],
)  # fmt: skip
def apply_as_creator(request: HttpRequest, body: CreatorIn) -> Any:
    """Applies to become a creator; it costs nothing."""
    governance.require_feature("applications")
    made = services.apply_as_creator(
        person_id=caller_of(request).person, name=body.name, fields=body.fields, about=body.about
    )
    return _creator(made, own=True)


@group.get("/creators/applications", gives=list[CreatorOut], scope="operate", refuses=["forbidden"])
def list_applications(request: HttpRequest) -> Any:
    """Applications that wait for the operator, the oldest first."""
    return [_creator(creator, own=True) for creator in queries.applications()]


@group.get("/creators/{creator}", gives=CreatorOut, guests=True)
def get_creator(request: HttpRequest, creator: t.CreatorId) -> Any:
    """A creator as everyone may see them; an application is seen by its applicant and the operator only."""
    caller, found = caller_of(request), queries.creator(creator)
    own = caller.is_operator or caller.person_id == found.person_id
    if not own and found.state not in {"active", "suspended"}:
        raise Refusal("not_found")
    return _creator(found, own=own)


@group.post("/creators/{creator}/approve", gives=CreatorOut, scope="operate", refuses=["forbidden", "stale_state"])
def approve_creator(request: HttpRequest, creator: t.CreatorId) -> Any:
    """Lets an applicant publish recommendations with commission."""
    found = queries.creator(creator)
    return _creator(services.approve_creator(creator_id=found.pk, by=caller_of(request).actor), own=True)


@group.post("/creators/{creator}/reject", gives=CreatorOut, scope="operate", refuses=["forbidden", "stale_state"])
def reject_creator(request: HttpRequest, creator: t.CreatorId, body: RejectIn) -> Any:
    """Says no to an applicant, with a reason they can read."""
    found = queries.creator(creator)
    actor = caller_of(request).actor
    return _creator(services.reject_creator(creator_id=found.pk, reason=body.reason, by=actor), own=True)


@group.post(
    "/merchants",
    gives=MerchantOut,
    status=201,
    scope="catalog",
    refuses=["limit_reached", "text_refused", "link_blocked"],
)
def open_merchant(request: HttpRequest, body: MerchantIn) -> Any:
    """Opens a merchant: the legal seller that owns shops."""
    return _merchant(services.open_merchant(person_id=caller_of(request).person, name=body.name, kind=body.kind))


@group.get("/merchants/{merchant}", gives=MerchantOut, scope="catalog")
def get_merchant(request: HttpRequest, merchant: t.MerchantId) -> Any:
    """A merchant that the caller is staff of."""
    found = queries.merchant(merchant)
    caller_of(request).staff_of(found.pk)
    return _merchant(found)


@group.get("/merchants/{merchant}/staff", gives=list[Staff], scope="catalog")
def list_staff(request: HttpRequest, merchant: t.MerchantId) -> Any:
    """Who may act for the merchant, and as what."""
    found = queries.merchant(merchant)
    caller_of(request).staff_of(found.pk)
    staff = queries.staff_of(found.pk)
    return [
        {"person": queries.person(int(one["person_id"])).public_id, "name": one["name"], "role": one["role"]}
        for one in staff
    ]


@group.delete("/merchants/{merchant}/staff/{person}", status=204, scope="catalog", refuses=["forbidden"])
def remove_staff(request: HttpRequest, merchant: t.MerchantId, person: t.PersonId) -> None:
    """Ends somebody's role at the merchant, and with it their keys for it; the owner's to do."""
    caller, found = caller_of(request), queries.merchant(merchant)
    caller.staff_of(found.pk)
    services.remove_staff(merchant_id=found.pk, person_id=queries.person_by_public_id(person).pk, by=caller.actor)


@group.get("/merchants/{merchant}/invitations", gives=list[Invitation], scope="catalog")
def list_invitations(request: HttpRequest, merchant: t.MerchantId) -> Any:
    """The merchant's invitations, the newest first."""
    found = queries.merchant(merchant)
    caller_of(request).staff_of(found.pk)
    return [_invitation(one) for one in queries.invitations_of(found.pk)]


@group.post(
    "/merchants/{merchant}/invitations", gives=NewInvitation, status=201, scope="catalog",
    refuses=["forbidden", "limit_reached"],
)  # fmt: skip
def invite_staff(request: HttpRequest, merchant: t.MerchantId, body: InvitationIn) -> Any:
    """Invites somebody to act for the merchant; the code is shown this once."""
    caller, found = caller_of(request), queries.merchant(merchant)
    caller.staff_of(found.pk)
    invitation, code = services.invite_staff(merchant_id=found.pk, email=body.email, role=body.role, by=caller.actor)
    return {**_invitation(invitation), "code": code}


@group.post("/invitations/accept", gives=StaffOut, status=201, limit="code", refuses=["code_wrong", "staff_exists"])
def accept_invitation(request: HttpRequest, body: AcceptIn) -> Any:
    """Makes the holder of a code staff of the merchant that gave it."""
    staff = services.accept_invitation(code=body.code, person_id=caller_of(request).person)
    return {"merchant": _merchant(queries.merchant(staff.merchant_id)), "role": staff.role}


def _creator(creator: queries.Creator, *, own: bool) -> dict[str, Any]:
    return {
        "id": creator.public_id, "name": creator.name, "about": creator.about, "fields": creator.fields,
        "state": creator.state, "reason": creator.reason if own else "", "applied_at": creator.applied_at,
    }  # fmt: skip


def _merchant(merchant: queries.Merchant) -> dict[str, Any]:
    return {"id": merchant.public_id, "name": merchant.name, "kind": merchant.kind, "state": merchant.state}


def _invitation(invitation: queries.StaffInvitation) -> dict[str, Any]:
    return {
        "id": invitation.public_id, "email": invitation.email, "role": invitation.role,
        "expires_at": invitation.expires_at, "is_accepted": invitation.accepted_at is not None,
    }  # fmt: skip
