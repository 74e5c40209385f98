"""Whether an address may stand on a surface: the link decision, made of the address alone, without any network.

The final host decides.  Allowed are this site's own pages and the product pages of partners; an address that hides
where it leads, poses as a partner or carries another address is refused on every surface.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Literal, NamedTuple
from urllib.parse import unquote

from meadow.governance.rules.addresses import Address, Disguise, read_address
from meadow.governance.rules.carried import TooDeep, carried_addresses, carried_in_query
from meadow.governance.rules.likeness import Likeness
from meadow.governance.rules.patterns import Pattern, compile_pattern
from meadow.governance.rules.reasons import REASONS
from meadow.governance.rules.shipped import current_rule

Verdict = Literal["allow", "warn", "block"]

# What happens to a plain address that is no partner's product page.  "shown" is a link that was allowed when it was
# posted and is about to be rendered: it degrades to a warning, so a partner's leaving breaks nobody's old posts.
SURFACES: dict[str, Verdict] = {
    "post": "block",
    "profile": "block",
    "question": "block",
    "comment": "block",
    "shop_notice": "block",
    # Words of a product never become links, and a catalogue from elsewhere names its makers' sites.
    "listing": "warn",
    "chat": "warn",
    "shown": "warn",
}
# Addresses that pose as something they are not: who posts them offends, whoever merely lacks a partner does not.
DECEPTIVE = frozenset({"lookalike", "redirect", "user_name", "encoded_host", "double_encoding"})
NESTED_MOST = 2
_TOO_DEEP = "%25"
_PATH_TRICK = re.compile(r"[\x00-\x1f\x7f/\\]|%[0-9A-Fa-f]{2}")
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9_~!$&'()*+,;=:@.-]*)*/?\Z")


@dataclass(frozen=True, slots=True)
class PartnerPages:
    """What the link decision knows of a partner; one that is not active was a partner once."""

    public_id: str
    name: str
    hosts: tuple[str, ...]
    patterns: tuple[str, ...]
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Bar:
    """A host that is blocked on every surface with all that belongs to it, by a rule and for a reason."""

    host: str
    rule_id: str
    reason_en: str
    reason_zh: str


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator set apart from the partners; what is not named keeps its default.

    strangers: (surface, verdict); partners: (public id, surface, verdict).
    """

    strangers: tuple[tuple[str, Verdict], ...] = ()
    partners: tuple[tuple[str, str, Verdict], ...] = ()
    bars: tuple[Bar, ...] = ()


class LinkDecision(NamedTuple):
    """The answer about one address: the verdict, the address in its one form ("" if unreadable), the rule and why.

    partner is the public id of the partner whose page it is or was.
    """

    verdict: Verdict
    url: str
    host: str
    rule_id: str
    rule_version: int
    code: str
    reason_en: str
    reason_zh: str
    partner: str | None = None

    @property
    def rule(self) -> str:
        return f"{self.rule_id} v{self.rule_version}"

    @property
    def reason(self) -> str:
        return self.reason_en

    def reason_in(self, language: str) -> str:
        return self.reason_zh if language.startswith("zh") else self.reason_en


@dataclass(frozen=True, slots=True)
class _Entry:
    partner: PartnerPages
    patterns: tuple[Pattern, ...]


NO_POLICY = Policy()


