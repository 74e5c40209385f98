"""The pure rules of accounts: what is typed, what is compared, which state follows which."""

import pytest

from meadow.accounts import rules
from meadow.kernel.errors import Refusal


def test_the_creator_life_cycle_is_this_matrix() -> None:
    allowed = {
        ("applied", "approve"): "active",
        ("applied", "reject"): "rejected",
        ("applied", "suspend"): "suspended",
        ("active", "suspend"): "suspended",
        ("suspended", "suspend"): "suspended",
        ("suspended", "restore"): "active",
        ("rejected", "apply"): "applied",
        ("rejected", "suspend"): "suspended",
        ("applied", "close"): "closed",
        ("active", "close"): "closed",
        ("closed", "apply"): "applied",
        ("closed", "suspend"): "suspended",
    }
    for state in rules.CREATOR.states:
        for event in rules.CREATOR.events:
            if (state, event) in allowed:
                assert rules.CREATOR.next(state, event) == allowed[state, event]
            else:
                with pytest.raises(Refusal, match="stale_state"):
                    rules.CREATOR.next(state, event)


def test_the_merchant_life_cycle_is_this_matrix() -> None:
    table = {s: {e: rules.MERCHANT.next(s, e) for e in rules.MERCHANT.table[s]} for s in rules.MERCHANT.states}
    assert table == {"active": {"suspend": "suspended"}, "suspended": {"suspend": "suspended", "restore": "active"}}


@pytest.mark.parametrize("typed", ["7kq2 m0xa", "７ＫＱ２－Ｍ０ＸＡ", " 7KQ2—MOXA ", "7kq2moxa"])
def test_a_code_may_be_typed_in_many_ways(typed: str) -> None:
    assert rules.typed_code(typed) == "7KQ2M0XA"


def test_codes_are_what_they_say() -> None:
    code = rules.new_code()
    assert len(rules.typed_code(code)) == 16
    assert rules.typed_code(rules.typed_code(code)) == rules.typed_code(code)
    assert len({rules.new_code() for _ in range(1000)}) == 1000


def test_a_key_looks_like_a_key_and_carries_256_bits() -> None:
    secret = rules.new_key_secret()
    assert secret.startswith("mdw_")
    assert rules.is_key_secret(secret)
    assert not rules.is_key_secret(secret[:-1])
    assert not rules.is_key_secret("mdw_" + "x" * 43 + "\n")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("  Mei@Example.COM ", "mei@example.com"), ("ｍｅｉ＠ｅｘａｍｐｌｅ．ｃｏｍ", "mei@example.com")],
)
def test_an_email_is_stored_in_one_form(typed: str, stored: str) -> None:
    assert rules.clean_email(typed) == stored


@pytest.mark.parametrize("typed", ["", "mei", "mei@", "@example.com", "a b@example.com", "mei@localhost", "a@b.c\n,d@e.fg",
                                   "mei@example.com\r\nBcc: x@y.zz", "m\ud800i@example.com", "m\u202ei@example.com", "x" * 65 + "@example.com"])  # fmt: skip
def test_what_is_no_email_is_refused(typed: str) -> None:
    with pytest.raises(Refusal, match="malformed"):
        rules.clean_email(typed)


def test_a_label_behind_a_plus_makes_no_new_mailbox() -> None:
    assert rules.mailbox("Mei+shop@example.com") == rules.mailbox("mei@example.com") == "mei@example.com"
    assert rules.mailbox("+x@example.com") == "+x@example.com"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("138 0013 8000", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("008613800138000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("+44 20 7946 0958", "+442079460958"),
    ],
)
def test_a_phone_is_stored_in_one_form(typed: str, stored: str) -> None:
    assert rules.clean_phone(typed) == stored


def test_what_is_no_phone_compares_with_nothing() -> None:
    assert rules.phone_key("call me") is None
    assert rules.phone_key("") is None


def test_names_lose_what_cannot_be_seen() -> None:
    assert rules.clean_name("  Mei\u200b \u202e Lin ") == "Mei Lin"
    with pytest.raises(Refusal, match="malformed"):
        rules.clean_name("\u200b\u200b")


def test_identity_digests_compare_and_need_the_secret() -> None:
    one = rules.identity_digest("payout:alipay", "Mei@Example.com ", "s")
    assert one == rules.identity_digest("payout:alipay", "mei@example.com", "s")
    assert one != rules.identity_digest("payout:alipay", "mei@example.com", "t")
    assert one != rules.identity_digest("payout:wechat", "mei@example.com", "s")


def test_every_refusal_speaks_two_languages() -> None:
    for code, says in rules.REFUSALS.items():
        assert 400 <= says.status < 500, code
        assert says.en.isascii()
        assert not says.zh.isascii()
        assert says.en.rstrip().endswith(".")


def test_texts_are_stored_without_what_a_database_chokes_on() -> None:
    assert rules.clean_text(" a\x00b\ud800\r\nc\t ") == "ab\nc"
    assert len(rules.clean_text("x" * 5000)) == rules.ABOUT_LENGTH
    assert len(rules.identity_digest("a", "\ud800\x00", "s")) == 64
