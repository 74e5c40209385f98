"""Standing: a decision suspends, a reversal restores exactly, in any order and however often an event arrives."""

import itertools
from datetime import datetime, timedelta

import pytest

from meadow.accounts import handlers, queries, services, tasks
from meadow.accounts.models import Creator, Merchant, Person, Standing
from meadow.kernel import clock, outbox
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import DecisionMade, DecisionReversed
from meadow.kernel.models import AuditEntry

pytestmark = pytest.mark.django_db
KIND = "accounts.creator"


def _made(decision_id: int, creator: Creator, action: str = "suspend", until: datetime | None = None) -> DecisionMade:
    return DecisionMade(decision_id, KIND, creator.pk, action, "conduct.fraud", 1, until.isoformat() if until else None)


def _undo(decision_id: int, creator: Creator, action: str = "suspend") -> DecisionReversed:
    return DecisionReversed(decision_id, KIND, creator.pk, action)


def _deliver(*events: DecisionMade | DecisionReversed) -> None:
    with atomic():
        outbox.emit(*events)
    outbox.drain_all()


def _state(creator: Creator) -> str:
    return Creator.objects.get(pk=creator.pk).state


def test_a2_3_a_suspended_creator_can_publish_nothing_and_a_reversal_restores_it(creator: Creator) -> None:
    _deliver(_made(1, creator))
    assert _state(creator) == "suspended"
    assert queries.restrictions(KIND, creator.pk) == {"suspended"}
    assert queries.active_creators([creator.pk]) == {}
    with pytest.raises(Refusal, match="creator_suspended"):
        queries.require_creator(creator.person_id)
    _deliver(_undo(1, creator))
    assert queries.require_creator(creator.person_id) == creator
    assert queries.restrictions(KIND, creator.pk) == set()
    assert AuditEntry.objects.filter(verb="carry_out_decision").count() == 2


def test_an_applicant_who_was_suspended_returns_to_being_an_applicant(mei: Person) -> None:
    applied = services.apply_as_creator(person_id=mei.pk, name="Mei")
    _deliver(_made(1, applied))
    assert _state(applied) == "suspended"
    _deliver(_undo(1, applied))
    assert _state(applied) == "applied"


@pytest.mark.parametrize("start", ["applied", "active"])
@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_g2_4_whatever_the_order_of_lifting_the_last_restores_the_first_state(
    mei: Person, start: str, order: tuple[int, ...]
) -> None:
    applied = services.apply_as_creator(person_id=mei.pk, name="Mei")
    Creator.objects.filter(pk=applied.pk).update(state=start)
    for decision in (1, 2, 3):
        _deliver(_made(decision, applied))
    for decision in order:
        assert _state(applied) == "suspended"
        _deliver(_undo(decision, applied))
    assert _state(applied) == start


def test_an_event_that_arrives_twice_changes_nothing(creator: Creator) -> None:
    handlers.on_decision_made([_made(1, creator), _made(1, creator)])
    handlers.on_decision_made([_made(1, creator)])
    assert Standing.objects.count() == 1
    handlers.on_decision_reversed([_undo(1, creator), _undo(1, creator)])
    handlers.on_decision_reversed([_undo(1, creator)])
    assert _state(creator) == "active"


def test_restoring_lifts_all_and_undoing_that_lays_them_again(creator: Creator) -> None:
    _deliver(_made(1, creator), _made(2, creator))
    _deliver(_made(3, creator, "restore"))
    assert _state(creator) == "active"
    _deliver(_undo(3, creator, "restore"))
    assert _state(creator) == "suspended"
    assert Standing.objects.filter(lifted_at__isnull=True).count() == 2
    _deliver(_undo(1, creator))
    assert _state(creator) == "suspended"
    _deliver(_undo(2, creator))
    assert _state(creator) == "active"


def test_a_decision_that_was_reversed_stays_so_when_a_restoring_one_is_undone(creator: Creator) -> None:
    _deliver(_made(1, creator))
    _deliver(_made(2, creator, "restore"))
    _deliver(_undo(1, creator))
    _deliver(_undo(2, creator, "restore"))
    assert _state(creator) == "active"


def test_a_restriction_laid_again_behind_a_newer_one_loses_no_state(creator: Creator) -> None:
    _deliver(_made(1, creator))
    _deliver(_made(2, creator, "restore"))
    _deliver(_made(3, creator))
    _deliver(_undo(2, creator, "restore"))
    _deliver(_undo(3, creator))
    assert _state(creator) == "suspended"
    _deliver(_undo(1, creator))
    assert _state(creator) == "active"


def test_a_suspension_with_an_end_ends_by_itself_at_its_time(creator: Creator) -> None:
    until = clock.now() + timedelta(hours=12)
    _deliver(_made(1, creator, until=until))
    assert tasks.end_restrictions(10, until - timedelta(seconds=1)) == 0
    assert _state(creator) == "suspended"
    assert tasks.end_restrictions(10, until + timedelta(hours=1)) == 1
    assert _state(creator) == "active"
    assert Standing.objects.get().lifted_at == until
    assert tasks.end_restrictions(10, until + timedelta(hours=1)) == 0


def test_a_merchant_is_suspended_and_restored_alike(ada: Person) -> None:
    merchant = services.open_merchant(person_id=ada.pk, name="Ada's Cups")
    _deliver(DecisionMade(7, "accounts.merchant", merchant.pk, "suspend", "conduct.fraud", 1, None))
    assert Merchant.objects.get(pk=merchant.pk).state == "suspended"
    with pytest.raises(Refusal, match="merchant_suspended"):
        queries.require_merchant(merchant.pk)
    _deliver(DecisionReversed(7, "accounts.merchant", merchant.pk, "suspend"))
    assert queries.require_merchant(merchant.pk).state == "active"


def test_decisions_about_others_subjects_are_left_to_them(creator: Creator) -> None:
    _deliver(DecisionMade(1, "catalog.product", creator.pk, "suspend", "conduct.fraud", 1, None))
    _deliver(DecisionMade(2, KIND, 999_999, "suspend", "conduct.fraud", 1, None))
    assert _state(creator) == "active"
    assert not Standing.objects.exists()
