"""How fast are share tokens: landings with their clicks among few and many tokens, and whether every click is stored."""

import json
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measure import REFERENCE, Pgbench, Slice
from bench.run import CLIENTS, NAVIGATION, Bench, get

PRODUCTS_MOST = 10_000
CREATORS = 100
HOT = 5_000  # tokens asked for again and again
COLD = 200_000  # tokens asked for once each
STEP = 36_028_797  # numbers of the stored tokens are multiples of it, modulo a prime below 2^55

# Every index is built after the rows, and no reference is looked up row by row, since all are taken from what stands there:
# ten million tokens take two minutes.  What stands in the end is the same.
FILL = """
SET synchronous_commit = off;
SET maintenance_work_mem = '1GB';
SET session_replication_role = replica;
CREATE TEMP TABLE built AS
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS away,
    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS back
FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype IN ('p', 'u')
UNION ALL
SELECT format('DROP INDEX %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid) FROM pg_index i
WHERE i.indrelid = '{table}'::regclass AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid);
SELECT away FROM built \\gexec
{rows};
SELECT back FROM built \\gexec
DROP TABLE built;
RESET session_replication_role;
VACUUM ANALYZE {table};
"""
# One token for each pair of creator and product is all that the unique index allows: more pairs by a made-up post.
TOKENS = """
INSERT INTO sharing_sharetoken (public_id, number, target_kind, target_id, life_days, state, created_at, expires_at,
    creator_id, product_id, shop_id)
SELECT 'tok_' || lpad(n::text, 20, '0'), n * {step}::bigint % 36028797018963967, 'bench.post', n, 60, 'active',
    now(), now() + interval '60 days', c.first + n / {products} % {creators}, p.id, p.shop_id
FROM generate_series({first}::bigint, {last}::bigint) n
CROSS JOIN (SELECT min(id) AS first FROM accounts_creator) c
JOIN catalog_product p ON p.id = (SELECT min(id) FROM catalog_product) + n % {products}
"""


def fill(bench: Bench, tokens: int) -> None:
    """So many tokens of at most ten thousand products, in bulk."""
    products = min(tokens, PRODUCTS_MOST)
    bench.python("bench.fill", str(products), "1")
    have = int(_psql(bench, "SELECT count(*) FROM sharing_sharetoken").strip())
    if have < tokens:
        rows = TOKENS.format(step=STEP, products=products, creators=CREATORS, first=have + 1, last=tokens)
        _psql(bench, FILL.format(table="sharing_sharetoken", rows=rows))


