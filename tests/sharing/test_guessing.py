"""Nobody finds a token by trying, no two tokens are alike, and what stands between is held across processes."""

import os
import random
import subprocess
import sys
from threading import Thread

import pytest
from django.db import connection
from tests.sharing import market

from meadow.config.settings import CHECKOUT
from meadow.kernel import db
from meadow.sharing import queries, rules, services

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GUESSES = 1_000_000
# Four creators at once mint so many batches of a thousand each; 25 make the hundred thousand.
BATCHES = int(os.environ.get("MEADOW_MINT_BATCHES", "1"))


def stored(numbers: int) -> None:
    """So many live tokens, in one statement."""
    shop, mei = market.shop(), market.creator()
    db.execute(
        "INSERT INTO sharing_sharetoken (public_id, number, target_kind, target_id, life_days, state, created_at, "
        "expires_at, creator_id, shop_id) SELECT 'tok_' || lpad(n::text, 20, '0'), n * 36028797::bigint %% "
        "36028797018963967, 'bench.post', n, 60, 'active', now(), now() + interval '60 days', %s, %s "
        "FROM generate_series(1, %s) n",
        [mei.pk, shop.id, numbers],
    )


@pytest.mark.django_db
def test_c4_3_a_million_random_guesses_find_no_live_token_in_codec_and_store():
    stored(10_000)
    chance = random.Random(20)
    # A code is 65 bits, so a guess is a number of 65 bits; spelled here only where the first check would pass.
    passed = []
    for _ in range(GUESSES // 64):
        # 64 guesses at once: each passes the two check characters once in 1024, whatever the eleven before them are.
        head = "".join(chance.choices(SYMBOLS, k=11))
        for _ in range(64):
            number = rules.number_of_code(head + SYMBOLS[chance.randrange(32)] + SYMBOLS[chance.randrange(32)])
            if number is not None:
                passed.append(number)
    assert 700 < len(passed) < 1300  # as many as chance lets through the checks: 1 in 1024
    # Every number that came through is asked of the store, and a million more numbers that no check stood before.
    drawn = [chance.getrandbits(rules.BITS) for _ in range(GUESSES)]
    found = db.call(
        "SELECT count(*) FROM sharing_sharetoken t JOIN unnest(%s::bigint[]) AS g(n) ON t.number = g.n",
        ["{" + ",".join(map(str, passed + drawn)) + "}"],
    )
    assert found == 0
    assert all(queries.first_live(passed[n : n + 8]) is None for n in range(0, 64, 8))


@pytest.mark.django_db
def test_c4_3_one_changed_character_is_refused_at_least_1023_times_in_1024():
    chance, tried, passed = random.Random(7), 0, 0
    for _ in range(60):
        code = rules.code_of(rules.draw_number())
        for place in range(len(code)):
            for symbol in SYMBOLS:
                if symbol != code[place]:
                    tried += 1
                    passed += rules.number_of_code(code[:place] + symbol + code[place + 1 :]) is not None
    for _ in range(300):
        digits = rules.digits_of(rules.draw_number())
        place = chance.randrange(len(digits))
        for symbol in "0123456789":
            if symbol != digits[place]:
                tried += 1
                passed += rules.number_of_digits(digits[:place] + symbol + digits[place + 1 :]) is not None
    assert tried > 25_000
    assert passed * 1024 <= tried
    assert passed == 0  # the checks promise more: no single change at all


@pytest.mark.django_db
def test_c4_9_a_hundred_thousand_numbers_drawn_at_once_hold_no_duplicate():
    shop, mei = market.shop(), market.creator()
    numbers = [rules.draw_number() for _ in range(100_000)]
    rows = db.call(
        "WITH made AS (INSERT INTO sharing_sharetoken (public_id, number, target_kind, target_id, life_days, state, "
        "created_at, expires_at, creator_id, shop_id) SELECT 'tok_' || lpad(i::text, 20, '0'), n, 'bench.post', i, 60, "
        "'active', now(), now() + interval '60 days', %s, %s FROM unnest(%s::bigint[]) WITH ORDINALITY AS w(n, i) "
        "RETURNING number) SELECT count(DISTINCT number) FROM made",
        [mei.pk, shop.id, "{" + ",".join(map(str, numbers)) + "}"],
    )
    assert rows == len(set(numbers)) == 100_000
    assert len({rules.code_of(number) for number in numbers}) == 100_000


@pytest.mark.django_db(transaction=True)
def test_c4_9_batches_minted_at_once_by_several_give_each_target_one_token_of_its_own():
    shop, creators = market.shop(), [market.creator(f"Mei{n}") for n in range(4)]
    targets = [services.Target("content.recommendation", n + 1, shop.id) for n in range(1000 * BATCHES)]
    made, failures = [], []

    def mint(creator_id: int) -> None:
        try:
            for start in range(0, len(targets), 1000):
                made.extend(services.mint_tokens(creator_id=creator_id, targets=targets[start : start + 1000]))
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [Thread(target=mint, args=(each.pk,)) for each in creators]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({token.number for token in made}) == len({token.pk for token in made}) == 4000 * BATCHES
    assert db.call("SELECT count(DISTINCT number) FROM sharing_sharetoken") == 4000 * BATCHES


_GUESS = """
import os, sys
import django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from meadow.kernel.errors import Refusal
from meadow.sharing import rules, services
said = []
for _ in range(250):
    try:
        services.resolve(text=rules.code_of(rules.draw_number()), callers=["address:198.51.100.7"])
    except Refusal as refusal:
        said.append(refusal.code)
print(said.count("not_a_token"), said.count("rate_limited"))
"""


@pytest.mark.django_db(transaction=True)
def test_c4_3_a_thousand_requests_trip_the_limiter_across_processes():
    environment = {
        **os.environ, "PYTHONPATH": str(CHECKOUT / "src"), "DJANGO_SETTINGS_MODULE": "meadow.config.django_settings",
        "MEADOW_LIMIT_FACTOR": "1",
    }  # fmt: skip
    name = connection.settings_dict["NAME"]
    guessers = [
        subprocess.Popen([sys.executable, "-c", _GUESS, name], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    counts = [tuple(map(int, guesser.communicate(timeout=120)[0].split())) for guesser in guessers]
    missed, limited = sum(count[0] for count in counts), sum(count[1] for count in counts)
    assert missed + limited == 1000
    # The bucket fills again while they guess, by its size a minute.
    assert rules.LIMITS["resolves_per_minute"] <= missed < 4 * rules.LIMITS["resolves_per_minute"]
    # Four processes share one bucket, so together they were let in little oftener than one would have been.
    assert limited > 1000 - 4 * rules.LIMITS["resolves_per_minute"]
