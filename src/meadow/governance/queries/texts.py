"""What may be written now: the packs in force, licences that hold, terms with their budget and measured precision."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from meadow.governance.models import Decision, Licence, LicenceUse, PackTerm, Scan, TextFinding
from meadow.governance.models import Pack as StoredPack
from meadow.governance.rules.screening import Screen, TextVerdict, build_screen
from meadow.governance.rules.surfaces import TextSurface
from meadow.governance.rules.terms import Pack, Term, read_pack, shipped_packs
from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal

# Rules by which goods are forbidden, and not just lack a licence for a time.
_FORBIDDING = ("goods.prohibited", "conduct.counterfeit")
BUDGET_WINDOW = timedelta(days=1)
PRECISION_WINDOW = timedelta(days=90)


def packs_in_force() -> tuple[Pack, ...]:
    """The packs that hold, in one statement; what ships, as long as nobody has put anything in force."""
    rows = db.rows(
        "SELECT DISTINCT ON (t.name) t.name, p.version FROM governance_packterm t "
        "LEFT JOIN governance_pack p ON p.id = t.pack_id ORDER BY t.name, t.id DESC",
        [],
    )
    if not rows:
        return shipped_packs()
    return _packs(tuple((row["name"], row["version"]) for row in rows if row["version"] is not None))


def screen_in_force() -> Screen:
    """The compiled packs that hold."""
    return build_screen(packs_in_force())


def stored_pack(name: str, version: int) -> StoredPack:
    """A published version.  Refuses: not_found."""
    found = StoredPack.objects.filter(name=name, version=version).first()
    if found is None:
        raise Refusal("not_found")
    return found


def published_packs() -> list[StoredPack]:
    """Every published version, newest first."""
    return list(StoredPack.objects.defer("body").order_by("name", "-version"))


@lru_cache(maxsize=8)
def _packs(named: tuple[tuple[str, int], ...]) -> tuple[Pack, ...]:
    """A published version never changes, so it is read once; one that ships is not read from the database."""
    shipped = {(pack.name, pack.version): pack for pack in shipped_packs()}
    return tuple(shipped.get(one) or read_pack(stored_pack(*one).body) for one in named)


def judge_text(
    surface: TextSurface,
    text: str,
    *,
    category: str = "",
    region: str = "",
    merchant_id: int | None = None,
    screen: Screen | None = None,
) -> TextVerdict:
    """The verdict with today's packs, licences and budgets, recording nothing; one statement for an innocent text."""
    asked = screen or screen_in_force()
    verdict = asked.judge(surface, text, category=category, region=region)
    if verdict.verdict == "allow" and not verdict.age:
        return verdict
    held = valid_licences(merchant_id) if merchant_id is not None else frozenset()
    spent = terms_over_budget(hit.key for hit in verdict.hits)
    if not held and not spent:
        return verdict
    return asked.judge(surface, text, category=category, region=region, licences=held, over_budget=spent)


def forbids_goods(rule_id: str) -> bool:
    """Whether a decision by this rule says that goods may not be sold at all."""
    return rule_id in _FORBIDDING or rule_id.startswith("cn.goods.")


def valid_licences(merchant_id: int, *, at: datetime | None = None) -> frozenset[str]:
    """The kinds of licence that a merchant holds at a moment."""
    moment = at or clock.now()
    found = Licence.objects.filter(
        merchant_id=merchant_id, state="valid", valid_from__lte=moment, expires_at__gt=moment
    )
    return frozenset(found.values_list("kind", flat=True))


def terms_over_budget(keys: Iterable[str]) -> frozenset[str]:
    """Terms that hit texts of more accounts within a day than they may: their word alone blocks nobody any more."""
    wanted = sorted(set(keys))
    budgets = {term.key: term.budget for pack in packs_in_force() for term in pack.terms if term.key in wanted}
    if not budgets:
        return frozenset()
    rows = db.rows(
        "SELECT f.term, count(DISTINCT (d.party_kind, d.party_id)) AS accounts FROM governance_textfinding f "
        "JOIN governance_decision d ON d.id = f.decision_id WHERE f.term = ANY(%s::text[]) AND f.at > %s GROUP BY 1",
        [sorted(budgets), clock.now() - BUDGET_WINDOW],
    )
    return frozenset(row["term"] for row in rows if row["accounts"] > budgets[row["term"]])


@dataclass(frozen=True, slots=True)
class TermLine:
    """A term as the console shows it: its scope, its budget, and how often it was right when people looked.

    precision_percent is None until somebody has looked at a decision that rests on it.
    """

    key: str
    text: str
    topic: str
    rule_id: str
    strength: str
    surfaces: tuple[str, ...]
    budget: int
    hits_day: int
    accounts_day: int
    upheld: int
    reversed: int

    @property
    def precision_percent(self) -> int | None:
        looked = self.upheld + self.reversed
        return 100 * self.upheld // looked if looked else None

    @property
    def is_over_budget(self) -> bool:
        return self.accounts_day > self.budget


