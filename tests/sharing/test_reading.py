"""Is the right token found in whatever people paste?"""

import random

import pytest

from meadow.sharing.rules import MAX_TEXT, code_of, digits_of, draw_number, numbers_in

NUMBER = 0b1011 << 51 | 0x2F1E3D4C5B6A7
OTHER = 0b0110 << 51 | 0x1A2B3C4D5E6F7
CODE, DIGITS = code_of(NUMBER), digits_of(NUMBER)
GROUPS = " ".join(DIGITS[i : i + 3] for i in range(0, 21, 3))
FULL_WIDTH = {ord(c): ord(c) + 0xFEE0 for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/:."}

CHAT = (
    "姐妹们!!今天刷到一个好东西🎉🎉 昨天的券 ￥dAEYbi4KO4D￥ 已经过期了，€g1IVbaMXxxK€ 也不行 😭 "
    "原价￥1299.00 现价¥899，快递单号 7712345678901，订单 20151111123456789012，条码6901234567892，"
    "https://m.tb.cn/h.3XYA5IW 打不开的话 call 13800138000，1700000000000 "
    "【{}】 复制整段话就行啦～ 还有 internationally1 acknowledgment 👍🏽👨‍👩‍👧‍👦 "
)  # fmt: skip


def test_c4_1_the_first_valid_token_in_500_characters_of_chat_wins():
    text = (CHAT.format(f"￥{CODE}￥") + f"另一个 ￥{code_of(OTHER)}￥ " + "哈" * 500)[:500]
    assert len(text) == 500
    assert numbers_in(text)[0] == NUMBER
    swapped = CHAT.format(f"￥{code_of(OTHER)}￥") + f"￥{CODE}￥"
    assert numbers_in(swapped)[0] == OTHER
    assert numbers_in(CHAT.format("nothing")) == []


@pytest.mark.parametrize(
    "form",
    [
        f"￥{CODE}￥", f"¥{CODE}¥", f"€{CODE}€", f"${CODE}$", f"({CODE})", f"「{CODE}」", CODE, CODE.lower(), f"看{CODE}好",
        f"HTTPS://SHOP.EXAMPLE/S/{CODE}", f"http://localhost:8000/S/{CODE}?from=x", f"shop.example/s/{CODE.lower()}#top",
        f"￥{GROUPS}￥", f"¥{DIGITS}", f"$ {GROUPS.replace(' ', '-')}", f"￥{CODE[:5]} {CODE[5:9]}-{CODE[9:]}￥",
        f"**{CODE}**", f"'{CODE}',", f"复制￥{CODE}", f"1￥{CODE}￥2",
    ],
)  # fmt: skip
def test_c4_2_every_form_reads_as_the_same_number(form):
    assert numbers_in(form) == [NUMBER]


@pytest.mark.parametrize(
    "text",
    [
        f"￥{CODE}￥".translate(FULL_WIDTH),
        f"￥{GROUPS}￥".translate(FULL_WIDTH),
        "\u200b".join(f"￥{CODE}￥"),
        f"\ufeff￥\u2060{CODE[:4]}\u200d\u200c{CODE[4:]}\u202c￥",
        f"￥{CODE[:6]}\n{CODE[6:]}￥",
        f"look:\n{CODE[:6]}\r\n> {CODE[6:]}\nbye",
        f"{CODE[:9]} \u2028{CODE[9:]}",
        "".join(chr(0x1D400 + ord(c) - 65) if c.isalpha() else chr(0x1D7CE + int(c)) for c in CODE),
        CODE.replace("0", "O").replace("1", "I"),
    ],
)
def test_c4_5_full_width_zero_width_and_broken_lines_still_resolve(text):
    assert numbers_in(text) == [NUMBER]


def test_c4_5_homoglyphs_resolve_to_the_same_token_or_to_none():
    alike = {"A": "АΑᎪ", "B": "ВΒ", "C": "СϹⅭ", "E": "ЕΕ", "H": "НΗ", "K": "КΚK", "M": "МΜⅯ", "P": "РΡ", "S": "ЅՏſ",
             "T": "ТΤ", "X": "ХΧⅩ", "Y": "ҮΥ", "0": "О〇⓪𝟘", "1": "Ӏ|①𝟏"}  # fmt: skip
    chance = random.Random(5)
    for _ in range(300):
        number = chance.getrandbits(55)
        code = code_of(number)
        for letter, others in alike.items():
            for other in others:
                assert set(numbers_in(f"￥{code.replace(letter, other)}￥")) <= {number}


def test_c4_3_bare_digits_are_never_a_token():
    assert numbers_in(f"tracking {DIGITS}") == []
    assert numbers_in(f"{GROUPS} order") == []
    assert numbers_in(f"#{DIGITS}") == []
    assert numbers_in(f"￥{DIGITS}7") == []
    assert numbers_in(f"￥{DIGITS[:-1]}") == []


def test_c4_3_a_code_inside_a_longer_word_is_none():
    assert numbers_in(f"x{CODE}") == []
    assert numbers_in(f"{CODE}x") == []


def test_a_false_start_does_not_hide_the_token_behind_it():
    assert NUMBER in numbers_in(f"abc\n{CODE[:10]}\n{CODE[10:]}")
    assert numbers_in(f"￥{CODE[:3]} ￥{CODE}￥") == [NUMBER]


def test_only_the_beginning_of_an_endless_text_is_read_and_few_tokens_of_it():
    assert numbers_in("哈" * MAX_TEXT + CODE) == []
    many = [draw_number() for _ in range(20)]
    assert numbers_in(" ".join(map(code_of, many))) == many[:8]


@pytest.mark.parametrize("nasty", ["a\n", "￥", "￥1 ", "\u0301", "ﷺ", "a-", "\u200b", "A￥ \n"])
def test_texts_made_to_be_slow_are_read_in_bounded_steps(nasty):
    """Every start looks at a bounded stretch; a pattern that went back and forth would never come back from these."""
    assert numbers_in(nasty * MAX_TEXT) == []
