"""How many events the rules judge: decisions alone, with the record serialised, and stored; how quickly a post is judged.

Each function measures for some seconds in this process and returns a dict; `rules`, `record` and `path` need no database,
`store` and `chain` run in the environment of an instance.  `python -m bench.governance rules 3` prints one as JSON;
`measure` takes them all within `./meadow bench`.  Where no statement is the limit, it is the least that Python itself
must do for the same: it is measured in turn with the subject, so the machine's drift falls out of the share.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from bench import posts as bench_posts

EVENTS = 5_000
RULES = Path(__file__).parent / "reference" / "rules.json"
STORE_BATCH = 500


def rules(seconds: float = 3.0) -> dict[str, Any]:
    """Decisions a second on one core, each with its list of fired rules: from prepared rows, and from features by name."""
    ruleset, events = _ruleset(), _events()
    program = ruleset.program
    rows = [program.row(event) for event in events]
    decide, fire = program.decide, program.fire

    def prepared() -> int:
        return sum(len(decide(row)) for row in rows)

    def by_name() -> int:
        return sum(len(fire(event)) for event in events)

    def nothing() -> int:
        return sum(len(same(row)) for row in rows)

    same = _same
    share, alone = _pairs(nothing, prepared, len(rows), seconds / 2)
    named = _rate(by_name, len(rows), seconds / 2, cpu=True)
    return {
        "path": "rules", "rules": len(ruleset.detectors), "features": len(program.features), "unit": "decisions",
        "per_second": alone["median"], "best_per_second": alone["best"],
        "from_features_per_second": named["median"], "best_from_features_per_second": named["best"], "fired_per_event": round(prepared() / len(rows), 4),
        "bar_per_second": 400_000, "limit": "a function that hands its row back", **share,
    }  # fmt: skip


def record(seconds: float = 3.0) -> dict[str, Any]:
    """Decisions a second with everything the record needs: features checked, judged, outcome, serialised, digested."""
    import hashlib

    from meadow.governance.rules.detectors import outcome_of
    from meadow.governance.rules.features import EVENT_TYPES, clean_features, for_rules
    from meadow.governance.services.judging import as_text

    ruleset, event_type = _ruleset(), EVENT_TYPES["text"]
    events = [
        {name: sorted(value) if isinstance(value, frozenset) else value for name, value in event.items()}
        for event in _events()
    ]
    program = ruleset.program

    def recorded() -> int:
        size = 0
        for number, given in enumerate(events):
            features = clean_features(event_type, given)
            text = as_text(features)
            outcome, fired = outcome_of(
                ruleset, program.fire(for_rules(event_type, dict(features))), ("content.comment", number)
            )
            line = json.dumps([number, outcome, ruleset.stamp, [one.as_dict() for one in fired], text])
            size += len(hashlib.sha256(line.encode()).digest())
        return size

    def written() -> int:
        return sum(len(hashlib.sha256(json.dumps(given).encode()).digest()) for given in events)

    share, rate = _pairs(written, recorded, len(events), seconds)
    return {
        "path": "rules + record", "rules": len(ruleset.detectors), "unit": "decisions", "per_second": rate["median"],
        "best_per_second": rate["best"], "bar_per_second": 20_000, "limit": "JSON and its digest alone", **share,
    }  # fmt: skip


def path(seconds: float = 3.0) -> dict[str, Any]:
    """The whole synchronous path of a post: its text against 40,000 terms, two links, fifty rules with what fired."""
    judge = _post_judge()
    posts = bench_posts.posts()
    hits = sum(judge(post)[0] != "allow" for post in posts)
    took: list[float] = []

    def all_posts() -> int:
        for post in posts:
            began = time.thread_time()
            judge(post)
            took.append(time.thread_time() - began)
        return len(posts)

    def nothing_but_found() -> int:
        return sum(len(found(post)) for post in posts)

    found = _plain_search()
    share, rate = _pairs(nothing_but_found, all_posts, len(posts), seconds)
    took.sort()
    return {
        "path": "text + links + rules", "rules": 50, "terms": bench_posts.TERMS, "unit": "posts",
        "characters": round(sum(map(len, posts)) / len(posts)), "per_second": rate["median"],
        "best_per_second": rate["best"], "p50_ms": round(1e3 * took[len(took) // 2], 3),
        "p99_ms": round(1e3 * took[len(took) * 99 // 100], 3), "share_of_hits": round(hits / len(posts), 4),
        "bar_per_second": 4_000, "bar_p99_ms": 1.0, "limit": "folding and one search for the terms", **share,
    }  # fmt: skip


def _plain_search() -> Callable[[str], Any]:
    """The least that a check of terms takes: one cast of the text and one pass over it."""
    import ahocorasick_rs

    from meadow.governance.rules.shadow import shades

    terms = [term.text for term in bench_posts.large_pack().terms]
    automaton = ahocorasick_rs.AhoCorasick(terms, store_patterns=False)
    fold = shades().fold.cast
    return lambda post: automaton.find_matches_as_indexes(fold(post), overlapping=True)


def _same(row: Any) -> Any:
    return row


def _post_judge() -> Callable[[str], tuple[str, list[int]]]:
    """What happens between a post's arrival and its transaction, with everything in memory."""
    from meadow.governance.rules import PartnerPages, build_allowlist, decide_link, links_in_text
    from meadow.governance.rules.features import EVENT_TYPES, for_rules
    from meadow.governance.rules.screening import Screen
    from meadow.governance.rules.surfaces import TextSurface
    from meadow.governance.rules.terms import shipped_packs

    screen = Screen([*shipped_packs(), bench_posts.large_pack()])
    partners = build_allowlist(
        tuple(PartnerPages(name, name, hosts, pages, True) for name, hosts, pages in bench_posts.PARTNERS)
    )
    program, known = _ruleset().program, _events()[0]
    event_type, surface = EVENT_TYPES["text"], TextSurface.RECOMMENDATION

    def judge(post: str) -> tuple[str, list[int]]:
        verdict = screen.judge(surface, post)
        links = [decide_link(link.raw, "post", partners) for link in links_in_text(post)]
        strengths = [hit.verdict for hit in verdict.hits]
        features = {
            **known, "length": len(post), "links": len(links), "link_hosts": [link.host for link in links],
            "links_blocked": sum(link.verdict == "block" for link in links),
            "strong_terms": strengths.count("block"), "weak_terms": strengths.count("review"),
            "terms": [hit.term for hit in verdict.hits], "layers": [hit.layer for hit in verdict.hits],
        }  # fmt: skip
        return verdict.verdict, program.fire(for_rules(event_type, features))

    return judge


