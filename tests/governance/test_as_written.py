"""An operator's detectors meet what people really write: posts, comments, listings, messages, as they are written."""

from typing import Any

import pytest
from tests.governance.office import Office, open_office
from tests.web.world import person

from meadow.catalog import services as catalog
from meadow.content import queries as posts
from meadow.content import services as content
from meadow.content.models import Comment
from meadow.governance import queries, services
from meadow.governance.models import Case, Decision, Occurrence, OccurrenceText
from meadow.governance.services import contact as contacts
from meadow.kernel import outbox
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal
from meadow.messaging import services as messaging
from meadow.messaging.models import ChatLine, Send

pytestmark = pytest.mark.django_db
REASON = "Two winters of use and every seam of it still holds."


@pytest.fixture
def office(db: None) -> Office:
    return open_office()


def detect(condition: str, action: str, *, event: str = "text", to: str = "live", name: str = "try.one") -> None:
    version = services.write_detector(
        detector_id=name, event_type=event, condition=condition, rule="conduct.evasion", action=action, by=SYSTEM,
        reason_en="It is said too often.", reason_zh="重复过多。",
    ).version  # fmt: skip
    for step in ("shadow", "live") if to == "live" else ("shadow",):
        services.move_detector(detector_id=name, version=version, to=step, by=SYSTEM)


def comment(office: Office, who: Any, text: str) -> Comment:
    return content.post_comment(recommendation_id=office.world.post.pk, person_id=who.pk, text=text)


def publish(office: Office, text: str) -> Any:
    return content.publish_recommendation(
        creator_id=office.world.creator.pk, items=[(office.world.apron.pk, REASON)], text=text
    )


def test_g9_1_what_a_detector_blocks_is_refused_by_its_rule_and_the_record_stays(office: Office) -> None:
    detect('contains(text, "discount army")', "block")
    with pytest.raises(Refusal, match="text_refused") as refused:
        publish(office, "Join the discount army.")
    assert (refused.value.params["rule"], refused.value.params["reason_zh"]) == ("conduct.evasion v1", "重复过多。")
    with pytest.raises(Refusal, match="text_refused"):
        comment(office, office.world.bo, "The discount army is here.")
    made = list(Decision.objects.filter(action="block").order_by("pk"))
    assert [one.party_kind for one in made] == ["accounts.creator", "accounts.person"]
    assert all(one.detector is not None and one.occurrence is not None for one in made)
    assert Comment.objects.count() == 0
    assert publish(office, "An honest word.").state == "published"


def test_what_a_detector_wants_looked_at_is_hidden_from_the_first_moment_and_shown_once_it_passes(
    office: Office,
) -> None:
    detect('contains(text, "army") and actor_kind in {"creator", "person"} and actor_age_days < 2', "review")
    post, said = publish(office, "An army of aprons."), comment(office, office.world.bo, "What an army!")
    assert (post.state, said.state) == ("taken_down", "hidden")
    with pytest.raises(Refusal, match="not_found"):
        posts.recommendation(post.public_id)
    outbox.drain_all()
    assert {(one.kind, one.rule_id) for one in Case.objects.all()} == {("review", "conduct.evasion")}
    assert [limit.subject for limit in queries.limits_on(office.world.mei.pk)] == [("content.recommendation", post.pk)]
    for case in Case.objects.all():
        held = queries.case_page(case.pk).decision
        assert held is not None
        services.reverse_decision(decision_id=held.pk, reason="Harmless.", by=office.otto)
    outbox.drain_all()
    post.refresh_from_db()
    said.refresh_from_db()
    assert (post.state, said.state) == ("published", "shown")


def test_shadow_decides_nothing_and_the_past_is_there_to_be_tried_on(office: Office) -> None:
    detect("length > 0", "block", to="shadow")
    assert publish(office, "An honest word.").state == "published"
    comment(office, office.world.bo, "Nice apron, 13800138 or not?")
    assert not Decision.objects.exists()
    assert Occurrence.objects.filter(event_type="text", fired__isnull=False).count() == 2
    found = queries.backtest(event_type="text", condition='surface == "comment"', days=7)
    assert (found.events, found.hits, found.people) == (3, 1, 1)  # the third is the post that the office began with
    assert found.sample[0]["text"] == "Nice apron, 13800138 or not?"


def test_g3_2_the_same_comment_by_five_accounts_about_one_creator_is_one_case(office: Office) -> None:
    for number in range(5):
        comment(office, person(f"p{number}@example.com", f"P{number}"), "  Best APRON  ever, buy it now!".lower())
    case = Case.objects.get(kind="same_content")
    assert (case.rule_id, len(queries.accounts_in(case.pk))) == ("conduct.evasion", 5)
    assert not Decision.objects.exists()  # somebody looks first


def test_listings_meet_detectors_and_what_they_hold_is_off_sale_at_once(office: Office) -> None:
    detect('price_minor < 100 and category == "Bags"', "hold", event="listing")
    held, free = (
        catalog.add_product(
            shop_id=office.world.shop.pk, title=f"A bag for {price}", category="Bags", by=office.world.by_ada,
            skus=[catalog.NewSku(price_minor=price, left=3)],
        )
        for price in (50, 5000)
    )  # fmt: skip
    assert (held.state, free.state) == ("suspended", "on_sale")
    assert Decision.objects.get().subject_id == held.pk


def test_b6_3_messages_meet_detectors_by_their_counts_and_none_of_their_words_are_kept(office: Office) -> None:
    detect("phones > 0 and is_first_contact", "block", event="message")
    world, merchant = office.world, office.merchant[1]
    messaging.write_to_merchant(merchant_id=merchant, person_id=world.otto.pk, text="Is it warm?")
    with pytest.raises(Refusal, match="text_refused"):
        messaging.write_to_merchant(merchant_id=merchant, person_id=world.bo.pk, text="Call 13800138000, secret word")
    assert ChatLine.objects.count() == 1
    assert Occurrence.objects.filter(event_type="message").count() == 2
    assert not Occurrence.objects.filter(features__contains="secret").exists()
    assert not OccurrenceText.objects.filter(occurrence__event_type="message").exists()


def test_a8_a_message_to_many_meets_them_once_and_is_not_sent_while_it_should_be_looked_at(office: Office) -> None:
    detect('message_class == "marketing" and contains(text, "miracle")', "review", event="message")
    merchant = office.merchant[1]
    contacts.set_stance(person_id=office.world.bo.pk, stance="consent", party=("accounts.merchant", merchant))

    def send(text: str) -> Any:
        return messaging.send_marketing(
            merchant_id=merchant, client_msg_id="one", title="Spring", text=text, audience=None, by=office.world.by_ada
        )

    with pytest.raises(Refusal, match="text_unclear"):
        send("A miracle of an apron.")
    assert not Send.objects.exists()
    assert send("An apron.").pk == send("An apron.").pk
    assert Occurrence.objects.filter(event_type="message", outcome="allow").count() == 1


def test_every_kind_that_the_editor_offers_is_one_that_happens(office: Office) -> None:
    publish(office, "An honest word.")
    messaging.write_to_merchant(merchant_id=office.merchant[1], person_id=office.world.bo.pk, text="Is it warm?")
    assert set(Occurrence.objects.values_list("event_type", flat=True)) == set(queries.JUDGED)
