"""Does every text that people write for others pass the one check?  A column that does not must say why here."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from tests.sharing import market

from meadow.accounts import services as accounts
from meadow.catalog import queries as catalog
from meadow.catalog import services as shelves
from meadow.content import services as content
from meadow.governance import services
from meadow.governance.models import Case, Decision
from meadow.governance.rules.surfaces import COLUMNS, TextSurface
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal
from meadow.messaging import services as messaging

pytestmark = pytest.mark.django_db
REASON = "I drink my tea from it every single morning"
FORBIDDEN = "hai洛因 4号 现货"  # a strong term, half in pinyin
UNCLEAR = "懂的来"

OFFICE = "written by operators, who answer for it, or by the house"
CASE = "read by who judges a dispute and by its sides, who must be able to say anything"
MACHINE = "made or copied by the machine, or a name that only its owner reads"
# What no check stands before, by table or column, and why.
UNCHECKED: dict[str, str] = {
    "kernel": MACHINE, "ledger": MACHINE, "payments": MACHINE, "affiliate": MACHINE, "discovery": MACHINE,
    "sharing": MACHINE, "plans.Plan": MACHINE,
    "accounts.Person.password": MACHINE, "accounts.Person.time_zone": MACHINE, "accounts.Person.payout_identity": MACHINE,
    "accounts.Creator.identity": MACHINE, "accounts.Creator.reason": OFFICE, "accounts.StaffInvitation": MACHINE,
    "accounts.ClaimCode": MACHINE, "accounts.ApiKey": MACHINE, "accounts.Mail": MACHINE,
    "governance.CaseAct": OFFICE, "governance.SavedFilter": OFFICE, "governance.Case": MACHINE,
    "governance.Appeal": CASE, "governance.AppealNote": CASE, "governance.Report": CASE,
    "governance.ContactRecord": MACHINE, "governance.Decision": MACHINE, "governance.DecisionText": OFFICE,
    "governance.Detector": OFFICE, "governance.DetectorChange": OFFICE, "governance.Licence": CASE,
    "governance.Occurrence": MACHINE, "governance.OccurrenceText": MACHINE, "governance.Pack": OFFICE,
    "governance.TextFinding": MACHINE, "governance.Partner": OFFICE, "governance.LinkSetting": OFFICE,
    "governance.BarredHost": OFFICE, "governance.Rule": OFFICE, "governance.RuleDraft": OFFICE,
    "governance.DraftComment": "part of the public debate on a rule, read by operators before it is shown",
    "governance.Suspension": OFFICE, "governance.LinkStanding": OFFICE,
    "catalog.Product.handle": "made of the title", "catalog.Product.source_url": "kept, never shown",
    "catalog.ProductImage": "kept, never shown", "catalog.Sku.code": "shown to its keeper alone",
    "catalog.Sku.barcode": "shown to its keeper alone", "catalog.Sku.image_url": "kept, never shown",
    "content.Recommendation.creator_name": "a copy of the checked name",
    "content.RecommendationItem.title_at_post": "a copy of the checked title",
    "content.Comment.author_name": "a copy of the checked name", "content.Picture": MACHINE,
    "trade.OrderLine": "a copy of the checked listing", "trade.CartLine": MACHINE, "trade.Checkout": MACHINE,
    "trade.Favourite": MACHINE, "trade.Refund": CASE, "trade.Claim": CASE, "trade.ClaimEntry": CASE,
    "trade.Evidence": CASE, "trade.Dispute": CASE, "trade.Freeze": OFFICE, "trade.ReturnAddress": CASE,
    "messaging.Message": MACHINE, "messaging.PhoneShare": MACHINE, "messaging.NoticeText.topic": MACHINE, "messaging.Send.client_msg_id": MACHINE, "messaging.Send.digest": MACHINE,
    "messaging.Send.via": MACHINE,
}  # fmt: skip


def _text_columns() -> Iterator[str]:
    """Every column that could hold a sentence."""
    for model in apps.get_models():
        if model._meta.app_label not in settings.CONTEXTS:
            continue
        for field in model._meta.concrete_fields:
            is_text = isinstance(field, models.TextField) or (
                isinstance(field, models.CharField) and (field.max_length or 0) >= 60 and not field.choices
            )
            if is_text and field.editable and not field.unique:
                yield f"{model._meta.label}.{field.name}"


def _names_of(column: str) -> set[str]:
    app, table, _ = column.split(".")
    return {app, f"{app}.{table}", column}


def test_g6_4_every_column_that_people_write_is_on_a_surface_or_says_why_not() -> None:
    checked = {column for columns in COLUMNS.values() for column in columns}
    there = set(_text_columns())
    strangers = sorted(c for c in there if c not in checked and _names_of(c).isdisjoint(UNCHECKED))
    assert not strangers, f"on no surface (governance/rules/surfaces.py) and not excused here: {strangers}"
    assert checked <= there, f"declared but gone: {sorted(checked - there)}"
    assert not checked & set(UNCHECKED)


class Market:
    """Somebody who writes on each surface."""

    def __init__(self) -> None:
        self.mei, self.shop = market.creator(), market.shop()
        self.bo = market.person("Bo")
        self.product = market.product(self.shop)
        self.post = content.publish_recommendation(creator_id=self.mei.pk, items=[(self.product, REASON)])
        self.line = messaging.write_to_merchant(
            merchant_id=self.shop.merchant_id, person_id=self.bo, text="Is it warm?"
        )

    def listing(self, text: str, **more: Any) -> Any:
        skus = [shelves.NewSku(price_minor=100, left=1)]
        return shelves.add_product(shop_id=self.shop.id, skus=skus, **{"title": f"A {text}", "handle": "x", **more})

    def file(self, text: str) -> Any:
        rows = f"Handle,Title,Variant Price\na,Bowl {text},10\nb,Plain cup,10\n".encode()
        report = shelves.import_catalog(shop_id=self.shop.id, file=rows, mode="valid", by=self.shop.keeper)
        if report.rejected:
            raise Refusal(report.rejected[0].code)
        return report

    def writers(self) -> dict[str, Callable[[str], Any]]:
        """By column: how a text gets there."""
        by, shop = self.shop.keeper, self.shop
        return {
            "catalog.Product.title": self.listing,
            "catalog.Product.title by file": self.file,
            "catalog.Product.description": lambda t: self.listing("bowl", description=t),
            "catalog.Product.vendor": lambda t: self.listing("bowl", vendor=t),
            "catalog.Product.category": lambda t: self.listing("bowl", category="香烟" if t == FORBIDDEN else t),
            **{
                f"catalog.Sku.option{n}": lambda t, n=n: shelves.add_product(
                    shop_id=shop.id, title="Bowl", options=["a", "b", "c"][:n],
                    skus=[shelves.NewSku(price_minor=100, left=1, options=("x",) * (n - 1) + (t,))],
                )
                for n in (1, 2, 3)
            },
            "content.Recommendation.title": lambda t: self.recommend(title=t),
            "content.Recommendation.text": lambda t: self.recommend(text=t),
            "content.RecommendationItem.reason": lambda t: self.recommend(reason=f"{REASON} {t}"),
            "content.Comment.text": lambda t: content.post_comment(
                recommendation_id=self.post.pk, person_id=self.bo, text=t
            ),
            "catalog.Shop.name": lambda t: shelves.change_shop(shop_id=shop.id, name=t, by=by),
            "catalog.Shop.name of a new one": lambda t: shelves.open_shop(merchant_id=shop.merchant_id, name=t),
            "catalog.Shop.notice": lambda t: shelves.change_shop(shop_id=shop.id, notice=t, by=by),
            "messaging.Send.title": lambda t: self.send(title=t),
            "messaging.Send.text": lambda t: self.send(text=t),
            "accounts.Creator.name": lambda t: self.apply(name=t),
            "accounts.Creator.about": lambda t: self.apply(about=t),
            "accounts.Person.name": lambda t: accounts.change_profile(person_id=self.bo, name=t),
            "accounts.Merchant.name": lambda t: accounts.open_merchant(person_id=self.bo, name=t),
        }  # fmt: skip

    def recommend(self, reason: str = REASON, **more: str) -> Any:
        return content.publish_recommendation(
            creator_id=self.mei.pk, items=[(market.product(self.shop), reason)], **more
        )

    def send(self, **words: str) -> Any:
        given = {"title": "News", "text": "New bowls.", **words}
        return messaging.send_marketing(
            merchant_id=self.shop.merchant_id, client_msg_id=str(len(given["text"])), audience=[], by=self.shop.keeper,
            **given,
        )  # fmt: skip

    def apply(self, **words: str) -> Any:
        return accounts.apply_as_creator(person_id=self.bo, **{"name": "Bo", **words})


def test_g6_4_each_surface_refuses_a_strong_match_by_the_same_check() -> None:
    there = Market()
    writers = there.writers()
    apart = (TextSurface.CHAT, TextSurface.TEMPLATE)  # the one below, the other by A8.3 in tests/messaging
    public = {c for s, columns in COLUMNS.items() if s not in apart for c in columns}
    assert {name.split(" ")[0] for name in writers} == public, "each public column needs a writer here"
    for name, write in writers.items():
        before = Decision.objects.filter(action="block").count()
        with pytest.raises(Refusal, match="text_refused"):
            write(FORBIDDEN)
        if "file" not in name:
            assert Decision.objects.filter(action="block").count() == before + 1, f"{name}: not on record"
    # In private it is delivered as written, with a warning, and the record holds none of its words.
    line = messaging.answer(
        thread_id=there.line.thread.public_id, person_id=there.shop.keeper.person_id or 0, text="加微信 meadow_fan88"
    )
    assert (line.text, line.leads_outside) == ("加微信 meadow_fan88", True)
    made = Decision.objects.select_related("words").get(action="warn")
    assert "meadow" not in str(made.words.inputs) + made.words.reason + made.words.reason_zh


HIDDEN = "https://item.taobao.com@evil-shop.com/x"  # poses as somebody it is not: allowed nowhere
# Texts that do not ask the link policy when they are written, and why.
UNASKED: dict[str, str] = {
    "messaging.ChatLine.text": "delivered as written; the policy decides whether it is shown as a link",
    **{
        f"messaging.NoticeText.{name}": "the house's own notices, whose links are its own pages"
        for name in ("title_en", "title_zh", "text_en", "text_zh")
    },
}


def test_g1_2_every_text_that_others_read_asks_the_link_policy() -> None:
    there = Market()
    services.add_partner(
        name="Taobao", hosts=["item.taobao.com"], product_patterns=["item.taobao.com/item.htm?id={digits}"],
        contract="2026-01", after_sale_contact="care@example.org", by=SYSTEM,
    )  # fmt: skip
    writers = there.writers()
    public = {column for columns in COLUMNS.values() for column in columns}
    unasked = public - {name.split(" ")[0] for name in writers}
    assert unasked == set(UNASKED), "a writer above must show that the link policy is asked, or say here why it is not"
    for name, write in writers.items():
        before = Decision.objects.filter(action="block_link").count()
        with pytest.raises(Refusal, match="link_blocked"):
            write(f"see {HIDDEN}")
        assert Decision.objects.filter(action="block_link").count() == before + 1, f"{name}: not on record"
    # Words of goods never become links, and makers name their sites in them: a plain address may stand there.
    assert there.listing("bowl", description="Made by www.kiln-of-tea.com").state == "on_sale"


def test_g6_1_a_strong_match_is_rejected_naming_the_rule_and_a_weak_one_waits_unseen() -> None:
    there = Market()
    with pytest.raises(Refusal, match="text_refused") as refused:
        there.listing(FORBIDDEN)
    assert "goods.prohibited v1" in refused.value.text("zh")
    with pytest.raises(Refusal, match="text_refused"):
        there.listing("fine thing", category="香烟")  # the category alone
    held = there.listing(UNCLEAR)
    assert held.state == "suspended"
    with pytest.raises(Refusal, match="not_found"):
        catalog.product_page(held.pk)
    (case,) = Case.objects.filter(kind="review", subject_kind="catalog.product")
    otto = market.person("Otto")
    accounts.claim_operator(code=accounts.issue_operator_code(), person_id=otto)
    by = Actor("person", otto)
    services.claim_case(case_id=case.pk, by=by)
    services.approve_case(case_id=case.pk, by=by)
    outbox.drain_all()
    assert catalog.product_page(held.pk).card.on_sale
    # A file whose product needs a look: it is in, hidden, and what was let pass is not asked about again.
    report = there.file(UNCLEAR)
    assert report.products == 2
    hidden = catalog.ids_by_handle(there.shop.id, ["a", "b"])
    with pytest.raises(Refusal, match="not_found"):
        catalog.product_page(hidden["a"])
    assert catalog.product_page(hidden["b"]).card.on_sale
    case = Case.objects.get(kind="review", subject_id=hidden["a"])
    services.claim_case(case_id=case.pk, by=by)
    services.approve_case(case_id=case.pk, by=by)
    outbox.drain_all()
    there.file(UNCLEAR)
    assert catalog.product_page(hidden["a"]).card.on_sale
    # A post likewise; and words of a shop that is open are not taken, so that it stays open.
    assert there.recommend(text=UNCLEAR).state == "taken_down"
    with pytest.raises(Refusal, match="text_unclear"):
        shelves.change_shop(shop_id=there.shop.id, notice=UNCLEAR, by=there.shop.keeper)
    assert shelves.open_shop(merchant_id=there.shop.merchant_id, name=f"New {UNCLEAR}").state == "suspended"


def test_g6_3_listings_go_off_sale_when_their_licence_ends_and_come_back_with_a_new_one() -> None:
    there = Market()
    merchant_id = there.shop.merchant_id
    with pytest.raises(Refusal, match="text_refused"):
        there.listing("bottle", category="白酒")

    def show(days: int) -> None:
        shown = services.show_licence(
            merchant_id=merchant_id, kind="alcohol", number="A-1", issuer="City of Tea", valid_from=clock.now(),
            expires_at=clock.now() + timedelta(days=days), by=there.shop.keeper,
        )  # fmt: skip
        services.confirm_licence(licence_id=shown.pk, by=SYSTEM)

    show(days=30)
    wine, bowl = there.listing("bottle", category="白酒"), there.product
    assert catalog.product_page(wine.pk).card.on_sale
    sweeps.advance(clock.now() + timedelta(days=30, seconds=1))
    outbox.drain_all()
    with pytest.raises(Refusal, match="not_found"):
        catalog.product_page(wine.pk)
    assert catalog.product_page(bowl).card.on_sale
    show(days=90)
    outbox.drain_all()
    assert catalog.product_page(wine.pk).card.on_sale


PACK = """
pack = "house"
version = {version}
title_en = "Our own"
title_zh = "本站词包"

