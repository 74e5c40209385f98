"""Whether a text may stand on a surface: the verdict on what it says, made of the text and the packs alone."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from meadow.governance.rules.contacts import Contact, Kind, contacts
from meadow.governance.rules.matcher import Hit, Matcher
from meadow.governance.rules.shadow import Layer, shades
from meadow.governance.rules.shipped import current_rule
from meadow.governance.rules.surfaces import PRIVATE, TextSurface
from meadow.governance.rules.terms import VERDICTS, Pack, Topic, Verdict
from meadow.kernel.errors import Says

MOST_CHARACTERS = 200_000
REFUSALS: dict[str, Says] = {
    "text_refused": Says(
        422,
        "This cannot be shown by rule {rule}. {reason}",
        "根据规则 {rule}，该内容不能展示。{reason_zh}",
    ),
    "pack_faulty": Says(
        422,
        "The pack cannot be read: {why}. Correct it and try again.",
        "词包无法读取：{why}，请更正后重试。",
    ),
    "pack_exists": Says(
        409,
        "Version {version} of this pack is published already. Raise the version and publish again.",
        "该词包的第 {version} 版已发布，请提高版本号后重新发布。",
    ),
    "preview_needed": Says(
        409,
        "See first what {pack} would do to what is shown already. Run its preview, then put it in force.",
        "请先预览 {pack} 对现有内容的影响，再使其生效。",
    ),
}
MOST_HITS = 50  # shown; the verdict is of all

OUTSIDE, SERVICE_ONLY = "conduct.diversion", "messages.service_only"
_CONTACT_NAMES: dict[Kind, tuple[str, str]] = {
    "phone": ("a phone number", "电话号码"),
    "bank_card": ("a bank card number", "银行卡号"),
    "messenger": ("a messenger id", "社交账号"),
    "mail": ("a mail address", "邮箱地址"),
}
# A price that tempts; what an order costs is said by its variables, not in the words of a template.
_TEMPTING_PRICE = re.compile(
    r"\d+(?:\.\d+)?\s*%\s*off|[1-9](?:\.\d)?\s*折|(?:只要|仅需?|低至|到手价?|直降|立减|省)\s*[¥￥$]?\s*\d+|[¥￥$€£]\s*\d+(?:\.\d+)?\s*(?:起|off|only)"
    r"|(?:only|from|just)\s*[¥￥$€£]\s*\d+|满\s*\d+\s*(?:减|送)"
)


@dataclass(frozen=True, slots=True)
class TextHit:
    """Why a text is not simply allowed: the rule, the layer that saw it, and the place in the raw text.

    field is "category" where the category of a listing speaks; start and end are zero then.
    """

    rule_id: str
    rule_version: int
    topic: str
    term: str
    layer: Layer
    start: int
    end: int
    verdict: Verdict
    title_en: str
    title_zh: str
    shown: str
    field: str = "text"

    @property
    def rule(self) -> str:
        return f"{self.rule_id} v{self.rule_version}"

    @property
    def key(self) -> str:
        """What the term is counted by."""
        return f"{self.topic}/{self.term}"


@dataclass(frozen=True, slots=True)
class TextVerdict:
    """The answer about a text.  licences: (topic, licence) that alone make it allowed; age: of who may buy."""

    verdict: Verdict
    hits: tuple[TextHit, ...] = ()
    reason_en: str = ""
    reason_zh: str = ""
    licences: tuple[tuple[str, str], ...] = ()
    age: int = 0

    @property
    def decisive(self) -> TextHit | None:
        """The hit that the verdict rests on: the first of the gravest."""
        return max(self.hits, key=lambda hit: VERDICTS.index(hit.verdict), default=None)

    def reason_in(self, language: str) -> str:
        return self.reason_zh if language.startswith("zh") else self.reason_en


ALLOWED = TextVerdict("allow")


class Screen:
    """The topics in force, compiled.  Pure: the same function serves posting, rescans, the command line and tests."""

    __slots__ = ("_named", "matcher", "packs")

    def __init__(self, packs: Sequence[Pack]) -> None:
        topics = [topic for pack in packs for topic in pack.topics]
        self.packs = tuple((pack.name, pack.version) for pack in packs)
        self.matcher = Matcher(topics)
        fold = shades().fold
        self._named = [(fold.cast(name), topic) for topic in topics for name in topic.names]

    def judge(
        self,
        surface: TextSurface,
        text: str,
        *,
        category: str = "",
        region: str = "",
        licences: Collection[str] = (),
        over_budget: Collection[str] = (),
    ) -> TextVerdict:
        """The verdict on a text.

        category: of a listing, in the shop's words.  region: where it is sold.  licences: valid ones of the merchant.
        over_budget: keys of terms that lately hit so many texts that their word alone blocks nobody.
        """
        text = text[:MOST_CHARACTERS]
        folded = shades().fold.cast(text)
        found = self.matcher.find(text, surface, folded)
        labels = [(hit.start, hit.end, hit.is_veiled) for hit in found if hit.term.strength == "label"]
        reached = [] if surface is TextSurface.TEMPLATE else contacts(text, folded, labels)
        if not found and not reached and not category and surface is not TextSurface.TEMPLATE:
            return ALLOWED
        case = _Case(surface, text, region, frozenset(licences), frozenset(over_budget))
        for hit in found:
            case.term(hit)
        for contact in reached:
            case.contact(contact)
        if category and surface in (TextSurface.LISTING, TextSurface.AD):
            case.category(category, self._named)
        if surface is TextSurface.TEMPLATE:
            # Folding takes signs for letters: a price is looked for in what was written, too.
            case.prices(folded)
            case.prices(text.lower())
        return case.verdict()


@lru_cache(maxsize=8)
def build_screen(packs: tuple[Pack, ...]) -> Screen:
    """The compiled packs; the last few are kept."""
    return Screen(packs)


class _Case:
    """One text with what was found in it."""

    def __init__(
        self, surface: TextSurface, text: str, region: str, licences: frozenset[str], over_budget: frozenset[str]
    ) -> None:
        self.surface, self.text, self.region = surface, text, region
        self.licences, self.over_budget = licences, over_budget
        self.hits: list[TextHit] = []
        self.used: dict[tuple[str, str], None] = {}
        self.age = 0

    def term(self, hit: Hit) -> None:
        if hit.term.strength == "label" or not self._applies(hit.topic):
            return
        says = hit.topic.strong_says if hit.term.strength == "strong" else hit.topic.weak_says
        if hit.is_homophone or hit.term.key in self.over_budget:
            says = _at_most(says, "review")
        self._add(hit.topic, hit.term.text, hit.layer, hit.start, hit.end, says)

    def category(self, category: str, named: Iterable[tuple[str, Topic]]) -> None:
        folded = shades().fold.cast(category)
        for name, topic in named:
            if name in folded and self._applies(topic) and _is_word(folded, name):
                self._add(topic, name, "folded", 0, 0, topic.strong_says, field="category")

    def contact(self, contact: Contact) -> None:
        says: Verdict = "block" if contact.is_sure else "review"
        en, zh = _CONTACT_NAMES[contact.kind]
        self._note(OUTSIDE, "conduct.contact", contact.kind, contact.layer, contact.start, contact.end, says, en, zh)

    def prices(self, folded: str) -> None:
        for match in _TEMPTING_PRICE.finditer(folded):
            self._note(
                SERVICE_ONLY,
                "conduct.marketing",
                match[0],
                "folded",
                0,
                0,
                "block",
                "a price that tempts",
                "营销性价格",
            )

    def _applies(self, topic: Topic) -> bool:
        """Whether the topic holds here, and no licence of the merchant answers for it."""
        if topic.regions and self.region not in topic.regions:
            return False
        self.age = max(self.age, topic.age)
        held = [licence for licence in topic.licences if licence in self.licences]
        if held:
            self.used[topic.key, held[0]] = None
        return not held and topic.policy != "age"

    def _add(
        self, topic: Topic, term: str, layer: Layer, start: int, end: int, says: Verdict, field: str = "text"
    ) -> None:
        self._note(topic.rule_id, topic.key, term, layer, start, end, says, topic.title_en, topic.title_zh, field)

    def _note(
        self, rule_id: str, topic: str, term: str, layer: Layer, start: int, end: int, says: Verdict,
        title_en: str, title_zh: str, field: str = "text",
    ) -> None:  # fmt: skip
        if self.surface in PRIVATE:
            says = _at_most(says, "warn")
        rule = current_rule(rule_id)
        version = rule.version if rule else 0
        shown = self.text[start:end]
        self.hits.append(
            TextHit(rule_id, version, topic, term, layer, start, end, says, title_en, title_zh, shown, field)
        )

    def verdict(self) -> TextVerdict:
        used = tuple(self.used)
        if not self.hits:
            return TextVerdict("allow", licences=used, age=self.age) if used or self.age else ALLOWED
        worst = max(self.hits, key=lambda hit: VERDICTS.index(hit.verdict))
        hits = sorted(self.hits, key=lambda hit: (-VERDICTS.index(hit.verdict), hit.start))[:MOST_HITS]
        en, zh = _reasons(worst, worst.verdict)
        return TextVerdict(worst.verdict, tuple(hits), en, zh, used, self.age)


def _reasons(hit: TextHit, verdict: Verdict) -> tuple[str, str]:
    """What the writer, or in a chat the reader, is told."""
    shown = " ".join(hit.shown.split())[:60] or hit.term
    if verdict == "warn":
        return (
            f"“{shown}” may lead the deal outside (rule {hit.rule}). What is paid outside has no escrow: the platform can "
            "neither hold nor return it.",
            f"“{shown}”可能诱导站外交易（规则 {hit.rule}）。站外付款没有担保，平台无法代为保管或退款。",
        )
    what_en, what_zh = f"“{shown}”: {hit.title_en} (rule {hit.rule})", f"“{shown}”：{hit.title_zh}（规则 {hit.rule}）"
    if verdict == "review":
        return f"{what_en}. Somebody will look at it before it is shown.", f"{what_zh}。人工审核通过后才会展示。"
    return f"{what_en}. Take it out, or appeal.", f"{what_zh}。请删除相关内容，也可以申诉。"


def _at_most(says: Verdict, most: Verdict) -> Verdict:
    return says if VERDICTS.index(says) <= VERDICTS.index(most) else most


def _is_word(text: str, name: str) -> bool:
    """A Latin name counts in a category as whole words only."""
    if not name.isascii():
        return True
    return re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", text) is not None
