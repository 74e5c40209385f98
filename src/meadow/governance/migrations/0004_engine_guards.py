"""What may never change, what may only be erased, and how decisions are sealed into a chain of digests."""

from typing import ClassVar

from django.db import migrations

_APPEND_ONLY = ["occurrence", "detectorchange", "ruleanswer", "violation", "seal", "sealeddecision"]

FORWARD = "".join(
    f"""
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON governance_{table}
    FOR EACH ROW EXECUTE FUNCTION kernel_append_only();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON governance_{table}
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_append_only();
"""
    for table in _APPEND_ONLY
) + """
-- Words may be emptied, once, and never changed or taken away.
CREATE FUNCTION governance_words_only_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL THEN
        IF TG_TABLE_NAME = 'governance_decisiontext' THEN
            IF NEW.decision_id = OLD.decision_id AND NEW.salt = OLD.salt AND NEW.reason = '' AND NEW.reason_zh = ''
               AND NEW.inputs = '{}'::jsonb THEN
                RETURN NEW;
            END IF;
        ELSIF NEW.occurrence_id = OLD.occurrence_id AND NEW.text = '' AND NEW.features = '' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only and can only be erased: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '23001';
END $$;
CREATE TRIGGER decisiontext_only_erased BEFORE UPDATE OR DELETE ON governance_decisiontext
    FOR EACH ROW EXECUTE FUNCTION governance_words_only_erased();
CREATE TRIGGER occurrencetext_only_erased BEFORE UPDATE OR DELETE ON governance_occurrencetext
    FOR EACH ROW EXECUTE FUNCTION governance_words_only_erased();

CREATE FUNCTION governance_detector_keeps_its_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR
       (NEW.id, NEW.detector_id, NEW.version, NEW.event_type, NEW.condition, NEW.rule_id, NEW.action, NEW.layer,
        NEW.reason_en, NEW.reason_zh, NEW.violation, NEW.severity, NEW.examples, NEW.written_by_id, NEW.written_at)
       IS DISTINCT FROM
       (OLD.id, OLD.detector_id, OLD.version, OLD.event_type, OLD.condition, OLD.rule_id, OLD.action, OLD.layer,
        OLD.reason_en, OLD.reason_zh, OLD.violation, OLD.severity, OLD.examples, OLD.written_by_id, OLD.written_at)
    THEN
        RAISE EXCEPTION 'a version of a detector is append-only: % refused', TG_OP USING ERRCODE = '23001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER detector_keeps_its_text BEFORE UPDATE OR DELETE ON governance_detector
    FOR EACH ROW EXECUTE FUNCTION governance_detector_keeps_its_text();

-- A sequence, because a stamp that was rolled back must not come again: processes keep what they compiled by it.
CREATE SEQUENCE governance_stamp;
INSERT INTO governance_rulesetstamp (id, stamp) VALUES (1, nextval('governance_stamp'));

-- The digests.  Everything of a decision but its words, with the features of the event that it judged.
CREATE FUNCTION governance_decision_digest(d governance_decision, features text) RETURNS bytea
    LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(
        1, d.id, d.public_id, d.subject_kind, d.subject_id, d.party_kind, d.party_id, d.action, d.rule_id,
        d.rule_version, d.layer, d.detector_id, d.fired, d.occurrence_id, d.decided_by_id,
        extract(epoch FROM d.made_at) * 1000000, extract(epoch FROM d.until) * 1000000, d.cause_id, d.reverses_id,
        features)::text, 'UTF8'))
$$;
CREATE FUNCTION governance_words_digest(t governance_decisiontext) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(t.salt, t.reason, t.reason_zh, t.inputs)::text, 'UTF8'))
$$;
CREATE FUNCTION governance_seal_hash(before bytea, first_place bigint, last_place bigint, digests bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(before || int8send(first_place) || int8send(last_place) || sha256(digests))
$$;

-- Seals up to p_most waiting decisions as one link; who comes second waits, and finds what the first has left.
CREATE FUNCTION governance_seal_waiting(p_now timestamptz, p_most int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    v_last governance_seal;
    v_first bigint;
    v_until bigint;
    v_digests bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('governance:seal', 0));
    SELECT * INTO v_last FROM governance_seal ORDER BY id DESC LIMIT 1;
    IF v_last.id IS NULL THEN
        v_last.id := 0; v_last.last_place := 0; v_last.hash := sha256('meadow');
    END IF;
    WITH taken AS (
        DELETE FROM governance_unsealed WHERE decision_id IN (
            SELECT decision_id FROM governance_unsealed ORDER BY decision_id LIMIT p_most)
        RETURNING decision_id
    ), placed AS (
        INSERT INTO governance_sealeddecision (place, decision_id, digest, words_digest)
        SELECT v_last.last_place + row_number() OVER (ORDER BY d.id), d.id,
               governance_decision_digest(d, o.features), coalesce(governance_words_digest(t), sha256(''))
        FROM taken JOIN governance_decision d ON d.id = taken.decision_id
        LEFT JOIN governance_decisiontext t ON t.decision_id = d.id
        LEFT JOIN governance_occurrence o ON o.id = d.occurrence_id
        RETURNING place, digest, words_digest
    )
    SELECT min(place), max(place), string_agg(digest || words_digest, ''::bytea ORDER BY place)
        INTO v_first, v_until, v_digests FROM placed;
    IF v_first IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO governance_seal (id, first_place, last_place, before, hash, at)
    VALUES (v_last.id + 1, v_first, v_until, v_last.hash,
            governance_seal_hash(v_last.hash, v_first, v_until, v_digests), p_now);
    RETURN v_until - v_first + 1;
END $$;

CREATE FUNCTION governance_await_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO governance_unsealed (decision_id, made_at) VALUES (NEW.id, NEW.made_at);
    RETURN NULL;
END $$;
CREATE TRIGGER decision_awaits_seal AFTER INSERT ON governance_decision
    FOR EACH ROW EXECUTE FUNCTION governance_await_seal();
CREATE TRIGGER decision_no_truncate BEFORE TRUNCATE ON governance_decision
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_append_only();

-- What was published before rules had a date of their own came into force at once.
ALTER TABLE governance_rule DISABLE TRIGGER rule_append_only;
UPDATE governance_rule SET effective_from = published_at, shipped = version;
ALTER TABLE governance_rule ENABLE TRIGGER rule_append_only;
INSERT INTO governance_decisiontext (decision_id, salt, reason, reason_zh, inputs)
    SELECT id, gen_random_uuid(), reason, '', inputs FROM governance_decision;
INSERT INTO governance_unsealed (decision_id, made_at) SELECT id, made_at FROM governance_decision;
"""
BACKWARD = """
DELETE FROM governance_unsealed;
DROP TRIGGER decision_no_truncate ON governance_decision;
DROP TRIGGER decision_awaits_seal ON governance_decision;
DROP FUNCTION governance_await_seal();
DROP FUNCTION governance_seal_waiting(timestamptz, int);
DROP FUNCTION governance_seal_hash(bytea, bigint, bigint, bytea);
DROP FUNCTION governance_words_digest(governance_decisiontext);
DROP FUNCTION governance_decision_digest(governance_decision, text);
DELETE FROM governance_rulesetstamp;
DROP SEQUENCE governance_stamp;
DROP TRIGGER detector_keeps_its_text ON governance_detector;
DROP FUNCTION governance_detector_keeps_its_text();
DROP TRIGGER occurrencetext_only_erased ON governance_occurrencetext;
DROP TRIGGER decisiontext_only_erased ON governance_decisiontext;
DELETE FROM governance_decisiontext;
DROP FUNCTION governance_words_only_erased();
""" + "".join(
    f"""
DROP TRIGGER {table}_no_truncate ON governance_{table};
DROP TRIGGER {table}_append_only ON governance_{table};
"""
    for table in _APPEND_ONLY
)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("governance", "0003_engine"), ("kernel", "0002_guards")]

    operations: ClassVar = [migrations.RunSQL(FORWARD, BACKWARD)]
