"""Suspensions say what, how far, why, by which rule and until when; they end by themselves and restore what was."""

import random
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from tests.governance.office import Office, open_office, pass_time
from tests.trade import bazaar
from tests.web.world import browser, person

from meadow.accounts import queries as accounts_queries
from meadow.accounts import services as accounts
from meadow.accounts.models import MerchantStaff
from meadow.catalog import queries as catalog
from meadow.catalog import services as catalog_services
from meadow.content import services as content
from meadow.governance import queries, services
from meadow.governance.models import Case, Decision, Rule, Suspension
from meadow.governance.rules import suspensions as laws
from meadow.kernel import clock, outbox
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.models import AuditEntry, OutboxEvent
from meadow.kernel.money import Money
from meadow.ledger import queries as ledger
from meadow.ledger.services import Transfer, post
from meadow.messaging import queries as messages
from meadow.payments.services import withdraw
from meadow.sharing import services as sharing

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
REASON = "Two winters of use and every seam still holds together."


@pytest.fixture
def office(db: None) -> Office:
    return open_office()


def refused(code: str, **facts: Any) -> Refusal:
    with pytest.raises(Refusal, match=code) as met:
        services.announce_suspension(**facts)
    return met.value


def test_g2_1_target_scope_reason_rule_start_review_and_notice_are_required(office: Office) -> None:
    now = clock.now()
    whole = {
        "subject": office.shop, "scope": "new", "ground": "policy", "reason": "Claims nobody can check.",
        "rule": "conduct.fraud", "starts_at": now + 8 * DAY, "review_by": now + 20 * DAY, "by": office.otto,
    }  # fmt: skip
    for wrong in (
        {"subject": ("catalog.nothing", 1)}, {"subject": (laws.FEATURE, 99)}, {"subject": ("shop", 1)},
        {"scope": "some"}, {"scope": "existing"}, {"ground": "mood"}, {"reason": "  "}, {"at_review": "forget"},
        {"starts_at": now + 6 * DAY}, {"starts_at": now}, {"starts_at": now + 200 * DAY}, {"notice_days": 3},
        {"notice_days": 9}, {"review_by": now + 8 * DAY}, {"review_by": now + 39 * DAY}, {"review_by": now},
    ):  # fmt: skip
        assert refused("malformed", **(whole | wrong)).status == 422, wrong
    assert refused("rule_unknown", **(whole | {"rule": "no.such"})).status == 422
    refused("forbidden", **(whole | {"by": type(office.otto)("person", office.world.bo.pk)}))
    assert not Suspension.objects.exists()
    made = services.announce_suspension(**whole)
    assert (made.state, made.starts_at, made.due_at) == ("announced", now + 8 * DAY, now + 8 * DAY)
    assert str(made.rule) == "conduct.fraud v1"
    # The same scope again is the same suspension; the other scope is another.
    assert refused("suspended_already", **whole).params["suspension"] == made.public_id
    services.announce_suspension(**(whole | {"scope": "all"}))
    # Thirty days from the start at most, to the second; fraud, security and the law need no notice.
    for ground in laws.AT_ONCE:
        services.announce_suspension(
            **(whole | {"subject": ("catalog.product", laws.AT_ONCE.index(ground) + 900), "ground": ground,
                        "starts_at": now, "review_by": clock.now() + 30 * DAY})
        )  # fmt: skip


def test_g2_1_the_database_itself_holds_no_suspension_without_rule_reason_or_review(office: Office) -> None:
    now = clock.now()
    facts: dict[str, Any] = {
        "subject_kind": "catalog.shop", "subject_id": 1, "scope": "new", "ground": "policy", "reason": "why",
        "rule": Rule.objects.get(rule_id="conduct.fraud"), "announced_at": now, "starts_at": now + 7 * DAY,
        "period_from": now + 7 * DAY, "review_by": now + 37 * DAY, "at_review": "lift", "due_at": now + 7 * DAY,
    }  # fmt: skip
    for wrong in (
        {"rule": None}, {"reason": ""}, {"review_by": None}, {"review_by": now + 38 * DAY}, {"scope": "x"},
        {"starts_at": now + 6 * DAY}, {"due_at": None}, {"state": "active"}, {"state": "lifted"}, {"ground": "x"},
    ):  # fmt: skip
        with pytest.raises(DatabaseError), atomic():
            Suspension.objects.create(**(facts | wrong))
    Suspension.objects.create(**facts)


