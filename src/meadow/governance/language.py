"""What an operator may write in a rule: a small, typed subset of Python expressions, compiled to one function.

A rule is a condition over the features of one kind of event, such as `link_count > 3 and account_age_days < 7`.
It is checked when it is saved: every name is a known feature, every operation fits its types, and its cost is bounded.
All rules of an event type become one Python function, the same one for live, shadow and backtest.

Logic is three-valued (Kleene's): a feature that is missing makes what depends on it unknown, and only a condition that
is true fires.  Nothing here can loop, call out, raise or run away: there are no regular expressions, no attribute access,
divisors are constants other than zero, and multiplication keeps to whole numbers below 2**63.
"""

import ast
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from typing import Any

MOST_NODES = 120
MOST_CHARACTERS = 2_000
MOST_MEMBERS = 400
MOST_PRODUCT_NODES = 3
# From how many sightings on a lack of features gets a function of its own, and how many lacks are counted.
OFTEN_MET = 8
MOST_SHAPES = 1_000


class Kind(Enum):
    """The type of a feature or of a part of a condition."""

    NUMBER = "number"
    TEXT = "text"
    FLAG = "flag"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Fault(Exception):
    """Why a condition was refused: a stable code, where (1-based column), what the parser met and what to do."""

    code: str
    column: int
    met: str

    def __str__(self) -> str:
        return f"{self.code} at column {self.column}: {self.met}"


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked condition: its tree, the features it asks for, and its cost in nodes."""

    text: str
    tree: ast.expr = field(compare=False, repr=False)
    features: frozenset[str]
    cost: int


_NUMBER_OPS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%"}
_ORDER_OPS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_EQUAL_OPS = {ast.Eq: "==", ast.NotEq: "!="}
_MEMBER_OPS = {ast.In: "in", ast.NotIn: "not in"}
# Each function: the kinds it takes, the kind it gives, and how it is spelled in the compiled code.
_FUNCTIONS: dict[str, tuple[tuple[Kind, ...], Kind, str]] = {
    "length": ((Kind.TEXT,), Kind.NUMBER, "len({0})"),
    "size": ((Kind.TEXTS,), Kind.NUMBER, "len({0})"),
    "starts": ((Kind.TEXT, Kind.TEXT), Kind.FLAG, "{0}.startswith({1})"),
    "ends": ((Kind.TEXT, Kind.TEXT), Kind.FLAG, "{0}.endswith({1})"),
    "contains": ((Kind.TEXT, Kind.TEXT), Kind.FLAG, "({1} in {0})"),
    "any_of": ((Kind.TEXTS, Kind.TEXTS), Kind.FLAG, "(not {0}.isdisjoint({1}))"),
    "all_of": ((Kind.TEXTS, Kind.TEXTS), Kind.FLAG, "({1} <= {0})"),
}


def check(text: str, features: Mapping[str, Kind]) -> Condition:
    """A condition that may be saved.  Raises Fault, which says where and why."""
    if len(text) > MOST_CHARACTERS:
        raise Fault("too_long", MOST_CHARACTERS, f"at most {MOST_CHARACTERS} characters; split it into two rules")
    if not text.strip():
        raise Fault("not_an_expression", 1, "write a condition, such as `link_count > 3`")
    try:
        # Parentheses let a condition run over several lines.
        tree = ast.parse(f"({text}\n)", mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise Fault(
            "not_an_expression", _where(text), "this cannot be read; check brackets, quotes and operators"
        ) from None
    cost = sum(1 for _ in ast.walk(tree))
    if cost > MOST_NODES + MOST_MEMBERS:
        raise Fault("too_costly", 1, f"{cost} parts; split it into two rules")
    checker = _Checker(features)
    if checker.kind(tree) is not Kind.FLAG:
        raise checker.fault(tree, "not_a_condition", "the whole must be true or false, such as `link_count > 3`")
    if checker.nodes > MOST_NODES:
        raise Fault("too_costly", 1, f"{checker.nodes} parts, at most {MOST_NODES}; split it into two rules")
    return Condition(text, tree, frozenset(checker.used), checker.nodes)


def _where(text: str) -> int:
    """The column at which the parser gives up, as one line without the parentheses around it."""
    line = text.replace("\n", " ")
    try:
        ast.parse(line.strip(), mode="eval")
    except SyntaxError as error:
        # At offset 0 something is missing behind the end.
        blanks = len(line) - len(line.lstrip())
        return blanks + error.offset if error.offset else len(line.rstrip()) + 1
    except (ValueError, MemoryError, RecursionError):
        return 1
    return 1


class _Checker:
    """Walks a tree, giving each part its kind or a Fault."""

    def __init__(self, features: Mapping[str, Kind]) -> None:
        self.features, self.used, self.nodes, self.products = features, set[str](), 0, 0

    def fault(self, node: ast.AST, code: str, met: str) -> Fault:
        return Fault(code, max(1, getattr(node, "col_offset", 1)), met)

    def kind(self, node: ast.expr) -> Kind:
        self.nodes += 1
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise self.fault(node, "not_allowed", f"{type(node).__name__} has no place in a rule")
        found: Kind = method(node)
        return found

    def _expect(self, node: ast.expr, wanted: Kind) -> None:
        found = self.kind(node)
        if found is not wanted:
            raise self.fault(node, "wrong_kind", f"a {wanted.value} is needed here, this is a {found.value}")

    def _name(self, node: ast.Name) -> Kind:
        if node.id not in self.features:
            raise self.fault(node, "unknown_feature", f"{node.id!r} is no feature of this event")
        self.used.add(node.id)
        return self.features[node.id]

    def _constant(self, node: ast.Constant) -> Kind:
        value = node.value
        if isinstance(value, bool):
            return Kind.FLAG
        if isinstance(value, int) and abs(value) < 2**53:
            return Kind.NUMBER
        if isinstance(value, str):
            return Kind.TEXT
        raise self.fault(node, "not_allowed", "whole numbers, texts, True and False only")

    def _set(self, node: ast.Set) -> Kind:
        if len(node.elts) > MOST_MEMBERS:
            raise self.fault(node, "too_costly", f"at most {MOST_MEMBERS} members")
        if not all(isinstance(item, ast.Constant) and isinstance(item.value, str) for item in node.elts):
            raise self.fault(node, "wrong_kind", "a set holds texts, such as {'a', 'b'}")
        return Kind.TEXTS

    def _boolop(self, node: ast.BoolOp) -> Kind:
        for value in node.values:
            self._expect(value, Kind.FLAG)
        return Kind.FLAG

    def _unaryop(self, node: ast.UnaryOp) -> Kind:
        if isinstance(node.op, ast.Not):
            self._expect(node.operand, Kind.FLAG)
            return Kind.FLAG
        if isinstance(node.op, ast.USub):
            self._expect(node.operand, Kind.NUMBER)
            return Kind.NUMBER
        raise self.fault(node, "not_allowed", "only `not` and a minus sign stand before a value")

    def _binop(self, node: ast.BinOp) -> Kind:
        if type(node.op) not in _NUMBER_OPS:
            raise self.fault(node, "not_allowed", "only + - * // % combine numbers")
        self._expect(node.left, Kind.NUMBER)
        self._expect(node.right, Kind.NUMBER)
        if isinstance(node.op, ast.FloorDiv | ast.Mod):
            divisor = node.right
            if not (isinstance(divisor, ast.Constant) and isinstance(divisor.value, int) and divisor.value > 0):
                raise self.fault(divisor, "not_allowed", "divide by a constant greater than zero")
        if isinstance(node.op, ast.Mult):
            self.products += 1
            if self.products > MOST_PRODUCT_NODES:
                raise self.fault(node, "too_costly", f"at most {MOST_PRODUCT_NODES} multiplications")
        return Kind.NUMBER

    def _compare(self, node: ast.Compare) -> Kind:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            self._comparison(left, operator, right)
            left = right
        return Kind.FLAG

    def _comparison(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> None:
        if type(operator) in _ORDER_OPS:
            self._expect(left, Kind.NUMBER)
            self._expect(right, Kind.NUMBER)
        elif type(operator) in _EQUAL_OPS:
            first = self.kind(left)
            if first is Kind.TEXTS:
                raise self.fault(left, "wrong_kind", "compare sets with any_of or all_of")
            self._expect(right, first)
        elif type(operator) in _MEMBER_OPS:
            self._expect(left, Kind.TEXT)
            self._expect(right, Kind.TEXTS)
        else:
            raise self.fault(left, "not_allowed", "`is` has no place in a rule; use ==")

    def _call(self, node: ast.Call) -> Kind:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS or node.keywords:
            raise self.fault(node, "unknown_function", f"use one of {', '.join(sorted(_FUNCTIONS))}")
        takes, gives, _ = _FUNCTIONS[name]
        if len(node.args) != len(takes):
            raise self.fault(node, "wrong_kind", f"{name} takes {len(takes)} values")
        for argument, wanted in zip(node.args, takes, strict=True):
            self._expect(argument, wanted)
        return gives


# Compiling


@dataclass(frozen=True, slots=True)
class Program:
    """All rules of one event type as one function.

    fire(event) takes the features by name, without those that are missing, and gives the positions of the rules that
    fired, ascending.  decide(row) does the same for a tuple in the order of `features`, None where one is missing.
    truths(row) gives each rule's True, False or None (unknown).
    """

    features: tuple[str, ...]
    decide: Callable[[tuple[Any, ...]], list[int]]
    truths: Callable[[tuple[Any, ...]], list[bool | None]]
    whole: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    complete: Callable[[tuple[Any, ...]], list[int]]
    lacking: Callable[[tuple[Any, ...]], list[int]]

    def fire(self, event: Mapping[str, Any]) -> list[int]:
        """The rules that an event fires; what it does not name is missing, and it names nothing as None."""
        try:
            row = self.whole(event)
        except KeyError:
            return self.lacking(self.row(event))
        return self.complete(row)

    def row(self, event: Mapping[str, Any]) -> tuple[Any, ...]:
        """The tuple of an event's features; what the event does not know is missing, not false."""
        try:
            return self.whole(event)
        except KeyError:
            get = event.get
            return tuple([get(name) for name in self.features])


