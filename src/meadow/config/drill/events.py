"""What people post in a drill: features of texts, most of them harmless, some new, some bad, some from before a feature."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from meadow.config.settings import CHECKOUT

RULES = CHECKOUT / "bench" / "reference" / "rules.json"
SURFACES = ("recommendation", "comment", "comment", "comment", "question", "shop_notice")
PACKS = ("cn.tobacco", "cn.medicine", "cn.weapons", "cn.forged")
PEOPLE = 5_000


def fixed_rules() -> list[dict[str, Any]]:
    """The fifty rules that drills and measurements share."""
    found: list[dict[str, Any]] = json.loads(RULES.read_text("utf-8"))["rules"]
    return found


def text_event(dice: Random) -> dict[str, Any]:
    """The features of one text; one in thirty is bad in one way or another."""
    is_bad, is_new = dice.random() < 0.03, dice.random() < 0.05
    found: dict[str, Any] = {
        "actor_age_days": dice.randrange(7) if is_new else dice.randrange(7, 2_000), "actor_kind": "person",
        "actor_points": 0, "actor_violations_30d": 0, "actor_events_hour": dice.randrange(12),
        "actor_events_day": dice.randrange(60), "actor_hits_30d": dice.randrange(2), "client": "page",
        "is_automation": False, "surface": dice.choice(SURFACES), "language": dice.choice(("zh", "zh", "en")),
        "length": dice.randrange(5, 400), "links": 1 if dice.random() < 0.1 else 0, "links_blocked": 0,
        "links_disguised": 0, "link_hosts": [], "terms": [], "packs": [], "layers": [], "strong_terms": 0,
        "weak_terms": 1 if dice.random() < 0.03 else 0, "phones": 0, "messenger_ids": 0, "bank_cards": 0,
        "payment_codes": 0, "outside_phrases": 0, "repeats_day": dice.randrange(3), "same_text_accounts": 1,
        "has_commission": dice.random() < 0.3, "goods_rule": "allowed", "licences_missing": 0, "price_minor": 9_900,
    }  # fmt: skip
    if is_bad:
        _spoil(found, dice)
    if dice.random() < 0.1:  # from before these were known
        for name in ("same_text_accounts", "layers", "goods_rule"):
            del found[name]
    return found


def _spoil(found: dict[str, Any], dice: Random) -> None:
    kind = dice.randrange(5)
    if kind == 0:
        found |= {"phones": dice.randrange(3), "messenger_ids": dice.randrange(3), "outside_phrases": dice.randrange(3)}
    elif kind == 1:
        found |= {"links": dice.randrange(1, 8), "links_blocked": dice.randrange(3), "link_hosts": ["short.example"]}
    elif kind == 2:
        found |= {"strong_terms": dice.randrange(4), "packs": [dice.choice(PACKS)], "terms": [f"t{dice.randrange(99)}"]}
    elif kind == 3:
        found |= {"repeats_day": dice.randrange(9), "actor_events_hour": dice.randrange(60), "same_text_accounts": 20}
    else:
        found |= {"weak_terms": dice.randrange(5), "layers": ["pinyin", "mixed", "folded"][: dice.randrange(4)]}
