"""What the platform takes cites the rule that sets it, and cannot be stored without."""

from typing import Any

import pytest
from django.db import DatabaseError
from tests.stories.house import House, done

from meadow.accounts.models import Merchant
from meadow.governance import services
from meadow.governance.rules import current_rule
from meadow.kernel.audit import SYSTEM
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money
from meadow.ledger import rules as ledger_rules
from meadow.ledger.models import Posting
from meadow.ledger.services import Transfer, post

pytestmark = pytest.mark.django_db


def test_g9_1_every_fee_cites_the_rule_that_sets_it(db: Any) -> None:
    house = House.build()
    order = house.sold(house.product())
    house.ship(order)
    house.days(30)
    assert house.order(order)["state"] == "settled"
    posting = Posting.objects.get(kind="settle")
    assert posting.note is not None
    assert posting.note["rule"] == "platform.fees v1"
    merchant = Merchant.objects.get().public_id
    lines = done(house.ada.get(f"statements/merchant/{merchant}"))["items"]
    assert "platform.fees v1" in {line["rule"] for line in lines if line["kind"] == "settle"}
    # The rule says what is taken, in both languages.
    rule = current_rule("platform.fees")
    assert rule is not None
    for text in (rule.text_en, rule.text_zh):
        said = text.replace(" ", "")
        assert f"{ledger_rules.TRADE_BP // 100}%" in said
        assert f"{ledger_rules.SERVICE_BP // 100}%" in said


def test_g9_1_a_fee_without_a_rule_cannot_be_stored(db: Any) -> None:
    one = Transfer("psp:sandbox", "platform:trade_fee", Money(5, "CNY"))
    for note in (None, {"lines": []}):
        with pytest.raises(DatabaseError), atomic():
            post(key="bare", cause=("trade.order", 1), kind="settle", transfers=[one], note=note)
    assert not Posting.objects.exists()


def test_g9_1_the_rule_of_the_fees_is_changed_and_never_ended(db: Any) -> None:
    services.publish_rules()
    words = {"title_en": "Fees", "title_zh": "收费", "text_en": "None.", "text_zh": "无。"}
    with pytest.raises(Refusal, match="malformed"):
        services.draft_rule(rule_id="platform.fees", why="No fees.", repeals=True, by=SYSTEM, **words)
    assert (
        services.draft_rule(rule_id="platform.fees", why="Lower fees.", by=SYSTEM, **words).rule_id == "platform.fees"
    )
