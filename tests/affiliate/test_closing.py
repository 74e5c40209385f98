"""Can a creator leave owing nothing, and is a debt given up only by two people, in one balanced posting?"""

from datetime import timedelta
from typing import Any

import pytest
from tests.trade import bazaar
from tests.trade.bazaar import Goods, at_once

from meadow.affiliate import queries, services
from meadow.content import queries as content
from meadow.content import services as posts
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.payments import services as payments
from meadow.trade.services import LineIn

pytestmark = pytest.mark.django_db


def refused(verb: Any, **given: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        verb(**given)
    return caught.value


@pytest.fixture
def mei() -> Any:
    return bazaar.creator("Mei")


@pytest.fixture
def bowl() -> Goods:
    return bazaar.goods(bazaar.shop())


def sold(mei: Any, bowl: Goods) -> Any:
    return bazaar.paid(LineIn(bowl.sku_id, 1, bazaar.click(mei, bowl)), buyer=bazaar.person())


def withdraw(mei: Any) -> None:
    sweeps.advance(clock.now() + timedelta(days=30))
    payments.withdraw(
        key=f"out-{mei.pk}", party=("creator", mei.pk), amount=Money(1800, "CNY"), by=bazaar.actor(mei.person_id)
    )
    outbox.drain_all()


def indebted(mei: Any, bowl: Goods) -> None:
    """Paid out, and then the buyer got everything back."""
    order = bazaar.settled(sold(mei, bowl))
    withdraw(mei)
    bazaar.refund(bazaar.again(order), 10_000)
    assert ledger.balance(f"creator:{mei.pk}:receivable", "CNY") == -1800


def test_c3_8_a_creator_who_owes_cannot_leave_until_two_people_gave_the_debt_up(mei: Any, bowl: Goods) -> None:
    by = bazaar.actor(mei.person_id)
    indebted(mei, bowl)
    owes = refused(services.close_creator, creator_id=mei.pk, by=by)
    assert (owes.code, owes.status, owes.params["owed_minor"]) == ("closure_owes", 409, 1800)
    otto, olga = bazaar.operator(), bazaar.operator("Olga")
    party = ("creator", mei.pk)
    assert refused(services.propose_write_off, party=party, currency="CNY", reason="x", by=by).code == "forbidden"
    made = services.propose_write_off(party=party, currency="CNY", reason="Gone without an address", by=otto)
    again = refused(services.propose_write_off, party=party, currency="CNY", reason="twice", by=olga)
    assert again.code == "write_off_open"
    assert refused(services.approve_write_off, public_id=made.public_id, by=otto).code == "second_person_needed"
    assert refused(services.approve_write_off, public_id=made.public_id, by=by).code == "forbidden"
    services.approve_write_off(public_id=made.public_id, by=olga)
    assert refused(services.approve_write_off, public_id=made.public_id, by=olga).code == "stale_state"
    entries = ledger.entries_of(("affiliate.write_off", made.pk))
    assert [(entry.source, entry.amount_minor) for entry in entries] == [
        ("platform:claims", 1800), ("platform:written_off", 1800),
    ]  # fmt: skip
    assert ledger.balance(f"creator:{mei.pk}:receivable", "CNY") == 0
    assert ledger.balance("platform:written_off", "CNY") == -1800
    assert services.close_creator(creator_id=mei.pk, by=by).state == "closed"
    assert bazaar.violations() == {}


def test_c3_8_a_declined_or_paid_debt_is_not_given_up(mei: Any, bowl: Goods) -> None:
    indebted(mei, bowl)
    otto, olga = bazaar.operator(), bazaar.operator("Olga")
    given = {"party": ("creator", mei.pk), "currency": "CNY", "reason": "Gone", "by": otto}
    first = services.propose_write_off(**given)
    services.decline_write_off(public_id=first.public_id, by=olga)
    assert ledger.balance(f"creator:{mei.pk}:receivable", "CNY") == -1800
    second = services.propose_write_off(**given)
    bazaar.settled(sold(mei, bowl))  # what comes in pays the debt first
    assert refused(services.approve_write_off, public_id=second.public_id, by=olga).code == "nothing_owed"
    assert queries.write_off(second.public_id).state == "proposed"
    assert refused(services.propose_write_off, **given | {"party": ("creator", bowl.shop.id)}).code == "nothing_owed"
    assert bazaar.violations() == {}


@pytest.mark.django_db(transaction=True)
def test_c3_8_two_who_agree_at_once_post_once(mei: Any, bowl: Goods) -> None:
    indebted(mei, bowl)
    made = services.propose_write_off(party=("creator", mei.pk), currency="CNY", reason="Gone", by=bazaar.operator())
    others = [bazaar.operator("Olga"), bazaar.operator("Oleg")]
    answers = at_once(
        [lambda each=each: services.approve_write_off(public_id=made.public_id, by=each) for each in others]  # type: ignore[misc]
    )
    assert [answer for answer in answers if isinstance(answer, str)] == ["stale_state"]
    assert ledger.balance(f"creator:{mei.pk}:receivable", "CNY") == 0
    assert bazaar.violations() == {}


def test_c3_8_who_has_money_or_commissions_under_way_takes_them_first(mei: Any, bowl: Goods) -> None:
    by = bazaar.actor(mei.person_id)
    order = sold(mei, bowl)
    pending = refused(services.close_creator, creator_id=mei.pk, by=by)
    assert (pending.code, pending.params["count"]) == ("closure_pending", 1)
    bazaar.settled(order)
    balance = refused(services.close_creator, creator_id=mei.pk, by=by)
    assert (balance.code, balance.params["minor"]) == ("closure_balance", 1800)
    withdraw(mei)
    assert refused(services.close_creator, creator_id=mei.pk, by=bazaar.actor(bazaar.person())).code == "not_found"
    post = posts.publish_recommendation(
        creator_id=mei.pk, items=[(bowl.product_id, "A bowl that I would buy again any day.")]
    )
    services.close_creator(creator_id=mei.pk, by=by)
    outbox.drain_all()
    assert content.recommendation(post.pk).state == "ended"
    assert bazaar.goods_line(sold(mei, bowl)).creator_id is None
    from meadow.accounts import services as people

    assert people.apply_as_creator(person_id=mei.person_id, name="Mei again").state == "applied"
