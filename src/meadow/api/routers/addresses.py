"""Operations of the address book: a person's own addresses, seen by nobody else."""

from typing import Annotated, Any

from django.http import HttpRequest
from pydantic import Field

from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.trade import queries, services

group = Group("addresses")

AddressId = Annotated[str, Field(pattern=r"^adr_[0-9a-hjkmnp-tv-z]{20}$", examples=["adr_01jd2m4q8r6t0v3x5z7y"])]
Part = Annotated[str, Field(max_length=200)]


class AddressIn(t.In):
    name: Annotated[str, Field(max_length=80, examples=["Bo"])]
    phone: Annotated[str, Field(max_length=24, examples=["+86 138 0000 0000"])]
    line1: Annotated[str, Field(max_length=200, examples=["West Lake Road 1"])]
    city: Annotated[str, Field(max_length=200, examples=["Hangzhou"])]
    country: Annotated[str, Field(max_length=2, examples=["CN"])]
    line2: Part = ""
    district: Part = ""
    region: Part = ""
    postal_code: Annotated[str, Field(max_length=12)] = ""
    is_default: bool = False


class AddressOut(t.Out):
    id: AddressId
    is_default: bool
    address: dict[str, str] = Field(examples=[{"name": "Bo", "city": "Hangzhou", "country": "CN"}])


@group.get("/me/addresses", gives=list[AddressOut], scope="buy")
def list_addresses(request: HttpRequest) -> Any:
    """The caller's addresses, the first choice first."""
    return [_out(one) for one in queries.addresses_of(caller_of(request).person)]


@group.post("/me/addresses", gives=AddressOut, status=201, scope="buy", refuses=["address_refused", "addresses_full"])
def save_address(request: HttpRequest, body: AddressIn) -> Any:
    """Keeps an address for the next order."""
    return _out(_saved(request, body, None))


@group.put("/me/addresses/{address}", gives=AddressOut, scope="buy", refuses=["address_refused"])
def change_address(request: HttpRequest, address: AddressId, body: AddressIn) -> Any:
    """Changes a kept address; orders placed before keep theirs."""
    return _out(_saved(request, body, address))


@group.delete("/me/addresses/{address}", scope="buy")
def drop_address(request: HttpRequest, address: AddressId) -> Any:
    """Deletes a kept address for good."""
    services.drop_address(person_id=caller_of(request).person, address_id=address)


@group.get("/me/addresses/export", gives=list[dict[str, Any]], scope="buy")
def export_addresses(request: HttpRequest) -> Any:
    """All that is kept of the caller's addresses, as plain values to take along."""
    return queries.export_addresses(caller_of(request).person)


@group.delete("/me/addresses", status=204, scope="buy")
def erase_addresses(request: HttpRequest) -> None:
    """Deletes all of the caller's addresses for good; orders keep what they were sent to."""
    services.erase_addresses(person_id=caller_of(request).person)


def _saved(request: HttpRequest, body: AddressIn, address_id: str | None) -> Any:
    given = body.model_dump(exclude={"is_default"})
    return services.save_address(
        person_id=caller_of(request).person, address=given, is_default=body.is_default, address_id=address_id
    )


def _out(one: Any) -> dict[str, Any]:
    return {"id": one.public_id, "is_default": one.is_default, "address": one.address}
