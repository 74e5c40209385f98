"""Creators, merchants, staff and operators: who may become what, and that it happens once."""

import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from meadow.accounts import queries, services
from meadow.accounts.models import Creator, MerchantStaff, OperatorCode, Person, StaffInvitation
from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.models import AuditEntry, OutboxEvent

pytestmark = pytest.mark.django_db


def test_a2_1_only_an_approved_creator_publishes_for_commission(mei: Person, otto: Person) -> None:
    def refused() -> str:
        with pytest.raises(Refusal) as caught:
            queries.require_creator(mei.pk)
        assert caught.value.status == 403
        return caught.value.code

    assert refused() == "creator_required"
    applied = services.apply_as_creator(
        person_id=mei.pk, name="Mei", fields=["tea", "tea", "cups"], about="I drink it."
    )
    assert (applied.state, applied.fields) == ("applied", ["tea", "cups"])
    assert refused() == "creator_required"
    assert queries.applications() == [applied]
    services.approve_creator(creator_id=applied.pk, by=Actor("person", otto.pk))
    assert queries.require_creator(mei.pk) == applied
    assert queries.active_creators([applied.pk, 999_999]) == {applied.pk: mei.pk}
    event = OutboxEvent.objects.get(kind="CreatorApproved")
    assert event.body == {"creator_id": applied.pk, "person_id": mei.pk}
    entry = AuditEntry.objects.get(verb="approve_creator")
    assert (entry.person_id, entry.before, entry.after["state"]) == (otto.pk, {"state": "applied"}, "active")


def test_a2_2_nothing_in_the_way_to_become_a_creator_asks_for_money() -> None:
    words = ("fee", "deposit", "price", "amount", "minor", "purchase", "pay_")
    columns = {field.name for field in Creator._meta.get_fields()}
    asked = set(inspect.signature(services.apply_as_creator).parameters)
    assert not [name for name in columns | asked if any(word in name for word in words)]


def test_a2_4_one_identity_has_one_creator(mei: Person, ada: Person) -> None:
    first = services.apply_as_creator(person_id=mei.pk, name="Mei", identity="110101 19900307 7571")
    with pytest.raises(Refusal, match="identity_taken"):
        services.apply_as_creator(person_id=ada.pk, name="Ada", identity="110101199003077571")
    linked = queries.creator_of(ada.pk)
    assert linked is not None
    assert (linked.state, linked.duplicate_of_id) == ("rejected", first.pk)
    with pytest.raises(Refusal, match="identity_taken"):
        services.apply_as_creator(person_id=ada.pk, name="Ada", identity="110101199003077571")
    again = services.apply_as_creator(person_id=ada.pk, name="Ada", identity="another")
    assert (again.pk, again.state, again.duplicate_of_id) == (linked.pk, "applied", None)


def test_a_rejected_applicant_may_apply_again_and_others_may_not(mei: Person, otto: Person) -> None:
    by = Actor("person", otto.pk)
    applied = services.apply_as_creator(person_id=mei.pk, name="Mei")
    with pytest.raises(Refusal, match="creator_exists"):
        services.apply_as_creator(person_id=mei.pk, name="Mei")
    with pytest.raises(Refusal, match="malformed"):
        services.reject_creator(creator_id=applied.pk, reason=" ", by=by)
    services.reject_creator(creator_id=applied.pk, reason="no samples", by=by)
    with pytest.raises(Refusal, match="stale_state"):
        services.approve_creator(creator_id=applied.pk, by=by)
    again = services.apply_as_creator(person_id=mei.pk, name="Mei Lin")
    assert (again.state, again.name, again.reason) == ("applied", "Mei Lin", "")
    services.approve_creator(creator_id=applied.pk, by=by)
    with pytest.raises(Refusal, match="creator_exists"):
        services.apply_as_creator(person_id=mei.pk, name="Mei")


def test_only_an_operator_answers_an_application(mei: Person, ada: Person) -> None:
    applied = services.apply_as_creator(person_id=mei.pk, name="Mei")
    with pytest.raises(Refusal, match="forbidden"):
        services.approve_creator(creator_id=applied.pk, by=Actor("person", ada.pk))
    with pytest.raises(Refusal, match="not_found"):
        services.approve_creator(creator_id=999_999, by=SYSTEM)


