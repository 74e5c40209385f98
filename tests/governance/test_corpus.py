"""Does the check see what people wrote to pass it, and leave alone what only looks like it?"""

import re

import pytest
from bench import evasions, texts

from meadow.config.settings import CHECKOUT
from meadow.governance.rules.measuring import Sample, measure, read_samples
from meadow.governance.rules.screening import build_screen
from meadow.governance.rules.shipped import current_rule
from meadow.governance.rules.terms import shipped_packs

SAMPLES = [one for path in sorted(texts.CORPUS.glob("*.tsv")) for one in read_samples(path)]
EVASIONS = [one for one in SAMPLES if one.rules]
INNOCENTS = [one for one in SAMPLES if not one.rules]


def languages(samples: list[Sample]) -> tuple[int, int]:
    zh = sum(bool(re.search(r"[\u4e00-\u9fff]", one.text)) for one in samples)
    return zh, len(samples) - zh


def test_there_are_300_evasions_and_300_innocents_each_with_its_reason() -> None:
    for samples in (EVASIONS, INNOCENTS):
        assert len(samples) >= 300
        assert len({(one.surface, one.text) for one in samples}) == len(samples)
        assert all(one.reason.strip() for one in samples)
        assert min(languages(samples)) >= 80
    assert all(current_rule(rule) for one in EVASIONS for rule in one.rules)


@pytest.mark.parametrize(
    "words", ["菜刀", "kitchen knife", "bow tie", "蝴蝶结", "北斗卫星", "往返丽江", "订单", "tracking", "尺码", "运单"]
)
def test_g6_2_g12_2_the_look_alikes_that_others_stop_are_among_the_innocents(words: str) -> None:
    found = [one for one in INNOCENTS if words in one.text.lower() or words in one.reason]
    assert found
    assert measure(build_screen(shipped_packs()), found).alarms == []


def test_g6_2_g12_2_recall_and_precision_stay_what_they_are() -> None:
    found = measure(build_screen(shipped_packs()), SAMPLES)
    assert [one.text for one in found.missed] == ["l38ool38ooo 手机"]
    assert [one.text for one, _ in found.alarms] == ["Upline and downline of the cable are marked? Not here"]
    assert (round(found.recall, 1), round(found.precision, 1)) == (99.8, 99.8)


def test_the_second_generator_is_the_same_every_time_and_knows_no_table_of_the_check() -> None:
    assert evasions.texts() == evasions.texts()
    assert len(evasions.texts()) == 600
    used = {name for name, _ in evasions.texts()}
    assert used == {*evasions.DISGUISES, "two at once"}
    source = (CHECKOUT / "bench" / "evasions.py").read_text("utf-8")
    assert "sounds" not in re.findall(r"^(?:from|import) .*$", source, re.M)
    assert set(re.findall(r"from meadow\.([\w.]+) import", source)) == {
        "governance.rules.measuring", "governance.rules.surfaces",
    }  # fmt: skip


def test_the_page_keeps_the_measured_tables() -> None:
    page = (CHECKOUT / "docs" / "governance.md").read_text("utf-8")
    kept = page.partition(texts.BEGIN)[2].partition(texts.END)[0].strip()
    assert kept == texts.tables(), "run ./meadow screen --measure --write"
