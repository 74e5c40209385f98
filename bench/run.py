"""Which paths are measured, and how each is driven: a private instance, its own load generator, pgbench beside it.

Paths come in groups, each measured at two sizes at least, a factor of 100 apart; FULL are the sizes of docs/benchmarks.md.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import psutil

from bench import attribution, governance
from bench.measure import REFERENCE, Pgbench, Result, Slice, Watch, alternate, descendants

CLIENTS = 8
MOST_ORDERS = 1_500  # a second: so many checkouts stand ready
SIZES = (500, 50_000)
#: tokens: landings with their clicks.  shop: lists and orders.  money: settle, refund and claim.  rules: no database.
FULL: dict[str, tuple[int, ...]] = {
    "shop": SIZES, "money": (10_000, 1_000_000), "tokens": (10_000, 10_000_000), "rules": (500,)
}  # fmt: skip
PRODUCTS_MOST = 10_000  # where orders are many, products are not
NAVIGATION = (
    "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-User: ?1\r\n"
)
AGENT = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36\r\n"
Say = Callable[[str], None]


class Bench:
    """One instance under measurement."""

    def __init__(self, instance: Any, say: Say, seconds: float, rounds: int) -> None:
        self.instance, self.say, self.seconds, self.rounds = instance, say, seconds, rounds
        self._kept = tempfile.TemporaryDirectory(prefix="meadow-bench-")
        self.folder = Path(self._kept.name)
        self.environment = {**os.environ, **instance.environment, "PYTHONPATH": "src:."}
        self.results: list[dict[str, Any]] = []
        self.group = ""
        #: What is measured once and not at two sizes: rows with path, unit, per_second and what else there is to say.
        self.others: list[dict[str, Any]] = []
        #: How many clicks a second were taken in while landings were answered, and how many were lost.
        self.intake: list[dict[str, Any]] = []
        self.cursors: dict[str, int] = {}

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.cleanup()

    def python(self, *arguments: str) -> Any:
        """Runs one of our modules in the instance's environment and reads the JSON object it prints."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{arguments[0]} failed: {done.stderr.strip()[-1500:]}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    # Limits

    def reference(self, size: int, binaries: Path) -> Pgbench:
        """Fills the fixed tables to the same size and hands out pgbench on them."""
        # Settling uses orders up, at thousands a second: the limit must not run out of them and then do nothing.
        orders = size + 60_000
        for name, variables in (("schema", {}), ("fill", {"tokens": size, "products": size, "orders": orders})):
            command = [str(binaries / "psql"), "-q", "-v", "ON_ERROR_STOP=1", "-f", str(REFERENCE / f"{name}.sql")]
            command += [f"-v{key}={value}" for key, value in variables.items()] + [self.instance.dsn]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"psql failed on {name}: {done.stderr.strip()[-500:]}")
        return Pgbench(binaries / "pgbench", self.instance.dsn, {"tokens": size, "products": size}, CLIENTS)

    # Subjects

    def watch(self) -> Watch:
        return Watch(self._server_pids, self._database_pids)

    def _server_pids(self) -> list[int]:
        return [pid for pid in descendants(self.instance.pids()["web"])]

    def _database_pids(self) -> list[int]:
        """Those of this instance's own PostgreSQL, whatever else runs on the machine."""
        found = re.search(r"host=([^&]+)", self.instance.dsn)
        data, mine = unquote(found[1]) if found else "", []
        for process in psutil.process_iter(["name"]):
            with suppress(psutil.Error):  # it may be gone by now
                if process.info["name"] == "postgres" and data and process.cwd().startswith(data):
                    mine.append(process.pid)
        return mine

    def http(self, name: str, requests: list[str], *, once: bool = False) -> Callable[[float], Slice]:
        """A slice of load over HTTP; with `once`, each request is sent at most once over all slices."""
        path = self.folder / f"{name}.requests"
        path.write_text("\n".join(json.dumps(request) for request in requests), encoding="utf-8")

        def drive(seconds: float) -> Slice:
            start = self.cursors.get(name, 0)
            if once and start >= len(requests) - CLIENTS:
                raise RuntimeError(f"{name}: not enough prepared requests")
            with self.watch() as watch:
                arguments = ["127.0.0.1", str(self.instance.port), str(seconds), str(CLIENTS), str(start), str(path)]
                answer = self.python("bench.load", *arguments)
            self.cursors[name] = answer["next"]
            return Slice(
                answer["done"],
                answer["seconds"],
                watch.server_cpu,
                watch.database_cpu,
                answer["errors"],
                answer["p99_ms"],
            )

        return drive

    def inside(self, name: str, *arguments: str) -> Callable[[float], Slice]:
        """A slice of work in a process of our own, as the worker does it."""

        def drive(seconds: float) -> Slice:
            with self.watch() as watch:
                answer = self.python("bench.inside", name, str(seconds), *arguments)
            return Slice(answer["done"], answer["seconds"], answer["cpu"], watch.database_cpu, answer["errors"])

        return drive

    def measure(
        self, path: str, size: int, statements: int, limit: Callable[[float], float], subject: Callable[[float], Slice],
        unit: str = "requests",
    ) -> None:  # fmt: skip
        result = alternate(
            Result(path, size, statements, unit=unit),
            limit=limit,
            subject=subject,
            rounds=self.rounds,
            seconds=self.seconds,
        ).as_dict()
        self.results.append({"group": self.group, **result})
        self.say(
            f"{path:<22} {size:>9,} stored  {result['per_second']:>9,.0f}/s of {result['limit_per_second']:>9,.0f}/s  "
            f"share {result['share']:.2f} ({result['share_min']:.2f}-{result['share_max']:.2f})  "
            f"{result['statements']} statements  {result['server_cpu_us']} us server"
        )