class Allowlist:
    """The partners' hosts and product-link patterns with the operator's policy, compiled for lookup."""

    __slots__ = ("_bars", "_by_host", "_strangers", "_verdicts", "likeness")

    def __init__(self, partners: tuple[PartnerPages, ...], policy: Policy = NO_POLICY) -> None:
        self._strangers = SURFACES | dict(policy.strangers)
        self._verdicts = {(partner, surface): verdict for partner, surface, verdict in policy.partners}
        self._bars = {bar.host: bar for bar in policy.bars}
        self._by_host: dict[str, list[_Entry]] = {}
        for partner in partners:
            compiled = [compile_pattern(pattern) for pattern in partner.patterns]
            for host in partner.hosts:
                own = tuple(p for p in compiled if p.host == host and not p.any_label)
                self._by_host.setdefault(host, []).append(_Entry(partner, own))
            for host in {p.host for p in compiled if p.any_label}:
                own = tuple(p for p in compiled if p.host == host and p.any_label)
                self._by_host.setdefault(f"*.{host}", []).append(_Entry(partner, own))
        self.likeness = Likeness({host.removeprefix("*.") for host in self._by_host})

    def entries(self, host: str) -> list[_Entry]:
        """Whose host it is: by its whole name, or by all but its first label where a pattern says so."""
        return self._by_host.get(host, []) + self._by_host.get(f"*.{host.partition('.')[2]}", [])

    def of_strangers(self, surface: str) -> Verdict:
        """What happens on a surface to a plain address that is no partner's product page."""
        return self._strangers[surface]

    def of_partner(self, partner: PartnerPages, surface: str) -> Verdict:
        """What happens on a surface to a partner's product page: it is allowed unless the operator says otherwise."""
        return self._verdicts.get((partner.public_id, surface), "allow")

    def bar_on(self, host: str) -> Bar | None:
        """What bars a host, itself or a domain it belongs to."""
        while self._bars and host:
            if host in self._bars:
                return self._bars[host]
            host = host.partition(".")[2]
        return None


@lru_cache(maxsize=8)
def build_allowlist(partners: tuple[PartnerPages, ...], policy: Policy = NO_POLICY) -> Allowlist:
    """The compiled partners; the last few are kept, so that judging a link does not compile them again."""
    return Allowlist(partners, policy)


def decide_link(url: str, surface: str, partners: Allowlist, *, own: str = "") -> LinkDecision:
    """Judges one address on a surface; own is this site's origin."""
    return _decide(url, surface, partners, own, depth=0)


def decide_shown(url: str, surface: str, partners: Allowlist, *, own: str = "") -> LinkDecision:
    """Judges an address that was posted on a surface and is about to be shown or followed.

    What could not be posted any more, but is no trick, degrades to a warning: a partner's leaving breaks no old post.
    """
    posted = _decide(url, surface, partners, own, depth=0)
    if posted.verdict != "block":
        return posted
    shown = _decide(url, "shown", partners, own, depth=0)
    return posted._replace(verdict="warn") if shown.verdict == "allow" else shown


def _decide(url: str, surface: str, partners: Allowlist, own: str, depth: int) -> LinkDecision:
    # What an address carries must be fit to be posted itself, wherever it stands.
    strictness = partners.of_strangers(surface) if depth == 0 else "block"
    try:
        address = read_address(url, own)
    except Disguise as disguise:
        return _answer("block", disguise.code, host=disguise.host)
    segments = _segments(address.path)
    if segments is None:
        return _answer("block", "path", address)
    if address.is_own:
        target = _carries_stranger(_carried(address), partners, own, depth)
        return _led_on(address, target) if target else _answer("allow", "own", address)
    if bar := partners.bar_on(address.host):
        return _barred(address, bar)
    entries = partners.entries(address.host)
    if not entries:
        if like := partners.likeness.of(address.host, address.domain):
            return _answer("block", "lookalike", address, partner=like)
        return _answer(strictness, "not_partner", address)
    matched = _match(entries, segments, _values(address.query))
    carried = _carried(address, *(([], segments) if matched is None else (matched[1], [])))
    if carried and (target := _carries_stranger(carried, partners, own, depth)):
        return _led_on(address, target)
    if matched is None:
        return _answer(strictness, "not_product", address, partner=entries[0].partner)
    if not matched[0].is_active:
        return _answer(strictness, "partner_ended", address, partner=matched[0])
    verdict = partners.of_partner(matched[0], surface)
    return _answer(verdict, "partner" if verdict == "allow" else "partner_here", address, partner=matched[0])


