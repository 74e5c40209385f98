"""How what people write is judged by the operators' detectors as it is written, with all that is known of it then.

The check of texts has had its say before; here an operator's own rules have theirs, over the same words as features.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from meadow.accounts import queries as accounts
from meadow.governance import queries, rules
from meadow.governance.rules.points import MILLI, standing_milli
from meadow.governance.rules.screening import TextVerdict
from meadow.governance.rules.surfaces import PRIVATE, TextSurface
from meadow.governance.rules.text import FoundLink
from meadow.governance.services.decisions import announce
from meadow.governance.services.digests import key_of
from meadow.governance.services.judging import judge
from meadow.governance.services.parties import Subject
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal

_HAN, _LATIN = re.compile(r"[\u3400-\u9fff]"), re.compile(r"[A-Za-z]")
_CONTACTS = {"phone": "phones", "messenger": "messenger_ids", "bank_card": "bank_cards"}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the detectors say of something that is about to be stored: whether it is hidden, and by which decision."""

    decision_id: int | None = None

    @property
    def is_hidden(self) -> bool:
        return self.decision_id is not None


def judge_words(
    *,
    event_type: str,
    surface: TextSurface,
    words: str,
    subject: Subject,
    actor: Subject,
    verdict: TextVerdict,
    urls: Sequence[str] = (),
    among: str = "",
    more: Mapping[str, Any] | None = None,
) -> Heard:
    """Judges and records a text before it is stored; what is hidden is stored and hidden by its owner at once.

    subject: what it will be, by the id it is going to have (`next_id`), so that what is decided is decided about it.
    among: what ties accounts together that say the same, such as the shop they speak for.
    Call it outside a transaction, so that the record outlives a refusal.  Refuses: text_refused.
    """
    is_private = surface in PRIVATE
    plain = " ".join(words.split())
    content = "" if is_private else plain.casefold()
    features = {
        **_of_words(words, plain, surface, verdict, urls, is_private=is_private),
        **_of_actor(actor, event_type, content), **(more or {}),
    }  # fmt: skip
    found = judge(
        event_type, features, subject, actor, text="" if is_private else words, content=content,
        cluster=among or f"{actor[0]}:{actor[1]}",
    )  # fmt: skip
    if found.decision_id is None:
        return Heard()
    made = queries.decision(found.decision_id)
    if found.outcome == "block":
        assert found.detector is not None
        raise Refusal(
            "text_refused", rule=found.rule, reason=found.detector.reason_en, reason_zh=found.detector.reason_zh
        )
    if found.outcome == "warn":
        announce(made)  # its author is told; what waits for a look is announced by the judging itself
    return Heard(made.pk if found.is_hidden else None)


def next_id(table: str) -> int:
    """The id that a row of a table will have: taken now, so that it can be judged before it is stored."""
    return int(db.call("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [table]))


def _of_words(
    words: str, plain: str, surface: TextSurface, verdict: TextVerdict, urls: Sequence[str], *, is_private: bool
) -> dict[str, Any]:
    """What is known of a text.  Of a private one only counts: not a word of it, nor where its links lead."""
    links = rules.links_in_text(words)
    hits = [hit for hit in verdict.hits if hit.topic != "conduct.contact"]
    contacts = [_CONTACTS.get(hit.term, "") for hit in verdict.hits if hit.topic == "conduct.contact"]
    language = "zh" if _HAN.search(words) else "en" if _LATIN.search(words) else "other"
    known: dict[str, Any] = {
        "surface": surface.value, "language": language, "length": len(plain), "links": len(links) + len(urls),
        "links_disguised": sum(link.is_disguised for link in links),
        "strong_terms": sum(hit.verdict == "block" for hit in hits),
        "weak_terms": sum(hit.verdict in ("review", "warn") for hit in hits),
        "outside_phrases": sum(hit.topic == "conduct.outside" for hit in hits), "payment_codes": 0,
        **{name: contacts.count(name) for name in _CONTACTS.values()},
    }  # fmt: skip
    if is_private:
        return known
    blocked, hosts = _of_links(links, urls, surface)
    return known | {
        "text": words, "link_hosts": hosts, "links_blocked": blocked, "terms": [hit.key for hit in hits],
        "packs": [hit.topic for hit in hits], "layers": [hit.layer for hit in hits],
    }  # fmt: skip


def _of_links(links: Collection[FoundLink], urls: Sequence[str], surface: TextSurface) -> tuple[int, list[str]]:
    """How many of the addresses the link policy would block, and where they lead."""
    if not links and not urls:
        return 0, []
    place = "post" if surface is TextSurface.RECOMMENDATION else surface.value
    place = place if place in rules.SURFACES else "post"
    answers = [queries.judge_link(url, place) for url in (*urls, *(link.raw for link in links))]
    return sum(one.verdict == "block" for one in answers), [one.host for one in answers if one.host]


def _of_actor(actor: Subject, event_type: str, content: str) -> dict[str, Any]:
    """What is known of who writes, and of who else has written the same today."""
    now, key = clock.now(), key_of(content, "content")
    row = db.one(
        "SELECT count(*) FILTER (WHERE at > %(hour)s) AS hour, count(*) FILTER (WHERE at > %(day)s) AS day, "
        "count(*) FILTER (WHERE at > %(day)s AND content_key = %(key)s::bigint) AS repeats, "
        "count(*) FILTER (WHERE outcome <> 'allow') AS hits FROM governance_occurrence "
        "WHERE actor_kind = %(kind)s AND actor_id = %(id)s AND at > %(month)s AND event_type = %(event)s",
        {
            "hour": now - timedelta(hours=1), "day": now - _DAY, "month": now - 30 * _DAY, "key": key,
            "kind": actor[0], "id": actor[1], "event": event_type,
        },
    )  # fmt: skip
    assert row is not None
    same = key is not None and db.call(
        "SELECT count(DISTINCT (actor_kind, actor_id)) FROM governance_occurrence WHERE content_key = %s "
        "AND cluster_key IS NOT NULL AND at > %s",
        [key, now - _DAY],
    )
    log = queries.violation_log(*actor)
    return {
        "actor_kind": actor[0].rpartition(".")[2], "actor_age_days": _age(actor), "actor_points": standing_milli(log, now) // MILLI,
        "actor_violations_30d": sum(not one.is_reversed and one.at > now - 30 * _DAY for one in log),
        "actor_events_hour": int(row["hour"]), "actor_events_day": int(row["day"]), "actor_hits_30d": int(row["hits"]),
        "is_automation": False,  # no app that posts for people exists here yet
        "repeats_day": int(row["repeats"]), "same_text_accounts": int(same or 0),
    }  # fmt: skip


def _age(actor: Subject) -> int | None:
    """How many days ago the account was made; an account that is gone has none."""
    try:
        if actor[0] == "accounts.merchant":
            since = accounts.merchant(actor[1]).created_at
        elif actor[0] == "accounts.creator":
            since = accounts.creator(actor[1]).applied_at
        else:
            since = accounts.person(actor[1]).created_at
    except Refusal:
        return None
    return max(0, (clock.now() - since).days)
