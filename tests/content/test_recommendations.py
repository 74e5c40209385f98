"""Recommendations on real PostgreSQL: publish, read with live price and stock, label, hide."""

import inspect
import json
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from tests.sharing import market

from meadow.catalog import services as shelves
from meadow.content import handlers, queries, rules, services, tasks
from meadow.content.models import Recommendation, Stop
from meadow.governance import services as governance
from meadow.governance.queries import Decision, Rule
from meadow.governance.services import publish_rules
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal
from meadow.kernel.events import DecisionMade, DecisionReversed
from meadow.plans import services as plans
from meadow.sharing import services as sharing

pytestmark = pytest.mark.django_db
REASON = "I drink my tea from it every single morning"
NOW = datetime(2026, 11, 11, 12, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def rulebook():
    publish_rules()


@pytest.fixture
def shop():
    return market.shop()


@pytest.fixture
def mei():
    return market.creator()


def publish(creator, *products: int, reason: str = REASON, **more: object) -> Recommendation:
    return services.publish_recommendation(
        creator_id=creator.pk, items=[(product, reason) for product in products], **more
    )


def only_item(post: Recommendation) -> queries.ItemView:
    (item,) = queries.recommendation(post.public_id).items
    return item


def test_a3_1_the_card_shows_live_price_and_stock_and_marks_a_changed_price(shop, mei):
    bowl = market.product(shop, price_minor=10_000, left=7)
    post = publish(mei, bowl)
    item = only_item(post)
    assert (item.reason, item.price_minor, item.left, item.state) == (REASON, 10_000, 7, "on_sale")
    assert not item.is_price_changed
    shelves.change_price(sku_id=market.sku_of(bowl), price_minor=9_000)
    shelves.change_stock(sku_id=market.sku_of(bowl), left=3)
    item = only_item(post)
    assert (item.price_minor, item.price_at_post_minor, item.left) == (9_000, 10_000, 3)
    assert item.is_price_changed
    (card,) = queries.feed_page().cards
    assert (card["price"], card["price_minor"], card["left"], card["is_price_changed"]) == ("90.00", 9_000, 3, True)


def test_a3_2_sold_out_and_withdrawn_products_say_so(shop, mei):
    bowl, cup = market.product(shop), market.product(shop)
    post = publish(mei, bowl, cup)
    shelves.change_stock(sku_id=market.sku_of(bowl), left=0)
    shelves.withdraw_product(product_id=cup)
    assert [item.state for item in queries.recommendation(post.public_id).items] == ["sold_out", "withdrawn"]
    assert queries.feed_page().cards[0]["state"] == "sold_out"


def test_a3_3_the_ad_label_follows_the_plans_and_nothing_else(shop, mei):
    other = market.shop(keeper="Eve")
    bowl, cup = market.product(shop), market.product(other)
    with clock.at(NOW):
        post = publish(mei, bowl, cup)
        assert not queries.recommendation(post.public_id).ad_label
        assert not queries.feed_page().cards[0]["ad_label"]
        plans.set_general_plan(shop_id=other.id, rate_bp=1000, by=other.keeper)
        view = queries.recommendation(post.public_id)
        assert (view.ad_label, [item.ad_label for item in view.items]) == (True, [False, True])
        assert queries.feed_page().cards[0]["ad_label"]
        assert json.loads(queries.feed_json())["items"][0]["ad_label"] is True
        plans.set_general_plan(shop_id=other.id, rate_bp=0, by=other.keeper)
        assert queries.recommendation(post.public_id).ad_label
    with clock.at(NOW + DAY):
        assert not queries.recommendation(post.public_id).ad_label
        assert not queries.feed_page().cards[0]["ad_label"]


def test_a3_3_a_directed_plan_labels_its_members_posts_only(shop, mei):
    li, bowl = market.creator("Li"), market.product(shop)
    plans.create_directed_plan(shop_id=shop.id, product_ids=[bowl], rate_bp=1000, creator_ids=[mei.pk], by=shop.keeper)
    publish(mei, bowl)
    publish(li, bowl)
    assert {card["creator"]: card["ad_label"] for card in queries.feed_page().cards} == {"Mei": True, "Li": False}


@pytest.mark.parametrize(
    ("reason", "code"), [("", "reason_blank"), (" \u200b ", "reason_blank"), ("too short", "reason_too_short")]
)
def test_a3_4_a_missing_reason_is_refused(shop, mei, reason, code):
    with pytest.raises(Refusal) as refused:
        publish(mei, market.product(shop), reason=reason)
    assert refused.value.code == code
    assert not Recommendation.objects.exists()


def test_a3_4_a_reason_that_stands_in_five_other_posts_is_refused(shop, mei):
    bowl = market.product(shop)
    for number in range(5):
        publish(mei if number % 2 else market.creator("Li"), bowl)
    with pytest.raises(Refusal) as refused:
        publish(mei, bowl, reason=f" {REASON.upper()}")
    assert (refused.value.code, refused.value.params) == ("reason_copied", {"copies": 5})
    publish(mei, bowl, reason=REASON + "!!")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["text", "reason", "title", "links"])
