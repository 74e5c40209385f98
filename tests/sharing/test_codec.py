"""Does the spelling of tokens notice every slip it promises to notice?"""

import random

import pytest

from meadow.sharing.rules import code_of, digits_of, draw_number, number_of_code, number_of_digits

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def sample(count: int) -> list[int]:
    chance = random.Random(7)
    edges = [0, 1 << 54, (1 << 55) - 1, (1 << 55) - 2, 0b10101 << 50]
    return [*edges, draw_number(), *(chance.getrandbits(55) for _ in range(count))][:count]


def test_c4_1_both_spellings_come_back():
    for number in sample(500):
        code, digits = code_of(number), digits_of(number)
        assert len(code) == 13
        assert len(digits) == 21
        assert number_of_code(code) == number
        assert number_of_digits(digits) == number


def test_c4_3_every_single_changed_character_is_refused():
    for number in sample(40):
        code = code_of(number)
        for place in range(13):
            for symbol in SYMBOLS:
                if symbol != code[place]:
                    assert number_of_code(code[:place] + symbol + code[place + 1 :]) is None


def test_c4_3_every_swap_of_neighbours_is_refused():
    for number in sample(200):
        code = code_of(number)
        for i in range(12):
            if code[i] != code[i + 1]:
                assert number_of_code(code[:i] + code[i + 1] + code[i] + code[i + 2 :]) is None


def test_c4_3_every_two_changes_and_every_distant_swap_are_refused():
    chance = random.Random(11)
    for number in sample(300):
        code = list(code_of(number))
        i, j = sorted(chance.sample(range(13), 2))
        changed = code.copy()
        changed[i] = chance.choice([s for s in SYMBOLS if s != code[i]])
        changed[j] = chance.choice([s for s in SYMBOLS if s != code[j]])
        assert number_of_code("".join(changed)) is None
        if code[i] != code[j]:
            code[i], code[j] = code[j], code[i]
            assert number_of_code("".join(code)) is None


def test_c4_3_digits_refuse_every_single_change_and_every_swap_of_neighbours():
    for number in sample(60):
        digits = digits_of(number)
        for i in range(21):
            for digit in "0123456789":
                if digit != digits[i]:
                    assert number_of_digits(digits[:i] + digit + digits[i + 1 :]) is None
        for i in range(20):
            if digits[i] != digits[i + 1]:
                assert number_of_digits(digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :]) is None


@pytest.mark.parametrize(("spell", "alphabet", "length"), [("code", SYMBOLS, 13), ("digits", "0123456789", 21)])
def test_c4_3_random_guesses_pass_the_check_at_most_once_in_1024(spell, alphabet, length):
    chance = random.Random(3)
    read = number_of_code if spell == "code" else number_of_digits
    guesses = 200_000
    passed = sum(read("".join(chance.choices(alphabet, k=length))) is not None for _ in range(guesses))
    # 195 are expected of the letters and 20 x 0.36 of the digits; six deviations above is no accident.
    assert passed < guesses / 1024 + 6 * (guesses / 1024) ** 0.5
    assert spell == "digits" or passed > guesses / 1024 - 6 * (guesses / 1024) ** 0.5


def test_c4_5_any_case_and_look_alikes_are_the_same_token_and_no_two_tokens_collide():
    for number in sample(200):
        code = code_of(number)
        assert number_of_code(code.lower()) == number
        assert number_of_code(code.replace("0", "O").replace("1", "l")) == number
        assert number_of_code(code.replace("0", "o").replace("1", "I")) == number
    assert len({code_of(n).casefold() for n in sample(400)}) == 400


@pytest.mark.parametrize("code", ["", "U" * 13, "0" * 13, "1" * 13, "ABCDEFGHJKMN", "ABCDEFGHJKMNPQ", "ÀBCDEFGHJKMNP"])
def test_c4_3_what_is_no_code_is_no_token(code):
    assert number_of_code(code) is None


def test_c4_3_a_row_of_equal_characters_is_never_a_token():
    assert not [s for s in SYMBOLS if number_of_code(s * 13) is not None]
    assert not [s for s in "0123456789" if number_of_digits(s * 21) is not None]


def test_no_thirteen_digits_are_a_token_so_bar_codes_and_order_numbers_never_match():
    chance = random.Random(13)
    for _ in range(20_000):
        assert number_of_code("".join(chance.choices("0123456789OIL", k=13))) is None
    assert not [n for n in sample(2000) if code_of(n).isdecimal()]


@pytest.mark.parametrize("digits", ["", "1" * 20, "9" * 21, "٣" * 21, "36028797018963968" + "0000", "-1" + "0" * 19])
def test_c4_3_what_is_no_row_of_digits_is_no_token(digits):
    assert number_of_digits(digits) is None


def test_digits_beyond_55_bits_are_no_token():
    for number in range(1 << 55, (1 << 55) + 300):
        assert number_of_digits(digits_of(number)) is None
