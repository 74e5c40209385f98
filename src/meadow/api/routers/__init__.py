"""The operations, one file per context."""

from meadow.api.routers import imports, people, plans, posts, products, roles, sharing, shops, system

GROUPS = [
    people.group, roles.group, shops.group, products.group, imports.group, plans.group, posts.group, sharing.group,
    system.group,
]  # fmt: skip
