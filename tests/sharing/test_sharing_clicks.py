"""Views and clicks on real PostgreSQL: what becomes a click, what is flagged, what an order finds."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import OperationalError, connection
from tests.sharing import market
from tests.sharing.market import BROWSER, TAP

from meadow.kernel import clock, db, signing
from meadow.kernel.events import GuestClaimed
from meadow.sharing import handlers, queries, rules, services
from meadow.sharing.models import Click, Reach, RefusedClick, ShareToken
from meadow.sharing.rules import Origin
from meadow.sharing.services import intake

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 11, 12, 0, 0, 123456, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def token():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    with clock.at(NOW):
        return services.mint_token(
            creator_id=mei.pk, target_kind="content.recommendation", target_id=7, shop_id=shop.id, product_id=bowl
        )


def origin(token: ShareToken, surface: str = "landing") -> Origin:
    return Origin(token.creator_id, token.shop_id, token.product_id, surface, token.pk)


def view(token: ShareToken, headers: dict[str, str] = BROWSER, method: str = "GET", **more: object) -> services.View:
    return services.open_view(origin=origin(token), method=method, headers=headers, **more)  # type: ignore[arg-type]


def follow(text: str, headers: dict[str, str] = BROWSER, **more: object) -> str | None:
    return services.click_from_view(view=text, method="POST", headers=headers, **more)  # type: ignore[arg-type]


def candidates(token: ShareToken, since: datetime = NOW - 15 * DAY, **who: object) -> list[queries.CandidateClick]:
    asked = {"person_id": None, "carriers": ["c1"], "shop_ids": [token.shop_id]} | who
    return queries.candidate_clicks(since=since, **asked)  # type: ignore[arg-type]


def test_a_view_becomes_a_click_when_its_form_is_followed(token):
    with clock.at(NOW):
        seen = view(token, carrier="c1")
        assert (seen.is_counted, seen.click_id) == (True, None)
        assert candidates(token) == []
    with clock.at(NOW + SECOND):
        click_id = follow(seen.text, carrier="c1")
    (found,) = candidates(token)
    assert found.at == NOW + SECOND
    assert (found.creator_id, found.product_id, found.surface) == (token.creator_id, token.product_id, "landing")
    assert queries.read_click(click_id).public_id == found.click_id


def test_a_tap_that_the_browser_vouches_for_is_a_click_at_once_and_stays_one(token):
    with clock.at(NOW):
        seen = view(token, TAP, carrier="c1")
    with clock.at(NOW + DAY):
        click_id = follow(seen.text, carrier="c1")
    assert click_id == seen.click_id
    (found,) = candidates(token)
    assert found.at == NOW


def test_a_click_at_once_is_signed_once_and_its_text_is_followed_like_any_view(token):
    with clock.at(NOW):
        seen = view(token, TAP, carrier="c1")
    assert seen.text == seen.click_id
    facts = queries.read_view(seen.text)
    assert (facts.is_click, facts.viewed_at, facts.carrier) == (True, NOW, "c1")
    # A view of an older release says the same by a mark of its own.
    older = signing.sign(rules.payload_of(facts._replace(carrier="")), "view")
    with clock.at(NOW + DAY):
        assert queries.read_click(follow(older, carrier="c1")) == queries.read_click(seen.click_id)
    # What is no click yet is none by being sent as one.
    assert queries.read_click(view(token).text) is None


def test_one_view_gives_one_click_however_often_it_is_sent(token):
    with clock.at(NOW):
        seen = view(token)
    for seconds in (1, 2, 3):
        with clock.at(NOW + seconds * SECOND):
            follow(seen.text, carrier="c1")
    assert [found.at for found in candidates(token)] == [NOW + SECOND]


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("HEAD", {}),
        ("GET", {"Sec-Purpose": "prefetch"}),
        ("GET", {"Sec-Fetch-Dest": "iframe"}),
        ("GET", {"User-Agent": "Googlebot/2.1"}),
    ],
)
def test_c1_5_no_navigation_no_click(token, method, more):
    seen = view(token, TAP | more, method)
    assert not seen.is_counted
    assert seen.click_id is None
    assert not Click.objects.exists()


def test_c1_5_following_is_judged_by_itself(token):
    prefetched = view(token, TAP | {"Sec-Purpose": "prefetch"}, carrier="c1")
    for more in ({"Sec-Purpose": "prefetch"}, {"Sec-Fetch-Dest": "iframe"}, {"User-Agent": "Googlebot/2.1"},
                 {"Sec-Fetch-Site": "cross-site"}):  # fmt: skip
        assert follow(prefetched.text, TAP | {"Sec-Fetch-Site": "same-origin"} | more) is None
    assert not Click.objects.exists()
    # The page that was fetched ahead was looked at after all.
    assert follow(prefetched.text, TAP | {"Sec-Fetch-Site": "same-origin"}) is not None
    assert list(RefusedClick.objects.values_list("reason", flat=True)) == ["cross_site"]


def test_c1_3_a_dead_token_gives_no_click_but_earlier_ones_stay(token):
    with clock.at(NOW):
        early, late = view(token), view(token)
        assert follow(early.text, carrier="c1") is not None
        services.revoke_token(token_id=token.pk, creator_id=token.creator_id)
        assert follow(late.text, carrier="c1") is None
        assert services.open_view(origin=None, method="GET", headers=TAP) == services.View("", None, False, None)
    assert len(candidates(token)) == 1


def test_an_open_page_can_be_followed_for_15_days(token):
    with clock.at(NOW):
        seen, other = view(token), view(token)
    with clock.at(NOW + rules.WINDOW):
        assert follow(seen.text) is not None
    with clock.at(NOW + rules.WINDOW + timedelta(microseconds=1)):
        assert follow(other.text) is None


def test_c1_4_forged_cut_and_foreign_click_ids_are_flagged_and_the_order_goes_on(token):
    other = market.shop(keeper="Eve")
    with clock.at(NOW):
        click_id = view(token, TAP).click_id
    assert click_id is not None
    another_purpose = signing.sign(rules.payload_of(queries.read_click(click_id)), "view")
    bad = [click_id[:-1], click_id[1:], click_id + "A", "A" + click_id[1:], "x", another_purpose, "€" * 9, "\x00\ud800"]
    with clock.at(NOW):
        assert services.accept_clicks(click_ids=bad, shop_ids=[token.shop_id]) == []
        assert list(RefusedClick.objects.values_list("reason", flat=True)) == ["unsigned"] * len(bad)
        assert services.accept_clicks(click_ids=[click_id], shop_ids=[other.id]) == []
        assert RefusedClick.objects.filter(reason="other_target").count() == 1
        (good,) = services.accept_clicks(click_ids=[click_id, click_id, ""], shop_ids=[token.shop_id, other.id])
    assert good.creator_id == token.creator_id
    assert queries.refused_clicks()[0].reason in rules.REFUSED_CLICKS


def test_c1_4_a_forged_view_is_flagged(token):
    seen = view(token)
    assert follow(seen.text[:-2]) is None
    assert follow("") is None
    assert RefusedClick.objects.get().reason == "unsigned"


def test_c1_4_a_flood_of_forgeries_is_noted_up_to_a_limit(monkeypatch):
    monkeypatch.setitem(rules.LIMITS, "refusals_per_minute", 3)
    for n in range(9):
        assert follow(f"forged{n}") is None
    assert RefusedClick.objects.count() == 3


def test_a_click_that_was_never_stored_is_stored_by_the_checkout(token):
    with clock.at(NOW):
        click_id = view(token, TAP, carrier="c1").click_id
    Click.objects.all().delete()  # the process that held it in its buffer was killed
    buyer = market.person("Bo")
    with clock.at(NOW + DAY):
        (accepted,) = services.accept_clicks(click_ids=[click_id], shop_ids=[token.shop_id], person_id=buyer)
    assert accepted.at == NOW
    assert candidates(token) == [accepted]
    assert candidates(token, person_id=buyer, carriers=[]) == [accepted]


def test_c1_6_clicks_of_a_carrier_are_bound_to_the_person_who_signs_in(token):
    bo, eve = market.person("Bo"), market.person("Eve")
    with clock.at(NOW - 16 * DAY):
        too_old = view(token, TAP, carrier="c1")
    with clock.at(NOW):
        view(token, TAP, carrier="c1", person_id=eve)
        fresh = view(token, TAP, carrier="c1")
        view(token, TAP, carrier="c2")
        assert services.bind_clicks(carrier="c1", person_id=bo) == 1
        assert services.bind_clicks(carrier="", person_id=bo) == 0
    assert too_old.click_id
    assert [found.click_id for found in candidates(token, person_id=bo, carriers=[])] == [
        queries.read_click(fresh.click_id).public_id
    ]


def test_a_guests_clicks_follow_to_the_person_they_turn_out_to_be(token):
    guest, bo = market.person("Guest"), market.person("Bo")
    with clock.at(NOW):
        view(token, TAP, person_id=guest)
    for _ in range(2):
        handlers.on_guest_claimed([GuestClaimed(guest_id=guest, person_id=bo)])
    assert len(candidates(token, person_id=bo, carriers=[])) == 1


def test_c1_1_candidates_are_the_shops_clicks_of_15_days_newest_first_in_one_statement(
    token, django_assert_num_queries
):
    bo, other = market.person("Bo"), market.shop(keeper="Eve")
    clicks = [(15, "c1", None), (3, "", bo), (9, "c2", bo)]
    for days, carrier, person_id in clicks:
        with clock.at(NOW - days * DAY):
            view(token, TAP, carrier=carrier, person_id=person_id)
    with clock.at(NOW - 15 * DAY - timedelta(microseconds=1)):
        view(token, TAP, carrier="c1")
    with clock.at(NOW):
        view(token, TAP)  # nobody's
        elsewhere = Origin(token.creator_id, other.id, None, "landing")
        services.open_view(origin=elsewhere, method="GET", headers=TAP, carrier="c1")
    with django_assert_num_queries(1):
        found = candidates(token, person_id=bo, carriers=["c1", ""])
    assert [NOW - each.at for each in found] == [3 * DAY, 9 * DAY, 15 * DAY]


def test_use_renews_the_life_of_a_token_but_not_every_day_twice(token):
    with clock.at(NOW + SECOND):
        view(token, TAP)
    token.refresh_from_db()
    assert token.expires_at == NOW + 60 * DAY
    with clock.at(NOW + 59 * DAY):
        view(token, TAP)
    token.refresh_from_db()
    assert token.expires_at == NOW + 119 * DAY
    # A click that is written late must not bring a dead token back.
    late = rules.ClickFacts("clk_x", origin(token), NOW + 119 * DAY, NOW + 119 * DAY)
    intake.write_clicks([(late, None)])
    token.refresh_from_db()
    assert token.expires_at == NOW + 119 * DAY


def test_a_batch_that_was_taken_back_renews_the_life_when_it_is_written_at_last(token, monkeypatch):
    write = intake.write_clicks

    def lost(clicks: list[intake.Taken]) -> None:
        write(clicks)
        raise OperationalError("the connection broke before the end")

    at = NOW + 59 * DAY
    intake._waiting.append((rules.ClickFacts("clk_y", origin(token), at, at), None))
    monkeypatch.setattr(intake, "write_clicks", lost)
    with pytest.raises(OperationalError):
        intake.flush_clicks()
    monkeypatch.setattr(intake, "write_clicks", write)
    assert intake.flush_clicks() == 1
    token.refresh_from_db()
    assert token.expires_at == NOW + 119 * DAY


def test_a_card_tap_is_a_click_of_its_surface_without_a_token(token):
    with clock.at(NOW):
        card = Origin(token.creator_id, token.shop_id, token.product_id, "feed")
        seen = services.open_view(origin=card, method="GET", headers=TAP, carrier="c1")
    assert seen.click_id is not None
    (found,) = candidates(token)
    assert (found.surface, found.token_id) == ("feed", None)
    assert queries.clicks_of_creator(token.creator_id, NOW) == 1


@pytest.mark.django_db(transaction=True)
def test_c1_9_the_writer_takes_clicks_in_batches_and_the_page_does_not_wait():
    shop, mei = market.shop(), market.creator()
    feed = Origin(mei.pk, shop.id, None, "feed")
    services.start_click_writer()
    try:
        services.start_click_writer()
        for _ in range(250):
            services.open_view(origin=feed, method="GET", headers=TAP)
    finally:
        services.stop_click_writer()
    assert Click.objects.count() == 250
    services.open_view(origin=feed, method="GET", headers=TAP)
    assert Click.objects.count() == 251


def _newborn(token: ShareToken) -> list[intake.Taken]:
    """Clicks of every shape, as a landing, a card and a partner's page make them."""
    later, person = NOW + timedelta(microseconds=1), token.creator_id
    card = Origin(token.creator_id, token.shop_id, None, "feed")
    outside = Origin(token.creator_id, None, None, "landing", token.pk, 131)
    return [
        (rules.ClickFacts("clk_c", origin(token), NOW, NOW, "网页 \t\\N"), None),
        (rules.ClickFacts("clk_b", card, NOW, later), person),
        (rules.ClickFacts("clk_a", outside, NOW - DAY, NOW, "c2"), None),
    ]


