"""Do comments pass the same checks as posts, heed blocks and mutes, and come and go by decisions?"""

from datetime import timedelta
from typing import Any

import pytest
from tests.sharing import market

from meadow.accounts import services as accounts
from meadow.content import queries, rules, services
from meadow.content.models import Comment
from meadow.governance import services as governance
from meadow.governance.queries import Decision
from meadow.governance.services import contact
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal

pytestmark = pytest.mark.django_db
REASON = "I drink my tea from it every single morning"


@pytest.fixture
def mei() -> Any:
    return market.creator()


@pytest.fixture
def post(mei: Any) -> Any:
    product = market.product(market.shop())
    return services.publish_recommendation(creator_id=mei.pk, items=[(product, REASON)])


@pytest.fixture
def bo(db: None) -> int:
    return market.person("Bo")


def _say(post: Any, person_id: int, text: str) -> Comment:
    return services.post_comment(recommendation_id=post.pk, person_id=person_id, text=text)


def _read(post: Any, reader_id: int | None = None) -> list[str]:
    return [one.text for one in queries.comments_of(post.pk, reader_id=reader_id).items]


def test_a_comment_is_read_by_all_the_newest_first_and_taken_back_by_its_author_alone(post: Any, bo: int) -> None:
    first, second = _say(post, bo, "  Is it <b>heavy</b>?  "), _say(post, bo, "And how large?")
    assert _say(post, bo, "And how large?").pk == second.pk  # the same form sent twice
    assert _read(post) == ["And how large?", "Is it <b>heavy</b>?"]
    page = queries.comments_of(post.pk, limit=1)
    assert [one.text for one in queries.comments_of(post.pk, cursor=page.next_cursor).items] == ["Is it <b>heavy</b>?"]
    with pytest.raises(Refusal, match="not_found"):
        services.withdraw_comment(comment_id=first.public_id, person_id=market.person("Eve"))
    services.withdraw_comment(comment_id=first.public_id, person_id=bo)
    services.withdraw_comment(comment_id=first.public_id, person_id=bo)
    assert _read(post) == ["And how large?"]
    assert Comment.objects.get(pk=first.pk).text == ""


@pytest.mark.django_db(transaction=True)
def test_g6_4_a_comment_passes_the_same_check_and_the_same_link_policy() -> None:
    mei, bo = market.creator(), market.person("Bo")
    post = services.publish_recommendation(creator_id=mei.pk, items=[(market.product(market.shop()), REASON)])
    for text, code in (
        ("出售 hai洛因", "text_refused"), ("call 13800138000", "text_refused"),
        ("look at https://evil.example/x", "link_blocked"), ("look at evil 点 example 斜杠", ""),
        ("\u200b ", "malformed"), ("x" * 1001, "malformed"),
    ):  # fmt: skip
        if code:
            with pytest.raises(Refusal, match=code):
                _say(post, bo, text)
    assert not Comment.objects.exists()
    # What was refused is on record with its rule, and its writer can appeal.
    assert set(Decision.objects.values_list("action", flat=True)) == {"block", "block_link"}
    assert {d.party_id for d in Decision.objects.all()} == {bo}


def test_g6_1_a_weak_match_is_seen_by_its_author_alone_until_somebody_let_it_pass(post: Any, bo: int) -> None:
    made = _say(post, bo, "懂的来")
    assert made.state == "hidden"
    assert (_read(post), _read(post, bo)) == ([], ["懂的来"])
    outbox.drain_all()
    otto = market.person("Otto")
    accounts.claim_operator(code=accounts.issue_operator_code(), person_id=otto)
    case = governance.next_case(by=Actor("person", otto))
    assert case is not None
    assert (case.kind, case.subject_kind, case.subject_id) == ("review", rules.COMMENT_KIND, made.pk)
    governance.approve_case(case_id=case.pk, by=Actor("person", otto))
    outbox.drain_all()
    assert _read(post) == ["懂的来"]


