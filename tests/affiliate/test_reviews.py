"""Is a commission that somebody took over at the last moment held until a person has looked, and does money follow?"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.trade import bazaar
from tests.trade.bazaar import DAY, MINUTE, SECOND, T0, at

from meadow.accounts.queries import Creator
from meadow.affiliate import queries
from meadow.affiliate.models import Attribution, CommissionLine, Review
from meadow.affiliate.rules import ABUSE, REVIEWS, SAYS, Candidate, Line, Offer, attribute
from meadow.governance import queries as governance
from meadow.governance import services as office
from meadow.governance.models import Case
from meadow.kernel import outbox
from meadow.kernel.errors import Refusal
from meadow.ledger import queries as ledger
from meadow.sharing import services as sharing
from meadow.sharing.services import Origin
from meadow.trade.models import Order

database = pytest.mark.django_db
OFFER = Offer(1, 1, "general", 2000, 7, None, None)
LINE = Line(1, 7, 70)


def seen(n: int, creator: int, seconds: int, surface: str = "post", **more: Any) -> Candidate:
    when = T0 + timedelta(seconds=seconds)
    return Candidate(f"clk{n}", creator, 7, 70, when, surface, "person", True, True, False, **more)


def review(clicks: list[Candidate], opened: int = 0, placed: int = 600) -> tuple[int | None, str]:
    (made,) = attribute(
        [LINE], clicks, [OFFER], T0 + timedelta(seconds=placed), T0 + timedelta(seconds=opened)
    )  # fmt: skip
    return made.creator_id, made.review


def test_c1_7_a_click_after_checkout_opened_that_takes_the_order_over_is_looked_at() -> None:
    before = seen(1, 11, -3600)
    assert review([before]) == (11, "")
    assert review([before, seen(2, 22, 5, "landing")]) == (22, "checkout_sniping")
    assert review([before, seen(2, 22, 5)]) == (22, "checkout_sniping")
    # Nobody had brought the buyer, until the checkout was open.
    assert review([seen(2, 22, 5, "landing")]) == (22, "checkout_sniping")
    # The creator who had brought them anyway takes nothing over.
    assert review([before, seen(2, 11, 5, "landing")]) == (11, "")
    # At the very moment of opening is not after it, and an invalid click takes nothing over either.
    assert review([before, seen(2, 22, 0, "landing")]) == (22, "")
    assert review([before, seen(2, 22, 5, "landing", flag="source_mismatch")]) == (11, "")


def test_c1_7_a_click_from_elsewhere_in_the_last_seconds_is_looked_at() -> None:
    before = seen(1, 11, -3600, "post")
    assert review([before, seen(2, 22, -5, "landing")], placed=5) == (22, "last_second_click")
    assert review([before, seen(2, 22, -5, "landing")], placed=6) == (22, "")
    assert review([before, seen(2, 22, -5, "post")], placed=1) == (22, "")
    assert review([seen(2, 22, -5, "landing")], placed=1) == (22, "")


def test_c1_reason_codes_are_those_that_networks_give_and_all_are_in_words() -> None:
    assert len(ABUSE) == 13
    for code in {*ABUSE, *REVIEWS, *REVIEWS.values()}:
        en, zh = SAYS[code]
        assert en.endswith(".")
        assert not zh.isascii()
    assert set(REVIEWS.values()) <= set(ABUSE)
    flood = [seen(n, 11, -n) for n in range(200)]
    assert review(flood) == (11, "click_flood")
    # A site that is not registered: genuine, but it earns nothing, and the click before it does.
    (made,) = attribute([LINE], [seen(1, 11, -9), seen(2, 22, -5, flag="source_mismatch")], [OFFER], T0)
    assert (made.creator_id, [v.verdict for v in made.verdicts]) == (11, ["source_mismatch", "won"])


@pytest.fixture
def market() -> Iterator[dict[str, Any]]:
    with at(T0 - 20 * DAY):
        office.publish_rules()
        shop = bazaar.shop(rate_bp=2000)
        yield {
            "shop": shop, "bowl": bazaar.goods(shop), "mei": bazaar.creator(), "eve": bazaar.creator("Eve"),
            "bo": bazaar.person(), "otto": bazaar.operator(),
        }  # fmt: skip
    outbox.drain_all()
    assert bazaar.violations() == {}


def sniped(market: dict[str, Any]) -> Order:
    """Mei brought Bo; Eve's page opens while the checkout is open."""
    with at(T0):
        bazaar.click(market["mei"], market["bowl"], person_id=market["bo"])
    with at(T0 + DAY):
        checkout = bazaar.checkout(market["bowl"], buyer=market["bo"])
    with at(T0 + DAY + MINUTE):
        _land(market["eve"], market)
    with at(T0 + DAY + 2 * MINUTE):
        placed = bazaar.place_checkout(checkout, buyer=market["bo"])
        bazaar.pay(placed.payments[0].pk)
    return bazaar.again(placed.orders[0])


