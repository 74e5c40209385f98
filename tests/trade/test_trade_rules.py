"""Does the law of trade say what it should, without a database?"""

from datetime import UTC, datetime, timedelta

import pytest

from meadow.kernel.errors import Refusal
from meadow.trade import rules
from meadow.trade.rules import (
    AUTO_CONFIRM,
    ORDER,
    REFUND,
    REFUNDABLE,
    ParcelIn,
    Priced,
    Refundable,
    ToShip,
    auto_confirm_due,
    check_address,
    check_contact,
    check_parcel,
    check_quantity,
    effect_of_notice,
    everything_left,
    pack,
    parts_of,
    refund_amounts,
    totals_of,
)

T0 = datetime(2026, 3, 1, tzinfo=UTC)
ADDRESS = {"name": "Bo", "phone": "+86 138 0000 0000", "line1": "West Lake Road 1", "city": "Hangzhou", "country": "cn"}

ALLOWED = {
    ("placed", "pay"): "paid",
    ("placed", "cancel"): "closed",
    ("placed", "expire"): "closed",
    ("paid", "ship"): "shipped",
    ("paid", "ship_part"): "part_shipped",
    ("paid", "cancel"): "closed",
    ("paid", "refund_all"): "closed",
    ("part_shipped", "ship"): "shipped",
    ("part_shipped", "ship_part"): "part_shipped",
    ("part_shipped", "refund_all"): "closed",
    ("shipped", "confirm"): "confirmed",
    ("shipped", "refund_all"): "closed",
    ("confirmed", "settle"): "settled",
    ("confirmed", "refund_all"): "closed",
}


@pytest.mark.parametrize("state", ORDER.states)
@pytest.mark.parametrize("event", ORDER.events)
def test_d3_4_full_matrix_of_order_states_and_events(state: str, event: str) -> None:
    if (state, event) in ALLOWED:
        assert ORDER.next(state, event) == ALLOWED[state, event]
    else:
        with pytest.raises(Refusal) as refused:
            ORDER.next(state, event)
        assert (refused.value.code, refused.value.status) == ("stale_state", 409)


@pytest.mark.parametrize("state", REFUND.states)
@pytest.mark.parametrize("event", REFUND.events)
def test_full_matrix_of_refund_states_and_events(state: str, event: str) -> None:
    allowed = {
        ("pending", "fund"): "sent",
        ("sent", "complete"): "completed",
        ("sent", "fail"): "failed",
        ("failed", "send_again"): "sent",
    }
    if (state, event) in allowed:
        assert REFUND.next(state, event) == allowed[state, event]
    else:
        with pytest.raises(Refusal):
            REFUND.next(state, event)


@pytest.mark.parametrize("state", ORDER.states)
@pytest.mark.parametrize("outcome", ["succeeded", "failed", "pending", "closed", "never heard of"])
@pytest.mark.parametrize("was_paid", [False, True])
def test_full_matrix_of_payment_notices(state: str, outcome: str, was_paid: bool) -> None:
    effect = effect_of_notice(state, outcome, was_paid=was_paid)
    if outcome != "succeeded":
        assert effect == "ignore"
    elif state == "placed":
        assert effect == "take"
    elif state == "closed" and not was_paid:
        assert effect == "late"
    else:
        assert effect == "repeat"


def test_only_states_with_money_can_be_refunded() -> None:
    assert set(ORDER.states) - set(REFUNDABLE) == {"placed", "closed"}


@pytest.mark.parametrize("quantity", [0, -1, 100, 10**12, 1.0, "2", True, None])
def test_a5_3_quantity_that_is_no_whole_number_in_range_is_refused(quantity: object) -> None:
    with pytest.raises(Refusal) as refused:
        check_quantity(quantity)
    assert (refused.value.code, refused.value.status) == ("quantity_refused", 422)


def test_a6_2_total_is_items_and_shipping_per_shop_and_payments_per_currency() -> None:
    lines = [
        Priced(1, 7, 2, 150, "CNY"),
        Priced(2, 8, 1, 900, "CNY"),
        Priced(3, 7, 1, 50, "CNY"),
        Priced(4, 9, 3, 1, "JPY"),
    ]
    parts = parts_of(lines, {7: 10, 8: 0})
    assert [(p.shop_id, p.goods_minor, p.shipping_minor, p.total_minor, p.sku_ids) for p in parts] == [
        (7, 350, 10, 360, (1, 3)),
        (8, 900, 0, 900, (2,)),
        (9, 3, 0, 3, (4,)),
    ]
    assert totals_of(parts) == {"CNY": 1260, "JPY": 3}


def test_d3_2_timer_by_kind_of_parcel_and_the_slowest_decides() -> None:
    assert {kind: wait.days for kind, wait in AUTO_CONFIRM.items()} == {
        "express": 10,
        "pickup": 2,
        "virtual": 2,
        "post": 30,
    }
    assert auto_confirm_due(["virtual", "express"], T0) == T0 + timedelta(days=10)