def store(seconds: float = 3.0) -> dict[str, Any]:
    """Events a second that are judged and stored by the production verb: one by one, and as the worker's batches."""
    from meadow.governance import queries, services
    from meadow.governance.services import Happening
    from meadow.kernel.audit import SYSTEM

    if not queries.detectors():
        services.publish_rules()
        for rule in json.loads(RULES.read_text("utf-8"))["rules"]:
            services.write_detector(
                detector_id=rule["id"], event_type="text", condition=rule["condition"], rule=rule["rule"],
                action=rule["action"], layer=rule["layer"], reason_en="By a rule of the measurement.",
                reason_zh="测量规则。", by=SYSTEM,
            )  # fmt: skip
            for step in ("shadow", "live"):
                services.move_detector(detector_id=rule["id"], version=1, to=step, by=SYSTEM)
    events = _events()
    given = [
        Happening("text", event, ("content.comment", n + 1), ("accounts.person", 7)) for n, event in enumerate(events)
    ]

    def one_by_one() -> int:
        for one in given[:100]:
            services.judge(one.event_type, one.features, one.subject, one.actor)
        return 100

    def batch() -> int:
        return len(services.judge_batch(given[:STORE_BATCH]))

    single, many = _rate(one_by_one, 100, seconds / 2), _rate(batch, STORE_BATCH, seconds / 2)
    return {
        "path": "rules + stored", "rules": len(queries.current_ruleset("text").detectors), "unit": "events",
        "per_second": single["median"], "in_batches_per_second": many["median"],
        "best_in_batches_per_second": many["best"],
    }  # fmt: skip


def chain(seconds: float = 3.0) -> dict[str, Any]:
    """Decisions a second that are sealed, and that the whole chain is verified by."""
    from meadow.governance import queries, services

    began = time.perf_counter()
    sealed = services.seal_decisions(most=100_000)
    sealing = time.perf_counter() - began
    began = time.perf_counter()
    faults = queries.verify_chain()
    verifying = time.perf_counter() - began
    decisions = queries.chain_head()["decisions"]
    return {
        "path": "seal", "unit": "decisions", "per_second": round(sealed / sealing, 1), "sealed": sealed,
        "verified_per_second": round(decisions / verifying, 1), "faults": sum(faults.values()),
    }  # fmt: skip


def ready(seconds: float = 0.0) -> dict[str, Any]:
    """What the load on the door needs: partners whose links it posts, a creator's key, products to recommend."""
    from meadow.accounts import queries as people
    from meadow.accounts import services as accounts
    from meadow.governance import services
    from meadow.kernel import db
    from meadow.kernel.audit import Actor

    operator = people.Person.objects.filter(is_operator=True).first()
    assert operator is not None
    for name, hosts, pages in bench_posts.PARTNERS:
        services.add_partner(
            name=name, hosts=hosts, product_patterns=pages, contract="measured", after_sale_contact="otto@bench.test",
            by=Actor("person", operator.pk),
        )  # fmt: skip
    creator = db.rows("SELECT person_id FROM accounts_creator ORDER BY id LIMIT 1")[0]
    _, secret = accounts.create_api_key(person_id=creator["person_id"], name="bench", scopes=["content"])
    products = db.rows("SELECT public_id FROM catalog_product ORDER BY id LIMIT 200")
    return {"key": secret, "products": [row["public_id"] for row in products]}


