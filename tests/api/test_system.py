"""Can a machine move the clock of a sandbox, count invariants, see dead letters and read who did what?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.api.client import Api

from meadow.kernel import heartbeats

pytestmark = pytest.mark.django_db


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_clock_is_advanced_by_the_operator_only(otto: Api, ada: Api) -> None:
    before = _moment(ada.get("clock").json["now"])
    assert ada.post("clock/advance", {"by_seconds": 60}).code == "scope_missing"
    after = otto.post("clock/advance", {"by_seconds": 864_000})
    assert after.status == 200
    assert _moment(after.json["now"]) - before >= timedelta(days=10)


@pytest.mark.parametrize(
    "body", [{}, {"to": "2026-12-02T08:00:00"}, {"to": "2999-01-01T00:00:00Z", "by_seconds": 1}, {"by_seconds": -1}]
)
def test_advance_wants_one_honest_moment(otto: Api, body: dict[str, Any]) -> None:
    assert otto.post("clock/advance", body).code == "malformed"


def test_clock_never_goes_back(otto: Api) -> None:
    assert otto.post("clock/advance", {"to": "2001-01-01T00:00:00Z"}).code == "malformed"


def test_clock_stands_outside_a_sandbox(otto: Api, settings: Any) -> None:
    settings.MEADOW = replace(settings.MEADOW, test_clock=False)
    reply = otto.post("clock/advance", {"by_seconds": 1})
    assert (reply.status, reply.code) == (409, "clock_fixed")


def test_invariants_of_an_empty_house_are_zero(otto: Api) -> None:
    reply = otto.post("invariants/run").json
    assert reply["is_sound"] is True
    assert set(reply["violations"].values()) <= {0}


def test_d3_8_and_d1_8_a_monitor_reads_invariants_and_overdue_reviews_and_nobody_else_does(
    otto: Api, ada: Api, anyone: Api
) -> None:
    from meadow.config import worker

    assert "meadow_invariants_checked_timestamp_seconds 0" in otto.get("metrics").body.decode()
    worker._check()
    made = otto.post("me/keys", {"name": "prometheus", "scopes": ["watch"]})
    assert made.status == 201, made.body
    monitor = Api(made.json["secret"])
    reply = monitor.get("metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    values = dict(line.rsplit(" ", 1) for line in reply.body.decode().splitlines() if not line.startswith("#"))
    assert values['meadow_invariant_violations{invariant="trade_escrow_is_what_was_not_released"}'] == "0"
    assert values["meadow_invariants_violated"] == values["meadow_merchant_reviews_overdue"] == "0"
    assert int(values["meadow_invariants_checked_timestamp_seconds"]) > 0
    heartbeats.beat("invariants", note={"trade_escrow_is_what_was_not_released": 2, "others": 1})
    assert "meadow_invariants_violated 3" in monitor.get("metrics").body.decode()
    assert monitor.post("invariants/run").code == "scope_missing"
    assert (anyone.get("metrics").status, ada.get("metrics").code) == (401, "scope_missing")
    assert ada.post("me/keys", {"name": "k", "scopes": ["watch"]}).status == 403


def test_dead_letter_is_seen_and_replayed(otto: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from meadow.kernel import clock
    from meadow.kernel.models import DeadLetter, OutboxEvent

    now = clock.now()
    letter = DeadLetter.objects.create(
        subject="person:1", kind="PersonJoined", body={"person_id": 1}, occurred_at=now, died_at=now, error="boom"
    )
    assert otto.get("outbox/dead-letters").json[0]["error"] == "boom"
    assert otto.post(f"outbox/dead-letters/{letter.pk}/replay").status == 204
    assert otto.get("outbox/dead-letters").json == []
    assert OutboxEvent.objects.filter(kind="PersonJoined", body={"person_id": 1}).exists()
    assert otto.post(f"outbox/dead-letters/{letter.pk}/replay").code == "not_found"
    assert otto.post("outbox/dead-letters/99999999999999999999/replay").code == "not_found"


def test_audit_goes_on_by_a_signed_cursor(otto: Api) -> None:
    for n in range(5):
        otto.post("me/keys", {"name": f"k{n}", "scopes": ["share"]})
    first = otto.get("audit?limit=2&subject_kind=accounts.key")
    assert [entry["verb"] for entry in first.json["items"]] == ["create_api_key"] * 2
    assert first.headers["link"].endswith('rel="next"')
    second = otto.get(f"audit?limit=2&subject_kind=accounts.key&cursor={first.json['next_cursor']}").json
    assert second["items"][0]["at"] <= first.json["items"][-1]["at"]
    assert otto.get("audit?cursor=forged").code == "malformed"
    assert otto.get("audit?limit=1000").code == "malformed"
    assert otto.get("audit?limit=%00").code == "malformed"


def test_no_list_ends_because_a_context_gives_fewer_than_asked() -> None:
    from meadow.api.limits import PAGE_SIZE_MOST
    from meadow.catalog.queries import LIMITS as CATALOG
    from meadow.trade.queries import LIMITS as TRADE

    assert TRADE["page"] > PAGE_SIZE_MOST
    assert CATALOG["page_size"] >= PAGE_SIZE_MOST
