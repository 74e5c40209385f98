"""No pyramid, provably: random invitation graphs pay nobody upwards, and no door takes a setting that would."""

from random import Random
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.trade import bazaar
from tests.trade.bazaar import DAY, T0, at

from meadow.affiliate.models import Attribution, CommissionLine
from meadow.affiliate.rules import Candidate, Line, Offer, attribute
from meadow.config.settings import read
from meadow.content import services as content
from meadow.governance import services as office
from meadow.governance.models import Case
from meadow.kernel import outbox
from meadow.kernel.compensation import prohibited_in
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import services as ledger
from meadow.ledger.queries import reversal, split
from meadow.ledger.services import Transfer
from meadow.plans import services as plans
from meadow.trade import queries as trade
from meadow.trade.models import OrderLine

database = pytest.mark.django_db


@hypothesis_settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_c7_1_income_is_the_same_whoever_invited_whom(seed: int) -> None:
    """Random forests of invitations, orders and refunds: removing every edge changes nobody's income by a unit, and
    nobody gets money from a line that their own click did not lead to."""
    dice = Random(seed)
    people = list(range(1, dice.randint(2, 12)))
    inviter = {one: dice.choice([0, *range(1, one)]) for one in people}
    offers = [
        Offer(n, n, "general", dice.choice([0, 100, 2000, 9000]), shop, None, None) for n, shop in ((1, 7), (2, 8))
    ]
    income: dict[int, int] = dict.fromkeys(people, 0)
    for line_id in range(dice.randint(1, 15)):
        shop = dice.choice([7, 8])
        clicks = [
            Candidate(f"c{line_id}-{n}", dice.choice(people), dice.choice([7, 8]), 70, T0 - n * DAY, "post", "person",
                      dice.random() > 0.1, dice.random() > 0.1, dice.random() < 0.1)
            for n in range(dice.randint(0, 4))
        ]  # fmt: skip
        (made,) = attribute([Line(line_id, shop, 70)], clicks, offers, T0)
        goods = dice.randint(1, 50_000)
        parts = split(goods, made.rate_bp)
        left = parts - reversal(parts, dice.choice([0, goods, dice.randint(0, goods)]))
        if made.creator_id is None:
            assert left.creator == 0
            continue
        owners = {click.creator_id for click in clicks if click.click_id == made.click_id}
        assert owners == {made.creator_id}
        # Whoever invited the creator, at any height, has nothing of this line: there is one share, and it is theirs.
        above, climbing = [], made.creator_id
        while (climbing := inviter.get(climbing, 0)) and climbing not in above:
            above.append(climbing)
        before = {one: income[one] for one in above if one != made.creator_id}
        income[made.creator_id] += left.creator
        assert {one: income[one] for one in before} == before
        assert left.merchant + left.creator + left.service + left.trade == left.total


PROHIBITED = [
    "level2_rate", "level_2_rate_bp", "secondLevelRate", "second_level_commission", "tier2_percent", "tiers_rate",
    "upline", "upline_percent", "uplineShare", "sponsor_id", "sponsor_bonus", "parent_id", "parent_creator", "inviter",
    "inviter_rate", "invited_by", "referrer_bonus", "sub_affiliate", "downline", "downline_bonus", "downlineCount",
    "team_bonus", "team_commission_bp", "override_rate", "group_performance_bonus", "matrix_plan", "binary_bonus",
    "recruit_bonus", "recruiting_reward", "recruits", "signup_bonus", "sign_up_bonus", "invite_reward_minor",
    "referral_commission", "bonus_per_recruit", "joining_fee", "join_fee_minor", "entry_fee", "membership_fee",
    "registration_fee", "fee_to_join", "starter_kit", "starter_purchase", "min_purchase_to_join", "mandatory_purchase_minor",
    "minimum_own_purchase_amount", "personal_volume", "buy_in", "upgrade_by_downline", "upgrade_at", "rank_bonus",
    "agent_level", "distributor_rank", "second_creator", "co_creators", "creator_split", "creator_splits",
    "commission_chain", "beneficiaries", "split_with", "agency_share", "mcn_rate", "二级分销", "2级佣金", "上级提成",
    "下线奖励", "团队计酬", "拉人头奖", "入门费", "加盟费", "购买礼包成为代理", "按下级升级", "机构分成",
]  # fmt: skip
HARMLESS = [
    "name", "rate_bp", "kind", "products", "creators", "starts_at", "ends_at", "level", "Level up your kitchen",
    "Winter", "team", "Team picks", "parent", "Back to school for parents", "service_fee", "shipping_fee", "entry_level",
    "first_order", "member_price", "join", "invitations", "upgrade", "share", "creator", "min_quantity", "binary",
    "春季计划", "会员日", "第二件半价", "团队精选", "升级版保温杯", "test_clock", "payout_minimum_minor", "limit_factor",
]  # fmt: skip


def test_c7_2_every_name_of_prohibited_pay_is_known_and_no_harmless_one() -> None:
    assert [name for name in PROHIBITED if prohibited_in(name) is None] == []
    assert [name for name in HARMLESS if prohibited_in(name) is not None] == []


