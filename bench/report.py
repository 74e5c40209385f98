"""How measured figures become docs/benchmarks.md."""

import platform
from typing import Any

HEAD = """# Benchmarks

Every figure is a share of a limit taken in the same run on the same machine: pgbench with prepared statements on the fixed
statements of `bench/reference/`, over the same socket to the same PostgreSQL, with the same number of clients. Limit and
subject alternate in slices of {seconds:g} seconds, {rounds} rounds after a warm-up; the share is the median of the pairs, its range in
brackets. Load generator, database and server share {cores} cores; `fsync` is on; two web processes of three threads.
Absolute numbers from a shared machine say little, the shares are what to compare.

Made with `./meadow bench --write` on {system}, Python {python}. Token resolve, list and place go over HTTP; settle and outbox run in
one process, as the worker runs them. Statements leave out transaction control. After the load, every invariant was checked:
{violations}.

| path | stored | per second | limit per second | share of the limit | SQL statements | server CPU, us | database CPU, us | p99, ms |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def page(measured: dict[str, Any]) -> str:
    """The whole page."""
    violated = sum(measured["violations"].values())
    head = HEAD.format(
        seconds=measured["seconds"], rounds=measured["rounds"], cores=measured["machine"]["cores"],
        system=platform.system(), python=platform.python_version(),
        violations="none was violated" if not violated else f"{violated} violations",
    )  # fmt: skip
    rows = [
        f"| {r['path']} | {r['size']:,} | {r['per_second']:,.0f} {r['unit']} | {r['limit_per_second']:,.0f} "
        f"| {r['share']:.2f} ({r['share_min']:.2f} to {r['share_max']:.2f}) | {r['statements']} "
        f"| {r['server_cpu_us']:,} | {r['database_cpu_us']:,} | {r['p99_ms']:.1f} |"
        for r in measured["results"]
    ]
    return head + "\n".join(rows) + "\n" + NOTES + _others(measured.get("others", []))


OTHERS = """
## Rules and texts

Fifty fixed rules (`bench/reference/rules.json`), events and posts from fixed seeds. What runs in one process is counted by its
CPU time, per core; where no statement is the limit, it is the least that Python itself must do for the same, measured in turn.

| path | per second | bar | limit per second | share of the limit | p99, ms |
| --- | --- | --- | --- | --- | --- |
"""


def _others(rows: list[dict[str, Any]]) -> str:
    """The table of what is measured once."""
    if not rows:
        return ""
    lines = []
    for row in rows:
        bar = f"{row['bar_per_second']:,}" if "bar_per_second" in row else ""
        limit = f"{row['limit_per_second']:,.0f} ({row['limit']})" if "share" in row else ""
        share = f"{row['share']:.2f}" if "share" in row else ""
        p99 = (f"{row['p99_ms']:.2f}" if "p99_ms" in row else "") + (
            f" (bar {row['bar_p99_ms']:g})" if "bar_p99_ms" in row else ""
        )
        lines.append(f"| {row['path']} | {row['per_second']:,.0f} {row['unit']} | {bar} | {limit} | {share} | {p99} |")
    return OTHERS + "\n".join(lines) + "\n"


NOTES = """
The limits are those of the statements, not of a program that must also parse, authorise, decide and render. What the program
adds is the rest up to 1. The outbox's limit counts rows of batches of fifty that nobody handles; ours runs their handlers.
"""