def test_g2_2_those_concerned_are_told_before_it_takes_effect(office: Office) -> None:
    now = clock.now()
    made = office.suspend(
        office.shop, "new", ground="policy", rule="conduct.fraud", starts_at=now + 7.5 * DAY, review_by=now + 20 * DAY
    )
    told = OutboxEvent.objects.get(kind="SuspensionAnnounced")
    assert told.body["suspension_id"] == made.pk
    assert told.occurred_at <= made.starts_at - laws.NOTICE
    mine = queries.suspensions_of(queries.parties_of(office.world.ada.pk))
    assert [one.public_id for one in mine] == [made.public_id]
    assert queries.public_suspensions() == mine
    pass_time(days=7.4)
    assert office.snapshot()["shop"] == "open"
    pass_time(days=0.2)
    made.refresh_from_db()
    assert (made.state, office.snapshot()["shop"]) == ("active", "stopped")
    assert made.decision is not None
    assert (made.decision.rule_id, made.decision.action, made.decision.made_at) == (
        "conduct.fraud", "stop_new", made.starts_at
    )  # fmt: skip
    # Where there is no time for a notice, the telling still leaves first, in the same line of events.
    office.suspend(office.merchant, "new")
    line = OutboxEvent.objects.filter(subject=f"accounts.merchant:{office.merchant[1]}").order_by("pk")
    assert list(line.values_list("kind", flat=True)) == ["SuspensionAnnounced", "DecisionMade"]


def test_g2_2_scope_new_stops_what_would_begin_and_leaves_what_is(office: Office) -> None:
    world = office.world
    office.suspend(office.creator, "new")
    office.suspend(office.product, "new")
    outbox.drain_all()
    with pytest.raises(Refusal, match="creator_suspended"):
        content.publish_recommendation(creator_id=world.creator.pk, items=[(world.flask.pk, REASON)])
    with pytest.raises(Refusal, match="creator_suspended"):
        sharing.mint_token(
            creator_id=world.creator.pk, target_kind="catalog.product", target_id=world.apron.pk,
            shop_id=world.shop.pk, product_id=world.apron.pk,
        )  # fmt: skip
    found = office.snapshot()
    assert found["creator"] == "active"
    assert set(found["posts"].values()) == {"published"}
    assert found["products"][world.apron.pk] == "stopped"
    page = catalog.product_page(world.apron.public_id)  # it can be read, it cannot be bought
    assert not page.card.on_sale
    with pytest.raises(Refusal, match="suspended_by_decision"):
        catalog_services.offer_product(product_id=world.apron.pk, by=world.by_ada)
    office.suspend(office.merchant, "new")
    outbox.drain_all()
    assert office.snapshot()["shop"] == "stopped"
    assert office.snapshot()["merchant"] == "active"
    with pytest.raises(Refusal, match="merchant_suspended"):
        catalog_services.open_shop(merchant_id=world.shop.merchant_id, name="Second", currency="CNY", by=world.by_ada)


def test_g2_2_data_export_stays_available_throughout(office: Office) -> None:
    before = b"".join(catalog.export_csv(office.world.shop.pk))
    for scope in ("new", "all"):
        office.suspend(office.shop, scope)
        office.suspend(office.merchant, scope)
        outbox.drain_all()
        assert b"".join(catalog.export_csv(office.world.shop.pk)).count(b"\n") == before.count(b"\n") > 1
        assert catalog.kept_shop(office.world.shop.pk, office.world.by_ada).pk == office.world.shop.pk


def test_g2_2_a_feature_is_stopped_for_everybody_with_its_reason_and_its_date(office: Office) -> None:
    world = office.world
    begin = {
        "posting": lambda: content.publish_recommendation(creator_id=world.creator.pk, items=[(world.flask.pk, REASON)]),
        "sharing": lambda: sharing.mint_token(
            creator_id=world.creator.pk, target_kind="catalog.product", target_id=world.apron.pk,
            shop_id=world.shop.pk, product_id=world.apron.pk,
        ),
        "shops": lambda: catalog_services.open_shop(
            merchant_id=world.shop.merchant_id, name="Second", currency="CNY", by=world.by_ada
        ),
    }  # fmt: skip
    for name, verb in begin.items():
        made = office.suspend((laws.FEATURE, laws.FEATURES[name].number), "new", reason_zh="买家地址泄露。")
        with pytest.raises(Refusal, match="feature_suspended") as met:
            verb()
        assert made.review_by.date().isoformat() in met.value.text("en")
        assert "Addresses of buyers" in met.value.text("en")
        assert "买家地址泄露" in met.value.text("zh")
        assert "operation.safety v1" in met.value.text("en")
        services.lift_suspension(suspension_id=made.pk, reason="mended", by=office.otto)
        assert verb()


