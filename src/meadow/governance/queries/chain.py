"""Whether the decision log is as it was sealed: every link, every decision, every word that was not erased."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from meadow.kernel import clock, db

# The worker seals within a minute; what waits longer than this is a fault.
SEALED_WITHIN = timedelta(hours=1)


def broken_links() -> int:
    """Links of the chain that do not follow from the one before, or whose hash is not that of their digests."""
    return _count(
        "WITH link AS ("
        " SELECT s.*, lag(s.hash) OVER (ORDER BY s.id) AS hash_before,"
        "  lag(s.last_place) OVER (ORDER BY s.id) AS place_before, lag(s.id) OVER (ORDER BY s.id) AS id_before"
        " FROM governance_seal s"
        "), content AS ("
        " SELECT s.id, count(d.place) AS n, string_agg(d.digest || d.words_digest, ''::bytea ORDER BY d.place) AS digests"
        " FROM governance_seal s JOIN governance_sealeddecision d ON d.place BETWEEN s.first_place AND s.last_place"
        " GROUP BY s.id"
        ") SELECT count(*) FROM link l LEFT JOIN content c ON c.id = l.id "
        "WHERE l.before IS DISTINCT FROM coalesce(l.hash_before, sha256('meadow'))"
        " OR l.first_place IS DISTINCT FROM coalesce(l.place_before, 0) + 1"
        " OR l.id IS DISTINCT FROM coalesce(l.id_before, 0) + 1"
        " OR c.n IS DISTINCT FROM l.last_place - l.first_place + 1"
        " OR l.hash IS DISTINCT FROM governance_seal_hash(l.before, l.first_place, l.last_place, c.digests)"
    )


def changed_decisions() -> int:
    """Sealed decisions that are gone or no longer what was sealed, in their row, their event or their words."""
    return _count(
        "SELECT count(*) FROM governance_sealeddecision s "
        "LEFT JOIN governance_decision d ON d.id = s.decision_id "
        "LEFT JOIN governance_occurrence o ON o.id = d.occurrence_id "
        "LEFT JOIN governance_decisiontext t ON t.decision_id = d.id "
        "WHERE d.id IS NULL OR t.decision_id IS NULL"
        " OR s.digest IS DISTINCT FROM governance_decision_digest(d, o.features)"
        " OR (t.erased_at IS NULL AND s.words_digest IS DISTINCT FROM governance_words_digest(t))"
    )


def unsealed_decisions() -> int:
    """Decisions that neither wait for the seal nor have it, or have waited too long."""
    return _count(
        "SELECT count(*) FROM governance_decision d LEFT JOIN governance_sealeddecision s ON s.decision_id = d.id "
        "LEFT JOIN governance_unsealed u ON u.decision_id = d.id "
        "WHERE s.place IS NULL AND (u.decision_id IS NULL OR u.made_at < %s)",
        [clock.now() - SEALED_WITHIN],
    ) + _count(
        "SELECT count(*) FROM governance_sealeddecision s LEFT JOIN governance_seal k "
        "ON s.place BETWEEN k.first_place AND k.last_place WHERE k.id IS NULL"
    )


def verify_chain() -> dict[str, int]:
    """How many faults of each kind the whole chain has; all zero on a log that nobody touched."""
    return {
        "broken_links": broken_links(),
        "changed_decisions": changed_decisions(),
        "unsealed_decisions": unsealed_decisions(),
    }


def chain_head() -> dict[str, Any]:
    """The last link: {links, decisions, hash, at}.  Noted elsewhere, it proves that nothing was cut off the end."""
    row = db.one("SELECT id, last_place, encode(hash, 'hex') AS hash, at FROM governance_seal ORDER BY id DESC LIMIT 1")
    if row is None:
        return {"links": 0, "decisions": 0, "hash": "", "at": None}
    return {"links": row["id"], "decisions": row["last_place"], "hash": row["hash"], "at": row["at"]}


#: The statement that tells when the earliest waiting decision is to be sealed.
NEXT_SEAL_DUE = "SELECT min(made_at) + interval '1 minute' FROM governance_unsealed"

INVARIANTS: dict[str, Callable[[], int]] = {
    "governance.chain_links": broken_links,
    "governance.chain_decisions": changed_decisions,
    "governance.chain_complete": unsealed_decisions,
}


def _count(sql: str, params: list[Any] | None = None) -> int:
    return int(db.call(sql, params or []))
