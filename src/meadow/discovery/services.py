"""How the table of goods is kept up: what changed is noted, and made anew in sets from the contexts that own the facts."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from meadow.catalog import queries as catalog
from meadow.catalog.queries import GoodsFacts
from meadow.discovery import rules
from meadow.discovery.models import Goods
from meadow.governance import queries as governance
from meadow.kernel import clock, db
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.ledger.queries import split
from meadow.plans import queries as plans
from meadow.plans.queries import PlanChoice

__all__ = ["mark_stale", "rebuild_goods", "refresh_due"]

LOCK = 0x4D45_4144_0501  # one worker at a time makes rows anew, so that no older reading overwrites a newer one
_KEPT = (
    "shop_id", "product_public_id", "shop_public_id", "shop_name", "title", "category", "version", "price_minor",
    "price_max_minor", "currency", "left", "rate_bp", "plan_kind", "earns_minor", "standing", "is_listed", "words",
    "changes_at",
)  # fmt: skip


def mark_stale(product_ids: Iterable[int]) -> None:
    """Something about these products changed: their rows are made anew with the next sweep."""
    db.execute(
        "INSERT INTO discovery_stale (product_id, at) SELECT p, %s FROM unnest(%s::bigint[]) AS p",
        [clock.now(), list(product_ids)],
    )


def rebuild_goods() -> int:
    """Has every row made anew, as after an event was lost; picking goes on meanwhile.  Returns how many products."""
    after, noted = 0, 0
    while ids := catalog.all_products(after):
        mark_stale(ids)
        after, noted = ids[-1], noted + len(ids)
    return noted


def refresh_due(*, until: datetime) -> int:
    """Makes the rows of up to 500 products anew that changed until a moment; returns how many, 0 while another does."""
    most = rules.LIMITS["products_at_once"]
    with atomic():
        if not db.call("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]):
            return 0
        noted = db.rows(
            "DELETE FROM discovery_stale WHERE id IN (SELECT id FROM discovery_stale WHERE at <= %s "
            "ORDER BY at, id LIMIT %s) RETURNING product_id",
            [until, most],
        )
        due = db.rows(
            "SELECT product_id FROM discovery_goods WHERE changes_at <= %s ORDER BY changes_at LIMIT %s", [until, most]
        )
        wanted = sorted({row["product_id"] for row in (*noted, *due)})
        at = max(until, clock.now())
        if wanted:
            with clock.at(at):
                _refresh(wanted, at)
    return len(wanted)


def _refresh(product_ids: Sequence[int], at: datetime) -> None:
    facts = catalog.goods_facts(product_ids)
    everybody, invited, changes = plans.terms_of_goods({n: each.card.shop_id for n, each in facts.items()}, at)
    standings = _standings({fact.merchant_id for fact in facts.values()})
    # What still counts against a shop fades day by day.
    fades = at + rules.FADES_AFTER
    wanted: dict[tuple[int, int | None], dict[str, Any]] = {}
    for product_id, fact in facts.items():
        standing = standings[fact.merchant_id]
        moments = [changes.get(product_id), None if standing == "good" else fades]
        shared = _shared(fact) | {
            "standing": standing, "changes_at": min((each for each in moments if each is not None), default=None),
        }  # fmt: skip
        wanted[product_id, None] = shared | _terms(fact, everybody[product_id])
        for creator_id, choice in invited.get(product_id, {}).items():
            # The row for everybody keeps the time; those of the invited follow it.
            wanted[product_id, creator_id] = shared | {"changes_at": None} | _terms(fact, choice)
    _write(product_ids, wanted, at)


def _write(product_ids: Sequence[int], wanted: dict[tuple[int, int | None], dict[str, Any]], at: datetime) -> None:
    """Only what differs is written."""
    known = {(row.product_id, row.creator_id): row for row in Goods.objects.filter(product_id__in=product_ids)}
    gone = [row.pk for key, row in known.items() if key not in wanted]
    Goods.objects.filter(pk__in=gone).delete()
    changed = [
        Goods(product_id=product_id, creator_id=creator_id, refreshed_at=at, **values)
        for (product_id, creator_id), values in wanted.items()
        if not _is_same(known.get((product_id, creator_id)), values)
    ]
    Goods.objects.bulk_create(
        changed, update_conflicts=True, unique_fields=["product", "creator"],
        update_fields=[*(name.removesuffix("_id") if name == "shop_id" else name for name in _KEPT), "refreshed_at"],
    )  # fmt: skip


def _is_same(known: Goods | None, values: dict[str, Any]) -> bool:
    return known is not None and all(getattr(known, name) == values[name] for name in _KEPT)


def _shared(fact: GoodsFacts) -> dict[str, Any]:
    card = fact.card
    return {
        "shop_id": card.shop_id, "product_public_id": card.public_id, "shop_public_id": card.shop_public_id,
        "shop_name": card.shop_name, "title": card.title, "category": fact.category, "version": card.version,
        "price_minor": card.price_minor, "price_max_minor": card.price_max_minor, "currency": card.currency,
        "left": card.left, "is_listed": card.on_sale,
        "words": rules.words_of([card.title, fact.category, fact.vendor, card.shop_name]),
    }  # fmt: skip


def _terms(fact: GoodsFacts, choice: PlanChoice | None) -> dict[str, Any]:
    """What a choice of plan comes to: the creator's part of one sale at the lowest price."""
    if choice is None or choice.rate_bp == 0:
        return {"rate_bp": 0, "plan_kind": "none", "earns_minor": 0}
    try:
        earns = split(fact.card.price_minor, choice.rate_bp).creator
    except Refusal:  # fees above the goods: such a sale would be refused as well
        earns = 0
    return {"rate_bp": choice.rate_bp, "plan_kind": choice.kind, "earns_minor": earns}


def _standings(merchant_ids: set[int]) -> dict[int, str]:
    """How each merchant stands now; two statements, however many they are."""
    now, kind = clock.now(), "accounts.merchant"
    milli = governance.points_of_many(kind, merchant_ids, now)
    bound = governance.sanctioned(kind, merchant_ids, now)
    return {each: rules.standing(milli.get(each, 0), is_sanctioned=each in bound) for each in merchant_ids}
