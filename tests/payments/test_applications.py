"""How merchants come to be paid (row D1): unattended where checks pass, each no names its field, documents stay secret."""

import threading
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
from django.db import connection
from PIL import Image, ImageDraw

from meadow.accounts import services as accounts
from meadow.governance import services as governance
from meadow.kernel import clock, db, sweeps
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal
from meadow.payments import queries, services
from meadow.payments.models import (
    ApplicantDocument,
    BankAccount,
    MerchantApplication,
    TwinRecord,
    VerifiedName,
)
from meadow.payments.rules import applications as rules

pytestmark = pytest.mark.django_db

PERSON = {
    "legal_name": "Ada Lovelace", "id_kind": "cn_id", "id_number": "11010119900307002X",
    "id_expires_on": "2099-12-31", "phone": "+86 138 0000 0000", "bank_holder": "Ada Lovelace",
    "bank_name": "Meadow Bank", "bank_number": "6222020000001234",
}  # fmt: skip
COMPANY = PERSON | {
    "company_name": "Linen & Co", "licence_kind": "cn_uscc", "licence_number": "91110108MA01ABCD71",
    "bank_holder": "Linen & Co",
}  # fmt: skip


def person(name: str) -> Actor:
    return Actor("person", accounts.add_person(email=f"{name.lower()}@example.com", name=name, locale="en").pk)


def operator(name: str = "Otto") -> Actor:
    made = person(name)
    assert made.person_id
    accounts.appoint_operator(person_id=made.person_id, by=SYSTEM)
    return made


def merchant(owner: Actor, name: str = "Linen & Co") -> int:
    assert owner.person_id
    return accounts.open_merchant(person_id=owner.person_id, name=name).pk


def picture(*, blank: bool = False, size: tuple[int, int] = (400, 300)) -> bytes:
    drawn = Image.new("RGB", size, "white")
    if not blank:
        ImageDraw.Draw(drawn).rectangle((20, 20, 200, 150), fill="black")
    into = BytesIO()
    drawn.save(into, "PNG")
    return into.getvalue()


def apply(owner: Actor, merchant_id: int, values: dict[str, str] = PERSON, level: int = 0) -> MerchantApplication:
    row = services.start_application(merchant_id=merchant_id, level=level, by=owner)
    if row.state == "draft":
        for field in rules.DOCUMENTS[level]:
            services.add_document(application_id=row.pk, field=field, content=picture(), by=owner)
    return services.submit_application(application_id=row.pk, values=values, by=owner)


def prove(row: MerchantApplication, owner: Actor) -> MerchantApplication:
    sent = {each.kind: each.content for each in reversed(queries.sent_by_twin(row))}
    for kind in queries.view_of(row).waits_for:
        row = services.answer_challenge(application_id=row.pk, kind=kind, answer=sent[kind], by=owner)
    return row


def sign(row: MerchantApplication, owner: Actor) -> MerchantApplication:
    return services.sign_application(application_id=row.pk, agreement=queries.AGREEMENT, by=owner)


def faults(row: MerchantApplication) -> set[tuple[str, str]]:
    return {(fault["field"], fault["code"]) for fault in row.faults}


def told_states(row: MerchantApplication) -> list[str]:
    found = db.rows(
        "SELECT body->>'state' AS state FROM kernel_outboxevent WHERE kind = 'MerchantApplicationMoved'"
        " AND body->>'application_id' = %s ORDER BY id",
        [str(row.pk)],
    )
    return [each["state"] for each in found]


@pytest.fixture
def ada() -> Actor:
    return person("Ada")