def test_guests_apply_for_nothing() -> None:
    guest = services.make_guest(locale="en")
    with pytest.raises(Refusal, match="sign_in_required"):
        services.apply_as_creator(person_id=guest.pk, name="Gus")
    with pytest.raises(Refusal, match="sign_in_required"):
        services.open_merchant(person_id=guest.pk, name="Gus")
    with pytest.raises(Refusal, match="not_found"):
        services.create_api_key(person_id=guest.pk, name="k", scopes=["buy"])


def test_one_person_may_be_buyer_creator_and_merchant(creator: Creator, mei: Person) -> None:
    merchant = services.open_merchant(person_id=mei.pk, name="Mei Tea Ltd", kind="company")
    assert queries.require_creator(mei.pk) == creator
    assert [m.merchant_id for m in queries.merchants_of(mei.pk)] == [merchant.pk]
    assert queries.may_act_for(mei.pk, merchant.pk, ["owner"])
    assert queries.merchant(merchant.public_id) == queries.require_merchant(merchant.pk) == merchant


def test_staff_join_by_a_code_that_works_once(ada: Person, mei: Person, otto: Person) -> None:
    merchant = services.open_merchant(person_id=ada.pk, name="Ada's Cups")
    owner = Actor("person", ada.pk)
    invitation, code = services.invite_staff(merchant_id=merchant.pk, email="mei@example.com", role="finance", by=owner)
    assert code not in str(StaffInvitation.objects.values().get())
    services.accept_invitation(code=code.lower().replace("-", " "), person_id=mei.pk)
    assert queries.role_at(mei.pk, merchant.pk) == "finance"
    assert queries.may_act_for(mei.pk, merchant.pk)
    assert not queries.may_act_for(mei.pk, merchant.pk, ["owner", "staff"])
    with pytest.raises(Refusal, match="code_wrong"):
        services.accept_invitation(code=code, person_id=otto.pk)
    assert {row["role"] for row in queries.staff_of(merchant.pk)} == {"owner", "finance"}
    assert queries.invitations_of(merchant.pk) == [invitation]


def test_staff_cannot_invite_and_strangers_learn_nothing(ada: Person, mei: Person, otto: Person) -> None:
    merchant = services.open_merchant(person_id=ada.pk, name="Ada's Cups")
    _, code = services.invite_staff(
        merchant_id=merchant.pk, email="mei@example.com", role="staff", by=Actor("person", ada.pk)
    )
    services.accept_invitation(code=code, person_id=mei.pk)
    for person, refusal in [(mei, "forbidden"), (otto, "not_found")]:
        with pytest.raises(Refusal, match=refusal):
            services.invite_staff(
                merchant_id=merchant.pk, email="x@example.com", role="staff", by=Actor("person", person.pk)
            )
    with pytest.raises(Refusal, match="malformed"):
        services.invite_staff(merchant_id=merchant.pk, email="x@example.com", role="owner", by=Actor("person", ada.pk))


def test_an_invitation_ends_after_a_week(ada: Person, mei: Person) -> None:
    merchant = services.open_merchant(person_id=ada.pk, name="Ada's Cups")
    _, code = services.invite_staff(
        merchant_id=merchant.pk, email="mei@example.com", role="staff", by=Actor("person", ada.pk)
    )
    with clock.at(clock.now() + timedelta(days=7, seconds=1)), pytest.raises(Refusal, match="code_wrong"):
        services.accept_invitation(code=code, person_id=mei.pk)
    services.accept_invitation(code=code, person_id=mei.pk)


def test_who_accepts_a_second_invitation_keeps_the_role_they_have(ada: Person, mei: Person) -> None:
    merchant, owner = services.open_merchant(person_id=ada.pk, name="Ada's Cups"), Actor("person", ada.pk)
    codes = [
        services.invite_staff(merchant_id=merchant.pk, email="mei@example.com", role=role, by=owner)[1]
        for role in ("staff", "finance")
    ]
    services.accept_invitation(code=codes[0], person_id=mei.pk)
    with pytest.raises(Refusal, match="staff_exists"):
        services.accept_invitation(code=codes[1], person_id=mei.pk)
    assert queries.role_at(mei.pk, merchant.pk) == "staff"