def compile_rules(conditions: Sequence[Condition], features: Mapping[str, Kind]) -> Program:
    """One function for all conditions, in their order."""
    used = sorted(frozenset().union(*(condition.features for condition in conditions)) if conditions else ())
    assert all(name in features for name in used)
    local = {name: f"f{position}" for position, name in enumerate(used)}
    unpack = f"    {', '.join(local.values())}, = row" if used else "    pass"
    lines = ["def complete(row):", unpack, "    fired = []"]
    lines += _branches([(n, _conjuncts(c.tree, local)) for n, c in enumerate(conditions)], "    ")
    # Shared tests are hoisted, so rules may fire out of their order.
    lines += ["    if len(fired) > 1: fired.sort()", "    return fired"]
    lines += ["def decide(row):", unpack]
    if used:
        lines.append(f"    if {' or '.join(f'{name} is None' for name in local.values())}:")
        lines.append("        return lacking(row)")
    lines.append("    return complete(row)")

    lines.append("def truths(row):")
    if used:
        lines.append(f"    {', '.join(local.values())}, = row")
    lines.append(f"    return [{', '.join(_Kleene(local).write(c.tree) for c in conditions)}]")
    names = _run(lines, k_and=_k_and, k_or=_k_or, k_not=_k_not)
    names["lacking"] = _Lacking(conditions, local, names["truths"])
    return Program(tuple(used), names["decide"], names["truths"], _row_maker(used), names["complete"], names["lacking"])


