"""Lets a process that keeps tokens in memory see which ones have changed, instead of reading all of them again and again.

A token that changes in what a landing shows, or that ends sooner, is marked with the transaction that does it.  Whoever
asks for marks from the oldest transaction on that was still running when he asked last misses none.
"""

from typing import ClassVar

from django.db import migrations, models
from django.db.models import Q

MARK = """
CREATE FUNCTION sharing_mark_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_by := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;
CREATE TRIGGER mark_token BEFORE UPDATE ON sharing_sharetoken FOR EACH ROW
WHEN (NEW.expires_at < OLD.expires_at
      OR (NEW.number, NEW.state, NEW.creator_id, NEW.shop_id, NEW.product_id, NEW.target_kind, NEW.target_id)
         IS DISTINCT FROM
         (OLD.number, OLD.state, OLD.creator_id, OLD.shop_id, OLD.product_id, OLD.target_kind, OLD.target_id))
EXECUTE FUNCTION sharing_mark_token();

-- The tokens changed by p_since or a later transaction, and what to ask for next: whatever this answer cannot see is
-- still running or begins later.  0 asks for no tokens.
CREATE FUNCTION sharing_changed_tokens(p_since bigint, OUT ask_next bigint, OUT numbers text) LANGUAGE sql STABLE AS $$
  SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
    (SELECT string_agg(t.number::text, ',') FROM sharing_sharetoken t WHERE t.changed_by >= p_since AND p_since > 0)
$$;
"""
BACKWARDS = """
DROP FUNCTION sharing_changed_tokens(bigint);
DROP TRIGGER mark_token ON sharing_sharetoken;
DROP FUNCTION sharing_mark_token();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("sharing", "0008_partner_clicks")]

    operations: ClassVar = [
        migrations.AddField("sharetoken", "changed_by", models.BigIntegerField(null=True, editable=False)),
        migrations.AddIndex(
            "sharetoken", models.Index(fields=["changed_by"], name="token_changed", condition=Q(changed_by__isnull=False))
        ),
        migrations.RunSQL(MARK, BACKWARDS),
        migrations.RunSQL("DROP FUNCTION sharing_token_rows(bigint[])", migrations.RunSQL.noop),
    ]