def _land(by: Creator, market: dict[str, Any]) -> None:
    origin = Origin(by.pk, market["shop"].id, market["bowl"].product_id, "landing")
    view = sharing.open_view(origin=origin, method="GET", headers=bazaar.BROWSER)
    assert sharing.click_from_view(
        view=view.text, method="POST", headers=bazaar.BROWSER, person_id=market["bo"]
    )  # fmt: skip


def decide(market: dict[str, Any], *, passes: bool, answer: str = "", violation: str = "") -> Any:
    (case,) = Case.objects.filter(subject_kind="affiliate.review").exclude(state="closed")
    office.claim_case(case_id=case.pk, by=market["otto"])
    if passes:
        made = office.approve_case(case_id=case.pk, by=market["otto"], note="A real reader.")
    else:
        against = office.Against("A plug-in opened Eve's page during checkout.", answer=answer, violation=violation)
        made = office.reject_case(case_id=case.pk, by=market["otto"], against=against)
    outbox.drain_all()
    return made


def free_of(creator: Creator) -> int:
    return ledger.available(f"creator:{creator.pk}:available", "CNY")


@database
def test_c1_7_sniping_is_held_with_a_case_and_released_by_a_person(market: dict[str, Any]) -> None:
    order = sniped(market)
    decision = Attribution.objects.get(order_id=order.pk)
    assert (decision.creator_id, decision.review) == (market["eve"].pk, "checkout_sniping")
    assert queries.replays_alike(decision.pk)
    held = Review.objects.get()
    case = Case.objects.get(subject_kind="affiliate.review")
    assert (case.kind, case.subject_id, case.rule_id) == ("review", held.pk, "conduct.fraud")
    assert governance.decision_under(case).action == "hold"  # type: ignore[union-attr]
    with at(T0 + 2 * DAY):
        bazaar.settled(order)
    bazaar.run_until(T0 + 25 * DAY)
    # The after-sale window is over, but nobody has looked yet.
    assert (ledger.balance(f"creator:{market['eve'].pk}:available", "CNY"), free_of(market["eve"])) == (1800, 0)
    with at(T0 + 25 * DAY):
        decide(market, passes=True)
    bazaar.run_until(T0 + 25 * DAY + MINUTE)
    assert free_of(market["eve"]) == 1800
    assert Review.objects.get().state == "released"
    assert bazaar.has(bazaar.again(order))["merchant"] == 8500


