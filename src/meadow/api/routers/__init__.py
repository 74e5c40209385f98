"""The operations, one file per context."""

from meadow.api.routers import people, roles

GROUPS = [people.group, roles.group]
