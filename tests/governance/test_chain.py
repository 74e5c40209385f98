"""The decision log is sealed into a chain: whatever is changed in it, cut out of it or added to it comes to light."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import DatabaseError, connection

from meadow.config import invariants
from meadow.governance import queries, services
from meadow.governance.models import Decision, Seal, SealedDecision, Unsealed
from meadow.kernel import clock, sweeps
from meadow.kernel.audit import SYSTEM
from meadow.kernel.db import atomic

pytestmark = pytest.mark.django_db
SOUND = {"broken_links": 0, "changed_decisions": 0, "unsealed_decisions": 0}


def _decide(number: int = 7) -> Decision:
    return services.decide(
        subject=("catalog.shop", number), action="suspend", rule="conduct.fraud", reason="invented orders", by=SYSTEM,
        inputs={"orders": number},
    )  # fmt: skip


def _tamper(sql: str) -> None:
    """What somebody could do who holds the database: triggers are off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def _sealed_chain() -> None:
    for number in range(1, 10):
        _decide(number)
        if number % 3 == 0:
            services.seal_decisions(most=100)


def test_the_worker_seals_what_waits_and_the_chain_is_sound() -> None:
    _decide()
    _decide()
    assert (queries.chain_head()["links"], Unsealed.objects.count()) == (0, 2)
    sweeps.advance(clock.now() + timedelta(minutes=5))
    first = queries.chain_head()
    assert (first["links"], first["decisions"], Unsealed.objects.count()) == (1, 2, 0)
    made = _decide()
    services.reverse_decision(decision_id=made.pk, reason="a mistake", by=SYSTEM)
    sweeps.advance(clock.now() + timedelta(minutes=5))
    second = queries.chain_head()
    assert (second["links"], second["decisions"]) == (2, 4)
    assert second["hash"] != first["hash"]
    assert bytes(Seal.objects.get(pk=2).before).hex() == first["hash"]
    assert queries.verify_chain() == SOUND
    assert services.seal_decisions(most=10) == 0
    found = invariants.run()
    assert {name: n for name, n in found.items() if name.startswith("governance.chain")} == {
        "governance.chain_complete": 0, "governance.chain_decisions": 0, "governance.chain_links": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "finding"),
    [
        ("UPDATE governance_decision SET action = 'restore' WHERE subject_id = 4", "changed_decisions"),
        ("UPDATE governance_decision SET rule_version = 1, until = now() WHERE subject_id = 5", "changed_decisions"),
        ("UPDATE governance_decision SET fired = '[1]' WHERE subject_id = 2", "changed_decisions"),
        (
            "UPDATE governance_decisiontext SET reason = 'other words' WHERE inputs @> '{\"orders\": 6}'",
            "changed_decisions",
        ),
        ("UPDATE governance_decisiontext SET inputs = '{}' WHERE inputs @> '{\"orders\": 6}'", "changed_decisions"),
        ("DELETE FROM governance_decisiontext WHERE inputs @> '{\"orders\": 6}'", "changed_decisions"),
        ("DELETE FROM governance_decision WHERE subject_id = 3", "changed_decisions"),
        ("UPDATE governance_sealeddecision SET digest = sha256('x') WHERE place = 4", "broken_links"),
        ("UPDATE governance_sealeddecision SET words_digest = sha256('x') WHERE place = 4", "broken_links"),
        ("DELETE FROM governance_sealeddecision WHERE place = 5", "broken_links"),
        ("UPDATE governance_seal SET hash = sha256('x') WHERE id = 2", "broken_links"),
        ("UPDATE governance_seal SET before = sha256('x') WHERE id = 1", "broken_links"),
        ("DELETE FROM governance_seal WHERE id = 2", "broken_links"),
        ("DELETE FROM governance_seal WHERE id = 3", "unsealed_decisions"),
        (
            "INSERT INTO governance_decision (public_id, subject_kind, subject_id, party_kind, action, rule_id,"
            " rule_version, layer, fired, made_at) VALUES ('dec_x', 'a.b', 1, '', 'restore', 'conduct.fraud', 1, '',"
            " '[]', now())",
            "unsealed_decisions",
        ),
        # A whole link made to fit: its decision is not what was sealed, or the next link does not follow.
        (
            "WITH gone AS (UPDATE governance_sealeddecision SET digest = sha256('y') WHERE place = 4) "
            "UPDATE governance_seal s SET hash = sha256('z') WHERE id = 2",
            "broken_links",
        ),
    ],
)
def test_tampering_is_found(sql: str, finding: str) -> None:
    _sealed_chain()
    assert queries.verify_chain() == SOUND
    _tamper(sql)
    found = queries.verify_chain()
    assert found[finding] > 0, found


def test_an_event_that_was_judged_is_covered_by_the_seal_of_its_decision() -> None:
    services.write_detector(
        detector_id="a.b", event_type="text", condition="links > 0", rule="link.partners", action="warn",
        reason_en="x", reason_zh="x", by=SYSTEM,
    )  # fmt: skip
    for step in ("shadow", "live"):
        services.move_detector(detector_id="a.b", version=1, to=step, by=SYSTEM)
    services.judge("text", {"links": 3}, ("content.comment", 1), ("accounts.person", 5))
    services.seal_decisions(most=10)
    assert queries.verify_chain() == SOUND
    _tamper("UPDATE governance_occurrence SET features = '{\"links\":0}'")
    assert queries.verify_chain()["changed_decisions"] == 1


def test_words_can_be_erased_and_the_chain_stays_sound() -> None:
    made = services.decide(
        subject=("accounts.person", 9), action="suspend", rule="conduct.fraud", reason="Mei did it", by=SYSTEM
    )
    services.seal_decisions(most=10)
    assert services.erase_decision_words(party=("accounts.person", 9)) == 1
    assert services.erase_decision_words(party=("accounts.person", 9)) == 0
    erased = queries.decision(made.pk)
    assert (erased.reason, erased.rule_id) == ("", "conduct.fraud")
    assert queries.verify_chain() == SOUND
    # Two equal reasons have different digests, so an erased one cannot be guessed from another.
    _decide(1)
    _decide(1)
    services.seal_decisions(most=10)
    assert SealedDecision.objects.values("words_digest").distinct().count() == 3
    with pytest.raises(DatabaseError), atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE governance_decisiontext SET reason = 'back' WHERE erased_at IS NOT NULL")


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_fork_the_chain() -> None:
    for number in range(1, 31):
        _decide(number)
    barrier = Barrier(4)

    def seal(_: int) -> int:
        try:
            barrier.wait()
            return services.seal_decisions(most=10)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(seal, range(4))) == [0, 10, 10, 10]
    assert queries.verify_chain() == SOUND
    assert list(Seal.objects.order_by("id").values_list("first_place", "last_place")) == [(1, 10), (11, 20), (21, 30)]