def get(path: str, extra: str = "") -> str:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{AGENT}{extra}Accept-Language: en\r\n\r\n"


def post(path: str, body: object, extra: str = "") -> str:
    text = json.dumps(body)
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{AGENT}{extra}Content-Type: application/json\r\n"
        f"Accept-Language: en\r\nContent-Length: {len(text.encode())}\r\n\r\n{text}"
    )


def run_shop(bench: Bench, size: int, facts: dict[str, Any], counts: dict[str, int], limit: Pgbench) -> None:
    """Lists, orders and events over so many products and orders."""
    lists = [get("/api/v1/products?limit=20")]
    bench.measure("list of 20 as JSON", size, counts["list"], limit.script("list"), bench.http("list", lists))
    most = round(MOST_ORDERS * bench.seconds * (bench.rounds + 1))
    ready = bench.python("bench.inside", "checkouts", "0", *facts["skus"][:200], str(most))["checkouts"]
    address = {
        "name": "Bo", "phone": "+86 138 0000 0000", "line1": "12 Meadow Lane", "city": "Hangzhou", "country": "CN",
    }  # fmt: skip
    places = [
        post(
            f"/api/v1/checkouts/{checkout}/place",
            {"address": address, "contact": {"email": f"bo{n % 50}@bench.test"}},
            f"Idempotency-Key: {size}-{n}\r\n",
        )
        for n, checkout in enumerate(ready)
    ]
    bench.measure("place order", size, counts["place"], limit.script("order"), bench.http("place", places, once=True))
    bench.measure(
        "outbox", size, counts["outbox"], lambda s: 50 * limit.run("outbox", s, clients=1), bench.inside("outbox"),
        unit="events",
    )  # fmt: skip


def run_money(bench: Bench, size: int, counts: dict[str, int], limit: Pgbench) -> None:
    """What the worker and the claims do, each in its own transaction: the verbs in one process, as the worker runs them,
    against one client of the limit."""
    for name, unit in (("settle", "orders"), ("refund", "refunds"), ("claim", "claims")):
        bench.measure(
            name, size, counts[name], lambda s: limit.run("settle", s, clients=1), bench.inside(name), unit=unit
        )


def run_size(bench: Bench, size: int, binaries: Path, groups: set[str]) -> None:
    """Some groups of paths at one dataset size, on filled tables."""
    from bench import sharing

    if groups & {"shop", "money", "rules"}:
        products = size if "shop" in groups else min(size, PRODUCTS_MOST)
        bench.say(f"filling {products:,} products and {size:,} orders")
        facts = bench.python("bench.fill", str(products), str(size))
        counts = bench.python("bench.inside", "statements", "0", facts["codes"][0], facts["skus"][0])["counts"]
        limit = bench.reference(size, binaries)
        if "shop" in groups:
            bench.group = "shop"
            run_shop(bench, size, facts, counts, limit)
        if "money" in groups:
            bench.group = "money"
            run_money(bench, size, counts, limit)
        if "rules" in groups and not bench.others:
            bench.others = [*governance.measure(bench, limit), *attribution.measure(bench)]
    if "tokens" in groups:
        bench.group = "tokens"
        sharing.measure(bench, size, binaries)


def run(*, sizes: list[int], groups: list[str], rounds: int, seconds: float, say: Say) -> dict[str, Any]:
    """Groups of paths on a private instance with fsync on; checks the invariants at the end."""
    from meadow.config.postgres import seat
    from meadow.config.supervise import Instance

    settings = {"MEADOW_TEST_CLOCK": "0", "MEADOW_LIMIT_FACTOR": "0"}
    say("starting a private instance with fsync on and two web processes")
    with Instance(env=settings, fsync=True, worker=False) as instance, Bench(instance, say, seconds, rounds) as bench:
        for size in sorted(sizes):
            run_size(bench, size, seat.embedded_binaries(), set(groups))
        violations = bench.python("bench.inside", "invariants", "0")["violations"]
    return {
        "machine": {"cores": os.cpu_count(), "note": "load generator, database and server share the cores"},
        "groups": groups, "rounds": rounds, "seconds": seconds, "results": bench.results, "others": bench.others,
        "intake": bench.intake, "violations": violations,
    }  # fmt: skip
