"""Beginning a payment answers with its row, and makes it known at once to a provider that has nothing to be asked."""

import importlib

from django.db import migrations

before = importlib.import_module("meadow.payments.migrations.0004_start_within_contract")

DROP = "DROP FUNCTION payments_start;"


def forwards() -> str:
    """The function as it was, with the state and the provider's name for the payment, and the row as its answer."""
    made: str = before.FORWARDS.replace(DROP, "")
    for old, new in (
        ("p_first bigint DEFAULT NULL\n) RETURNS bigint",
         "p_first bigint DEFAULT NULL, p_state text DEFAULT 'created', p_ref text DEFAULT NULL\n"
         ") RETURNS SETOF payments_payment ROWS 1"),
        ("cause_kind, cause_id, created_at, ask_at, first_id)", "cause_kind, cause_id, created_at, ask_at, first_id, provider_ref)"),
        ("p_provider, 'created', p_currency", "p_provider, p_state, p_currency"),
        ("p_ask_at, p_first)", "p_ask_at, p_first, p_ref)"),
    ):  # fmt: skip
        assert old in made, old
        made = made.replace(old, new)
    return made.replace("RETURN v_payment.id;", "RETURN NEXT v_payment; RETURN;")


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_admit_who_is_here")]
    operations = [migrations.RunSQL(DROP + forwards(), before.FORWARDS)]
