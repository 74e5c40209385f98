"""Does the page of measurements keep the figures of groups that a run did not measure?"""

from pathlib import Path
from typing import Any

from bench import report


def measured(group: str, path: str) -> dict[str, Any]:
    row = {
        "group": group, "path": path, "size": 500, "unit": "orders", "statements": 9, "limit_per_second": 1000.0,
        "per_second": 250.0, "share": 0.25, "share_min": 0.2, "share_max": 0.3, "server_cpu_us": 80, "database_cpu_us": 40,
        "p99_ms": 3.5, "errors": 0,
    }  # fmt: skip
    return {
        "groups": [group], "rounds": 3, "seconds": 2.0, "machine": {"cores": 2}, "results": [row], "others": [],
        "intake": [{"size": 500, "per_second": 2100, "p99_ms": 6.25, "lost": 0}], "violations": {"books": 0},
    }  # fmt: skip


def test_a_group_measured_later_joins_those_measured_before(tmp_path: Path) -> None:
    page, kept = tmp_path / "benchmarks.md", tmp_path / "measured.json"
    report.write(measured("money", "settle"), page, kept)
    report.write(measured("tokens", "landing + click"), page, kept)
    text = page.read_text("utf-8")
    assert "| settle | 500 | 250 orders | 1,000 | 0.25 (0.20 to 0.30) | 9 | 80 | 40 | 3.5 |" in text
    assert "| landing + click | 500 | 250 orders |" in text
    assert text.count("2,100 clicks a second, p99 of the landings 6.2 ms, 0 clicks lost") == 1
    assert text.count("no invariant was violated") == 2
