"""The rule language: what may be written, what it means, and that the compiled function says the same."""

import ast
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meadow.governance.language import OFTEN_MET, Fault, Kind, check, compile_rules

FEATURES = {
    "links": Kind.NUMBER, "age": Kind.NUMBER, "text": Kind.TEXT, "surface": Kind.TEXT, "new": Kind.FLAG,
    "terms": Kind.TEXTS,
}  # fmt: skip
COMPLETE = {"links": 4, "age": 3, "text": "buy now", "surface": "chat", "new": True, "terms": frozenset({"wx", "qr"})}


def _fires(text: str, event: dict[str, Any]) -> bool:
    program = compile_rules([check(text, FEATURES)], FEATURES)
    return program.decide(program.row(event)) == [0]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("links > 3 and age < 7", True),
        ("links > 3 and not age < 7", False),
        ("2 < links <= 4", True),
        ("surface in {'chat', 'post'}", True),
        ("surface not in {'chat'}", False),
        ("any_of(terms, {'wx', 'no'})", True),
        ("all_of(terms, {'wx', 'no'})", False),
        ("contains(text, 'now') and starts(text, 'buy') and ends(text, 'w')", True),
        ("length(text) == 7 and size(terms) == 2", True),
        ("(links * 2 + age) // 2 % 3 == 2", True),
        ("new", True),
        ("new == True and -links < 0", True),
        ("links > 3\n  or age > 9", True),
    ],
)
def test_a_condition_means_what_it_says(text: str, answer: bool) -> None:
    assert _fires(text, COMPLETE) is answer


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("links >", "not_an_expression"),
        ("", "not_an_expression"),
        ("links", "not_a_condition"),
        ("nothing > 1", "unknown_feature"),
        ("links > 'a'", "wrong_kind"),
        ("text > 'a'", "wrong_kind"),
        ("links == text", "wrong_kind"),
        ("terms == terms", "wrong_kind"),
        ("surface in text", "wrong_kind"),
        ("surface in {1, 2}", "wrong_kind"),
        ("links and new", "wrong_kind"),
        ("links / 2 > 1", "not_allowed"),
        ("links // age > 1", "not_allowed"),
        ("links // 0 > 1", "not_allowed"),
        ("links ** 99 > 1", "not_allowed"),
        ("links > 1.5", "not_allowed"),
        ("links > 99999999999999999999", "not_allowed"),
        ("text.upper() == 'A'", "unknown_function"),
        ("__import__('os').system('x') == 0", "unknown_function"),
        ("open('/etc/passwd') == 'a'", "unknown_function"),
        ("text.__class__ == 'a'", "not_allowed"),
        ("(lambda: True)()", "unknown_function"),
        ("[x for x in terms] == 'a'", "not_allowed"),
        ("text[0] == 'a'", "not_allowed"),
        ("f'{text}' == 'a'", "not_allowed"),
        ("(links := 5) > 3", "not_allowed"),
        ("new if new else new", "not_allowed"),
        ("links is age", "not_allowed"),
        ("links * age * links * age * links > 0", "too_costly"),
        (" or ".join(["new"] * 250), "too_costly"),
        ("new or " * 400 + "new", "too_long"),
        ("(" * 500 + "new" + ")" * 500, "not_an_expression"),
    ],
)
def test_what_may_not_be_written_is_named(text: str, code: str) -> None:
    with pytest.raises(Fault) as fault:
        check(text, FEATURES)
    assert fault.value.code == code
    assert fault.value.column >= 1
    assert fault.value.met


def test_a_missing_feature_is_unknown_and_only_truth_fires() -> None:
    texts = [
        "new or links > 3",
        "new and links > 3",
        "not new",
        "links > 3",
        "new or links > 9",
        "2 < links < 9 and new",
    ]
    program = compile_rules([check(text, FEATURES) for text in texts], FEATURES)
    row = program.row({"links": 4})
    assert program.truths(row) == [True, None, None, True, None, None]
    assert program.decide(row) == [0, 3]
    assert program.truths(program.row({"new": False})) == [None, False, True, None, None, False]


