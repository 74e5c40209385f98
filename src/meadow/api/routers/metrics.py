"""The operation that tells a monitor how sound the installation is: numbers in Prometheus' text format."""

import re
from collections.abc import Iterator
from datetime import datetime

from django.http import HttpRequest, HttpResponse

from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.kernel import heartbeats, outbox
from meadow.payments import queries as payments

group = Group("system")
TEXT = "text/plain; version=0.0.4; charset=utf-8"
_UNFIT = re.compile(r"[^A-Za-z0-9_.:-]")


@group.get("/metrics", scope=("watch", "operate"), media_type="text/plain", refuses=["forbidden"])
def get_metrics(request: HttpRequest) -> HttpResponse:
    """Violations of every invariant at the last check, the outbox, reviews against their clock and processes' last signs
    of life, for Prometheus; a key with the scope watch reads this and nothing else."""
    caller_of(request).operator()
    return HttpResponse("".join(f"{line}\n" for line in _lines()), content_type=TEXT)


def _lines() -> Iterator[str]:
    seen = heartbeats.seen()
    at, found = seen.get("invariants", (None, {}))
    yield from _head("meadow_invariant_violations", "gauge", "Violations at the last check; every one must be 0.")
    for name, violations in sorted(found.items()):
        yield f'meadow_invariant_violations{{invariant="{_UNFIT.sub("_", name)}"}} {int(violations)}'
    yield from _one("meadow_invariants_violated", "All violations together; must be 0.", sum(found.values()))
    yield from _one("meadow_invariants_checked_timestamp_seconds", "When they were checked last; 0 is never.", _at(at))
    for name, value in outbox.lag().items():
        yield from _one(f"meadow_outbox_{name}", "Events that wait for their handlers.", value)
    reviews = payments.review_statistics()
    yield from _one(
        "meadow_merchant_reviews_waiting", "Merchants' applications that wait for a person.", reviews.waiting
    )
    yield from _one("meadow_merchant_reviews_overdue", "Of these, past their time; must be 0.", reviews.overdue)
    yield from _head("meadow_process_seen_timestamp_seconds", "gauge", "When a process last said that it is alive.")
    for name, (seen_at, _note) in sorted(seen.items()):
        if name != "invariants":
            yield f'meadow_process_seen_timestamp_seconds{{process="{_UNFIT.sub("_", name)}"}} {_at(seen_at)}'


def _head(name: str, kind: str, words: str) -> Iterator[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} {kind}"


def _one(name: str, words: str, value: int) -> Iterator[str]:
    yield from _head(name, "gauge", words)
    yield f"{name} {int(value)}"


def _at(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0
