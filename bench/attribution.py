"""How many link and attribution decisions one core makes a second, by the production functions and without a database.

`python -m bench.attribution links 3` and `... attribution 3` print one result as JSON; `... replay 3` judges stored logs
again, as the proof of a month does.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

CORPUS = Path(__file__).resolve().parents[1] / "tests" / "governance" / "corpus"
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
LINES, PARTNERS = 1_000, 200


def measure(bench: Any) -> list[dict[str, Any]]:
    """All of them, as rows of the report."""
    return [bench.python("bench.attribution", name, str(bench.seconds)) for name in ("links", "attribution", "replay")]


def links(seconds: float = 3.0) -> dict[str, Any]:
    """Addresses judged a second among two hundred partners: every hostile and innocent one of the corpus in turn."""
    from meadow.governance.rules import PartnerPages, build_allowlist, decide_link

    partners = [
        PartnerPages(
            "prt_a", "Taobao", ("item.taobao.com", "m.taobao.com"),
            ("item.taobao.com/item.htm?id={digits}", "m.taobao.com/p/{digits}.html"),
        ),
        PartnerPages("prt_b", "Weimai", ("weimai.cn",), ("*.weimai.cn/g/{id}", "weimai.cn/s/{slug}/")),
    ]  # fmt: skip
    partners += [
        PartnerPages(f"prt_{n}", f"Mall {n}", (f"shop{n}.example.org",), (f"shop{n}.example.org/item/{{digits}}",))
        for n in range(PARTNERS)
    ]
    allowed = build_allowlist(tuple(partners))
    urls = [
        json.loads(line)["url"]
        for name in ("hostile_urls", "innocent_urls")
        for line in (CORPUS / f"{name}.jsonl").read_text("ascii").splitlines()
    ]

    def judge() -> int:
        for url in urls:
            decide_link(url, "post", allowed, own="https://meadow.example.net")
        return len(urls)

    found = _rate(judge, seconds)
    return {
        "path": "link decision", "unit": "decisions", "per_second": found["median"], "best_per_second": found["best"],
        "microseconds": round(1e6 / found["median"], 1), "addresses": len(urls), "partners": len(partners),
    }  # fmt: skip


def attribution(seconds: float = 3.0) -> dict[str, Any]:
    """Order lines attributed a second: up to eight candidate clicks and twelve plans each, as a busy shop has them."""
    from meadow.affiliate.rules import attribute

    cases = _cases()

    def decide() -> int:
        for line, clicks, offers in cases:
            attribute([line], clicks, offers, AT, AT - timedelta(minutes=3))
        return len(cases)

    found = _rate(decide, seconds)
    return {
        "path": "attribution", "unit": "order lines", "per_second": found["median"], "best_per_second": found["best"],
        "microseconds": round(1e6 / found["median"], 1), "clicks": 8, "plans": 12,
    }  # fmt: skip


def replay(seconds: float = 3.0) -> dict[str, Any]:
    """Stored decisions judged again a second, from their logs alone."""
    from meadow.affiliate.rules import log_of, replay

    logs = [
        json.loads(json.dumps(log_of(line, clicks, offers, AT, AT - timedelta(minutes=3))))
        for line, clicks, offers in _cases()
    ]

    def again() -> int:
        for log in logs:
            replay(log)
        return len(logs)

    found = _rate(again, seconds)
    return {
        "path": "attribution replay", "unit": "decisions", "per_second": found["median"],
        "best_per_second": found["best"],
    }  # fmt: skip


def _cases() -> list[tuple[Any, list[Any], list[Any]]]:
    """The same lines every time: from a fixed seed."""
    from meadow.affiliate.rules import Candidate, Line, Offer

    dice = Random(7)
    kinds = ("exclusive", "directed", "marketing", "general")
    cases = []
    for n in range(LINES):
        clicks = [
            Candidate(
                f"clk{n}-{c}", dice.randint(1, 40), 7, dice.randint(1, 9), AT - timedelta(minutes=dice.randint(0, 30_000)),
                dice.choice(["feed", "post", "landing"]), "person", dice.random() > 0.05, dice.random() > 0.05,
                dice.random() < 0.02,
            )
            for c in range(dice.randint(0, 8))
        ]  # fmt: skip
        offers = [
            Offer(p, p, dice.choice(kinds), dice.randint(0, 5_000), 7, dice.choice([None, 1, 2, 3]),
                  dice.choice([None, frozenset(dice.sample(range(1, 41), 10))]))
            for p in range(12)
        ]  # fmt: skip
        cases.append((Line(n, 7, dice.randint(1, 9)), clicks, offers))
    return cases


def _rate(act: Callable[[], int], seconds: float) -> dict[str, float]:
    """How often a second of CPU: the median of short slices, and the best."""
    slices: list[float] = []
    act()
    until = time.perf_counter() + seconds
    while len(slices) < 3 or time.perf_counter() < until:
        began = time.process_time()
        done = act()
        slices.append(done / max(time.process_time() - began, 1e-9))
    return {"median": round(median(slices), 1), "best": round(max(slices), 1)}


def main() -> None:
    steps = {"links": links, "attribution": attribution, "replay": replay}
    sys.stdout.write(json.dumps(steps[sys.argv[1]](float(sys.argv[2]) if len(sys.argv) > 2 else 3.0)) + "\n")


if __name__ == "__main__":
    main()
