"""The whole API: every group of operations behind one door."""

from meadow.api.door import make_api
from meadow.api.routers import GROUPS

api = make_api()
for group in GROUPS:
    api.add_router("", group.router)
