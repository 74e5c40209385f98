"""How measured figures become docs/benchmarks.md: each group keeps its newest run, and the page is made of all of them."""

import json
import platform
from pathlib import Path
from typing import Any

KEPT = Path(__file__).parent / "measured.json"
TITLES = {
    "tokens": "Landings and clicks", "shop": "Lists, orders and events", "money": "Settling, refunds and claims",
}  # fmt: skip
HEAD = """# Benchmarks

Every figure is a share of a limit taken in the same run on the same machine: pgbench with prepared statements on the fixed
statements of `bench/reference/`, over the same socket to the same PostgreSQL, with as many clients as ours has. Limit and
subject alternate in slices after a warm-up; the share is the median of the pairs, its range in brackets. Load generator,
database and server share the cores; `fsync` is on; two web processes of three threads. Absolute numbers from a shared
machine say little, the shares are what to compare.

Made with `./meadow bench --full --write`, which takes about an hour; `./meadow bench` alone measures the same paths with 500
and 50,000 rows stored. Landings, lists and orders go over HTTP; settling, refunds, claims and the outbox run in one process, as the
worker runs them. Statements leave out transaction control.
"""
TABLE = """
| path | stored | per second | limit per second | share of the limit | SQL statements | server CPU, us | database CPU, us | p99, ms |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def write(measured: dict[str, Any], page_at: Path, kept_at: Path) -> None:
    """Keeps the figures of a run by group, and writes the page of all that is kept."""
    kept: dict[str, Any] = json.loads(kept_at.read_text("utf-8")) if kept_at.exists() else {}
    about = {
        "rounds": measured["rounds"], "seconds": measured["seconds"], "cores": measured["machine"]["cores"],
        "system": platform.system(), "python": platform.python_version(),
        "violations": sum(measured["violations"].values()),
    }  # fmt: skip
    for group in measured["groups"]:
        if group == "rules":
            kept[group] = {**about, "results": measured["others"]}
        else:
            results = [result for result in measured["results"] if result["group"] == group]
            kept[group] = {**about, "results": results, "intake": measured["intake"] if group == "tokens" else []}
    kept_at.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", "utf-8")
    page_at.write_text(page(kept), "utf-8")


def page(kept: dict[str, Any]) -> str:
    """The whole page."""
    parts = [HEAD]
    for group, title in TITLES.items():
        if group in kept:
            parts += [
                f"\n## {title}\n\n{_about(kept[group])}\n",
                TABLE,
                _rows(kept[group]["results"]),
                _intake(kept[group]),
            ]
    parts += [NOTES, _others(kept.get("rules", {}))]
    return "".join(parts)


def _about(run: dict[str, Any]) -> str:
    checked = "no invariant was violated" if not run["violations"] else f"{run['violations']} violations of invariants"
    return (
        f"{run['rounds']} rounds of {run['seconds']:g} s on {run['cores']} cores, {run['system']}, Python {run['python']}; "
        f"after the load {checked}."
    )


def _rows(results: list[dict[str, Any]]) -> str:
    return "".join(
        f"| {r['path']} | {r['size']:,} | {r['per_second']:,.0f} {r['unit']} | {r['limit_per_second']:,.0f} "
        f"| {r['share']:.2f} ({r['share_min']:.2f} to {r['share_max']:.2f}) | {r['statements']} "
        f"| {r['server_cpu_us']:,} | {r['database_cpu_us']:,} | {r['p99_ms']:.1f} |\n"
        for r in results
    )


def _intake(run: dict[str, Any]) -> str:
    return "".join(
        f"\nEvery landing a click, {each['size']:,} tokens stored: {each['per_second']:,} clicks a second, p99 of the "
        f"landings {each['p99_ms']:.1f} ms, {each['lost']:,} clicks lost.\n"
        for each in run.get("intake", [])
    )


OTHERS = """
## Rules and texts

Fifty fixed rules (`bench/reference/rules.json`), events and posts from fixed seeds. What runs in one process is counted by its
CPU time, per core; where no statement is the limit, it is the least that Python itself must do for the same, measured in turn.

| path | per second | bar | limit per second | share of the limit | p99, ms |
| --- | --- | --- | --- | --- | --- |
"""


def _others(run: dict[str, Any]) -> str:
    """The table of what is measured once."""
    rows = run.get("results", [])
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
        best = f" (best slice {row['best_per_second']:,.0f})" if "best_per_second" in row else ""
        lines.append(
            f"| {row['path']} | {row['per_second']:,.0f} {row['unit']}{best} | {bar} | {limit} | {share} | {p99} |"
        )
    return OTHERS + "\n".join(lines) + "\n"


NOTES = """
The limits are those of the statements, not of a program that must also parse, authorise, decide and render. What the program
adds is the rest up to 1. The outbox's limit counts rows of batches of fifty that nobody handles; ours runs their handlers.
"""