_ATOMS = ["new", "links > 3", "age <= 2", "surface == 'chat'", "any_of(terms, {'wx'})", "contains(text, 'a')"]
_conditions = st.recursive(
    st.sampled_from(_ATOMS),
    lambda inner: st.one_of(
        st.builds(lambda a, b: f"({a} and {b})", inner, inner),
        st.builds(lambda a, b: f"({a} or {b})", inner, inner),
        st.builds(lambda a: f"(not {a})", inner),
    ),
    max_leaves=8,
)


def _slow(node: ast.expr, event: dict[str, Any]) -> bool | None:
    """An independent reading of the same tree."""
    if isinstance(node, ast.BoolOp):
        values = [_slow(value, event) for value in node.values]
        decisive = isinstance(node.op, ast.Or)
        return decisive if decisive in values else None if None in values else not decisive
    if isinstance(node, ast.UnaryOp):
        value = _slow(node.operand, event)
        return None if value is None else not value
    names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in FEATURES]
    if any(event.get(name) is None for name in names):
        return None
    text = ast.unparse(node)
    return {
        "new": lambda e: e["new"], "links > 3": lambda e: e["links"] > 3, "age <= 2": lambda e: e["age"] <= 2,
        "surface == 'chat'": lambda e: e["surface"] == "chat", "any_of(terms, {'wx'})": lambda e: "wx" in e["terms"],
        "contains(text, 'a')": lambda e: "a" in e["text"],
    }[text](event)  # fmt: skip


_events = st.fixed_dictionaries(
    {
        "new": st.sampled_from([True, False, None]),
        "links": st.sampled_from([3, 4, None]),
        "age": st.sampled_from([2, 3, None]),
        "surface": st.sampled_from(["chat", "post", None]),
        "terms": st.sampled_from([frozenset({"wx"}), frozenset(), None]),
        "text": st.sampled_from(["a", "b", None]),
    }
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_conditions, min_size=1, max_size=6), st.lists(_events, min_size=1, max_size=5))
def test_the_compiled_function_agrees_with_a_plain_reading(texts: list[str], events: list[dict[str, Any]]) -> None:
    conditions = [check(text, FEATURES) for text in texts]
    program = compile_rules(conditions, FEATURES)
    for event in events:
        expected = [_slow(condition.tree, event) for condition in conditions]
        row = program.row(event)
        assert program.truths(row) == expected
        assert program.decide(row) == [n for n, truth in enumerate(expected) if truth]


@settings(max_examples=150, deadline=None)
@given(st.lists(_conditions, min_size=1, max_size=6), st.lists(_events, min_size=1, max_size=4))
def test_a_lack_that_is_often_met_is_judged_alike_by_a_function_of_its_own(
    texts: list[str], events: list[dict[str, Any]]
) -> None:
    conditions = [check(text, FEATURES) for text in [*texts, "2 < links < 9 and not (new and age <= 2)"]]
    program = compile_rules(conditions, FEATURES)
    for _ in range(OFTEN_MET + 1):
        for event in events:
            row = program.row({name: value for name, value in event.items() if value is not None})
            assert program.decide(row) == [n for n, truth in enumerate(program.truths(row)) if truth]


def test_no_rules_decide_nothing() -> None:
    program = compile_rules([], FEATURES)
    assert program.decide(program.row(COMPLETE)) == []


def test_every_pair_of_three_values_follows_kleene() -> None:
    program = compile_rules([check("new and links > 3", FEATURES), check("new or links > 3", FEATURES)], FEATURES)
    for left, right in product([True, False, None], repeat=2):
        row = program.row({"new": left, "links": None if right is None else 4 if right else 3})
        conjunction = False if False in (left, right) else None if None in (left, right) else True
        disjunction = True if True in (left, right) else None if None in (left, right) else False
        assert program.truths(row) == [conjunction, disjunction]
