"""Rows of hot paths: are fixed statements read and written as the ORM would?"""

import pytest

from meadow.kernel import clock, rows
from meadow.kernel.models import DeadLetter, RateLimit

pytestmark = pytest.mark.django_db


def letter(kind: str, **body: object) -> DeadLetter:
    now = clock.machine_now()
    return DeadLetter(subject="s", kind=kind, body=body, occurred_at=now, died_at=now, error="")


def test_what_is_added_is_found_as_the_orm_finds_it() -> None:
    first, second = letter("a", words=["%s", "é"], none=None), letter("b")
    rows.add(first, second)
    assert first.pk < second.pk
    assert DeadLetter.objects.get(pk=first.pk).body == {"words": ["%s", "é"], "none": None}
    for wanted in ({"id": [second.pk, first.pk]}, {"subject": "s"}, {"subject": "s", "kind": ("a", "b")}):
        found = rows.find(DeadLetter, **wanted)  # type: ignore[arg-type]
        assert found == list(DeadLetter.objects.order_by("pk"))
        assert [(one.body, one.died_at) for one in found] == [(one.body, one.died_at) for one in (first, second)]
    assert rows.find(DeadLetter, id=[]) == []
    assert rows.first(DeadLetter, kind="c") is None
    assert rows.first(DeadLetter, kind=None, locked=True) is None


def test_columns_are_changed_of_one_row_and_of_each_of_several() -> None:
    made = [letter(kind) for kind in "abc"]
    rows.add(*made)
    rows.change(made[0], error="x", body={"n": 1})
    for one in made[1:]:
        one.error, one.kind = one.kind * 2, one.kind * 3
    rows.change_each(made[1:], "error", "kind")
    assert list(DeadLetter.objects.order_by("pk").values_list("kind", "error", "body")) == [
        ("a", "x", {"n": 1}), ("bbb", "bb", {}), ("ccc", "cc", {}),
    ]  # fmt: skip


def test_what_a_constraint_refuses_is_left_out_when_asked_for() -> None:
    def limit() -> RateLimit:
        return RateLimit(name="n", key="k", arrival_at=clock.machine_now())

    assert rows.add(limit(), or_nothing=True)
    again = limit()
    assert not rows.add(again, or_nothing=True)
    assert again.pk is None
    assert RateLimit.objects.count() == 1
    assert rows.add()