def test_g2_3_without_a_review_it_lifts_by_itself_at_its_date(office: Office) -> None:
    before = office.snapshot()
    made = office.suspend(office.shop, at_review="lift")
    outbox.drain_all()
    assert office.snapshot() != before
    pass_time(days=9.9)
    assert Suspension.objects.get().state == "active"
    pass_time(days=0.2)
    made.refresh_from_db()
    assert (made.state, made.ending, made.ended_at, made.ended_by) == ("lifted", "review", made.review_by, None)
    assert office.snapshot() == before


def test_g2_3_or_it_is_called_out_and_then_lifts_if_nobody_answers(office: Office) -> None:
    before = office.snapshot()
    made = office.suspend(office.shop, at_review="escalate")
    pass_time(days=10.1)
    made.refresh_from_db()
    assert made.state == "overdue"
    assert office.snapshot()["shop"] == "suspended"
    case = Case.objects.get(kind="suspension")
    assert (case.state, case.key, case.decision_id) == ("escalated", made.public_id, made.decision_id)
    assert queries.public_suspensions()[0].state == "overdue"
    pass_time(days=laws.CALLED_OUT.days)
    made.refresh_from_db()
    case.refresh_from_db()
    assert (made.state, made.ending, case.state) == ("lifted", "review", "closed")
    assert office.snapshot() == before
    assert not Suspension.objects.exclude(due_at=None).exists()


def test_g2_3_keeping_it_takes_a_new_public_reason_and_a_new_date(office: Office) -> None:
    made = office.suspend(office.shop, at_review="escalate")
    pass_time(days=10.1)
    with pytest.raises(Refusal, match="malformed"):
        services.keep_suspension(
            suspension_id=made.pk, reason="More.", review_by=clock.now() + 31 * DAY, by=office.otto
        )
    kept = services.keep_suspension(
        suspension_id=made.pk, reason="The leak is found, not closed.", review_by=clock.now() + 3 * DAY, by=office.olga
    )
    assert (kept.state, kept.reason) == ("active", "The leak is found, not closed.")
    assert not Case.objects.exclude(state="closed").exists()
    pass_time(days=3.1)
    assert Suspension.objects.get().state == "overdue"
    lifted = services.lift_suspension(suspension_id=made.pk, reason="It is closed.", by=office.olga)
    assert (lifted.state, lifted.ending, lifted.ended_by_id) == ("lifted", "operator", office.olga.person_id)
    for verb in (services.lift_suspension, services.keep_suspension):
        more = {"review_by": clock.now() + DAY} if verb is services.keep_suspension else {}
        with pytest.raises(Refusal, match="stale_state"):
            verb(suspension_id=made.pk, reason="again", by=office.otto, **more)


def test_g2_4_lifting_before_it_began_touches_nothing(office: Office) -> None:
    before, now = office.snapshot(), clock.now()
    made = office.suspend(
        office.shop, ground="policy", rule="conduct.fraud", starts_at=now + 8 * DAY, review_by=now + 20 * DAY
    )
    gone = services.lift_suspension(suspension_id=made.pk, reason="They mended it.", by=office.otto)
    assert (gone.state, gone.decision) == ("cancelled", None)
    pass_time(days=9)
    assert office.snapshot() == before
    assert not Decision.objects.filter(action__in=("suspend", "stop_new")).exists()