def measure(bench: Any, limit: Any) -> list[dict[str, Any]]:
    """Everything on rules and texts within a run; limit is pgbench on the fixed statements."""
    found = [
        bench.python("bench.governance", name, str(bench.seconds)) for name in ("rules", "record", "path", "store")
    ]
    store_row = found[-1]
    singles = [limit.run("judge", bench.seconds, clients=1) for _ in range(bench.rounds)]
    batches = [STORE_BATCH * limit.run("judge_batch", bench.seconds, clients=1) for _ in range(bench.rounds)]
    found[-1:] = [
        {**store_row, "limit": "the same row inserted", "limit_per_second": round(median(singles), 1),
         "share": round(store_row["per_second"] / median(singles), 3)},
        {**store_row, "path": "rules + stored in batches", "per_second": store_row["in_batches_per_second"],
         "limit": f"{STORE_BATCH} rows a statement", "limit_per_second": round(median(batches), 1),
         "share": round(store_row["in_batches_per_second"] / median(batches), 3)},
        bench.python("bench.governance", "chain", str(bench.seconds)),
    ]  # fmt: skip
    found.append(_door(bench, limit))
    for row in found:
        beside = f" of {row['limit_per_second']:>9,.0f}/s  share {row['share']:.2f}" if "share" in row else ""
        p99 = f"  p99 {row['p99_ms']} ms" if "p99_ms" in row else ""
        bench.say(f"{row['path']:<26} {row['per_second']:>9,.0f} {row['unit']}/s{beside}{p99}")
    return found


def _door(bench: Any, limit: Any) -> dict[str, Any]:
    """Posts over HTTP: key, rules, links, text, the post with its event, and the answer; each text is new."""
    from bench.measure import Result, alternate
    from bench.run import post

    facts = bench.python("bench.governance", "ready", "0")
    texts, products = bench_posts.posts(), facts["products"]
    requests = [
        post(
            "/api/v1/recommendations",
            {
                "title": f"What I like, number {n}", "text": texts[n % len(texts)],
                "items": [{"product": products[n % len(products)], "reason": f"I have had it for {n} days and like it."}],
            },
            f"Authorization: Bearer {facts['key']}\r\n",
        )
        for n in range(4_000)
    ]  # fmt: skip
    found = alternate(
        Result("post over HTTP", len(products), 0, unit="posts"), limit=limit.script("post"),
        subject=bench.http("posts", requests, once=True), rounds=bench.rounds, seconds=bench.seconds,
    ).as_dict()  # fmt: skip
    return {**found, "limit": "a post, its item and its event inserted"}


def _ruleset() -> Any:
    from meadow.governance.rules.detectors import Ruleset, Running

    found = json.loads(RULES.read_text("utf-8"))
    return Ruleset(
        1, found["event_type"],
        tuple(
            Running(n, rule["id"], 1, rule["condition"], rule["rule"], rule["action"], rule["layer"], "live")
            for n, rule in enumerate(found["rules"], 1)
        ),
    )  # fmt: skip


def _events() -> list[dict[str, Any]]:
    """The same events every time: from a fixed seed, as the drills make them."""
    from meadow.config.drill.events import text_event
    from meadow.governance.rules.features import EVENT_TYPES, for_rules

    dice = Random(50)
    return [for_rules(EVENT_TYPES["text"], text_event(dice)) for _ in range(EVENTS)]


def _pairs(
    limit: Callable[[], int], subject: Callable[[], int], done: int, seconds: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Slices of CPU time of both in turn: the share of the limit, median with range, and the subject's own rate."""
    limit()
    subject()
    until, shares, limits, rates = time.perf_counter() + seconds, list[float](), list[float](), list[float]()
    while len(rates) < 3 or time.perf_counter() < until:
        for act, kept in ((limit, limits), (subject, rates)):
            began = time.process_time()
            act()
            kept.append(done / max(time.process_time() - began, 1e-9))
        shares.append(rates[-1] / limits[-1])
    share = {
        "limit_per_second": round(median(limits), 1), "share": round(median(shares), 3),
        "share_min": round(min(shares), 3), "share_max": round(max(shares), 3),
    }  # fmt: skip
    return share, {"median": round(median(rates), 1), "best": round(max(rates), 1)}


def _rate(act: Callable[[], int], done: int, seconds: float, *, cpu: bool = False) -> dict[str, float]:
    """How often a second: the median of short slices, and the best; by CPU time where nothing waits for a database."""
    clock = time.process_time if cpu else time.perf_counter
    act()
    until, slices = time.perf_counter() + seconds, list[float]()
    while len(slices) < 3 or time.perf_counter() < until:
        began = clock()
        act()
        slices.append(done / max(clock() - began, 1e-9))
    return {"median": round(median(slices), 1), "best": round(max(slices), 1)}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meadow.config.django_settings")
    name = sys.argv[1]
    if name not in ("rules", "path"):
        import django

        django.setup()
    steps = {"rules": rules, "record": record, "path": path, "store": store, "chain": chain, "ready": ready}
    sys.stdout.write(json.dumps(steps[name](float(sys.argv[2]) if len(sys.argv) > 2 else 3.0)) + "\n")


if __name__ == "__main__":
    main()
