"""How well does the check of texts see?  Recall and precision by rule and layer, as tables for docs/governance.md."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from bench import evasions
from meadow.governance.rules.measuring import Measured, Sample, Tally, all_samples, measure
from meadow.governance.rules.screening import build_screen
from meadow.governance.rules.shadow import LAYERS
from meadow.governance.rules.terms import shipped_packs

CORPUS = Path(__file__).resolve().parents[1] / "tests" / "governance" / "corpus"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def figures() -> dict[str, Any]:
    """Everything as one object."""
    curated, second = _curated(), _second()
    plain, perturbed = measure(_screen(), evasions.plain_texts()), _perturbed()
    return {
        "curated": {
            "evasions": curated.evasions.texts, "found": curated.evasions.right, "recall": round(curated.recall, 1),
            "innocents": curated.innocents.texts, "stopped": len(curated.alarms), "precision": round(curated.precision, 1),
            "by_rule": {
                rule: {
                    "texts": tally.texts, "found": tally.right, "recall": round(tally.percent, 1),
                    "innocents_stopped": curated.alarms_by_rule.get(rule, 0),
                    "precision": round(curated.precision_of(rule), 1),
                }
                for rule, tally in sorted(curated.recall_by_rule.items())
            },
            "by_layer": {
                layer: {"found": right, "innocents_stopped": wrong, "precision": round(_share(right, right + wrong), 1)}
                for layer in LAYERS
                for right, wrong in [curated.by_layer.get(layer, [0, 0])]
            },
        },
        "second": {
            "seed": evasions.SEED,
            "plain": {"texts": plain.evasions.texts, "found": plain.evasions.right},
            "by_disguise": {
                name: {"texts": tally.texts, "found": tally.right, "recall": round(tally.percent, 1)}
                for name, tally in second.items()
            },
            "innocents_disguised": {"texts": perturbed.innocents.texts, "stopped": len(perturbed.alarms)},
        },
    }  # fmt: skip


def tables() -> str:
    """The tables of the page, in its Markdown."""
    found = figures()
    curated, second = found["curated"], found["second"]
    lines = [
        f"The curated texts: {curated['evasions']} evasions, {curated['found']} found (recall {curated['recall']} %); "
        f"{curated['innocents']} innocents, {curated['stopped']} stopped (precision {curated['precision']} %). "
        "They were written for this project, and the packs were tuned on them, so the figures say what is known to work, "
        "not what to expect of strangers.",
        "",
        "| rule | evasions | found | recall, % | innocents stopped | precision, % |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{rule}` | {row['texts']} | {row['found']} | {row['recall']} | {row['innocents_stopped']} | {row['precision']} |"
        for rule, row in curated["by_rule"].items()
    ]
    lines += ["", "| layer | evasions found | innocents stopped | precision, % |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {layer} | {row['found']} | {row['innocents_stopped']} | {row['precision']} |"
        for layer, row in curated["by_layer"].items()
    ]
    lines += [
        "",
        f"The second generator (`bench/evasions.py`, seed {second['seed']}) shares no table with the check, and nothing was "
        f"tuned on it. Of its {second['plain']['texts']} sentences, {second['plain']['found']} are found undisguised, so "
        "even a perfect look through disguises would stay below all of them.",
        "",
        "| disguise | texts | found | recall, % |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | {row['texts']} | {row['found']} | {row['recall']} |" for name, row in second["by_disguise"].items()
    ]
    innocent = second["innocents_disguised"]
    lines += [
        "",
        f"Of {innocent['texts']} innocent texts with a stretch of four characters in such a disguise, {innocent['stopped']} "
        "were stopped.",
    ]
    return "\n".join(lines)


def write(page: Path) -> None:
    """Puts the tables between their marks."""
    text = page.read_text("utf-8")
    page.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{tables()}\n{END}", text, flags=re.S), "utf-8")


def missed() -> list[Sample]:
    """The curated texts that were not seen, for whoever mends that."""
    return _curated().missed


@cache
def _curated() -> Measured:
    return measure(_screen(), all_samples(CORPUS))


def _second() -> dict[str, Tally]:
    found: dict[str, Tally] = {name: Tally() for name in (*evasions.DISGUISES, "two at once", "all")}
    for name, sample in evasions.texts():
        right = measure(_screen(), [sample]).evasions.right
        for tally in (found[name], found["all"]):
            tally.texts += 1
            tally.right += right
    return found


def _perturbed() -> Measured:
    innocents = [sample for sample in all_samples(CORPUS) if not sample.rules]
    return measure(_screen(), evasions.perturbed(innocents))


def _screen() -> Any:
    return build_screen(shipped_packs())


def _share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 100.0
