"""Operations with which somebody proves once more that it is they who ask, before money goes elsewhere."""

from typing import Any

from django.http import HttpRequest
from pydantic import Field

from meadow.accounts import services
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group

group = Group("me")
SCOPES = ("money", "operate")


class ProofCodeIn(t.In):
    code: t.Code


class ProofOut(t.Out):
    proof: str = Field(description="Send it as the header Meadow-Proof.", examples=["eyJwIjo3LCJ1Ijo…"])


@group.post("/me/proofs", status=204, scope=SCOPES, limit="code", refuses=["not_found", "rate_limited", "unavailable"])
def send_proof_code(request: HttpRequest) -> None:
    """Mails the caller's person a code; whoever holds only a stolen key gets no further."""
    caller = caller_of(request)
    services.send_presence_code(person_id=caller.person, address=caller.address)


@group.post("/me/proofs/confirm", gives=ProofOut, status=201, scope=SCOPES, limit="code", refuses=["code_wrong"])
def confirm_proof(request: HttpRequest, body: ProofCodeIn) -> Any:
    """The proof of presence for the mailed code; a code works once."""
    return {"proof": services.prove_presence(person_id=caller_of(request).person, code=body.code)}
