"""Who may do what to an order: what others may not see is not there, what they may see they may still not change."""

from meadow.accounts import queries as accounts
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.trade import queries
from meadow.trade.models import Order


def role_of(order: Order, by: Actor) -> str:
    """buyer, merchant, operator or system.  Refuses: not_found."""
    return "system" if by.kind == "system" else queries.role_in(order, by.person_id or 0)


def require_buyer(order: Order, by: Actor) -> None:
    """Refuses: not_found, forbidden."""
    if role_of(order, by) != "buyer":
        raise Refusal("forbidden")


def require_staff(order: Order, by: Actor) -> None:
    """The merchant's own staff, who may also be the buyer or run the platform.  Refuses: not_found, forbidden."""
    if role_of(order, by) in ("buyer", "operator") and not accounts.may_act_for(by.person_id or 0, order.merchant_id):
        raise Refusal("forbidden")


def require_staff_or_operator(order: Order, by: Actor) -> None:
    """Refuses: not_found, forbidden."""
    person_id = by.person_id or 0
    if role_of(order, by) == "buyer" and not (
        accounts.may_act_for(person_id, order.merchant_id) or accounts.is_operator(person_id)
    ):
        raise Refusal("forbidden")
