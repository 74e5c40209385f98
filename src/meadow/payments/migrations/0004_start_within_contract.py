"""Beginning a payment asks the contract with its provider in the same call: no new payments, or none for new merchants."""

import importlib

from django.db import migrations

before = importlib.import_module("meadow.payments.migrations.0002_start")

FORWARDS = r"""
DROP FUNCTION payments_start;
-- The same key gives the same payment, whatever became of the contract since.  p_merchants are those it pays.
-- Refuses: key_reused, provider_closed.
CREATE FUNCTION payments_start(
    p_key text, p_public_id text, p_provider text, p_currency text, p_amount bigint,
    p_cause_kind text, p_cause_id bigint, p_at timestamptz, p_ask_at timestamptz,
    p_merchants bigint[] DEFAULT '{}', p_first bigint DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_payment payments_payment;
    v_contract payments_providercontract;
BEGIN
    INSERT INTO payments_payment (key, public_id, provider, state, currency, amount_minor, refunded_minor,
        cause_kind, cause_id, created_at, ask_at, first_id)
    VALUES (p_key, p_public_id, p_provider, 'created', p_currency, p_amount, 0, p_cause_kind, p_cause_id, p_at,
        p_ask_at, p_first)
    ON CONFLICT (key) DO NOTHING RETURNING * INTO v_payment;
    IF NOT FOUND THEN
        SELECT * INTO v_payment FROM payments_payment WHERE key = p_key;
        IF (v_payment.provider, v_payment.currency, v_payment.amount_minor, v_payment.cause_kind, v_payment.cause_id)
           <> (p_provider, p_currency, p_amount, p_cause_kind, p_cause_id) THEN
            RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'key_reused',
                DETAIL = jsonb_build_object('key', p_key);
        END IF;
        RETURN v_payment.id;
    END IF;
    SELECT * INTO v_contract FROM payments_providercontract WHERE provider = p_provider AND currency = p_currency;
    IF FOUND AND (
        NOT v_contract.may_pay OR v_contract.state NOT IN ('active', 'no_new_merchants')
        OR (v_contract.state = 'no_new_merchants' AND EXISTS (
            SELECT FROM unnest(p_merchants) AS m(id) WHERE NOT EXISTS (
                SELECT FROM payments_providermerchant k WHERE k.provider = p_provider AND k.merchant_id = m.id)))
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'MD409', MESSAGE = 'provider_closed',
            DETAIL = jsonb_build_object('provider', p_provider);
    END IF;
    RETURN v_payment.id;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_providers_and_legs")]
    operations = [migrations.RunSQL(FORWARDS, "DROP FUNCTION payments_start;" + before.FORWARDS)]