def test_staff_who_leave_lose_their_keys(ada: Person, mei: Person) -> None:
    merchant, owner = services.open_merchant(person_id=ada.pk, name="Ada's Cups"), Actor("person", ada.pk)
    _, code = services.invite_staff(merchant_id=merchant.pk, email="mei@example.com", role="staff", by=owner)
    services.accept_invitation(code=code, person_id=mei.pk)
    _, bound = services.create_api_key(person_id=mei.pk, name="k", scopes=["ship"], merchant_id=merchant.pk)
    _, free = services.create_api_key(person_id=mei.pk, name="k", scopes=["buy"])
    services.remove_staff(merchant_id=merchant.pk, person_id=mei.pk, by=owner)
    assert queries.actor_for_key(bound) is None
    assert queries.actor_for_key(free) is not None
    with pytest.raises(Refusal, match="not_found"):
        services.remove_staff(merchant_id=merchant.pk, person_id=ada.pk, by=owner)


def test_the_first_operator_is_made_by_a_code_that_works_once(mei: Person, ada: Person) -> None:
    old = services.issue_operator_code()
    code = services.issue_operator_code()
    assert code not in str(list(OperatorCode.objects.values()))
    assert queries.open_operator_codes() == 1
    with pytest.raises(Refusal, match="code_wrong"):
        services.claim_operator(code=old, person_id=mei.pk)
    services.claim_operator(code=f" {code.lower()} ", person_id=mei.pk)
    assert queries.is_operator(mei.pk)
    with pytest.raises(Refusal, match="code_wrong"):
        services.claim_operator(code=code, person_id=ada.pk)
    with pytest.raises(Refusal, match="operator_exists"):
        services.issue_operator_code()
    assert AuditEntry.objects.get(verb="make_operator").subject_id == mei.pk


def test_operator_codes_cannot_be_guessed_at_length(mei: Person) -> None:
    services.issue_operator_code()
    for _ in range(10):
        with pytest.raises(Refusal, match="code_wrong"):
            services.claim_operator(code="0000-0000-0000-0000", person_id=mei.pk)
    with pytest.raises(Refusal, match="rate_limited"):
        services.claim_operator(code="0000-0000-0000-0000", person_id=mei.pk)


def test_only_an_operator_appoints_another(mei: Person, ada: Person, otto: Person) -> None:
    with pytest.raises(Refusal, match="forbidden"):
        services.appoint_operator(person_id=ada.pk, by=Actor("person", mei.pk))
    services.appoint_operator(person_id=ada.pk, by=Actor("person", otto.pk))
    assert queries.is_operator(ada.pk)


@pytest.mark.django_db(transaction=True)
def test_two_operators_approve_one_creator_at_once(
    mei: Person, otto: Person, at_once: Callable[..., list[Any]]
) -> None:
    applied = services.apply_as_creator(person_id=mei.pk, name="Mei")
    by = Actor("person", otto.pk)
    answers = at_once(*[lambda: services.approve_creator(creator_id=applied.pk, by=by).state] * 2)
    assert sorted(answers) == ["active", "stale_state"]
    assert OutboxEvent.objects.filter(kind="CreatorApproved").count() == 1
    assert AuditEntry.objects.filter(verb="approve_creator").count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_operator_code_makes_one_operator_though_two_use_it_at_once(
    mei: Person, ada: Person, at_once: Callable[..., list[Any]]
) -> None:
    code = services.issue_operator_code()
    answers = at_once(
        lambda: services.claim_operator(code=code, person_id=mei.pk).pk,
        lambda: services.claim_operator(code=code, person_id=ada.pk).pk,
    )
    assert answers.count("code_wrong") == 1
    assert Person.objects.filter(is_operator=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_tabs_apply_once(mei: Person, at_once: Callable[..., list[Any]]) -> None:
    answers = at_once(*[lambda: services.apply_as_creator(person_id=mei.pk, name="Mei").state] * 2)
    assert sorted(answers) == ["applied", "creator_exists"]


@pytest.mark.django_db(transaction=True)
def test_one_invitation_admits_one_though_two_use_it_at_once(
    mei: Person, ada: Person, otto: Person, at_once: Callable[..., list[Any]]
) -> None:
    merchant = services.open_merchant(person_id=ada.pk, name="Ada's Cups")
    _, code = services.invite_staff(
        merchant_id=merchant.pk, email="mei@example.com", role="staff", by=Actor("person", ada.pk)
    )
    answers = at_once(
        lambda: services.accept_invitation(code=code, person_id=mei.pk).pk,
        lambda: services.accept_invitation(code=code, person_id=otto.pk).pk,
    )
    assert answers.count("code_wrong") == 1
    assert MerchantStaff.objects.filter(merchant=merchant).count() == 2
