"""How many events the rules judge: decisions alone, with the record serialised, and stored; on the fixed fifty rules.

Each function measures for some seconds in this process and returns a dict; `rules` and `record` need no database,
`store` and `chain` run in the environment of an instance.  `python -m bench.governance rules 3` prints one as JSON.
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

    alone = _rate(prepared, len(rows), seconds / 2, cpu=True)
    named = _rate(by_name, len(rows), seconds / 2, cpu=True)
    return {
        "path": "rules", "rules": len(ruleset.detectors), "features": len(program.features), "unit": "decisions",
        "per_second": alone["median"], "best_per_second": alone["best"],
        "from_features_per_second": named["median"], "best_from_features_per_second": named["best"], "fired_per_event": round(prepared() / len(rows), 4),
        "bar_per_second": 400_000,
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

    rate = _rate(recorded, len(events), seconds, cpu=True)
    return {
        "path": "rules + record", "rules": len(ruleset.detectors), "unit": "decisions", "per_second": rate["median"],
        "best_per_second": rate["best"], "bar_per_second": 20_000,
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

    rate = _rate(all_posts, len(posts), seconds, cpu=True)
    took.sort()
    return {
        "path": "text + links + rules", "rules": 50, "terms": bench_posts.TERMS, "unit": "posts",
        "characters": round(sum(map(len, posts)) / len(posts)), "per_second": rate["median"],
        "best_per_second": rate["best"], "p50_ms": round(1e3 * took[len(took) // 2], 3),
        "p99_ms": round(1e3 * took[len(took) * 99 // 100], 3), "share_of_hits": round(hits / len(posts), 4),
        "bar_per_second": 4_000, "bar_p99_ms": 1.0,
    }  # fmt: skip


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


def _rate(act: Callable[[], int], done: int, seconds: float, *, cpu: bool = False) -> dict[str, float]:
    """How often a second: the median of short slices, and the best; by CPU time where nothing waits for a database."""
    clock = time.process_time if cpu else time.perf_counter
    act()
    until, slices = time.perf_counter() + seconds, []
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
    measure = {"rules": rules, "record": record, "path": path, "store": store, "chain": chain}[name]
    sys.stdout.write(json.dumps(measure(float(sys.argv[2]) if len(sys.argv) > 2 else 3.0)) + "\n")


if __name__ == "__main__":
    main()
