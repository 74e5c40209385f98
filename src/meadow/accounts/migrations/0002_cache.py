"""Makes the cache table in which sign-in's rate limits live, so that all processes share them."""

from typing import ClassVar

from django.db import migrations

FORWARD = """
CREATE TABLE accounts_cache (
    cache_key varchar(255) NOT NULL PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX accounts_cache_expires ON accounts_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0001_initial")]

    operations: ClassVar = [migrations.RunSQL(FORWARD, "DROP TABLE accounts_cache")]
