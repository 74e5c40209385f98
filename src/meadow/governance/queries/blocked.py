"""Which hosts were blocked and why, as the report that operators export."""

import csv
import io
from datetime import datetime
from typing import Any

from meadow.governance.queries.links import blocked_hosts
from meadow.governance.rules.reasons import REASONS

COLUMNS = ("host", "rule", "version", "code", "why_en", "why_zh", "times", "last")
PUBLIC_FROM = 3
_RISKY = ("=", "+", "-", "@", "\t", "\r")


# Whose pages a host posed as, and where it led, is not told apart in a sum over all who met it.
_NOBODY = ({"partner": "a partner", "target": "another address"}, {"partner": "合作方", "target": "其他地址"})


class _Gaps(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


def blocked_report(limit: int = 1000, *, public: bool = False) -> list[dict[str, Any]]:
    """Each blocked host with its rule, the reason in both languages, how often and when last.

    public: only what several accounts have met, since a host that one person typed tells about that person.
    """
    found = []
    for row in blocked_hosts(limit, PUBLIC_FROM if public else 1):
        reason = REASONS.get(str(row["code"]))
        en, zh = (_Gaps(host=str(row["host"]), **known) for known in _NOBODY)
        found.append(
            {
                "host": row["host"],
                "rule": row["rule_id"],
                "version": row["rule_version"],
                "code": row["code"],
                "why_en": reason.en.format_map(en) if reason else "",
                "why_zh": reason.zh.format_map(zh) if reason else "",
                "times": row["times"],
                "last": row["last"],
            }  # fmt: skip
        )
    return found


def blocked_csv(limit: int = 100_000) -> bytes:
    """The same as a file for a spreadsheet: UTF-8 with a mark, and no cell that it would take for a formula."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in blocked_report(limit):
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    text = str(value)
    return f"'{text}" if text.startswith(_RISKY) else text
