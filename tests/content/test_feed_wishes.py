"""Does the feed leave out whom a reader does not want to see, and keep the share of what is paid for?"""

from dataclasses import replace
from typing import Any

import pytest
from tests.sharing import market

from meadow.content import queries, services
from meadow.governance.services import contact
from meadow.kernel.audit import SYSTEM
from meadow.plans import services as plans

pytestmark = pytest.mark.django_db


def _post(creator: Any, shop: market.Shop) -> str:
    product = market.product(shop)
    made = services.publish_recommendation(
        creator_id=creator.pk, items=[(product, f"I drink my tea from bowl {product} every single morning")]
    )
    return made.public_id


def _feed(reader_id: int | None = None, **more: Any) -> list[str]:
    return [card["id"] for card in queries.feed_page(reader_id=reader_id, **more).cards]


@pytest.mark.parametrize("stance", ["mute", "block"])
@pytest.mark.parametrize("as_person", [True, False])
def test_g8_2_a_muted_or_blocked_author_is_gone_from_the_feed_at_the_next_fetch(stance: str, as_person: bool) -> None:
    mei, li, shop, bo = market.creator(), market.creator("Li"), market.shop(), market.person("Bo")
    hers, his = _post(mei, shop), _post(li, shop)
    assert _feed(bo) == [his, hers]
    party = ("accounts.person", mei.person_id) if as_person else ("accounts.creator", mei.pk)
    contact.set_stance(person_id=bo, stance=stance, party=party)
    assert _feed(bo) == [his]
    assert hers.encode() not in queries.feed_json(reader_id=bo)
    assert _feed() == _feed(market.person("Eve")) == [his, hers]
    # Every page of it, not the first alone.
    later = _post(mei, shop)
    page = queries.feed_page(limit=1, reader_id=bo)
    assert [card["id"] for card in page.cards] == [his]
    assert page.next_cursor is None
    contact.end_stance(person_id=bo, stance=stance, party=party)
    assert _feed(bo) == [later, his, hers]


@pytest.mark.parametrize(("share", "most"), [(100, 6), (50, 3), (34, 2), (20, 1), (0, 0)])
def test_g8_4_a_page_holds_no_more_that_is_paid_for_than_the_installation_lets(
    settings: Any, share: int, most: int
) -> None:
    mei, plain, paying = market.creator(), market.shop(), market.shop("Paying", "Cy")
    plans.set_general_plan(shop_id=paying.id, rate_bp=2000, by=SYSTEM)
    everything = [_post(mei, paying if number % 4 else plain) for number in range(24)]  # 18 of them are paid for
    settings.MEADOW = replace(settings.MEADOW, feed_ad_percent=share)
    seen, cursor, pages = [], None, 0
    while True:
        page = queries.feed_page(cursor, 6)
        ads = sum(card["ad_label"] for card in page.cards)
        assert ads <= most
        assert ads * 100 <= share * len(page.cards)
        seen += page.cards
        cursor, pages = page.next_cursor, pages + 1
        if cursor is None:
            break
        assert pages < 30
    # Over the day as on the page; nothing twice, in order, and all that nobody pays for is there.
    assert sum(card["ad_label"] for card in seen) * 100 <= share * len(seen)
    ids = [card["id"] for card in seen]
    assert ids == [one for one in reversed(everything) if one in ids]
    assert {card["id"] for card in seen if not card["ad_label"]} == set(everything[::4])
