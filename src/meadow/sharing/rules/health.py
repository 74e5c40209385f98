"""Whether a channel brings far less than on such a weekday at such an hour: a forecast, and a judgement of the last hour.

Counts come in slots of ten minutes.  What is expected of a window is what the same window of each past week brought,
scaled by how the week before it compares with the week before today's.  A weekend is thus compared with weekends, and
growth is not taken for luck.  A drop is told only where chance does not explain it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import sqrt
from statistics import fmean, pvariance

SLOT_MINUTES = 10
HOUR = 60 // SLOT_MINUTES
WEEK = 7 * 24 * HOUR
WEEKS = 6
LEAST_WEEKS = 2
WINDOWS = (HOUR // 2, HOUR)  # looked at in turn: a sharp drop of a busy channel shows within half an hour
HISTORY_SLOTS = (WEEKS + 1) * WEEK + 2 * HOUR

DROP_TO = 0.4  # of what was expected: less than this is a drop
DEVIATIONS = 3.5
LEAST_EXPECTED = 12.0
LEAST_LEVEL = 50  # a week with less than this says nothing about an hour
_UNSTEADY = 0.1  # no channel is steadier than this, whatever the past says


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a window should bring, and by how much that may be wrong for no reason."""

    expected: float
    spread: float


@dataclass(frozen=True, slots=True)
class Drop:
    """A window that brought far too little."""

    window_minutes: int
    expected: int
    observed: int


class Series:
    """The counts of one channel, slot by slot, with sums of any stretch at hand."""

    def __init__(self, counts: Sequence[int]) -> None:
        self._sums = [0, *accumulate(counts)]
        self.first = next((n for n, count in enumerate(counts) if count), len(counts))

    def __len__(self) -> int:
        return len(self._sums) - 1

    def between(self, start: int, end: int) -> int:
        last = len(self._sums) - 1
        return self._sums[min(max(end, 0), last)] - self._sums[min(max(start, 0), last)]


def series_of(by_slot: Mapping[int, int], end: int, slots: int = HISTORY_SLOTS) -> Series:
    """The series of so many slots before `end`, from counts by slot number."""
    return Series([by_slot.get(slot, 0) for slot in range(end - slots, end)])


def forecast(series: Series, start: int, end: int) -> Forecast | None:
    """What the slots [start, end) should bring; None while too little is known of the channel."""
    level = series.between(start - WEEK, start)
    if level < LEAST_LEVEL:
        return None
    expected = []
    for weeks in range(1, WEEKS + 1):
        then_start, then_end = start - weeks * WEEK, end - weeks * WEEK
        level_then = series.between(then_start - WEEK, then_start)
        # The week before must be known too, or its level is not one.
        if then_start - WEEK < series.first - HOUR or level_then < LEAST_LEVEL:
            break
        expected.append(series.between(then_start, then_end) * level / level_then)
    if len(expected) < LEAST_WEEKS:
        return None
    mean = fmean(expected)
    return Forecast(mean, sqrt(mean + pvariance(expected) + (_UNSTEADY * mean) ** 2))


def drop(series: Series, now: int, others: Series | None = None) -> Drop | None:
    """The drop that the last slots before `now` show, if they show one.

    `others` are all other channels together: what they lost as well is not this channel's doing.
    """
    for window in WINDOWS:
        seen = forecast(series, now - window, now)
        if seen is None:
            continue
        share = _share_of_others(others, now - window, now)
        expected, observed = seen.expected * share, series.between(now - window, now)
        if expected < LEAST_EXPECTED or observed > DROP_TO * expected:
            continue
        if expected - observed >= DEVIATIONS * seen.spread:
            return Drop(window * SLOT_MINUTES, round(expected), observed)
    return None


def _share_of_others(others: Series | None, start: int, end: int) -> float:
    """How much of what was expected the other channels brought; 1 if they tell nothing."""
    if others is None:
        return 1.0
    seen = forecast(others, start, end)
    if seen is None or seen.expected < LEAST_EXPECTED:
        return 1.0
    return min(1.0, max(0.05, others.between(start, end) / seen.expected))
