"""`./meadow screen`: does each line get the production verdict, with rules, layers and places in the raw text?"""

import json
from typing import Any

import pytest
from bench import texts
from click.testing import CliRunner, Result

from meadow.config.cli import meadow
from meadow.governance import queries
from meadow.governance.rules.measuring import all_samples
from meadow.governance.rules.surfaces import TextSurface

LINES = ["加v信 abc_123 便宜", "厨房刀具六件套", "", "海\u200b洛\u200b因 4号 现货"]


def screen(*words: str, given: str | bytes = "") -> Result:
    return CliRunner().invoke(meadow, ["screen", *words], input=given, standalone_mode=False)


def objects(*words: str, given: str | bytes) -> list[dict[str, Any]]:
    result = screen("--json", *words, given=given)
    assert result.exception is None, result.exception
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_line_gets_one_object_whose_places_lie_in_the_raw_line() -> None:
    found = objects("--surface", "comment", given="\n".join(LINES) + "\n")
    assert [one["verdict"] for one in found] == ["block", "allow", "allow", "block"]
    for line, one in zip(LINES, found, strict=True):
        assert all(line[hit["start"] : hit["end"]] == hit["shown"] for hit in one["hits"])
    hit = found[3]["hits"][0]
    assert (hit["rule"], hit["rule_version"], hit["layer"], hit["start"], hit["end"]) == (
        "goods.prohibited", 1, "folded", 0, 5,
    )  # fmt: skip
    assert "goods.prohibited v1" in found[3]["reason"]
    assert found[3]["reason_zh"]


def test_the_table_shows_verdict_rule_layer_and_place() -> None:
    rows = screen("--surface", "comment", given="\n".join(LINES)).stdout.splitlines()
    assert [row for row in rows if not row.startswith("\t")] == ["block", "allow", "allow", "block"]
    # Hidden characters are written out, so that they are seen and cannot move the cursor.
    assert "\tblock\tgoods.prohibited v1\tfolded\t0-5\t海\\u200b洛\\u200b因" in rows


def test_the_surface_counts_and_post_is_the_usual_one() -> None:
    wine = "法国红酒 干红葡萄酒 750ml\n"
    assert objects("--surface", "listing", given=wine)[0]["verdict"] != "allow"
    assert (
        objects(given=wine)
        == objects("--surface", "recommendation", given=wine)
        == objects("--surface", "POST", given=wine)
    )
    assert objects(given=wine)[0]["verdict"] == "allow"


def test_bytes_that_are_no_text_break_nothing() -> None:
    found = objects(given=b"\xff\xfe\r\n\x00\xe6\n" + "加微信 abc12345".encode())
    assert [one["verdict"] for one in found] == ["allow", "allow", "block"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--surface", "nope"], "--surface is 'nope': use one of post, listing, recommendation"),
        (["--nope"], "No such option"),
    ],
)
def test_wrong_arguments_are_one_sentence(words: list[str], told: str) -> None:
    result = screen(*words)
    assert getattr(result.exception, "exit_code", None) == 2
    assert told in str(result.exception)


@pytest.mark.django_db
def test_it_says_what_the_doors_say() -> None:
    samples = [
        one for one in all_samples(texts.CORPUS) if one.surface is TextSurface.RECOMMENDATION and "\n" not in one.text
    ]
    samples = samples[::5]
    said = objects(given="\n".join(one.text for one in samples))
    assert len(said) == len(samples) > 30
    for sample, one in zip(samples, said, strict=True):
        verdict = queries.judge_text(sample.surface, sample.text)
        assert (one["verdict"], one["reason"], len(one["hits"])) == (
            verdict.verdict, verdict.reason_en, len(verdict.hits),
        )  # fmt: skip


def test_measure_prints_the_tables_and_their_figures() -> None:
    assert screen("--measure").stdout.strip() == texts.tables()
    assert json.loads(screen("--measure", "--json").stdout) == texts.figures()
