"""How well the check of texts sees: recall on disguised texts and false alarms on innocent ones, by rule and layer."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from meadow.governance.rules.screening import Screen, TextVerdict
from meadow.governance.rules.surfaces import TextSurface, surface_of

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\n")


@dataclass(frozen=True, slots=True)
class Sample:
    """A text with what should come of it: rules of which one must be named, or none for an innocent one."""

    surface: TextSurface
    text: str
    rules: tuple[str, ...]
    reason: str


@dataclass(slots=True)
class Tally:
    """Of `texts`, `right` went as they should."""

    texts: int = 0
    right: int = 0

    @property
    def percent(self) -> float:
        return 100 * self.right / self.texts if self.texts else 100.0


@dataclass(slots=True)
class Measured:
    """Recall and precision of one run.  by_layer: [hits on disguised texts, hits on innocent ones]."""

    evasions: Tally = field(default_factory=Tally)
    innocents: Tally = field(default_factory=Tally)
    recall_by_rule: dict[str, Tally] = field(default_factory=dict)
    alarms_by_rule: dict[str, int] = field(default_factory=dict)
    by_layer: dict[str, list[int]] = field(default_factory=dict)
    by_term: dict[str, list[int]] = field(default_factory=dict)
    missed: list[Sample] = field(default_factory=list)
    alarms: list[tuple[Sample, TextVerdict]] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.evasions.percent

    @property
    def precision(self) -> float:
        """Of all texts that were stopped, the share that should be."""
        stopped = self.evasions.right + self.innocents.texts - self.innocents.right
        return 100 * self.evasions.right / stopped if stopped else 100.0

    def precision_of(self, rule: str) -> float:
        right = self.recall_by_rule[rule].right if rule in self.recall_by_rule else 0
        wrong = self.alarms_by_rule.get(rule, 0)
        return 100 * right / (right + wrong) if right + wrong else 100.0


def read_samples(path: Path) -> list[Sample]:
    """A file of tab-separated lines: surface, rules joined by | (missing for innocents), text, reason."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        cells = line.split("\t")
        surface = surface_of(cells[0])
        assert surface is not None, line
        rules = tuple(cells[1].split("|")) if len(cells) == 4 else ()
        found.append(Sample(surface, _ESCAPE.sub(_unescaped, cells[-2]), rules, cells[-1]))
    return found


def measure(screen: Screen, samples: Iterable[Sample]) -> Measured:
    """Judges every sample as a posting would be judged."""
    found = Measured()
    for sample in samples:
        verdict = screen.judge(sample.surface, sample.text)
        if sample.rules:
            _count_evasion(found, sample, verdict)
        else:
            _count_innocent(found, sample, verdict)
    return found


def _count_evasion(found: Measured, sample: Sample, verdict: TextVerdict) -> None:
    hits = [hit for hit in verdict.hits if hit.rule_id in sample.rules]
    rule = hits[0].rule_id if hits else sample.rules[0]
    tally = found.recall_by_rule.setdefault(rule, Tally())
    found.evasions.texts += 1
    tally.texts += 1
    if hits:
        found.evasions.right += 1
        tally.right += 1
        found.by_layer.setdefault(hits[0].layer, [0, 0])[0] += 1
        for hit in hits:
            found.by_term.setdefault(hit.key, [0, 0])[0] += 1
    else:
        found.missed.append(sample)


def _count_innocent(found: Measured, sample: Sample, verdict: TextVerdict) -> None:
    found.innocents.texts += 1
    if verdict.verdict == "allow":
        found.innocents.right += 1
        return
    found.alarms.append((sample, verdict))
    decisive = verdict.decisive
    assert decisive is not None
    found.alarms_by_rule[decisive.rule_id] = found.alarms_by_rule.get(decisive.rule_id, 0) + 1
    found.by_layer.setdefault(decisive.layer, [0, 0])[1] += 1
    for hit in verdict.hits:
        found.by_term.setdefault(hit.key, [0, 0])[1] += 1


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else "\n"


def all_samples(folder: Path) -> Sequence[Sample]:
    """Every sample of the files of a folder."""
    return [sample for path in sorted(folder.glob("*.tsv")) for sample in read_samples(path)]