@pytest.mark.parametrize("seed", range(5))
def test_g2_4_lifting_in_any_order_restores_exactly_what_was(office: Office, seed: int) -> None:
    """Random suspensions of everything that can be suspended overlap; when the last is gone, nothing is left of them."""
    chance, world = random.Random(seed), office.world
    if seed % 2:
        catalog_services.withdraw_product(product_id=world.flask.pk, by=world.by_ada)
    if seed % 3 == 0:
        catalog_services.close_shop(shop_id=world.shop.pk, by=world.by_ada)
    outbox.drain_all()
    before = office.snapshot()
    targets = [office.creator, office.merchant, office.shop, office.product, office.post, office.token]
    targets.append(("catalog.product", world.flask.pk))
    wanted = [(target, scope) for target in targets for scope in laws.TARGETS[target[0]].stops]
    chance.shuffle(wanted)
    standing: list[Suspension] = []
    seen = []
    for target, scope in wanted:
        standing.append(office.suspend(target, scope))
        if chance.random() < 0.4:
            outbox.drain_all()
            seen.append(office.snapshot())
        if standing and chance.random() < 0.3:
            _lift(office, standing.pop(chance.randrange(len(standing))))
    outbox.drain_all()
    assert office.snapshot() != before
    chance.shuffle(standing)
    for one in standing:
        _lift(office, one)
        if chance.random() < 0.5:
            outbox.drain_all()
    outbox.drain_all()
    assert office.snapshot() == before
    assert not Suspension.objects.exclude(state="lifted").exists()


def _lift(office: Office, one: Suspension) -> None:
    services.lift_suspension(suspension_id=one.pk, reason="over", by=office.olga)


def test_g2_4_a_weaker_stop_stays_when_a_stronger_ends(office: Office) -> None:
    stop, whole = office.suspend(office.shop, "new"), office.suspend(office.shop, "all")
    outbox.drain_all()
    assert office.snapshot()["shop"] == "suspended"
    _lift(office, whole)
    outbox.drain_all()
    assert office.snapshot()["shop"] == "stopped"
    _lift(office, stop)
    outbox.drain_all()
    assert office.snapshot()["shop"] == "open"


def test_g2_4_a_decision_taken_back_or_a_subject_restored_elsewhere_ends_it_too(office: Office) -> None:
    before = office.snapshot()
    made = office.suspend(office.shop)
    outbox.drain_all()
    services.reverse_decision(decision_id=made.decision_id or 0, reason="wrong shop", by=office.olga)
    outbox.drain_all()
    made.refresh_from_db()
    assert (made.state, made.ending) == ("lifted", "reversed")
    assert office.snapshot() == before
    again = office.suspend(office.shop)
    outbox.drain_all()
    restored = services.decide(
        subject=office.shop, action="restore", rule="operation.safety", reason="all is well", by=office.olga
    )
    outbox.drain_all()
    again.refresh_from_db()
    assert again.state == "lifted"
    assert office.snapshot() == before
    # Nothing is left that taking the restoration back could stop again without a date.
    services.reverse_decision(decision_id=restored.pk, reason="no", by=office.otto)
    outbox.drain_all()
    assert office.snapshot() == before


def test_g2_5_the_trail_says_who_when_why_before_and_after(office: Office) -> None:
    made = office.suspend(office.shop, at_review="escalate")
    pass_time(days=10.1)
    services.keep_suspension(
        suspension_id=made.pk, reason="Not closed yet.", review_by=clock.now() + DAY, by=office.olga
    )
    services.lift_suspension(suspension_id=made.pk, reason="Closed.", by=office.otto)
    outbox.drain_all()
    trail = queries.suspension_trail(made.pk)
    assert [(one["verb"], one["person_id"]) for one in trail] == [
        ("announce_suspension", office.otto.person_id), ("begin_suspension", office.otto.person_id),
        ("call_out_suspension", None), ("keep_suspension", office.olga.person_id),
        ("lift_suspension", office.otto.person_id),
    ]  # fmt: skip
    assert trail[0]["before"] is None
    assert trail[0]["after"]["rule"] == "operation.safety v1"
    for earlier, later in zip(trail, trail[1:], strict=False):
        assert later["before"] == {key: earlier["after"][key] for key in later["before"]}
        assert earlier["at"] <= later["at"]
    assert trail[-1]["after"]["why"] == "Closed."
    states = AuditEntry.objects.filter(verb="carry_out_decision", subject_kind="catalog.shop").order_by("pk")
    assert [(one.before["state"], one.after["state"]) for one in states] == [
        ("open", "suspended"), ("suspended", "open")
    ]  # fmt: skip


