"""Whose account a decision weighs on: parties themselves, and the owners that contexts above tell of."""

from collections.abc import Callable

from meadow.governance import rules

Subject = tuple[str, int]
_owners: dict[str, Callable[[int], Subject | None]] = {}


def register_owner(kind: str, find: Callable[[int], Subject | None]) -> None:
    """A context tells whose its subjects are: register_owner("content.recommendation", author_of)."""
    _owners[kind] = find


_answers: dict[str, dict[str, tuple[str, str]]] = {}


def register_answers(kind: str, answers: dict[str, tuple[str, str]]) -> None:
    """A context tells by which codes its subjects may be acted against, each in both languages."""
    _answers[kind] = dict(answers)


def answers_for(kind: str) -> dict[str, tuple[str, str]]:
    """The codes to choose from when something of this kind is acted against; none for most."""
    return _answers.get(kind, {})


def party_of(subject: Subject) -> Subject | None:
    """The party that answers for a subject, if anybody has said so."""
    if subject[0] in rules.PARTY_KINDS:
        return subject
    find = _owners.get(subject[0])
    return find(subject[1]) if find else None
