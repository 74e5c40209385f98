"""The operations, one file per context."""

from meadow.api.routers import (
    buying,
    imports,
    messages,
    money,
    orders,
    outcomes,
    payments,
    people,
    plans,
    posts,
    products,
    roles,
    rulebook,
    sharing,
    shops,
    system,
)

GROUPS = [
    people.group, roles.group, shops.group, products.group, imports.group, plans.group, posts.group, sharing.group,
    buying.group, orders.group, outcomes.group, payments.group, money.group, rulebook.group, messages.group,
    system.group,
]  # fmt: skip