def test_d1_1_an_individual_goes_live_unattended_and_every_step_is_told(ada: Actor) -> None:
    shop = merchant(ada)
    assert queries.not_live([shop]) == {shop}
    row = apply(ada, shop)
    assert row.state == "account_need_verify"
    assert queries.view_of(row).waits_for == ("bank", "phone")
    row = sign(prove(row, ada), ada)
    assert (row.state, queries.level_of(shop), queries.not_live([shop])) == ("finish", 0, set())
    assert told_states(row) == ["checking", "account_need_verify", "need_sign", "finish"]
    assert row.reviewer_id is None
    assert VerifiedName.objects.filter(party_kind="merchant", party_id=shop).exists()
    assert BankAccount.objects.get(party_kind="merchant", party_id=shop).tail == "1234"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("id_number", "110101199003070021", "checksum"),
        ("id_number", "11010119901307002X", "malformed"),
        ("id_number", "", "missing"),
        ("id_expires_on", "2020-01-01", "expired"),
        ("id_expires_on", "soon", "malformed"),
        ("bank_holder", "Bo Diddley", "mismatch"),
        ("phone", "call me", "malformed"),
        ("legal_name", "4", "malformed"),
    ],
)
def test_d1_2_a_no_names_its_field_and_only_that_is_asked_for_again(
    ada: Actor, field: str, value: str, code: str
) -> None:
    row = apply(ada, merchant(ada), PERSON | {field: value})
    assert (row.state, faults(row)) == ("rejected", {(field, code)})
    view = queries.view_of(row)
    assert view.asked == (field,)
    assert view.reasons[0]["en"]
    assert view.reasons[0]["zh"]
    other = "bank_name" if field != "bank_name" else "phone"
    with pytest.raises(Refusal, match="field_not_asked"):
        services.submit_application(application_id=row.pk, values={other: "Another Bank"}, by=ada)
    row = services.submit_application(application_id=row.pk, values={field: PERSON[field]}, by=ada)
    assert row.state == "account_need_verify"
    first, second = queries.versions_of(row)
    assert (first["faults"][0]["field"], second["changed"]) == (field, [field])
    assert [fault["code"] for fault in first["faults"]] == [code]


def test_d1_2_a_name_that_the_register_does_not_know_is_a_mismatch(ada: Actor) -> None:
    TwinRecord.objects.create(kind="person", number=f"cn_id:{PERSON['id_number']}", name="Grace Hopper")
    assert faults(apply(ada, merchant(ada))) == {("legal_name", "mismatch")}


def test_d1_2_a_business_with_a_wrong_licence_number_or_a_blank_picture_is_told_which(ada: Actor) -> None:
    shop = merchant(ada)
    row = services.start_application(merchant_id=shop, level=1, by=ada)
    row = services.submit_application(
        application_id=row.pk, values=COMPANY | {"licence_number": "91110108MA01ABCD72"}, by=ada
    )
    assert faults(row) == {("licence_number", "checksum"), ("licence_picture", "missing")}
    services.add_document(application_id=row.pk, field="licence_picture", content=picture(blank=True), by=ada)
    row = services.submit_application(
        application_id=row.pk, values={"licence_number": COMPANY["licence_number"]}, by=ada
    )
    assert faults(row) == {("licence_picture", "unreadable")}
    services.add_document(application_id=row.pk, field="licence_picture", content=picture(), by=ada)
    row = services.submit_application(application_id=row.pk, values={}, by=ada)
    assert row.state == "account_need_verify"
    row = sign(prove(row, ada), ada)
    assert (row.state, queries.level_of(shop)) == ("finish", 1)


def test_d1_3_what_the_owner_proved_once_is_not_asked_again(ada: Actor) -> None:
    first = sign(prove(apply(ada, merchant(ada)), ada), ada)
    sent = len(queries.sent_by_twin(first))
    second = apply(ada, merchant(ada, "Second"))
    assert (second.state, len(queries.sent_by_twin(second)), sent) == ("need_sign", 0, 2)
    changed = apply(ada, merchant(ada, "Third"), PERSON | {"phone": "+86 139 0000 0001"})
    assert queries.view_of(changed).waits_for == ("phone",)


def test_d1_4_three_wrong_amounts_lock_for_a_day_and_then_a_new_one_counts(ada: Actor) -> None:
    row = apply(ada, merchant(ada))
    right = next(each.content for each in queries.sent_by_twin(row) if each.kind == "bank")
    wrong = str(int(right) % 99 + 1)
    for left in (2, 1):
        with pytest.raises(Refusal) as refused:
            services.answer_challenge(application_id=row.pk, kind="bank", answer=wrong, by=ada)
        assert (refused.value.code, refused.value.params) == ("proof_wrong", {"left": left})
    with pytest.raises(Refusal, match="proof_locked"):
        services.answer_challenge(application_id=row.pk, kind="bank", answer=wrong, by=ada)
    for act in (
        lambda: services.answer_challenge(application_id=row.pk, kind="bank", answer=right, by=ada),
        lambda: services.send_again(application_id=row.pk, kind="bank", by=ada),
    ):
        with pytest.raises(Refusal, match="proof_locked"):
            act()
    locked_until = queries.view_of(row).locked_until
    assert locked_until is not None
    assert timedelta(hours=23, minutes=59) < locked_until - clock.now() <= timedelta(hours=24)
    sweeps.advance(clock.now() + timedelta(hours=24))
    with pytest.raises(Refusal, match="proof_expired"):
        services.answer_challenge(application_id=row.pk, kind="bank", answer=right, by=ada)
    services.send_again(application_id=row.pk, kind="bank", by=ada)
    services.send_again(application_id=row.pk, kind="phone", by=ada)
    assert prove(row, ada).state == "need_sign"