[[topic]]
name = "bowls"
rule = "goods.prohibited"
title_en = "Bowls"
title_zh = "碗"
policy = "forbidden"
names = []
strong = ["zinc bowl"]
"""


def test_g6_5_a_new_pack_is_tried_first_and_then_what_stands_is_looked_at_again_within_a_day() -> None:
    there = Market()
    bowl = there.listing("zinc bowl")
    said = content.post_comment(recommendation_id=there.post.pk, person_id=there.bo, text="I like the zinc bowl best.")
    post = there.recommend(text="A zinc bowl is light.")
    otto = market.person("Otto")
    accounts.claim_operator(code=accounts.issue_operator_code(), person_id=otto)
    by = Actor("person", otto)
    services.publish_pack(text=PACK.format(version=1), by=by)
    with pytest.raises(Refusal, match="preview_needed"):
        services.put_in_force(name="house", version=1, by=by)
    seen = services.preview_pack(name="house", version=1, by=by)
    assert {k: v for k, v in seen.counts.items() if k != "looked_at"} == {
        "catalog.product: allow to block": 1, "content.comment: allow to block": 1,
        "content.recommendation: allow to block": 1,
    }  # fmt: skip
    assert catalog.product_page(bowl.pk).card.on_sale  # the dry run changed nothing
    services.put_in_force(name="house", version=1, by=by)
    sweeps.advance(clock.now() + timedelta(minutes=5))
    outbox.drain_all()
    said.refresh_from_db()
    post.refresh_from_db()
    assert (said.state, post.state) == ("hidden", "taken_down")
    with pytest.raises(Refusal, match="not_found"):
        catalog.product_page(bowl.pk)
    # Taken back, everything it alone kept away is shown again.
    services.end_pack(name="house", by=by)
    sweeps.advance(clock.now() + timedelta(minutes=5))
    outbox.drain_all()
    said.refresh_from_db()
    post.refresh_from_db()
    assert (said.state, post.state) == ("shown", "published")
    assert catalog.product_page(bowl.pk).card.on_sale


def test_g12_1_a_bank_card_number_is_blocked_everywhere_in_public_by_its_checksum() -> None:
    there = Market()
    card, no_card = "6222 0212 3456 7890 128", "6222021234567890129"
    for write in (
        lambda t: there.recommend(text=t), lambda t: there.listing("bowl", description=t),
        lambda t: shelves.change_shop(shop_id=there.shop.id, notice=t, by=there.shop.keeper),
        lambda t: content.post_comment(recommendation_id=there.post.pk, person_id=there.bo, text=t),
    ):  # fmt: skip
        with pytest.raises(Refusal, match="text_refused") as refused:
            write(f"pay to {card}")
        assert "conduct.diversion" in str(refused.value.params["rule"])
        write(f"order {no_card}, 38 x 120 cm, 1299.00")
