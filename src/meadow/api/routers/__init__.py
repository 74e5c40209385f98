"""The operations, one file per context."""

from meadow.api.routers import (
    appeals,
    buying,
    cases,
    detectors,
    favourites,
    goods,
    imports,
    links,
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
    rules,
    sharing,
    shops,
    showcase,
    suspensions,
    system,
    talk,
)

GROUPS = [
    people.group, roles.group, shops.group, products.group, imports.group, plans.group, posts.group, goods.group, showcase.group,
    favourites.group, sharing.group,
    buying.group, orders.group, outcomes.group, payments.group, money.group, rulebook.group, rules.group,
    detectors.group, suspensions.group, links.group, appeals.group, cases.group, messages.group, talk.group, system.group,
]  # fmt: skip