def test_d1_6_the_same_legal_entity_is_linked_not_doubled(ada: Actor) -> None:
    bo = person("Bo")
    one = apply(ada, merchant(ada))
    two = apply(bo, merchant(bo, "Bo's"))
    assert one.entity_id == two.entity_id is not None
    assert queries.merchants_of_one_entity(two) == [accounts_public(one)]
    number = "11010119900307001"
    other = apply(bo, merchant(bo, "Bo's other"), PERSON | {"id_number": number + rules.resident_check(number)})
    assert other.entity_id not in (None, one.entity_id)


def accounts_public(row: MerchantApplication) -> str:
    return row.merchant.public_id


def test_d1_7_documents_and_data_are_sealed_seen_by_reviewers_only_noted_and_forgotten(ada: Actor) -> None:
    otto = operator()
    shop = merchant(ada)
    row = apply(ada, shop, COMPANY, level=1)
    document = queries.documents_of(row)[0]
    stored = bytes(ApplicantDocument.objects.get(pk=document.pk).content_sealed or b"")
    assert b"RIFF" not in stored
    assert b"WEBP" not in stored
    assert b"Lovelace" not in bytes(row.data_sealed)
    for nosy in (ada, person("Nia")):
        with pytest.raises(Refusal, match="forbidden"):
            services.view_document(public_id=document.public_id, by=nosy)
    assert queries.views_of_documents(row) == []
    assert services.view_document(public_id=document.public_id, by=otto)[:4] == b"RIFF"
    assert [each["document"] for each in queries.views_of_documents(row)] == [document.public_id]
    with pytest.raises(Exception, match="append-only"), db.atomic():
        db.execute("DELETE FROM payments_documentview", [])
    services.cancel_application(application_id=row.pk, by=ada)
    sweeps.advance(clock.now() + timedelta(days=180, seconds=1))
    assert queries.documents_of(row) == []
    with pytest.raises(Refusal, match="not_found"):
        services.view_document(public_id=document.public_id, by=otto)
    row.refresh_from_db()
    assert bytes(row.data_sealed) == b""
    assert queries.view_of(row).values == {}


def restricted() -> str:
    return sorted(governance.licence_kinds())[0]


def qualified() -> dict[str, str]:
    return COMPANY | {
        "qualification_kind": restricted(), "qualification_number": "JY 1234", "qualification_issuer": "City office",
        "qualification_from": "2020-01-01", "qualification_expires_on": "2098-01-01",
    }  # fmt: skip


def test_d1_8_a_restricted_category_waits_for_somebody_else_and_the_clock_is_seen(ada: Actor) -> None:
    otto = operator()
    assert ada.person_id
    accounts.appoint_operator(person_id=ada.person_id, by=SYSTEM)
    shop = merchant(ada)
    row = prove(apply(ada, shop, qualified(), level=2), ada)
    assert row.state == "auditing"
    with pytest.raises(Refusal, match="own_application"):
        services.approve_application(application_id=row.pk, by=ada)
    assert queries.review_statistics().overdue == 0
    sweeps.advance(clock.now() + rules.REVIEW_WITHIN)
    assert queries.review_statistics().overdue == 1
    row = services.turn_down_application(
        application_id=row.pk, faults={"qualification_number": "It is the wrong year's."}, by=otto
    )
    assert queries.view_of(row).asked == ("qualification_number",)
    row = services.submit_application(application_id=row.pk, values={"qualification_number": "JY 5678"}, by=ada)
    assert row.state == "auditing"
    row = sign(services.approve_application(application_id=row.pk, by=otto), ada)
    assert (queries.level_of(shop), queries.review_statistics().waiting) == (2, 0)
    from meadow.governance.queries import valid_licences

    assert restricted() in valid_licences(shop)


