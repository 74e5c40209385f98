"""What governance decides is carried out by those who own it: shops of a leaving merchant, posts and payouts under limits."""

from datetime import timedelta

import pytest

from meadow.accounts import services as people
from meadow.catalog import services as catalog
from meadow.catalog.services import NewSku
from meadow.content import services as content
from meadow.governance import queries, services
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import services as ledger
from meadow.payments import services as payments

pytestmark = pytest.mark.django_db


def _merchant() -> tuple[int, Actor]:
    ada = people.add_person(email="ada@example.com", name="Ada")
    return people.open_merchant(person_id=ada.pk, name="Ada's").pk, Actor("person", ada.pk)


def _mei() -> tuple[int, int]:
    person = people.add_person(email="mei@example.com", name="Mei")
    applied = people.apply_as_creator(person_id=person.pk, name="Mei")
    return person.pk, people.approve_creator(creator_id=applied.pk, by=SYSTEM).pk


def test_g9_3_the_shops_of_a_merchant_that_leaves_close_and_open_again_only_if_it_accepts() -> None:
    services.publish_rules()
    merchant_id, ada = _merchant()
    shop = catalog.open_shop(merchant_id=merchant_id, name="Linen", by=ada)
    draft = services.draft_rule(
        rule_id="conduct.fraud", title_en="Stricter", title_zh="更严", text_en="Stricter.", text_zh="更严。", why="x",
        by=SYSTEM,
    )  # fmt: skip
    services.open_consultation(draft_id=draft.pk, by=SYSTEM)
    services.publish_draft(draft_id=draft.pk, effective_from=clock.now() + timedelta(days=8), by=SYSTEM)
    services.leave_under_old_rules(merchant_id=merchant_id, rule_id="conduct.fraud", by=ada)
    outbox.drain_all()
    shop.refresh_from_db()
    assert shop.state == "closed"
    for call in (
        lambda: catalog.reopen_shop(shop_id=shop.pk, by=ada),
        lambda: catalog.open_shop(merchant_id=merchant_id, name="Another", by=ada),
    ):
        with pytest.raises(Refusal, match="merchant_leaving"):
            call()
    services.accept_rules(merchant_id=merchant_id, by=ada)
    assert catalog.reopen_shop(shop_id=shop.pk, by=ada).state == "open"


def test_g3_5_who_may_not_post_or_withdraw_is_told_the_rule_and_the_end_and_may_again_after() -> None:
    merchant_id, ada = _merchant()
    shop = catalog.open_shop(merchant_id=merchant_id, name="Linen", by=ada)
    pot = catalog.add_product(shop_id=shop.pk, title="Clay teapot", skus=[NewSku(price_minor=9_900, left=3)], by=ada)
    person_id, creator_id = _mei()
    ledger.post(
        key="earned", cause=("test", 1), kind="test",
        transfers=[ledger.Transfer("psp:sandbox", f"creator:{creator_id}:available", Money(50_000, "CNY"))],
    )  # fmt: skip
    services.record_violation(
        party=("accounts.person", person_id), kind="fraud", severity="grave", reason="invented orders", by=SYSTEM
    )
    post = {"creator_id": creator_id, "items": [(pot.pk, "It pours without dripping, every morning.")]}
    with pytest.raises(Refusal) as refused:
        content.publish_recommendation(**post)  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.params["rule"]) == ("limited", "conduct.fraud v1")
    withdrawal = {"party": ("creator", creator_id), "amount": Money(50_000, "CNY"), "by": Actor("person", person_id)}
    with pytest.raises(Refusal, match="limited"):
        payments.withdraw(key="w1", **withdrawal)  # type: ignore[arg-type]
    assert {limit.what for limit in queries.limits_on(person_id)} >= {"post", "payout"}
    sweeps.advance(clock.now() + timedelta(days=31))
    assert content.publish_recommendation(**post).pk  # type: ignore[arg-type]
    assert payments.withdraw(key="w2", **withdrawal).pk  # type: ignore[arg-type]