def test_a3_4_a_link_that_is_not_allowed_is_refused_by_its_rule(rulebook, where):
    shop, mei = market.shop(), market.creator()
    link = "https://taobao.com.evil.example/item?id=1"
    more = {where: [link] if where == "links" else f"look here: {link} it is nice"}
    with pytest.raises(Refusal) as refused:
        publish(mei, market.product(shop), **more)
    assert refused.value.code == "link_blocked"
    assert not Recommendation.objects.exists()
    # The block is on record, with its rule, although nothing was published.
    assert Decision.objects.filter(action="block_link").count() == 1


def test_a3_6_a_client_cannot_send_price_stock_commission_or_label(shop, mei):
    assert set(inspect.signature(services.publish_recommendation).parameters) == {
        "creator_id", "items", "title", "text", "links", "pictures",
    }  # fmt: skip
    with pytest.raises(TypeError):
        publish(mei, market.product(shop), ad_label=False)
    item = only_item(publish(mei, market.product(shop, price_minor=4_200)))
    assert item.price_at_post_minor == 4_200


def test_a3_7_nine_products_are_published_and_ten_refused(shop, mei):
    products = [market.product(shop) for _ in range(10)]
    with pytest.raises(Refusal, match="too_many_products"):
        publish(mei, *products)
    with pytest.raises(Refusal, match="no_products"):
        publish(mei)
    with pytest.raises(Refusal, match="product_twice"):
        publish(mei, products[0], products[0])
    post = publish(mei, *products[:9])
    assert [item.product_id for item in queries.recommendation(post.pk).items] == products[:9]
    assert queries.feed_page().cards[0]["products"] == 9


def test_a3_7_each_product_keeps_its_own_token_and_label_and_one_taken_down_greys_out_alone(shop, mei):
    other = market.shop(keeper="Eve")
    products = [market.product(shop) for _ in range(8)] + [market.product(other)]
    plans.set_general_plan(shop_id=other.id, rate_bp=1000, by=other.keeper)
    post = publish(mei, *products)
    items = queries.recommendation(post.pk).items
    targets = [
        sharing.Target("content.recommendation", post.pk, shop_id=item.shop_id, product_id=item.product_id)
        for item in items
    ]
    tokens = sharing.mint_tokens(creator_id=mei.pk, targets=targets)
    assert len({token.number for token in tokens}) == 9
    assert [token.product_id for token in tokens] == products
    shelves.suspend(kind="product", subject_id=products[0], decision_id=1, until=None)
    after = queries.recommendation(post.pk).items
    assert [item.state for item in after] == ["paused"] + ["on_sale"] * 8
    assert [item.ad_label for item in after] == [False] * 8 + [True]


def test_products_that_are_not_there_or_not_on_sale_are_refused(shop, mei):
    bowl = market.product(shop)
    with pytest.raises(Refusal, match="not_found"):
        publish(mei, bowl + 999)
    shelves.withdraw_product(product_id=bowl)
    with pytest.raises(Refusal, match="product_unavailable"):
        publish(mei, bowl)


@pytest.mark.parametrize(("state", "code"), [("suspended", "creator_suspended"), ("applied", "creator_required")])
def test_only_an_active_creator_publishes(shop, mei, state, code):
    mei.state = state
    mei.save(update_fields=["state"])
    with pytest.raises(Refusal, match=code):
        publish(mei, market.product(shop))


def made(decision_id: int, subject: tuple[str, int], action: str = "suspend", until: datetime | None = None) -> None:
    ends = until.isoformat() if until else None
    event = DecisionMade(
        decision_id=decision_id, subject_kind=subject[0], subject_id=subject[1], action=action, rule_id="R",
        rule_version=1, until=ends,
    )  # fmt: skip
    for _ in range(2):  # at least once
        handlers.on_decision([event])


def reversed_(decision_id: int, subject: tuple[str, int], action: str = "suspend") -> None:
    event = DecisionReversed(decision_id=decision_id, subject_kind=subject[0], subject_id=subject[1], action=action)
    for _ in range(2):
        handlers.on_reversal([event])


def state(post: Recommendation) -> str:
    post.refresh_from_db()
    return post.state


def test_a_suspended_creators_posts_hide_until_no_stop_is_open(shop, mei):
    li, bowl = market.creator("Li"), market.product(shop)
    post, ended, others = publish(mei, bowl), publish(mei, bowl), publish(li, bowl)
    services.end_recommendation(recommendation_id=ended.pk, creator_id=mei.pk)
    subject = (rules.CREATOR, mei.pk)
    made(1, subject)
    made(2, subject)
    assert [state(each) for each in (post, ended, others)] == ["hidden", "ended", "published"]
    with pytest.raises(Refusal, match="not_found"):
        queries.recommendation(post.public_id)
    assert queries.recommendation(post.public_id, for_creator=mei.pk).state == "hidden"
    assert [card["id"] for card in queries.feed_page().cards] == [others.public_id]
    reversed_(1, subject)
    assert state(post) == "hidden"
    made(3, subject, "restore")
    assert state(post) == "published"
    reversed_(3, subject, "restore")
    assert state(post) == "hidden"
    reversed_(2, subject)
    assert state(post) == "published"


