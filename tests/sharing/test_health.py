"""Is a blocked channel told within the hour, and a weekend not at all?"""

import random
from itertools import accumulate

import pytest

from meadow.sharing.rules import health
from meadow.sharing.rules.health import HOUR, WEEK, Series

WEEKEND = 0.35


def curve(slot: int) -> float:
    """How busy a slot is: quiet nights, a long evening, half-empty weekends."""
    hour, day = slot // HOUR % 24, slot // (24 * HOUR) % 7
    of_day = [1, 1, 1, 1, 2, 3, 6, 9, 11, 12, 13, 14, 14, 12, 11, 11, 12, 13, 15, 18, 20, 18, 9, 3][hour] / 10
    return of_day * (WEEKEND if day >= 5 else 1.0)


def simulated(per_slot: float, weeks: int, seed: int, growth: float = 0.0) -> list[int]:
    """Counts with chance in them: as many as fall by accident, on days that are better or worse than others."""
    chance = random.Random(seed)
    days = [chance.gauss(1.0, 0.08) for _ in range(weeks * 7 + 1)]
    return [
        _poisson(chance, per_slot * curve(slot) * days[slot // (24 * HOUR)] * (1 + growth) ** (slot / WEEK))
        for slot in range(weeks * WEEK)
    ]


def _poisson(chance: random.Random, mean: float) -> int:
    if mean > 60:
        return max(0, round(chance.gauss(mean, mean**0.5)))
    limit, product, count = 2.718281828459045**-mean, chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


def judged(counts: list[int], now: int, others: list[int] | None = None) -> health.Drop | None:
    start = max(0, now - health.HISTORY_SLOTS)
    other = Series(others[start:now]) if others else None
    return health.drop(Series(counts[start:now]), now - start, other)


@pytest.mark.parametrize(("per_slot", "seed", "growth"), [(20, 1, 0.0), (20, 2, 0.15), (150, 3, 0.0), (6, 4, -0.1)])
def test_c6_2_weekends_nights_and_growth_alone_raise_nothing(per_slot, seed, growth):
    counts = simulated(per_slot, 9, seed, growth)
    told = [now for now in range(7 * WEEK, 9 * WEEK, 2) if judged(counts, now)]
    assert told == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("day", "hour"), [(1, 10), (3, 20), (4, 15), (5, 12), (6, 20)])
def test_c6_2_an_eighty_per_cent_drop_is_told_within_the_hour_on_any_day(seed, day, hour):
    counts = simulated(40, 8, seed)
    begins = 7 * WEEK + day * 24 * HOUR + hour * HOUR + seed  # in the middle of an hour, too
    chance = random.Random(seed)
    for slot in range(begins, begins + 2 * HOUR):
        counts[slot] = sum(chance.random() < 0.2 for _ in range(counts[slot]))
    assert judged(counts, begins) is None
    told = next(now for now in range(begins, begins + 2 * HOUR) if judged(counts, now))
    assert told - begins <= HOUR
    seen = judged(counts, told)
    assert seen.observed < 0.4 * seen.expected


def test_c6_2_without_seasons_the_weekend_would_have_been_told():
    """The test bites: the same counts against a flat forecast look like a drop every Saturday."""
    counts = simulated(20, 9, 5)
    friday, saturday = 8 * WEEK + 4 * 24 * HOUR, 8 * WEEK + 5 * 24 * HOUR
    evening = slice(20 * HOUR, 21 * HOUR)
    assert sum(counts[saturday:][evening]) < health.DROP_TO * 1.1 * sum(counts[friday:][evening])
    assert judged(counts, saturday + 21 * HOUR) is None


def test_a_drop_that_all_channels_share_is_not_one_channels_block():
    counts, others = simulated(40, 8, 6), simulated(90, 8, 7)
    begins = 7 * WEEK + 20 * HOUR
    for slot in range(begins, begins + HOUR):
        counts[slot] //= 10
    assert judged(counts, begins + HOUR, others)
    for slot in range(begins, begins + HOUR):
        others[slot] //= 10
    assert judged(counts, begins + HOUR, others) is None


def test_a_channel_that_is_new_or_hardly_used_has_no_forecast():
    busy = simulated(40, 8, 8)
    assert health.forecast(Series(busy[: 2 * WEEK]), 2 * WEEK - HOUR, 2 * WEEK) is None
    quiet = [0] * (8 * WEEK)
    assert health.drop(Series(quiet), len(quiet)) is None
    late = [0] * (6 * WEEK) + busy[: 2 * WEEK]
    assert health.forecast(Series(late), len(late) - HOUR, len(late)) is None


def test_sums_of_any_stretch_are_right():
    counts = [random.Random(1).randrange(9) for _ in range(100)]
    series, sums = Series(counts), [0, *accumulate(counts)]
    assert [series.between(n, n + 7) for n in range(90)] == [sums[n + 7] - sums[n] for n in range(90)]
    assert series.between(-5, 3) == sum(counts[:3])
    assert series.between(98, 200) == sum(counts[98:])
    made = health.series_of({3: 5, 4: 2, 99: 9}, end=5, slots=4)
    assert (len(made), made.between(0, 4)) == (4, 7)