@pytest.mark.parametrize(
    "terms",
    [
        {"rate_bp": 2000, "level2_rate_bp": 500}, {"plan": {"upline": {"percent": 5}}}, [{"joining_fee": 9900}],
        {"rules": [{"upgrade_by_downline": 30}]}, {"creator_splits": [{"creator": "a", "bp": 1}]},
    ],
)  # fmt: skip
def test_c7_2_a_configuration_that_pays_for_people_is_refused_wherever_it_hides(terms: Any) -> None:
    with pytest.raises(Refusal) as caught:
        plans.require_single_level(terms)
    assert (caught.value.code, caught.value.status) == ("prohibited_compensation", 422)
    assert "Only the creator" in caught.value.text("en")
    assert "发展人员" in caught.value.text("zh")
    plans.require_single_level({"rate_bp": 2000, "name": "Winter", "creators": ["cre_1"]})


@pytest.mark.parametrize("name", ["MEADOW_LEVEL2_RATE", "MEADOW_RECRUIT_BONUS_MINOR", "MEADOW_JOINING_FEE"])
def test_c7_2_an_installation_with_such_a_setting_does_not_start(name: str, tmp_path: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} is refused .prohibited_compensation"):
        read({name: "5", "MEADOW_DATA": str(tmp_path)})
    assert read({"MEADOW_DATA": str(tmp_path)}).sandbox in (True, False)


@database
def test_c7_2_a_plan_is_not_even_named_so() -> None:
    with at(T0):
        shop = bazaar.shop()
        bowl = bazaar.goods(shop)
        with pytest.raises(Refusal, match="prohibited_compensation"):
            plans.create_marketing_plan(
                shop_id=shop.id, product_ids=[bowl.product_id], rate_bp=1000, by=shop.keeper, name="二级分销计划"
            )


@database
def test_c7_4_no_second_creator_fits_on_a_line_and_one_who_is_paid_is_found_out() -> None:
    with at(T0):
        shop, mei, eve, bo = bazaar.shop(), bazaar.creator(), bazaar.creator("Eve"), bazaar.person()
        bowl = bazaar.goods(shop)
        bazaar.click(mei, bowl, person_id=bo)
        order = bazaar.paid(bowl, buyer=bo)
    first, line = Attribution.objects.get(order_id=order.pk), CommissionLine.objects.get()
    for made in (
        Attribution(**{f.attname: getattr(first, f.attname) for f in Attribution._meta.fields if f.name != "id"}),
        CommissionLine(**{f.attname: getattr(line, f.attname) for f in CommissionLine._meta.fields if f.name != "id"}),
    ):
        made.creator_id = eve.pk
        with pytest.raises(IntegrityError), transaction.atomic():
            made.save(force_insert=True)
    with at(T0 + DAY):
        bazaar.settled(order)
    since, until = T0 - DAY, T0 + 30 * DAY
    report = trade.compensation(since=since, until=until)
    assert (report.max_depth, report.payments, report.strangers) == (1, 1, ())
    (earner,) = report.earners
    assert (earner.name, earner.earned_minor, earner.own_bp) == ("Mei", 1800, 10_000)
    # Were somebody paid from a line they did not lead to, by whatever hand, the report and the invariant say so.
    with at(T0 + 3 * DAY):
        ledger.post(
            key="upline", cause=("trade.order", order.pk), kind="settle", note={"rule": "platform.fees", "version": 1},
            transfers=[Transfer(f"merchant:{shop.merchant_id}:available", f"creator:{eve.pk}:available", Money(50, "CNY"))],
        )  # fmt: skip
    report = trade.compensation(since=since, until=until)
    assert (report.max_depth, report.strangers[0][0], report.strangers[0][3]) == (2, eve.public_id, 50)
    assert {one.name: one.own_bp for one in report.earners} == {"Mei": 10_000, "Eve": 0}
    assert bazaar.violations() != {}
    assert OrderLine.objects.filter(creator_id=eve.pk).count() == 0


@database
def test_c7_5_the_report_of_an_empty_period_has_no_depth() -> None:
    report = trade.compensation(since=T0, until=T0 + DAY)
    assert (report.max_depth, report.payments, report.earners) == (0, 0, ())


@database
@pytest.mark.parametrize(
    "words",
    [
        "招代理，团队奖金月结",
        "recruit agents and earn a team bonus",
        "Pay the joining fee and build your downline",
        "交入门费，发展下线拿提成",
    ],
)
def test_c7_6_a_post_that_recruits_waits_for_a_look_and_is_not_shown(words: str) -> None:
    with at(T0):
        office.publish_rules()
        office.publish_packs()
        mei, shop = bazaar.creator(), bazaar.shop()
        bowl = bazaar.goods(shop)
        post = content.publish_recommendation(
            creator_id=mei.pk, items=[(bowl.product_id, "I drink from it every morning, it keeps warm.")], text=words
        )
        outbox.drain_all()
    post.refresh_from_db()
    assert post.state != "published"
    case = Case.objects.get(subject_kind="content.recommendation")
    assert (case.subject_id, case.rule_id) == (post.pk, "conduct.recruiting")
