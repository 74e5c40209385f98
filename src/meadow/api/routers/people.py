"""Operations on oneself: profile, API keys, becoming the first operator, and people of a sandbox."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from pydantic import Field

from meadow.accounts import queries, services
from meadow.api import types as t
from meadow.api.callers import Caller, caller_of
from meadow.api.operations import Group
from meadow.api.sandbox import require_sandbox
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

group = Group("people")

Scope = Literal["catalog", "plans", "content", "share", "buy", "ship", "money", "operate", "clock", "watch"]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=20, examples=[["catalog", "plans"]])]
Locale = Literal["zh-hans", "en"]
ALL_BUT_OPERATE: list[str] = [scope for scope in queries.SCOPES if scope not in queries.OPERATOR_SCOPES]


class CreatorShort(t.Out):
    id: t.CreatorId
    name: t.Name
    state: str = Field(examples=["active"])


class MerchantShort(t.Out):
    id: t.MerchantId
    name: t.Name
    role: str = Field(examples=["owner"])
    state: str = Field(examples=["active"])


class Me(t.Out):
    id: t.PersonId
    email: str | None = Field(examples=["ada@example.com"])
    name: str = Field(examples=["Ada"])
    phone: str = Field(examples=["+8613800000000"])
    locale: Locale
    time_zone: str = Field(examples=["Asia/Shanghai"])
    is_operator: bool
    creator: CreatorShort | None
    merchants: list[MerchantShort]


class ProfileIn(t.In):
    name: t.Name | None = None
    locale: Locale | None = None
    time_zone: Annotated[str, Field(max_length=64, examples=["Asia/Shanghai"])] | None = None
    phone: Annotated[str, Field(max_length=40, examples=["+86 138 0000 0000"])] | None = None


class Key(t.Out):
    id: t.KeyId
    name: t.Name
    hint: str = Field(examples=["mdw_AbCdEfGh"])
    scopes: list[str] = Field(examples=[["catalog", "plans"]])
    created_at: t.Moment
    last_used_at: t.Moment | None


class KeyIn(t.In):
    name: t.Name
    scopes: Scopes
    merchant_id: t.MerchantId | None = Field(None, description="Binds the key to one merchant.")


class NewKey(Key):
    secret: str = Field(description="Shown this once.", examples=["mdw_…"])


class ClaimIn(t.In):
    code: t.Code
    email: t.Email
    name: t.Name


class SandboxPersonIn(t.In):
    email: t.Email
    name: t.Name
    locale: Locale = "zh-hans"


class PersonWithKey(t.Out):
    person: Me
    key: NewKey


@group.get("/me", gives=Me)
def get_me(request: HttpRequest) -> Any:
    """Who this key acts for, with their roles."""
    return _me(caller_of(request).person)


@group.patch("/me", gives=Me)
def change_me(request: HttpRequest, body: ProfileIn) -> Any:
    """Changes what is given of the profile and leaves the rest."""
    person = caller_of(request).person
    services.change_profile(
        person_id=person, name=body.name, locale=body.locale, time_zone=body.time_zone, phone=body.phone
    )
    return _me(person)


@group.get("/me/keys", gives=list[Key])
def list_keys(request: HttpRequest) -> Any:
    """The keys of the person that still work, the newest first."""
    return [_key(key) for key in queries.keys_of(caller_of(request).person)]


@group.post("/me/keys", gives=NewKey, status=201, refuses=["scope_unknown", "forbidden", "limit_reached"])
def create_key(request: HttpRequest, body: KeyIn) -> Any:
    """Makes another key; it can do no more than the key that asks for it. Its secret is shown this once."""
    caller = caller_of(request)
    merchant_id = caller.merchant_id
    if body.merchant_id is not None:
        merchant_id = queries.merchant(body.merchant_id).pk
        caller.staff_of(merchant_id)
    _require_scopes(caller, body.scopes)
    key, secret = services.create_api_key(
        person_id=caller.person, name=body.name, scopes=body.scopes, merchant_id=merchant_id
    )
    return {**_key(key), "secret": secret}


@group.delete("/me/keys/{key}", status=204)
def revoke_key(request: HttpRequest, key: t.KeyId) -> None:
    """Ends a key at once; a second time changes nothing."""
    caller = caller_of(request)
    found = next((own for own in queries.keys_of(caller.person) if own.public_id == key), None)
    if found is None:
        raise Refusal("not_found")
    services.revoke_api_key(key_id=found.pk, by=caller.actor)


@group.post(
    "/operator/claim", gives=PersonWithKey, status=201, guests=True, limit="code", refuses=["code_wrong", "email_taken"]
)
def claim_operator(request: HttpRequest, body: ClaimIn) -> Any:
    """Makes the holder of the code that `./meadow up` printed the first operator, and gives them a key."""
    # One transaction: a wrong code must leave no person behind.  Tries are counted by address at this door.
    with atomic():
        person = services.add_person(email=body.email, name=body.name)
        services.claim_operator(code=body.code, person_id=person.pk)
        return _with_key(person.pk, list(queries.SCOPES))


@group.post(
    "/sandbox/persons", gives=PersonWithKey, status=201, guests=True, limit="sandbox",
    refuses=["sandbox_only", "email_taken"],
)  # fmt: skip
def create_sandbox_person(request: HttpRequest, body: SandboxPersonIn) -> Any:
    """Makes a person with a key on a sandbox installation, for trying things out."""
    require_sandbox()
    with atomic():
        person = services.add_person(email=body.email, name=body.name, locale=body.locale)
        return _with_key(person.pk, ALL_BUT_OPERATE)


def _with_key(person_id: int, scopes: list[str]) -> dict[str, Any]:
    key, secret = services.create_api_key(person_id=person_id, name="first key", scopes=scopes)
    return {"person": _me(person_id), "key": {**_key(key), "secret": secret}}


def _require_scopes(caller: Caller, wanted: list[Scope]) -> None:
    for scope in wanted:
        if scope not in caller.scopes:
            raise Refusal("scope_missing", scope=scope)


def _me(person_id: int) -> dict[str, Any]:
    person = queries.person(person_id)
    creator = queries.creator_of(person_id)
    return {
        "id": person.public_id, "email": person.email, "name": person.name, "phone": person.phone,
        "locale": person.locale, "time_zone": person.time_zone, "is_operator": person.is_operator,
        "creator": creator and {"id": creator.public_id, "name": creator.name, "state": creator.state},
        "merchants": [
            {"id": one.public_id, "name": one.name, "role": one.role, "state": one.state}
            for one in queries.merchants_of(person_id)
        ],
    }  # fmt: skip


def _key(key: queries.ApiKey) -> dict[str, Any]:
    return {
        "id": key.public_id, "name": key.name, "hint": key.hint, "scopes": key.scopes, "created_at": key.created_at,
        "last_used_at": key.last_used_at,
    }  # fmt: skip
