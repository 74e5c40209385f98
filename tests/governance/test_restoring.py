"""Whatever happened before, a violation that is taken back leaves everything as it was: points, limits, posts, money."""

import random
from datetime import timedelta
from typing import Any

import pytest

from meadow.accounts import queries as accounts
from meadow.accounts import services as people
from meadow.governance import queries, services
from meadow.governance.models import Violation
from meadow.governance.rules import points
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.ledger import services as ledger_services

pytestmark = pytest.mark.django_db
POSTS = [("content.recommendation", number) for number in range(1, 6)]


def _mei() -> tuple[int, tuple[str, int]]:
    person = people.add_person(email="mei@example.com", name="Mei")
    applied = people.apply_as_creator(person_id=person.pk, name="Mei")
    return person.pk, ("accounts.creator", people.approve_creator(creator_id=applied.pk, by=SYSTEM).pk)


def _earn(party: tuple[str, int], minor: int, key: str) -> None:
    ledger_services.post(
        key=key, cause=("test", 1), kind="test",
        transfers=[ledger_services.Transfer("psp:sandbox", f"creator:{party[1]}:available", Money(minor, "CNY"))],
    )  # fmt: skip


def _state(person_id: int, party: tuple[str, int]) -> dict[str, Any]:
    """Everything that a sanction can touch."""
    return {
        "points": queries.points_of(*party),
        "standing": accounts.creator(party[1]).state,
        "limits": sorted((limit.what, str(limit.until), limit.held) for limit in queries.limits_on(person_id)),
        "posts": [queries.is_suspended(*post) for post in POSTS],
        "free": ledger.available(f"creator:{party[1]}:available", "CNY"),
    }


def _violate(party: tuple[str, int], dice: random.Random) -> Violation:
    made = services.record_violation(
        party=party, kind=dice.choice(sorted(points.CURRENT.offences)), severity=dice.choice(points.SEVERITIES),
        reason="by chance", items=dice.sample(POSTS, dice.randrange(3)), by=SYSTEM,
    )  # fmt: skip
    outbox.drain_all()
    return made


def _reverse(violation: Violation) -> None:
    services.reverse_decision(decision_id=violation.pk, reason="mistaken", by=SYSTEM)
    outbox.drain_all()


@pytest.mark.parametrize("seed", range(3))
def test_g3_3_a_sanction_and_its_reversal_leave_a_random_history_exactly_as_it_was(seed: int) -> None:
    dice = random.Random(seed)
    person_id, mei = _mei()
    _earn(mei, 50_000, "first")
    standing: list[Violation] = []
    for step in range(5):
        for _ in range(dice.randrange(1, 3)):
            standing.append(_violate(mei, dice))
        if dice.random() < 0.5:
            _reverse(standing.pop(dice.randrange(len(standing))))
        sweeps.advance(clock.now() + timedelta(hours=dice.randrange(1, 400)))
        _earn(mei, dice.randrange(1, 9_000), f"earned {step}")
        with clock.at(clock.now()):
            before = _state(person_id, mei)
            mistakes = [_violate(mei, dice) for _ in range(dice.randrange(1, 4))]
            dice.shuffle(mistakes)
            for mistake in mistakes:
                _reverse(mistake)
            assert _state(person_id, mei) == before, step
    assert queries.replay().is_identical