@database
@pytest.mark.parametrize("when", ["before release", "after release", "after a partial refund"])
def test_c1_7_sniping_is_voided_by_a_person_and_the_merchant_has_the_money(market: dict[str, Any], when: str) -> None:
    order = sniped(market)
    if when == "before release":
        with at(T0 + DAY + 5 * MINUTE):
            decide(market, passes=False)
    with at(T0 + 2 * DAY):
        bazaar.settled(order)
    if when == "after a partial refund":
        with at(T0 + 4 * DAY):
            bazaar.refund(order, 4000)
    if when != "before release":
        with at(T0 + 5 * DAY):
            decide(market, passes=False)
    has = bazaar.has(bazaar.again(order))
    goods = 6000 if when == "after a partial refund" else 10_000
    assert (has["creator"], has["platform"]) == (0, goods * 5 // 100)
    assert has["merchant"] == goods * 95 // 100 + 1000
    line = CommissionLine.objects.get()
    assert (line.state, line.void_reason, line.creator_minor) == ("void", "traffic_hijack", 0)
    outbox.drain_all()
    assert bazaar.violations() == {}
    # What is refunded afterwards comes from whom the money went to, to the last unit.
    with at(T0 + 6 * DAY):
        bazaar.refund(order, goods, 1000)
    assert sum(bazaar.has(bazaar.again(order)).values()) == 0


@database
@pytest.mark.parametrize("violation", ["", "fraud"])
def test_c1_a_person_chooses_by_which_of_the_networks_codes_it_is_voided(
    market: dict[str, Any], violation: str
) -> None:
    sniped(market)
    with at(T0 + DAY + 5 * MINUTE):
        with pytest.raises(Refusal, match="malformed"):
            decide(market, passes=False, answer="because")
        decide(market, passes=False, answer="abnormal_account", violation=violation)
    assert Review.objects.get().void_reason == "abnormal_account"
    assert CommissionLine.objects.get().void_reason == "abnormal_account"


@database
@pytest.mark.parametrize("when", ["before release", "after release"])
def test_c1_7_taking_the_void_back_restores_what_the_creator_would_have(market: dict[str, Any], when: str) -> None:
    order = sniped(market)
    if when == "after release":
        with at(T0 + 2 * DAY):
            bazaar.settled(order)
    with at(T0 + 5 * DAY):
        act = decide(market, passes=False)
        made = next(effect["made"] for effect in reversed(act.effects) if "made" in effect)
        office.reverse_decision(decision_id=made, reason="It was a reader of Eve.", by=market["otto"])
        outbox.drain_all()
    if when == "before release":
        with at(T0 + 6 * DAY):
            bazaar.settled(bazaar.again(order))
    has = bazaar.has(bazaar.again(order))
    assert (has["merchant"], has["creator"], has["platform"]) == (8500, 1800, 700)
    line = CommissionLine.objects.get()
    assert (line.state, line.void_reason, line.creator_minor) == ("final", "", 1800)


@database
def test_c1_7_a_review_that_nobody_decides_ends_for_the_creator(market: dict[str, Any]) -> None:
    order = sniped(market)
    with at(T0 + 2 * DAY):
        order = bazaar.settled(order)
    assert order.settled_at is not None
    bazaar.run_until(order.settled_at + 30 * DAY - SECOND)
    assert free_of(market["eve"]) == 0
    bazaar.run_until(order.settled_at + 30 * DAY + MINUTE)
    assert free_of(market["eve"]) == 1800
    assert Review.objects.get().state == "released"


@database
def test_c1_7_an_honest_order_is_not_held_and_an_unpaid_one_fills_no_queue(market: dict[str, Any]) -> None:
    with at(T0):
        bazaar.click(market["mei"], market["bowl"], person_id=market["bo"])
        bazaar.paid(market["bowl"], buyer=market["bo"])
    with at(T0 + DAY):
        checkout = bazaar.checkout(market["bowl"], buyer=market["bo"])
    with at(T0 + DAY + MINUTE):
        _land(market["eve"], market)
        bazaar.place_checkout(checkout, buyer=market["bo"])
        outbox.drain_all()
    assert not Review.objects.exists()
    assert not Case.objects.exists()


@database
def test_c1_7_the_database_voids_for_known_reasons_only(market: dict[str, Any]) -> None:
    sniped(market)
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.update(state="voided", void_reason="because")


@database
def test_c1_8_a_month_of_decisions_comes_out_the_same(market: dict[str, Any]) -> None:
    """Every kind of decision that a month brings, judged again from the log alone."""
    people = [bazaar.person() for _ in range(3)]
    bowl = bazaar.goods(market["shop"], left=1000)
    for day in range(30):
        buyer = people[day % 3]
        with at(T0 + day * DAY):
            if day % 4 != 3:
                bazaar.click(market["mei" if day % 2 else "eve"], bowl, person_id=buyer)
            opened = bazaar.checkout(bowl, buyer=buyer) if day % 5 == 0 else None
        with at(T0 + day * DAY + MINUTE):
            if day % 7 == 0:
                bazaar.click(market["mei"], market["shop"], person_id=buyer)
            if opened:
                bazaar.place_checkout(opened, buyer=buyer)
            elif day % 3:
                bazaar.place(bowl, buyer=buyer)
        if day == 7:
            with at(T0 + day * DAY):
                bazaar.place(bowl, buyer=bazaar.person())
        if day == 20:
            Creator.objects.filter(pk=market["eve"].pk).update(state="suspended")
    found = queries.replay_period(since=T0, until=T0 + 31 * DAY)
    assert (found.decisions, found.different) == (Attribution.objects.count(), ())
    assert found.decisions >= 16
    assert len(found.by_reason) >= 2
    assert found.digest == queries.replay_period(since=T0, until=T0 + 31 * DAY).digest