def test_a_creator_who_applies_is_refused_while_applying_is_stopped(office: Office) -> None:
    office.suspend((laws.FEATURE, laws.FEATURES["applications"].number), "new")
    with pytest.raises(Refusal, match="feature_suspended"):
        queries.require_feature("applications")
    # What waits already goes on.
    bo = accounts.apply_as_creator(person_id=office.world.bo.pk, name="Bo")
    assert accounts.approve_creator(creator_id=bo.pk, by=SYSTEM).state == "active"


def inbox_of(person: Any) -> list[str]:
    return [messages.said(one, "en").title for one in messages.inbox(person.pk)]


def test_g2_2_a_message_tells_those_concerned_before_it_takes_effect_and_when_it_is_over(office: Office) -> None:
    now, ada = clock.now(), office.world.ada
    made = office.suspend(
        office.shop, "new", ground="policy", rule="conduct.fraud", starts_at=now + 8 * DAY, review_by=now + 20 * DAY,
        reason="Claims nobody can check.", reason_zh="宣传无法核实。", at_review="escalate",
    )  # fmt: skip
    outbox.drain_all()
    assert inbox_of(ada) == ["Something of yours will be stopped for a time"]
    told = messages.inbox(ada.pk)[0]
    assert told.at < made.starts_at - laws.NOTICE
    for language, needed in (
        ("en", ("Green Ear", "New orders", "Claims nobody can check.", "conduct.fraud v1", "appeal")),
        ("zh-hans", ("停止接收新订单", "宣传无法核实。", "数据可随时导出", "申诉")),
    ):
        text = messages.said(told, language).text
        for part in (*needed, f"{made.starts_at.astimezone(UTC):%Y-%m-%d %H:%M}", f"{made.review_by:%Y-%m-%d}"):
            assert part in text, (language, part)
    assert "/me/limits" in messages.said(told, "en").text
    assert inbox_of(office.world.bo) == []  # neither bought there nor recommends it
    pass_time(days=20.1)
    assert inbox_of(ada)[:2] == ["A review is overdue", "A decision concerns you"]
    pass_time(days=laws.CALLED_OUT.days)
    assert "A suspension is over" in inbox_of(ada)[:2]
    # Where there is no time for a notice, the announcement is still told first.
    office.suspend(office.merchant, "new")
    outbox.drain_all()
    assert inbox_of(ada)[:2] == ["A decision concerns you", "Something of yours will be stopped for a time"]


def test_g2_2_staff_buyers_with_orders_on_their_way_and_who_recommends_it_are_told_too(office: Office) -> None:
    world, now = office.world, clock.now()
    clerk = person("clerk@example.com", "Cai")
    MerchantStaff.objects.create(merchant_id=office.merchant[1], person=clerk, role="finance")
    what = bazaar.LineIn(world.sku(world.apron).sku_id)
    first, newest = (bazaar.paid(what, buyer=world.bo.pk) for _ in range(2))
    guests = bazaar.paid(what, carrier="somebody")
    bazaar.place(what, buyer=world.otto.pk)  # not paid: nothing of theirs is on its way
    outbox.drain_all()
    made = office.suspend(
        office.shop, "all", ground="policy", rule="conduct.fraud", starts_at=now + 8 * DAY, review_by=now + 20 * DAY,
        reason="Claims nobody can check.", reason_zh="宣传无法核实。",
    )  # fmt: skip
    outbox.drain_all()
    heard = {
        world.ada.pk: ("Something of yours will be stopped for a time", "/me/limits"),
        clerk.pk: ("Something of a shop you work for will be stopped for a time", "/rules/transparency"),
        world.mei.pk: ("Something you recommend will be stopped for a time", "/rules/transparency"),
        world.bo.pk: ("A shop where you have an order will be stopped for a time", newest.public_id),
        guests.buyer_id: ("A shop where you have an order will be stopped for a time", "/o/"),
    }
    for person_id, (title, link) in heard.items():
        told = [one for one in messages.inbox(person_id) if messages.said(one, "en").title == title]
        assert len(told) == 1, title
        assert told[0].at < made.starts_at - laws.NOTICE
        for language, reason in (("en", "Claims nobody can check."), ("zh-hans", "宣传无法核实。")):
            text = messages.said(told[0], language).text
            for part in (reason, "Green Ear", "conduct.fraud v1", link, f"{made.review_by:%Y-%m-%d}",
                         f"{made.starts_at.astimezone(UTC):%Y-%m-%d %H:%M}"):  # fmt: skip
                assert part in text, (title, language, part)
    mailed = messages.Message.objects.get(person_id=guests.buyer_id, title_en__startswith="A shop where")
    assert mailed.mail_to == bazaar.CONTACT["email"]
    assert first.public_id not in messages.said(messages.inbox(world.bo.pk)[0], "en").text
    assert inbox_of(world.otto) == []
    ada = browser()
    ada.force_login(world.ada)
    assert '/me/limits">http' in ada.get("/inbox").content.decode()  # two taps to the appeal
    services.lift_suspension(suspension_id=made.pk, reason="Shown.", by=office.otto)
    outbox.drain_all()
    assert all(inbox_of(who)[0] == "A suspension is over" for who in (world.ada, clerk, world.mei))
    assert "A suspension is over" not in inbox_of(world.bo)  # their order was never touched