def test_a_comment_taken_down_by_a_decision_comes_back_with_its_reversal(post: Any, bo: int) -> None:
    made = _say(post, bo, "This shop sent me a fake.")
    decision = governance.decide(
        subject=(rules.COMMENT_KIND, made.pk),
        action="suspend",
        rule="conduct.harassment",
        reason="an insult",
        by=SYSTEM,
    )
    outbox.drain_all()
    assert _read(post) == []
    assert governance.party_of((rules.COMMENT_KIND, made.pk)) == ("accounts.person", bo)
    governance.reverse_decision(decision_id=decision.pk, reason="it was true", by=SYSTEM)
    outbox.drain_all()
    assert _read(post) == ["This shop sent me a fake."]
    # What its author took back meanwhile stays away.
    services.withdraw_comment(comment_id=made.public_id, person_id=bo)
    again = governance.decide(
        subject=(rules.COMMENT_KIND, made.pk),
        action="suspend",
        rule="conduct.harassment",
        reason="once more",
        by=SYSTEM,
    )
    governance.reverse_decision(decision_id=again.pk, reason="gone anyway", by=SYSTEM)
    outbox.drain_all()
    assert Comment.objects.get(pk=made.pk).state == "withdrawn"


def test_g8_2_who_is_blocked_by_the_author_says_nothing_and_who_is_muted_is_not_seen(
    post: Any, mei: Any, bo: int
) -> None:
    eve = market.person("Eve")
    _say(post, eve, "Lovely.")
    contact.set_stance(person_id=bo, stance="mute", party=("accounts.person", eve))
    assert (_read(post, bo), _read(post), _read(post, eve)) == ([], ["Lovely."], ["Lovely."])
    contact.end_stance(person_id=bo, stance="mute", party=("accounts.person", eve))
    assert _read(post, bo) == ["Lovely."]
    contact.set_stance(person_id=mei.person_id, stance="block", party=("accounts.person", eve))
    with pytest.raises(Refusal, match="comment_refused"):
        _say(post, eve, "Still lovely.")
    assert _read(post, mei.person_id) == []
    contact.end_stance(person_id=mei.person_id, stance="block", party=("accounts.person", eve))
    assert _say(post, eve, "Still lovely.").state == "shown"


def test_g8_2_a_blocked_shop_does_not_comment_through_its_owner(post: Any, mei: Any) -> None:
    shop = market.shop(keeper="Cy")
    contact.set_stance(person_id=mei.person_id, stance="block", party=("accounts.merchant", shop.merchant_id))
    with pytest.raises(Refusal, match="comment_refused"):
        _say(post, shop.keeper.person_id or 0, "Buy mine instead.")


def test_comments_have_an_end_and_a_limit_and_obey_sanctions(post: Any, mei: Any, bo: int) -> None:
    for number in range(rules.LIMITS["comments_an_hour"]):
        _say(post, bo, f"Number {number}")
    with pytest.raises(Refusal, match="rate_limited"):
        _say(post, bo, "One more")
    eve = market.person("Eve")
    for kind, severity in (("harassment", "grave"),):
        governance.record_violation(
            party=("accounts.person", eve), kind=kind, severity=severity, reason="insults", by=SYSTEM
        )
    with pytest.raises(Refusal, match="limited"):
        _say(post, eve, "Hello")
    sweeps.advance(clock.now() + timedelta(days=31))
    assert _say(post, eve, "Hello").state == "shown"
    guest = accounts.make_guest(locale="en")
    with pytest.raises(Refusal, match="sign_in_required"):
        _say(post, guest.pk, "Hello")
    services.end_recommendation(recommendation_id=post.pk, creator_id=mei.pk)
    with pytest.raises(Refusal, match="comments_closed"):
        _say(post, eve, "Too late")
    services.stop(subject_kind=rules.POST, subject_id=post.pk, decision_id=1, until=None)
