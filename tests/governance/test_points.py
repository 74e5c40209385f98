"""Points and sanctions as pure functions of the log: decaying, graded, and as if a reversed violation had never been."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meadow.governance.rules import points
from meadow.governance.rules.points import CURRENT, Entry, limits_in_force, points_milli, sanctions_due, standing_milli
from meadow.governance.rules.rulebook import GLOBAL

T0 = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def _entry(number: int, kind: str = "spam", severity: str = "serious", day: float = 0, **more: bool) -> Entry:
    return Entry(number, kind, severity, T0 + day * DAY, **more)


def test_g3_1_points_go_by_kind_and_severity_and_decay_in_a_straight_line() -> None:
    spam = _entry(1)
    assert [points_milli(spam, T0 + days * DAY) for days in (0, 45, 89, 90, 400)] == [4000, 2000, 44, 0, 0]
    assert points_milli(_entry(1, "goods", "grave"), T0) == 24000
    assert points_milli(_entry(1, "goods", "grave"), T0 + 365 * DAY) == 0
    assert points_milli(spam, T0 - DAY) == 4000
    assert standing_milli([spam, _entry(2, day=45), _entry(3, is_reversed=True)], T0 + 45 * DAY) == 6000


def test_every_kind_of_violation_costs_more_the_worse_it_is_and_cites_a_shipped_rule() -> None:
    shipped = {rule.rule_id for rule in GLOBAL}
    for kind, offence in CURRENT.offences.items():
        costs = [offence.points[severity] for severity in points.SEVERITIES]
        assert costs == sorted(set(costs)), kind
        assert offence.rule_id in shipped, kind
    steps = [(step.grade, step.at_points) for step in CURRENT.ladder]
    assert steps == sorted(steps)
    # What is extreme goes to the top at once; what is minor limits nothing by itself, but for counterfeits and fraud.
    assert CURRENT.step(48_000) is CURRENT.ladder[-1]
    assert CURRENT.step(2_999) is None
    assert all(step.lasts is not None for step in CURRENT.ladder if step.holds_money), "money is held for a time only"


def test_g3_1_thresholds_lead_to_graded_sanctions_and_repetition_weighs_more() -> None:
    log = [_entry(n, day=n) for n in range(1, 8)]
    assert [due.grade for due in sanctions_due(log)] == [1, 2, 2, 3, 3, 3, 4]
    slow = [_entry(n, day=n * 100) for n in range(1, 8)]  # each has decayed before the next
    assert [due.grade for due in sanctions_due(slow)] == [1] * 7
    first = sanctions_due(log)[0]
    assert (first.limits, first.since, first.until) == (("links",), T0 + DAY, T0 + 8 * DAY)
    force = limits_in_force(sanctions_due(log), T0 + 7 * DAY)
    assert {name: due.violation for name, due in force.items()} == {"links": 7, "message": 7, "post": 7, "payout": 7}
    assert limits_in_force(sanctions_due(log), T0 + 60 * DAY) == {}
    extreme = sanctions_due([_entry(1, "fraud", "extreme")])[0]
    assert (extreme.grade, extreme.until) == (6, None)
    assert "account" in limits_in_force([extreme], T0 + 9999 * DAY)


_logs = st.lists(
    st.tuples(
        st.sampled_from(sorted(CURRENT.offences)), st.sampled_from(points.SEVERITIES), st.integers(0, 300 * 86_400),
        st.booleans(),
    ),
    max_size=25,
)  # fmt: skip


def _log(rows: list[tuple[str, str, int, bool]]) -> list[Entry]:
    """A log in its order: each violation some seconds after the one before."""
    at, entries = T0, []
    for number, (kind, severity, gap, is_reversed) in enumerate(rows, 1):
        at += timedelta(seconds=gap // 20)
        entries.append(Entry(number, kind, severity, at, is_reversed=is_reversed))
    return entries


@settings(max_examples=300, deadline=None)
@given(_logs, st.integers(0, 400))
def test_g3_1_a_reversed_violation_leaves_exactly_what_there_would_be_without_it(
    rows: list[tuple[str, str, int, bool]], day: int
) -> None:
    log, at = _log(rows), T0 + day * DAY
    without = [entry for entry in log if not entry.is_reversed]
    assert standing_milli(log, at) == standing_milli(without, at)
    assert sanctions_due(log) == sanctions_due(without)
    assert limits_in_force(sanctions_due(log), at) == limits_in_force(sanctions_due(without), at)


@settings(max_examples=300, deadline=None)
@given(_logs, st.data())
def test_a_reversal_never_makes_anything_worse_and_points_never_grow_by_waiting(
    rows: list[tuple[str, str, int, bool]], data: st.DataObject
) -> None:
    log = _log(rows)
    before = {due.violation: due for due in sanctions_due(log)}
    if log:
        taken = data.draw(st.integers(0, len(log) - 1))
        log[taken] = Entry(log[taken].id, log[taken].kind, log[taken].severity, log[taken].at, is_reversed=True)
    for due in sanctions_due(log):
        assert due.grade <= before[due.violation].grade
    end = log[-1].at if log else T0
    standings = [standing_milli(log, end + days * DAY) for days in range(0, 400, 40)]
    assert standings == sorted(standings, reverse=True)
    assert standings[-1] >= 0


def test_a_violation_is_judged_by_the_schedule_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    harsher = points.Schedule(
        3, {"spam": points.Offence("conduct.harassment", {"serious": 40}, 90 * DAY)}, CURRENT.ladder
    )  # fmt: skip
    monkeypatch.setitem(points.SCHEDULES, 3, harsher)
    log = [_entry(1), Entry(2, "spam", "serious", T0, schedule=3)]
    assert [points_milli(entry, T0) for entry in log] == [4000, 40000]
    assert [due.grade for due in sanctions_due(log)] == [1, 5]