def _barred(address: Address, bar: Bar) -> LinkDecision:
    rule = current_rule(bar.rule_id)
    return LinkDecision(
        "block", address.url, address.host, bar.rule_id, rule.version if rule else 1, "barred", bar.reason_en,
        bar.reason_zh or bar.reason_en,
    )  # fmt: skip


def _led_on(address: Address, target: str) -> LinkDecision:
    code = "double_encoding" if target == _TOO_DEEP else "redirect"
    return _answer("block", code, address, target=target[:80])


def _carries_stranger(carried: Iterable[str], partners: Allowlist, own: str, depth: int) -> str:
    """The first carried address that could not be posted itself, or "" if there is none."""
    try:
        for target in carried:
            if depth >= NESTED_MOST or _decide(target, "post", partners, own, depth + 1).verdict != "allow":
                return target
    except TooDeep:
        return _TOO_DEEP
    return ""


def _match(
    entries: list[_Entry], segments: list[str], values: dict[str, list[str]]
) -> tuple[PartnerPages, list[str]] | None:
    """The partner whose pattern fits, an active one before a former one, and what stood for the placeholders."""
    best = None
    for entry in entries:
        for pattern in entry.patterns:
            found = pattern.match(segments, values)
            if found is not None and (best is None or (entry.partner.is_active and not best[0].is_active)):
                best = (entry.partner, found)
    return best


def _segments(path: str) -> list[str] | None:
    """The path's parts decoded once, or None if a part could be read in two ways (dots, slashes, encoded twice)."""
    parts = path.removeprefix("/").split("/")
    if parts[-1] == "":
        parts.pop()
    if _PLAIN_PATH.match(path):
        return parts
    if "%" in path:
        parts = [_decoded(part) for part in parts]
    if any(part in ("", ".", "..") or _PATH_TRICK.search(part) for part in parts):
        return None
    return parts


def _decoded(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        return "\x00"  # a part that is no text fits no pattern


def _values(query: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for pair in query.split("&") if query else ():
        key, _, value = pair.partition("=")
        values.setdefault(unquote(key) if "%" in key else key, []).append(unquote(value) if "%" in value else value)
    return values


def _carried(address: Address, placeholders: Sequence[str] = (), unmatched: Sequence[str] = ()) -> Iterable[str]:
    """The addresses that this one carries in its query, its fragment, its placeholders or an unknown path."""
    parts = [carried_in_query(address.query)] if address.query else []
    if address.fragment:
        parts.append(carried_addresses(address.fragment))
    parts += map(carried_addresses, placeholders)
    if unmatched:
        # A page name such as show.do looks like a host, so in a path that nobody described only a plain address counts.
        parts += [carried_addresses(text, bare_hosts=False) for text in unmatched]
    return chain.from_iterable(parts) if any(parts) else ()


def _answer(
    verdict: Verdict,
    code: str,
    address: Address | None = None,
    *,
    host: str = "",
    partner: PartnerPages | str | None = None,
    target: str = "",
) -> LinkDecision:
    name = partner.name if isinstance(partner, PartnerPages) else partner or ""
    host = address.host if address else host
    rule_id, version, en, zh = _told(code, host or "?", name, target)
    return LinkDecision(
        verdict, address.url if address else "", host, rule_id, version, code, en, zh,
        partner.public_id if isinstance(partner, PartnerPages) else None,
    )  # fmt: skip


@lru_cache(maxsize=4_096)
def _told(code: str, host: str, partner: str, target: str) -> tuple[str, int, str, str]:
    """The rule behind a code, its version, and the reason in both languages; hosts come again and again."""
    reason = REASONS[code]
    rule = current_rule(reason.rule_id)
    assert rule is not None
    facts = {"host": host, "partner": partner, "target": target}
    return rule.rule_id, rule.version, reason.en.format_map(facts), reason.zh.format_map(facts)
