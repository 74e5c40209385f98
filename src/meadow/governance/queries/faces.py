"""What people call the things that decisions are about: governance knows numbers, the contexts that own them know names."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from meadow.accounts import queries as accounts
from meadow.governance.rules import suspensions as laws
from meadow.kernel.errors import Refusal

Subject = tuple[str, int]
Finder = Callable[[Sequence[int]], dict[int, tuple[str, str]]]  # ids -> {id: (public id, title)}
LookUp = Callable[[str], int | None]  # public id -> id, None if there is none


@dataclass(frozen=True, slots=True)
class Face:
    """A subject as people meet it; without a public id where nobody has said how it is called."""

    kind: str
    id: int
    name: str  # the kind's short name, as addresses and the API write it
    public_id: str
    title: str


# How each kind is written where people or machines name one.
SHORT_KINDS = {
    "creator": "accounts.creator", "merchant": "accounts.merchant", "person": "accounts.person",
    "shop": "catalog.shop", "product": "catalog.product", "recommendation": "content.recommendation",
    "token": "sharing.token", "feature": laws.FEATURE, "comment": "content.comment", "picture": "content.picture",
    "message": "messaging.chatline",
}  # fmt: skip
SHORT_NAMES = {kind: short for short, kind in SHORT_KINDS.items()}
_PEOPLE: dict[str, Callable[[Any], Any]] = {
    "accounts.creator": accounts.creator, "accounts.merchant": accounts.merchant, "accounts.person": accounts.person,
}  # fmt: skip
_finders: dict[str, Finder] = {}
_look_ups: dict[str, LookUp] = {}


def register_faces(kind: str, find: Finder, look_up: LookUp) -> None:
    """A context tells how its subjects are called and found by what they are called."""
    _finders[kind], _look_ups[kind] = find, look_up


def faces(subjects: Iterable[Subject]) -> dict[Subject, Face]:
    """What these are called; one look for each kind among them."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for kind, subject_id in subjects:
        wanted[kind].add(subject_id)
    found: dict[Subject, Face] = {}
    for kind, ids in wanted.items():
        known = _named(kind, sorted(ids))
        short = SHORT_NAMES.get(kind, kind.rpartition(".")[2])
        for subject_id in ids:
            public_id, title = known.get(subject_id, ("", ""))
            found[(kind, subject_id)] = Face(kind, subject_id, short, public_id, title)
    return found


def subject_named(short: str, public_id: str) -> Subject:
    """The subject of a short kind and a public id.  Refuses: malformed, not_found."""
    kind = SHORT_KINDS.get(short)
    if kind is None:
        raise Refusal("malformed", field="kind", why=f"use one of {', '.join(SHORT_KINDS)}")
    found = _found(kind, public_id)
    if found is None:
        raise Refusal("not_found")
    return kind, found


def _found(kind: str, public_id: str) -> int | None:
    if kind == laws.FEATURE:
        return laws.FEATURES[public_id].number if public_id in laws.FEATURES else None
    if kind in _PEOPLE:
        found = accounts.person_by_public_id(public_id) if kind == "accounts.person" else _PEOPLE[kind](public_id)
        return int(found.pk)
    look_up = _look_ups.get(kind)
    return look_up(public_id) if look_up else None


def _named(kind: str, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    if kind == laws.FEATURE:
        return {i: (laws.FEATURE_NAMES[i], laws.FEATURE_NAMES[i]) for i in ids if i in laws.FEATURE_NAMES}
    if kind in _PEOPLE:
        found = {i: _PEOPLE[kind](i) for i in ids}
        return {i: (one.public_id, one.name or one.public_id) for i, one in found.items()}
    return _finders[kind](ids) if kind in _finders else {}