def _stored() -> list[tuple[object, ...]]:
    return list(Click.objects.order_by("public_id").values_list(
        "public_id", "viewed_at", "at", "token_id", "creator_id", "shop_id", "product_id", "surface", "person_id",
        "carrier", "tag",
    ))  # fmt: skip


def test_what_is_copied_is_what_would_be_inserted_and_is_counted_alike(token):
    clicks = _newborn(token)
    intake.write_clicks(clicks)
    inserted, counted = _stored(), list(Reach.objects.order_by("tag").values_list("slot", "tag", "clicks"))
    Click.objects.all().delete()
    Reach.objects.all().delete()
    intake._newborn.extend(clicks)
    assert services.flush_clicks() == 3
    assert _stored() == inserted
    assert len(inserted) == 3
    assert list(Reach.objects.order_by("tag").values_list("slot", "tag", "clicks")) == counted


def test_newborn_clicks_of_which_one_was_stored_meanwhile_are_stored_once_each(token):
    clicks = _newborn(token)
    intake.write_clicks(clicks[1:2])
    bad = rules.ClickFacts("clk_d", origin(token, surface="nowhere"), NOW, NOW)
    intake._newborn.extend([(bad, None), *clicks])
    assert services.flush_clicks() == 4
    assert [row[0] for row in _stored()] == ["clk_a", "clk_b", "clk_c"]
    assert sum(Reach.objects.values_list("clicks", flat=True)) == 3