def term_lines(*, topic: str = "", only: Collection[str] = ()) -> list[TermLine]:
    """The terms in force, those with the most hits first."""
    now = clock.now()
    rows = db.rows(
        "SELECT f.term, count(*) FILTER (WHERE f.at > %(day)s) AS hits, "
        "count(DISTINCT (d.party_kind, d.party_id)) FILTER (WHERE f.at > %(day)s) AS accounts, "
        "count(*) FILTER (WHERE EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = d.id)) AS reversed, "
        "count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = d.id) AND EXISTS "
        " (SELECT 1 FROM governance_decision u WHERE u.cause_id = d.id AND u.action = 'uphold')) AS upheld "
        "FROM governance_textfinding f JOIN governance_decision d ON d.id = f.decision_id "
        "WHERE f.at > %(long)s GROUP BY 1",
        {"day": now - BUDGET_WINDOW, "long": now - PRECISION_WINDOW},
    )
    counted = {row["term"]: row for row in rows}
    lines = []
    for pack in packs_in_force():
        for one in pack.topics:
            for term in one.terms:
                if (topic and one.key != topic) or (only and term.key not in only):
                    continue
                surfaces = tuple(sorted(surface.value for surface in term.on or one.on))
                lines.append(_line(term, one.rule_id, surfaces, counted.get(term.key, {})))
    return sorted(lines, key=lambda line: (-line.hits_day, -line.upheld - line.reversed, line.key))


def _line(term: Term, rule_id: str, surfaces: tuple[str, ...], row: dict[str, int]) -> TermLine:
    return TermLine(
        term.key, term.text, term.topic, rule_id, term.strength, surfaces, term.budget, row.get("hits", 0),
        row.get("accounts", 0), row.get("upheld", 0), row.get("reversed", 0),
    )  # fmt: skip


def licences_of(merchant_id: int) -> list[Licence]:
    """What a merchant has shown, newest first."""
    return list(Licence.objects.filter(merchant_id=merchant_id).order_by("-pk"))


def licences_to_confirm(limit: int = 100) -> list[Licence]:
    """What waits for an operator, oldest first."""
    return list(Licence.objects.filter(state="shown").order_by("pk")[:limit])


def listings_under_licence(merchant_id: int, kind: str) -> list[LicenceUse]:
    """What stands, or stood, only because of a kind of licence."""
    return list(LicenceUse.objects.filter(merchant_id=merchant_id, kind=kind).order_by("pk"))


def pack_history(name: str) -> list[PackTerm]:
    """Which version held from when on, newest first."""
    return list(PackTerm.objects.select_related("pack").defer("pack__body").filter(name=name).order_by("-pk"))


def findings_of(decision_id: int) -> list[TextFinding]:
    """The terms that a decision rests on."""
    return list(TextFinding.objects.filter(decision_id=decision_id).order_by("pk"))


def scans(limit: int = 20) -> list[Scan]:
    """The latest looks at everything that stands."""
    return list(Scan.objects.order_by("-pk")[:limit])


def is_taken_back(decision_id: int) -> bool:
    """Whether a later decision reversed this one."""
    return Decision.objects.filter(reverses_id=decision_id).exists()


def text_decisions_standing(subject: tuple[str, int]) -> list[Decision]:
    """The decisions about a subject's text that keep it away now."""
    found = db.rows(
        "SELECT d.id FROM governance_decision d WHERE d.subject_kind = %s AND d.subject_id = %s "
        "AND d.action IN ('suspend', 'review') AND EXISTS (SELECT 1 FROM governance_textfinding f WHERE f.decision_id = d.id) "
        "AND NOT EXISTS (SELECT 1 FROM governance_decision r WHERE r.reverses_id = d.id) ORDER BY d.id",
        [*subject],
    )
    return list(Decision.objects.filter(pk__in=[row["id"] for row in found]).order_by("pk"))


def was_let_pass(subject: tuple[str, int], keys: Collection[str]) -> bool:
    """Whether somebody has looked at a subject for these very terms and let it pass."""
    rows = db.rows(
        "SELECT DISTINCT f.term FROM governance_textfinding f JOIN governance_decision d ON d.id = f.decision_id "
        "JOIN governance_decision r ON r.reverses_id = d.id WHERE d.subject_kind = %s AND d.subject_id = %s "
        "AND r.decided_by_id IS NOT NULL",
        [*subject],
    )
    return {key[:120] for key in keys} <= {row["term"] for row in rows}