@pytest.mark.parametrize(
    "content",
    [
        b"<html><script>alert(1)</script></html>",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="900"/>',
        b"PK\x03\x04" + b"\0" * 3000,
        b"%PDF-1.7 something",
        b"",
    ],
)
def test_d1_9_only_pictures_are_documents(ada: Actor, content: bytes) -> None:
    row = services.start_application(merchant_id=merchant(ada), level=1, by=ada)
    with pytest.raises(Refusal, match="picture_unreadable"):
        services.add_document(application_id=row.pk, field="licence_picture", content=content, by=ada)
    assert queries.documents_of(row) == []


def test_d1_9_a_picture_too_small_to_read_is_refused(ada: Actor) -> None:
    row = services.start_application(merchant_id=merchant(ada), level=1, by=ada)
    with pytest.raises(Refusal, match="document_refused"):
        services.add_document(application_id=row.pk, field="licence_picture", content=picture(size=(90, 90)), by=ada)


def test_others_do_not_see_an_application_and_staff_cannot_apply(ada: Actor) -> None:
    shop = merchant(ada)
    row = apply(ada, shop)
    nia = person("Nia")
    for act in (
        lambda: services.start_application(merchant_id=shop, level=0, by=nia),
        lambda: services.submit_application(application_id=row.pk, values={}, by=nia),
        lambda: services.answer_challenge(application_id=row.pk, kind="bank", answer="1", by=nia),
        lambda: services.cancel_application(application_id=row.pk, by=nia),
        lambda: queries.require_seen_by(row, nia),
    ):
        with pytest.raises(Refusal, match="not_found"):
            act()


def test_an_approved_merchant_stays_live_while_it_applies_for_more(ada: Actor) -> None:
    shop = merchant(ada)
    sign(prove(apply(ada, shop), ada), ada)
    with pytest.raises(Refusal, match="level_reached"):
        services.start_application(merchant_id=shop, level=0, by=ada)
    higher = apply(ada, shop, COMPANY, level=1)
    assert queries.level_of(shop) == 0
    sign(prove(higher, ada), ada)
    assert queries.level_of(shop) == 1
    states = [each.state for each in queries.applications_of(shop)]
    assert states == ["finish", "replaced"]


def test_a_merchant_is_let_in_by_hand_with_a_reason_once(ada: Actor) -> None:
    otto, shop = operator(), merchant(ada)
    with pytest.raises(Refusal, match="forbidden"):
        services.admit_merchant(merchant_id=shop, reason="a friend", by=ada)
    with pytest.raises(Refusal, match="malformed"):
        services.admit_merchant(merchant_id=shop, reason=" ", by=otto)
    first = services.admit_merchant(merchant_id=shop, reason="sells at our market", by=otto)
    assert services.admit_merchant(merchant_id=shop, reason="sells at our market", by=otto).pk == first.pk
    assert queries.not_live([shop]) == set()


def test_a_check_that_a_crash_cut_short_is_taken_up_again(ada: Actor) -> None:
    row = apply(ada, merchant(ada))
    MerchantApplication.objects.filter(pk=row.pk).update(state="checking", check_due_at=clock.now())
    sweeps.advance(clock.now() + timedelta(minutes=1))
    row.refresh_from_db()
    assert row.state == "account_need_verify"


@pytest.mark.django_db(transaction=True)
def test_two_starts_at_once_make_one_application() -> None:
    ada = person("Ada")
    shop = merchant(ada)
    found: list[str] = []

    def start() -> None:
        try:
            found.append(services.start_application(merchant_id=shop, level=0, by=ada).public_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=start) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 2
    assert len(set(found)) == 1


@pytest.mark.django_db(transaction=True)
def test_letting_in_by_hand_and_beginning_to_apply_at_once_end_with_a_merchant_that_is_paid() -> None:
    ada, otto = person("Ada"), operator()
    shop = merchant(ada)
    failures: list[BaseException] = []
    acts = [
        lambda: services.admit_merchant(merchant_id=shop, reason="known here", by=otto),
        lambda: services.admit_merchant(merchant_id=shop, reason="known here", by=otto),
        lambda: services.start_application(merchant_id=shop, level=1, by=ada),
    ]

    def run(act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    assert queries.not_live([shop]) == set()
