"""The operations, one file per context."""

from meadow.api.routers import people, roles, system

GROUPS = [people.group, roles.group, system.group]