def test_a_decision_against_a_creator_hides_their_posts_and_stops_new_ones_and_tokens(rulebook, shop, mei):
    bowl = market.product(shop)
    post = publish(mei, bowl)
    rule = Rule.objects.order_by("rule_id").first().rule_id
    decision = governance.decide(
        subject=(rules.CREATOR, mei.pk), action="suspend", rule=rule, reason="sold fakes", by=SYSTEM
    )
    for is_carried_out in (False, True):
        with pytest.raises(Refusal, match="creator_suspended"):
            publish(mei, bowl)
        with pytest.raises(Refusal, match="creator_suspended"):
            sharing.mint_token(creator_id=mei.pk, target_kind="catalog.product", target_id=bowl, shop_id=shop.id)
        assert state(post) == ("hidden" if is_carried_out else "published")
        outbox.drain_all()
    governance.reverse_decision(decision_id=decision.pk, reason="they were real", by=SYSTEM)
    outbox.drain_all()
    assert state(post) == "published"
    publish(mei, bowl)


def test_a_suspension_with_an_end_ends_by_its_timer(shop, mei):
    post = publish(mei, market.product(shop))
    made(1, (rules.CREATOR, mei.pk), until=NOW + DAY)
    made(2, (rules.POST, post.pk), until=NOW + 2 * DAY)
    assert state(post) == "taken_down"
    assert sweeps.due_of("content.lift_stops") == NOW + DAY
    assert tasks.lift_stops(10, NOW + DAY - SECOND) == 0
    assert tasks.lift_stops(10, NOW + DAY) == 1
    assert state(post) == "taken_down"
    assert tasks.lift_stops(10, NOW + 2 * DAY) == 1
    assert state(post) == "published"
    assert [each.lifted_at for each in Stop.objects.order_by("pk")] == [NOW + DAY, NOW + 2 * DAY]


def test_an_ended_post_can_be_read_but_leaves_the_list_and_only_its_creator_ends_it(shop, mei):
    post = publish(mei, market.product(shop))
    with pytest.raises(Refusal, match="not_found"):
        services.end_recommendation(recommendation_id=post.pk, creator_id=mei.pk + 1)
    services.end_recommendation(recommendation_id=post.pk, creator_id=mei.pk)
    with pytest.raises(Refusal, match="stale_state"):
        services.end_recommendation(recommendation_id=post.pk, creator_id=mei.pk)
    assert queries.recommendation(post.public_id).state == "ended"
    assert queries.feed_page().cards == []


def test_the_feed_pages_through_everything_once_newest_first_in_two_statements(
    shop, mei, django_assert_max_num_queries
):
    bowl, cup = market.product(shop), market.product(shop)
    posts = []
    for number in range(7):
        with clock.at(NOW + (number // 2) * SECOND):  # two of one moment
            posts.append(publish(mei, bowl, cup, reason=f"{REASON} {number}").public_id)
    seen, cursor = [], None
    with clock.at(NOW + DAY):
        while True:
            with django_assert_max_num_queries(2):
                page = queries.feed_page(cursor, 3)
            seen += [card["id"] for card in page.cards]
            publish(mei, bowl, reason=f"{REASON} later {len(seen)}")  # newer posts do not shift the pages
            cursor = page.next_cursor
            if cursor is None:
                break
    assert seen == posts[::-1]


def test_one_post_takes_two_statements(shop, mei, django_assert_max_num_queries):
    post = publish(mei, market.product(shop), market.product(shop))
    with clock.at(NOW), django_assert_max_num_queries(2):
        assert len(queries.recommendation(post.public_id).items) == 2
    with pytest.raises(Refusal, match="not_found"):
        queries.recommendation("rec_nothing")


def test_a_bent_cursor_is_refused_and_the_json_is_the_page(shop, mei):
    for number in range(2):
        publish(mei, market.product(shop), reason=f"{REASON} {number}", title="早安 ☕")
    page = json.loads(queries.feed_json(limit=1))
    assert page["items"][0]["title"] == "早安 ☕"
    assert json.loads(queries.feed_json(page["next_cursor"], 1))["next_cursor"] is None
    with pytest.raises(Refusal, match="malformed"):
        queries.feed_page(page["next_cursor"][:-2])
    assert len(queries.feed_page(limit=0).cards) == 1


@pytest.mark.django_db(transaction=True)
def test_a_suspension_at_the_same_moment_as_posts_leaves_none_shown():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    start, failures = Barrier(3), []

    def run(work) -> None:
        try:
            start.wait(timeout=10)
            work()
        except BaseException as error:
            if not (isinstance(error, Refusal) and error.code == "creator_suspended"):
                failures.append(error)
        finally:
            connection.close()

    works = [lambda n=n: publish(mei, bowl, reason=f"{REASON} {n}") for n in range(2)]
    works.append(lambda: made(1, (rules.CREATOR, mei.pk)))
    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(Recommendation.objects.values_list("state", flat=True)) <= {"hidden"}
    with pytest.raises(Refusal, match="creator_suspended"):
        publish(mei, bowl)