def test_parcels_hold_what_they_name_and_the_open_one_the_rest() -> None:
    to_ship = [ToShip(1, 3), ToShip(2, 1), ToShip(3, 0)]
    assert pack([ParcelIn(lines=((1, 2),)), ParcelIn()], to_ship) == [((1, 2),), ((1, 1), (2, 1))]
    assert pack([ParcelIn(), ParcelIn()], to_ship) == [(), ((1, 3), (2, 1))]
    assert pack([ParcelIn(lines=((1, 1),))], to_ship) == [((1, 1),)]


@pytest.mark.parametrize("lines", [((1, 4),), ((9, 1),), ((1, 0),), ((1, 2), (1, 2)), ((3, 1),)])
def test_parcel_cannot_hold_more_than_is_left(lines: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(Refusal) as refused:
        pack([ParcelIn(lines=lines)], [ToShip(1, 3), ToShip(3, 0)])
    assert refused.value.code == "parcel_refused"


def test_nothing_left_to_ship_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        pack([ParcelIn()], [ToShip(1, 0)])
    assert refused.value.code == "nothing_to_ship"


@pytest.mark.parametrize(
    "parcel",
    [
        ParcelIn(kind="pigeon", carrier="SF", number="1"),
        ParcelIn(carrier="", number="1"),
        ParcelIn(carrier="SF", number=" "),
        ParcelIn(carrier="SF", number="x" * 41),
        ParcelIn(carrier="SF", number="1\x002"),
        ParcelIn(kind="post", carrier=""),
    ],
)
def test_parcel_without_its_particulars_is_refused(parcel: ParcelIn) -> None:
    with pytest.raises(Refusal) as refused:
        check_parcel(parcel)
    assert refused.value.code == "parcel_refused"


def test_virtual_and_pickup_need_neither_carrier_nor_number() -> None:
    assert check_parcel(ParcelIn(kind="virtual")).number == ""
    assert check_parcel(ParcelIn(carrier=" SF ", number=" 12 ")).number == "12"


LINES = [Refundable(1, "goods", 10000, 4000), Refundable(2, "goods", 500, 500), Refundable(3, "shipping", 1000, 0)]


def test_refund_amounts_are_checked_against_what_is_left_of_each_line() -> None:
    assert refund_amounts(LINES, [(1, 6000)], 1000) == [(1, 6000), (3, 1000)]
    assert everything_left(LINES) == [(1, 6000), (3, 1000)]


@pytest.mark.parametrize(
    ("goods", "shipping", "code"),
    [
        ([(1, 6001)], 0, "refund_too_large"),
        ([(2, 1)], 0, "refund_too_large"),
        ([], 1001, "refund_too_large"),
        ([(1, 0)], 0, "refund_refused"),
        ([(1, -5)], 0, "refund_refused"),
        ([(1, 5), (1, 5)], 0, "refund_refused"),
        ([(1, 5.0)], 0, "refund_refused"),
        ([], 0, "refund_refused"),
        ([(1, 5)], -1, "refund_refused"),
        ([(3, 5)], 0, "not_found"),
        ([(9, 5)], 0, "not_found"),
    ],
)
def test_refund_that_is_wrong_is_refused(goods: list[tuple[int, int]], shipping: int, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        refund_amounts(LINES, goods, shipping)
    assert refused.value.code == code


def test_shipping_refund_where_there_was_none_is_refused() -> None:
    with pytest.raises(Refusal):
        refund_amounts(LINES[:1], [], 1)


def test_address_is_tidied_and_unknown_keys_are_left_out() -> None:
    address = check_address(ADDRESS | {"name": "  Bo   Li ", "postal_code": "310000", "is_admin": "yes"})
    assert (address["name"], address["country"], address["postal_code"]) == ("Bo Li", "CN", "310000")
    assert "is_admin" not in address


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 81),
        ("phone", "call me"),
        ("country", "China"),
        ("line1", "a\x00b"),
        ("line1", "x" * 201),
        ("city", None),
        ("city", 5),
        ("postal_code", "!"),
    ],
)
def test_wrong_address_is_refused_by_field(field: str, value: object) -> None:
    with pytest.raises(Refusal) as refused:
        check_address(ADDRESS | {field: value})
    assert refused.value.code == "address_refused"
    assert refused.value.params["field"] == f"address.{field}"


def test_guest_must_be_reachable() -> None:
    assert check_contact({}, is_needed=False) == {"email": "", "phone": ""}
    assert check_contact({"email": "bo@example.org"}, is_needed=True)["email"] == "bo@example.org"
    for wrong in ({}, {"email": "bo@"}, {"email": "b o@example.org"}, {"phone": "12"}):
        with pytest.raises(Refusal):
            check_contact(wrong, is_needed=True)


def test_every_refusal_speaks_both_languages() -> None:
    assert all(says.en.strip() and says.zh.strip() and 400 <= says.status < 500 for says in rules.REFUSALS.values())
