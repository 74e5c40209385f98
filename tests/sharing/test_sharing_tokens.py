"""Tokens on real PostgreSQL: mint, find again, resolve, expire, revoke, block; every form of one."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from threading import Barrier, Thread

import pytest
import zxingcpp
from django.db import connection
from PIL import Image, ImageDraw
from tests.sharing import market

from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.errors import Refusal
from meadow.kernel.events import DecisionMade, DecisionReversed
from meadow.sharing import handlers, queries, rules, services
from meadow.sharing.models import ShareToken

pytestmark = pytest.mark.django_db
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def token():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    return services.mint_token(
        creator_id=mei.pk, target_kind="content.recommendation", target_id=7, shop_id=shop.id, product_id=bowl
    )


def resolve(text: str) -> queries.Resolved:
    return services.resolve(text=text, callers=["address:192.0.2.1"])


def test_c4_1_minted_and_pasted_into_chat_it_resolves_to_the_same_target(token):
    chat = (
        f"听说这个不错 ￥dAEYbi4KO4D￥ 单号7712345678901 {queries.forms(token, creator_name='Mei').text} 冲鸭🎉"
        + "哈" * 300
    )
    found = resolve(chat)
    assert (found.token_id, found.target_kind, found.target_id) == (token.pk, "content.recommendation", 7)
    assert (found.creator_id, found.shop_id, found.product_id) == (token.creator_id, token.shop_id, token.product_id)
    assert found.is_live
    assert found.creator_name == "Mei"


def test_c4_2_every_form_of_a_token_is_one_record(token):
    for language in ("zh-hans", "en"):
        forms = queries.forms(token, language=language, creator_name="Mei")
        assert "Mei" in forms.text
        assert "Tea bowl" in forms.text
        for form in (forms.text, forms.digits, forms.url, forms.code):
            assert resolve(form).token_id == token.pk
        assert queries.landing(forms.code.lower()).token_id == token.pk


@pytest.mark.parametrize("base_url", ["http://localhost:8000", "https://shop.meadow.example"])
def test_c4_2_qr_is_read_by_another_decoder_at_200_pixels_and_partly_covered(token, settings, base_url):
    settings.MEADOW = replace(settings.MEADOW, base_url=base_url)
    code = rules.code_of(token.number)
    url = queries.address_of(code)
    assert url == f"{base_url}/S/{code}"
    drawn = Image.open(BytesIO(queries.qr_png(url))).convert("L")
    assert drawn.width >= 400
    small = drawn.resize((200, 200))
    (read,) = zxingcpp.read_barcodes(small)
    assert read.text == url.upper()
    assert read.ec_level == "H"
    assert resolve(read.text).token_id == token.pk
    # A white sticker on 15 % of the symbol, in its middle; 33 of its 41 modules a side are not quiet zone.
    half = round(0.15**0.5 * 200 * 33 / 41 / 2)
    ImageDraw.Draw(small).rectangle((100 - half, 100 - half, 100 + half, 100 + half), fill=255)
    covered = zxingcpp.read_barcodes(small)
    assert [each.text for each in covered] == [url.upper()]
    assert "<svg" in queries.qr_svg(url)


def test_a_title_that_holds_another_token_does_not_take_over_the_message(token):
    other = rules.code_of(rules.draw_number())
    text = queries.forms(token, creator_name="Mei", title=f"￥{other}￥ bowl").text
    assert rules.numbers_in(text)[0] == token.number


def test_minting_the_same_target_again_gives_the_same_token_with_its_life_anew(token):
    again = {"creator_id": token.creator_id, "target_kind": "content.recommendation", "target_id": 7,
             "shop_id": token.shop_id, "product_id": token.product_id}  # fmt: skip
    with clock.at(token.created_at + 30 * DAY):
        same = services.mint_token(**again)
        assert same.pk == token.pk
        assert same.expires_at == token.created_at + 90 * DAY
        poster = services.mint_token(**again, is_poster=True)
        assert (poster.pk, poster.life_days) == (token.pk, 365)
    other = services.mint_token(**(again | {"target_id": 8}))
    whole_shop = services.mint_token(**(again | {"target_kind": "catalog.shop", "product_id": None}))
    assert len({token.pk, other.pk, whole_shop.pk}) == 3
    assert services.mint_token(**(again | {"target_kind": "catalog.shop", "product_id": None})).pk == whole_shop.pk


def test_c4_9_a_thousand_tokens_at_once_are_all_different():
    shop, mei = market.shop(), market.creator()
    targets = [services.Target("content.recommendation", n + 1, shop.id) for n in range(1000)]
    tokens = services.mint_tokens(creator_id=mei.pk, targets=targets)
    assert len({token.number for token in tokens}) == 1000
    assert [token.target_id for token in tokens] == [target.id for target in targets]


def test_a_number_that_is_taken_is_drawn_again(token, monkeypatch):
    draws = iter([token.number, token.number, 12345])
    monkeypatch.setattr(rules, "draw_number", lambda: next(draws))
    fresh = services.mint_token(
        creator_id=token.creator_id, target_kind="catalog.product", target_id=1, shop_id=token.shop_id
    )
    assert fresh.number == 12345


@pytest.mark.parametrize(
    ("kind", "target_id"),
    [
        ("https://evil.example/x", 1),
        ("javascript:alert(1)", 1),
        ("", 1),
        ("catalog.product", 0),
        ("Catalog.product", 1),
    ],
)
def test_c4_6_an_address_can_be_no_target(kind, target_id):
    shop, mei = market.shop(), market.creator()
    with pytest.raises(Refusal, match="malformed"):
        services.mint_token(creator_id=mei.pk, target_kind=kind, target_id=target_id, shop_id=shop.id)


def test_a_product_of_another_shop_is_refused():
    shop, other, mei = market.shop(), market.shop(keeper="Eve"), market.creator()
    with pytest.raises(Refusal, match="not_found"):
        services.mint_token(
            creator_id=mei.pk,
            target_kind="catalog.product",
            target_id=1,
            shop_id=shop.id,
            product_id=market.product(other),
        )


def test_c4_3_a_changed_character_is_no_token_and_asks_no_table(token, django_assert_num_queries):
    code = rules.code_of(token.number)
    wrong = ("A" if code[0] != "A" else "B") + code[1:]
    with django_assert_num_queries(0):
        assert queries.landing(wrong) is None
        assert queries.first_live(rules.numbers_in(f"￥{wrong}￥")) is None
    with pytest.raises(Refusal, match="not_a_token"):
        resolve(wrong)


def test_c4_3_a_right_check_of_no_token_looks_just_like_a_wrong_one():
    with pytest.raises(Refusal) as unknown:
        resolve(rules.code_of(rules.draw_number()))
    with pytest.raises(Refusal) as wrong:
        resolve("no token at all")
    assert (unknown.value.code, unknown.value.status, unknown.value.params) == (
        wrong.value.code, wrong.value.status, wrong.value.params
    )  # fmt: skip


def test_c4_3_guessing_finds_nothing_and_is_stopped_by_the_limit(token):
    for _ in range(rules.LIMITS["resolves_per_minute"]):
        with pytest.raises(Refusal, match="not_a_token"):
            resolve(rules.code_of(rules.draw_number()))
    with pytest.raises(Refusal, match="rate_limited"):
        resolve(rules.code_of(token.number))
    assert services.resolve(text=rules.code_of(token.number), callers=["address:192.0.2.2"]).token_id == token.pk


def test_c4_4_dead_tokens_say_which_way_they_died_and_where_to_go(token):
    code = rules.code_of(token.number)
    with clock.at(token.expires_at - SECOND):
        assert resolve(code).is_live
    with clock.at(token.expires_at):
        dead = resolve(code)
        assert (dead.problem, dead.shop_id) == ("token_expired", token.shop_id)
        assert dead.origin() is None
    services.revoke_token(token_id=token.pk, creator_id=token.creator_id)
    assert resolve(code).problem == "token_revoked"
    with pytest.raises(Refusal, match="stale_state"):
        services.revoke_token(token_id=token.pk, creator_id=token.creator_id)
    with pytest.raises(Refusal, match="not_found"):
        services.revoke_token(token_id=token.pk, creator_id=token.creator_id + 1)


def test_c4_4_a_suspended_creators_token_says_so_and_they_mint_no_more(token):
    token.creator.state = "suspended"
    token.creator.save(update_fields=["state"])
    found = resolve(rules.code_of(token.number))
    assert found.problem == "sharer_suspended"
    assert found.origin() is not None  # whether it earns is judged when the order is placed
    with pytest.raises(Refusal, match="creator_suspended"):
        services.mint_token(
            creator_id=token.creator_id, target_kind="catalog.product", target_id=1, shop_id=token.shop_id
        )


def test_the_first_live_token_of_a_text_wins_over_a_dead_one(token):
    dead = services.mint_token(
        creator_id=token.creator_id, target_kind="catalog.product", target_id=9, shop_id=token.shop_id
    )
    services.revoke_token(token_id=dead.pk, creator_id=token.creator_id)
    both = f"{rules.code_of(dead.number)} {rules.code_of(token.number)}"
    assert resolve(both).token_id == token.pk
    assert resolve(rules.code_of(dead.number)).problem == "token_revoked"


def test_an_expired_token_makes_room_for_a_fresh_one(token):
    again = {"creator_id": token.creator_id, "target_kind": "content.recommendation", "target_id": 7,
             "shop_id": token.shop_id, "product_id": token.product_id}  # fmt: skip
    with clock.at(token.expires_at):
        fresh = services.mint_token(**again)
        assert fresh.pk != token.pk
        assert resolve(rules.code_of(fresh.number)).is_live
        assert resolve(rules.code_of(token.number)).problem == "token_expired"


def test_the_sweep_expires_what_is_due_once(token):
    from meadow.sharing import tasks

    assert sweeps.due_of("sharing.expire_tokens") == token.expires_at
    assert tasks.expire_tokens(10, token.expires_at - SECOND) == 0
    assert tasks.expire_tokens(10, token.expires_at) == 1
    assert tasks.expire_tokens(10, token.expires_at) == 0
    assert sweeps.due_of("sharing.expire_tokens") is None


def test_a_decision_blocks_a_token_and_its_reversal_unblocks_it(token):
    subject = {"subject_kind": "sharing.token", "subject_id": token.pk}
    made = DecisionMade(decision_id=1, **subject, action="suspend", rule_id="R", rule_version=1, until=None)
    for _ in range(2):
        handlers.on_decision([made])
    assert resolve(rules.code_of(token.number)).problem == "token_blocked"
    with pytest.raises(Refusal, match="token_blocked"):
        services.mint_token(
            creator_id=token.creator_id, target_kind="content.recommendation", target_id=7, shop_id=token.shop_id,
            product_id=token.product_id,
        )  # fmt: skip
    handlers.on_reversal([DecisionReversed(decision_id=2, **subject, action="suspend")])
    assert resolve(rules.code_of(token.number)).problem == "token_blocked"
    handlers.on_reversal([DecisionReversed(decision_id=1, **subject, action="suspend")])
    assert resolve(rules.code_of(token.number)).is_live
    handlers.on_decision([made])
    handlers.on_decision(
        [DecisionMade(decision_id=3, **subject, action="restore", rule_id="R", rule_version=1, until=None)]
    )
    assert resolve(rules.code_of(token.number)).is_live


def test_c4_9_landing_takes_one_statement(token, django_assert_max_num_queries):
    code = rules.code_of(token.number)
    with clock.at(token.created_at), django_assert_max_num_queries(1):
        assert queries.landing(code).is_live


@pytest.mark.django_db(transaction=True)
def test_two_mints_at_once_agree_on_one_token_and_resolve_at_once_finds_it():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    start, made, failures = Barrier(4), [], []

    def mint() -> None:
        try:
            start.wait(timeout=10)
            token = services.mint_token(
                creator_id=mei.pk, target_kind="content.recommendation", target_id=7, shop_id=shop.id, product_id=bowl
            )
            made.append((token.pk, resolve(rules.code_of(token.number)).token_id))
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=mint) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(set(made)) == 1
    assert made[0][0] == made[0][1]
    assert ShareToken.objects.count() == 1
    assert outbox.drain_all() >= 1
