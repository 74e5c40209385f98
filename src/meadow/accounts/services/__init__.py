"""What can be done with accounts: the verbs, by family."""

from meadow.accounts.services.creators import apply_as_creator, approve_creator, close_creator, reject_creator
from meadow.accounts.services.keys import authenticate_key, create_api_key, revoke_api_key
from meadow.accounts.services.merchants import (
    accept_invitation,
    invite_staff,
    open_merchant,
    remove_staff,
)
from meadow.accounts.services.operators import appoint_operator, claim_operator, issue_operator_code
from meadow.accounts.services.people import (
    add_person,
    attach_guest,
    change_profile,
    claim_guest,
    make_guest,
    send_claim_code,
    set_payout_identity,
)
from meadow.accounts.services.presence import prove_presence, send_presence_code
from meadow.accounts.services.standing import lay_restriction, lift_expired, lift_restriction, restore_subject
from meadow.accounts.services.words import register_check

__all__ = [
    "register_check",
    "accept_invitation",
    "add_person",
    "apply_as_creator",
    "appoint_operator",
    "approve_creator",
    "attach_guest",
    "authenticate_key",
    "change_profile",
    "claim_guest",
    "claim_operator",
    "close_creator",
    "create_api_key",
    "invite_staff",
    "issue_operator_code",
    "lay_restriction",
    "lift_expired",
    "lift_restriction",
    "make_guest",
    "open_merchant",
    "prove_presence",
    "reject_creator",
    "remove_staff",
    "restore_subject",
    "revoke_api_key",
    "send_claim_code",
    "send_presence_code",
    "set_payout_identity",
]