def _run(lines: list[str], **names: Any) -> dict[str, Any]:
    """The functions that a text defines, with nothing in their reach but what is named here."""
    names["__builtins__"] = {"len": len, "frozenset": frozenset}
    exec(compile("\n".join(lines), "<rules>", "exec"), names)  # noqa: S102 - written from checked trees only
    return names


def _row_maker(used: list[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Takes a complete event's features in order, raising KeyError for one that lacks any."""
    if len(used) > 1:
        return itemgetter(*used)
    return lambda event: tuple([event[name] for name in used])


class _Lacking:
    """Judges rows that lack features: by truths at first, by a function of its own for a lack that is often met.

    Events that are older than a feature all lack the same.  Where it is known what is missing, three values become
    two: what must be true, and what must be false, each with a missing part never being either.
    """

    def __init__(self, conditions: Sequence[Condition], local: Mapping[str, str], truths: Callable[..., Any]) -> None:
        self.conditions, self.local, self.truths = conditions, local, truths
        self.met: Counter[tuple[int, ...]] = Counter()
        self.known: dict[tuple[int, ...], Callable[[tuple[Any, ...]], list[int]]] = {}

    def __call__(self, row: tuple[Any, ...]) -> list[int]:
        shape = tuple([n for n, value in enumerate(row) if value is None])
        known = self.known.get(shape)
        if known is not None:
            return known(row)
        if len(self.met) < MOST_SHAPES:
            self.met[shape] += 1
            if self.met[shape] >= OFTEN_MET:
                self.known[shape] = self._compile(shape)
        return [n for n, truth in enumerate(self.truths(row)) if truth]

    def _compile(self, shape: tuple[int, ...]) -> Callable[[tuple[Any, ...]], list[int]]:
        names = list(self.local)
        writer = _Definite(self.local, frozenset(names[n] for n in shape))
        left = [(n, writer.conjuncts(condition.tree)) for n, condition in enumerate(self.conditions)]
        lines = ["def decide(row):", f"    {', '.join(self.local.values())}, = row", "    fired = []"]
        lines += _branches([(n, parts) for n, parts in left if _NEVER not in parts], "    ")
        lines += ["    if len(fired) > 1: fired.sort()", "    return fired"]
        decide: Callable[[tuple[Any, ...]], list[int]] = _run(lines)["decide"]
        return decide


def _conjuncts(tree: ast.expr, local: Mapping[str, str]) -> tuple[str, ...]:
    """A condition as texts that must all hold.  Nothing can raise, so their order is free."""
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    return tuple(dict.fromkeys(_Plain(local).write(part) for part in parts))


def _branches(rules: list[tuple[int, tuple[str, ...]]], indent: str) -> list[str]:
    """If-statements for rules, with a test that several rules share written once above them."""
    lines: list[str] = []
    rest = list(rules)
    while rest:
        shared = Counter(part for _, parts in rest for part in parts).most_common(1)
        if not shared or shared[0][1] < 2:
            break
        part = shared[0][0]
        group = [(n, tuple(p for p in parts if p != part)) for n, parts in rest if part in parts]
        rest = [(n, parts) for n, parts in rest if part not in parts]
        lines.append(f"{indent}if {part}:")
        lines += _branches(group, indent + " ")
    for n, parts in rest:
        test = " and ".join(parts)
        lines.append(f"{indent}if {test}: fired.append({n})" if parts else f"{indent}fired.append({n})")
    return lines


class _Plain:
    """Writes a tree as plain Python, for rows with nothing missing."""

    def __init__(self, local: Mapping[str, str]) -> None:
        self.local = local

    def write(self, node: ast.expr) -> str:
        return str(getattr(self, f"_{type(node).__name__.lower()}")(node))

    def _name(self, node: ast.Name) -> str:
        return self.local[node.id]

    def _constant(self, node: ast.Constant) -> str:
        return repr(node.value)

    def _set(self, node: ast.Set) -> str:
        # A set display of constants becomes a frozenset constant only after `in`; elsewhere it is built each time.
        return "{" + ", ".join(sorted({repr(item.value) for item in node.elts if isinstance(item, ast.Constant)})) + "}"

    def _boolop(self, node: ast.BoolOp) -> str:
        word = " and " if isinstance(node.op, ast.And) else " or "
        return "(" + word.join(self.write(value) for value in node.values) + ")"

    def _unaryop(self, node: ast.UnaryOp) -> str:
        return f"({'not ' if isinstance(node.op, ast.Not) else '-'}{self.write(node.operand)})"

    def _binop(self, node: ast.BinOp) -> str:
        return f"({self.write(node.left)} {_NUMBER_OPS[type(node.op)]} {self.write(node.right)})"

    def _compare(self, node: ast.Compare) -> str:
        text = self.write(node.left)
        for operator, right in zip(node.ops, node.comparators, strict=True):
            sign = (_ORDER_OPS | _EQUAL_OPS | _MEMBER_OPS)[type(operator)]
            text += f" {sign} {self.write(right)}"
        return f"({text})"

    def _call(self, node: ast.Call) -> str:
        assert isinstance(node.func, ast.Name)
        return _FUNCTIONS[node.func.id][2].format(*(self.write(argument) for argument in node.args))


class _Definite(_Plain):
    """Writes when a tree is certainly true, or certainly false, for rows of which it is known what is missing."""

    def __init__(self, local: Mapping[str, str], missing: frozenset[str]) -> None:
        super().__init__(local)
        self.missing = missing

    def conjuncts(self, tree: ast.expr) -> tuple[str, ...]:
        parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
        return tuple(dict.fromkeys(self.certainly(part, True) for part in parts))

    def certainly(self, node: ast.expr, wanted: bool) -> str:
        if isinstance(node, ast.BoolOp):
            parts = [self.certainly(value, wanted) for value in node.values]
            return _all(parts) if isinstance(node.op, ast.And) is wanted else _any(parts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self.certainly(node.operand, not wanted)
        if isinstance(node, ast.Compare) and len(node.ops) > 1:
            ends = [node.left, *node.comparators]
            pairs = [ast.Compare(ends[n], [operator], [ends[n + 1]]) for n, operator in enumerate(node.ops)]
            parts = [self.certainly(pair, wanted) for pair in pairs]
            return _all(parts) if wanted else _any(parts)
        if any(isinstance(part, ast.Name) and part.id in self.missing for part in ast.walk(node)):
            return _NEVER
        return self.write(node) if wanted else f"(not {self.write(node)})"


_NEVER = "False"


def _all(parts: list[str]) -> str:
    return _NEVER if _NEVER in parts else "(" + " and ".join(parts) + ")"


def _any(parts: list[str]) -> str:
    left = [part for part in parts if part != _NEVER]
    return "(" + " or ".join(left) + ")" if left else _NEVER


class _Kleene(_Plain):
    """Writes a tree in three-valued logic, for rows where something is missing."""

    def _boolop(self, node: ast.BoolOp) -> str:
        word = "k_and" if isinstance(node.op, ast.And) else "k_or"
        return f"{word}({', '.join(self.write(value) for value in node.values)})"

    def _unaryop(self, node: ast.UnaryOp) -> str:
        if isinstance(node.op, ast.Not):
            return f"k_not({self.write(node.operand)})"
        return self._known(node, super()._unaryop(node))

    def _compare(self, node: ast.Compare) -> str:
        # a < b < c is (a < b) and (b < c), each unknown on its own.
        pairs, left = [], node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            single = ast.Compare(left, [operator], [right])
            pairs.append(self._known(single, _Plain(self.local)._compare(single)))
            left = right
        return pairs[0] if len(pairs) == 1 else f"k_and({', '.join(pairs)})"

    def _call(self, node: ast.Call) -> str:
        return self._known(node, _Plain(self.local)._call(node))

    def _known(self, node: ast.expr, text: str) -> str:
        """The text where every feature below it is known, else None."""
        names = sorted({self.local[n.id] for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in self.local})
        return f"(None if {' or '.join(f'{name} is None' for name in names)} else {text})" if names else text


def _k_and(*values: bool | None) -> bool | None:
    return False if False in values else None if None in values else True


def _k_or(*values: bool | None) -> bool | None:
    return True if True in values else None if None in values else False


def _k_not(value: bool | None) -> bool | None:
    return None if value is None else not value