def test_g2_2_applications_and_withdrawals_stop_at_their_doors_and_what_is_on_its_way_goes_on(office: Office) -> None:
    world = office.world
    party = ("creator", world.creator.pk)
    post(
        key="earned", cause=("tests.suspensions", 1), kind="test", transfers=[
            Transfer("psp:sandbox", f"creator:{world.creator.pk}:available", Money(50_000, "CNY"))
        ],
    )  # fmt: skip
    asked = withdraw(key="before", party=party, amount=Money(10_000, "CNY"), by=Actor("person", world.mei.pk))
    for name in ("applications", "payouts"):
        office.suspend((laws.FEATURE, laws.FEATURES[name].number), "new", reason_zh="买家地址泄露。")
    # Asked for before the stop, it is answered as before; a new one is not begun, and nothing of it is left.
    again = withdraw(key="before", party=party, amount=Money(10_000, "CNY"), by=Actor("person", world.mei.pk))
    assert again.pk == asked.pk
    with pytest.raises(Refusal, match="feature_suspended"):
        withdraw(key="after", party=party, amount=Money(10_000, "CNY"), by=Actor("person", world.mei.pk))
    assert ledger.available(f"creator:{world.creator.pk}:available", "CNY") == 40_000
    bo = browser("zh-CN")
    bo.force_login(world.bo)
    refused_page = bo.post("/me/apply", {"name": "Bo"})
    assert refused_page.status_code == 403
    assert "买家地址泄露。" in refused_page.content.decode()
    assert accounts_queries.creator_of(world.bo.pk) is None
    for made in Suspension.objects.all():
        services.lift_suspension(suspension_id=made.pk, reason="mended", by=office.otto)
    assert bo.post("/me/apply", {"name": "Bo"}).status_code == 302
    assert withdraw(key="after", party=party, amount=Money(10_000, "CNY"), by=Actor("person", world.mei.pk)).pk


def test_g2_2_scope_decides_whether_the_pages_of_a_shop_stay(office: Office) -> None:
    world = office.world
    anyone, ada = browser(), browser()
    ada.force_login(world.ada)
    pages = [
        f"/shop/{world.shop.public_id}", f"/g/{world.flask.public_id}", f"/api/v1/products/{world.flask.public_id}",
        f"/api/v1/shops/{world.shop.public_id}",
    ]  # fmt: skip

    def seen() -> list[int]:
        return [anyone.get(path).status_code for path in pages]

    for subject in (office.shop, office.merchant):
        stop = office.suspend(subject, "new")
        outbox.drain_all()
        assert seen() == [200] * 4
        assert "Steel flask" in anyone.get(pages[0]).content.decode()
        assert "Buy now" not in anyone.get(pages[1]).content.decode()
        whole = office.suspend(subject, "all")
        outbox.drain_all()
        assert seen() == [404] * 4
        assert "Not for sale at the moment" in anyone.get(f"/S/{world.code}").content.decode()
        # The creator's post is the creator's; it says that nothing of it can be bought.
        assert "Not for sale at the moment" in anyone.get("/").content.decode()
        # Who keeps the shop still has everything: its data, and what it sold.
        assert catalog.kept_shop(world.shop.pk, world.by_ada).pk == world.shop.pk
        assert b"".join(catalog.export_csv(world.shop.pk)).count(b"\n") > 1
        for one in (whole, stop):
            _lift(office, one)
        outbox.drain_all()
        assert seen() == [200] * 4
        assert anyone.get(f"/S/{world.code}").status_code == 200
