"""The SQL function that begins a payment, so that the order's transaction can do it without another round trip."""

from django.db import migrations

FORWARDS = r"""
-- The same key gives the same payment.  Refuses: key_reused.
CREATE FUNCTION payments_start(
    p_key text, p_public_id text, p_provider text, p_currency text, p_amount bigint,
    p_cause_kind text, p_cause_id bigint, p_at timestamptz, p_ask_at timestamptz
) RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_payment payments_payment;
BEGIN
    INSERT INTO payments_payment (key, public_id, provider, state, currency, amount_minor, refunded_minor,
        cause_kind, cause_id, created_at, ask_at)
    VALUES (p_key, p_public_id, p_provider, 'created', p_currency, p_amount, 0, p_cause_kind, p_cause_id, p_at, p_ask_at)
    ON CONFLICT (key) DO NOTHING RETURNING * INTO v_payment;
    IF NOT FOUND THEN
        SELECT * INTO v_payment FROM payments_payment WHERE key = p_key;
        IF (v_payment.provider, v_payment.currency, v_payment.amount_minor, v_payment.cause_kind, v_payment.cause_id)
           <> (p_provider, p_currency, p_amount, p_cause_kind, p_cause_id) THEN
            RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'key_reused',
                DETAIL = jsonb_build_object('key', p_key);
        END IF;
    END IF;
    RETURN v_payment.id;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, "DROP FUNCTION payments_start;")]