def codes(bench: Bench, tokens: int, most: int, offset: int = 0) -> list[str]:
    """Codes of stored tokens, spread evenly over all there are."""
    from meadow.sharing.rules.codec import code_of

    step = max(1, tokens // most)
    return [code_of(n * STEP % 36028797018963967) for n in range(1 + offset % step, tokens + 1, step)][:most]


class _Waiting:
    """One keep-alive connection with a request under way."""

    __slots__ = ("got", "sent", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got, self.sent = b"", 0.0

    def send(self, request: bytes) -> None:
        self.got, self.sent = b"", time.perf_counter()
        self.socket.sendall(request)


def drive(port: int, requests: list[bytes], *, seconds: float, clients: int, start: int) -> dict[str, Any]:
    """Connections served by one loop that does as little as it can, since the load shares the cores."""
    took, good, errors, turn, total = list[float](), 0, 0, start, len(requests)
    poll, open_ones = select.epoll(), dict[int, _Waiting]()
    began = time.perf_counter()
    deadline = began + seconds
    for _ in range(clients):
        made = _Waiting(port)
        open_ones[made.socket.fileno()] = made
        poll.register(made.socket.fileno(), select.EPOLLIN)
        made.send(requests[turn % total])
        turn += 1
    while open_ones:
        events = poll.poll(30)
        if not events:
            raise ConnectionError("the server answers no more")
        for number, _ in events:
            each = open_ones[number]
            chunk = each.socket.recv(65536)
            if not chunk:
                raise ConnectionError("the server closed the connection")
            each.got += chunk
            if not _is_whole(each.got):
                continue
            now = time.perf_counter()
            took.append(now - each.sent)
            if each.got[9:12] < b"400":
                good += 1
            else:
                errors += 1
            if now < deadline:
                each.send(requests[turn % total])
                turn += 1
            else:
                poll.unregister(number)
                open_ones.pop(number).socket.close()
    took.sort()
    return {
        "done": good, "errors": errors, "seconds": time.perf_counter() - began, "next": turn,
        "p50_ms": took[len(took) // 2] * 1000, "p99_ms": took[int(len(took) * 0.99)] * 1000,
    }  # fmt: skip


_LENGTH = b"content-length: "


def _is_whole(answer: bytes) -> bool:
    end = answer.find(b"\r\n\r\n")
    at = answer.find(_LENGTH, 0, end) if end > 0 else -1
    return at > 0 and len(answer) >= end + 4 + int(answer[at + len(_LENGTH) : answer.find(b"\r", at)])


def landings(bench: Bench, name: str, wanted: list[str]) -> Callable[[float], Slice]:
    """A slice of landings over HTTP, the load in a process of its own."""
    path = bench.folder / f"{name}.requests"
    requests = [get(f"/api/v1/landings/{code}", NAVIGATION) for code in wanted]
    path.write_text("\n".join(json.dumps(request) for request in requests), encoding="utf-8")

    def slice_of(seconds: float) -> Slice:
        start = bench.cursors.get(name, 0)
        with bench.watch() as watch:
            answer = bench.python("bench.sharing", str(bench.instance.port), str(seconds), str(start), str(path))
        bench.cursors[name] = answer["next"]
        return Slice(
            answer["done"], answer["seconds"], watch.server_cpu, watch.database_cpu, answer["errors"], answer["p99_ms"]
        )

    return slice_of


def warm(slice_of: Callable[[float], Slice], requests: int) -> None:
    """Asks until each process has had each token, so that what is measured is the state after the first seconds."""
    done = 0
    while done < requests:
        done += slice_of(2.0).done


def limit_of(bench: Bench, tokens: int, binaries: Path) -> Callable[[float], float]:
    """A resolve and a hundredth of a hundred-row insert of clicks, as the budget states it, on as many fixed rows."""
    _psql(bench, (REFERENCE / "schema.sql").read_text("utf-8"))
    _psql(bench, "SET search_path = ref, public; " + FILL.format(table="token", rows=_reference_rows(tokens)))
    pgbench = Pgbench(binaries / "pgbench", bench.instance.dsn, {"tokens": tokens, "products": 1}, CLIENTS)

    def limit(seconds: float) -> float:
        both = pgbench.run("resolve", seconds), pgbench.run("clicks", max(1.0, seconds / 2))
        return 1 / (1 / both[0] + 0.01 / both[1])

    return limit


def _reference_rows(tokens: int) -> str:
    """The tokens of bench/reference/fill.sql and nothing else of it."""
    wanted = next(part for part in (REFERENCE / "fill.sql").read_text("utf-8").split(";") if "INTO token" in part)
    return wanted.replace(":tokens", str(tokens))


def intake(bench: Bench, wanted: list[str], seconds: float) -> dict[str, Any]:
    """Landings that are clicks at once, as fast as they come: their p99, and whether every click was stored."""
    time.sleep(2)  # what came before is written
    before = int(_psql(bench, "SELECT count(*) FROM sharing_click").strip())
    seen = landings(bench, "intake", wanted)(seconds)
    time.sleep(2)  # the writers' last batches
    stored = int(_psql(bench, "SELECT count(*) FROM sharing_click").strip()) - before
    bench.say(
        f"click intake: {seen.per_second:,.0f}/s with the landings, p99 {seen.p99_ms} ms, {stored:,} of {seen.done:,} stored"
    )
    return {
        "path": "click intake",
        "per_second": round(seen.per_second),
        "p99_ms": seen.p99_ms,
        "lost": seen.done - stored,
    }


def _psql(bench: Bench, text: str) -> str:
    from meadow.config.postgres import seat

    command = [str(seat.embedded_binaries() / "psql"), "-qtA", "-v", "ON_ERROR_STOP=1", bench.instance.dsn]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"psql failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def measure(bench: Bench, size: int, binaries: Path) -> None:
    """Landings with their clicks among so many stored tokens: the same 5,000 again and again, and each once."""
    bench.say(f"filling {size:,} tokens")
    fill(bench, size)
    limit = limit_of(bench, size, binaries)
    hot, cold = codes(bench, size, HOT), codes(bench, size, COLD, offset=7)
    warm(landings(bench, f"warm{size}", hot), 10 * HOT)
    bench.measure("landing + click", size, 1, limit, landings(bench, f"hot{size}", hot))
    bench.measure("landing + click, each token once", size, 1, limit, landings(bench, f"cold{size}", cold))
    bench.intake.append({"size": size, **intake(bench, hot, max(4.0, bench.seconds))})


def main() -> None:
    """The load in a process of its own: PORT SECONDS START FILE."""
    port, span, start, path = sys.argv[1:]
    requests = [json.loads(line).encode() for line in Path(path).read_text("utf-8").splitlines()]
    sys.stdout.write(json.dumps(drive(int(port), requests, seconds=float(span), clients=CLIENTS, start=int(start))))


if __name__ == "__main__":
    main()