def test_newborn_clicks_wait_while_the_table_is_down(token, monkeypatch):
    def down(*_: object) -> None:
        raise OperationalError("down")

    intake._newborn.extend(_newborn(token))
    with monkeypatch.context() as patch:
        patch.setattr(db, "copy_in", down)
        with pytest.raises(OperationalError):
            services.flush_clicks()
    assert [facts.public_id for facts, _ in intake._newborn] == ["clk_c", "clk_b", "clk_a"]
    assert services.flush_clicks() == 3


def test_a_click_that_cannot_be_stored_takes_no_other_with_it(token):
    good = rules.ClickFacts("clk_good", origin(token), NOW, NOW)
    bad = rules.ClickFacts("clk_bad", origin(token, surface="nowhere"), NOW, NOW)
    long = rules.ClickFacts("clk_" + "x" * 40, origin(token), NOW, NOW)
    intake._waiting.extend([(bad, None), (good, None), (long, None)])
    assert services.flush_clicks() == 3
    assert list(Click.objects.values_list("public_id", flat=True)) == ["clk_good"]


def test_clicks_wait_while_the_table_is_down(token, monkeypatch):
    def down(*_: object) -> None:
        raise OperationalError("down")

    intake._waiting.extend([(rules.ClickFacts(f"clk_{n}", origin(token), NOW, NOW), None) for n in range(150)])
    with monkeypatch.context() as patch:
        patch.setattr(intake, "write_clicks", down)
        with pytest.raises(OperationalError):
            services.flush_clicks()
    assert [facts.public_id for facts, _ in intake._waiting] == [f"clk_{n}" for n in range(150)]
    assert services.flush_clicks() == 150
    assert Click.objects.count() == 150


@pytest.mark.django_db(transaction=True)
def test_batches_of_the_same_clicks_at_once_store_each_once_and_never_deadlock():
    shop, mei = market.shop(), market.creator()
    targets = [services.Target("catalog.product", n + 1, shop.id) for n in range(20)]
    with clock.at(NOW - 30 * DAY):
        tokens = services.mint_tokens(creator_id=mei.pk, targets=targets)
    clicks = [
        (rules.ClickFacts(f"clk_{n}", Origin(mei.pk, shop.id, None, "landing", tokens[n % 20].pk), NOW, NOW), None)
        for n in range(100)
    ]
    start, failures = Barrier(4), []

    def write(order: int) -> None:
        try:
            start.wait(timeout=10)
            for _ in range(5):
                intake.write_clicks(clicks[::order])
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=write, args=(order,)) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Click.objects.count() == 100
    assert ShareToken.objects.filter(expires_at=NOW + 60 * DAY).count() == 20
