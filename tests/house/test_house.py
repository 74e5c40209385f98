"""The direction rules that an import linter cannot see: foreign keys, raw SQL, refusals, floats, sizes."""

import ast
import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "meadow"
LAYERS = [
    {"kernel"}, {"accounts", "ledger"}, {"governance"}, {"payments"}, {"catalog"}, {"plans"}, {"content"},
    {"sharing"}, {"affiliate"}, {"trade"}, {"messaging"}, {"discovery"}, {"web", "api"}, {"config"},
]  # fmt: skip
FILE_LINES, FUNCTION_LINES = 500, 70


def _level(context: str) -> int:
    return next(n for n, layer in enumerate(LAYERS) if context in layer)


@cache
def _modules() -> list[tuple[Path, str, ast.Module]]:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        found.append((path.relative_to(SOURCE), text, ast.parse(text)))
    return found


def _docstrings(tree: ast.Module) -> set[int]:
    """Identities of the constants that are docstrings."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                found.add(id(first.value))
    return found


def test_foreign_keys_point_downwards_only_and_protect() -> None:
    faults = []
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith("meadow.")}
    for model in apps.get_models():
        here = model._meta.app_label
        if here not in ours:
            continue
        for field in model._meta.get_fields():
            if not isinstance(field, models.ForeignKey) or field.auto_created:
                continue
            there = field.related_model._meta.app_label
            if there == here or there not in ours:
                continue
            if _level(there) >= _level(here):
                faults.append(f"{model.__name__}.{field.name} points up or sideways to {there}")
            if not field.remote_field.related_name or not field.remote_field.related_name.startswith("+"):
                faults.append(f"{model.__name__}.{field.name} needs related_name='+'")
            if field.remote_field.on_delete is not models.PROTECT:
                faults.append(f"{model.__name__}.{field.name} needs on_delete=PROTECT")
    assert not faults, "\n".join(faults)


def _table_words() -> dict[str, str]:
    return {m._meta.db_table: m._meta.app_label for m in apps.get_models() if m._meta.app_label in settings.CONTEXTS}


def test_raw_sql_names_the_owning_contexts_tables_only() -> None:
    tables, faults = _table_words(), []
    pattern = re.compile(r"\b(" + "|".join(sorted(tables, key=len, reverse=True)) + r")\b")
    for path, _, tree in _modules():
        context, docs = path.parts[0], _docstrings(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in docs:
                continue
            for word in pattern.findall(node.value):
                if tables[word] != context:
                    faults.append(f"{path}:{node.lineno} names {word}")
    assert not faults, "\n".join(faults)


def _raised() -> Iterator[tuple[str, str]]:
    for path, _, tree in _modules():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "Refusal"
                and node.args
            ):
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    yield str(code.value), f"{path}:{node.lineno}"


def test_every_refusal_raised_is_declared_and_speaks_both_languages() -> None:
    from meadow.kernel.errors import catalogue

    known = catalogue()
    undeclared = sorted({f"{code} ({where})" for code, where in _raised() if code not in known})
    assert not undeclared, "\n".join(undeclared)
    for code, entry in known.items():
        assert 400 <= entry.status < 600, code
        assert len(entry.en) > 10, code
        assert re.search(r"[\u4e00-\u9fff]", entry.zh), code
        # A parameter that is itself a text comes in both languages: reason and reason_zh.
        named = {name.removesuffix("_zh") for name in re.findall(r"{(\w+)", entry.zh)}
        assert set(re.findall(r"{(\w+)", entry.en)) == named, code


def test_a_refusal_code_is_declared_in_one_place() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path, _, tree in _modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "Says":
                        assert isinstance(key, ast.Constant)
                        places[str(key.value)].append(str(path))
    assert {code: where for code, where in places.items() if len(where) > 1} == {}


def _cited_rules() -> Iterator[tuple[str, str]]:
    """Every rule id that the program names: by its parameter, in a constant, in a pack, or by its room's name."""
    from meadow.governance.rules.shipped import RULEBOOK

    rooms = {text.rule_id.split(".")[0] for text in RULEBOOK}
    # What a hit is filed under, beside the rule that it cites; and the site itself as a sender.
    others = {"conduct.contact", "conduct.marketing", "conduct.outside", "platform.itself"}
    for path, _, tree in _modules():
        for node in ast.walk(tree):
            named: list[tuple[str, ast.expr]] = []
            if isinstance(node, ast.Call):
                named = [(each.arg or "", each.value) for each in node.keywords]
            elif (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and isinstance(node.value, ast.Constant)
            ):
                named = [(node.targets[0].id.lower(), node.value)]
            for name, value in named:
                if name.split("_")[-1] == "rule" or name == "rule_id":
                    for each in ast.walk(value):
                        if isinstance(each, ast.Constant) and "." in str(each.value) and " " not in str(each.value):
                            yield str(each.value), f"{path}:{node.lineno}"
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                room, _, rest = node.value.partition(".")
                if room in rooms and re.fullmatch(r"[a-z_.]*[a-z_]", rest) and node.value not in others:
                    if room == "cn" and "." not in rest:
                        continue  # a detector's name in a drill: the rules of this pack have three parts
                    yield node.value, f"{path}:{node.lineno}"
    for pack in (SOURCE / "governance" / "packs").glob("*.toml"):
        for topic in tomllib.loads(pack.read_text(encoding="utf-8"))["topic"]:
            yield topic["rule"], f"{pack}"
    for page in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]:
        for rule_id in re.findall(
            rf"`((?:{'|'.join(sorted(rooms))})\.[a-z_.]*[a-z_])`", page.read_text(encoding="utf-8")
        ):
            yield rule_id, f"{page}"
    for rule in json.loads((ROOT / "bench/reference/rules.json").read_text(encoding="utf-8"))["rules"]:
        yield rule["rule"], "bench/reference/rules.json"


def test_g9_1_every_rule_that_is_cited_anywhere_stands_in_the_rulebook_in_both_languages() -> None:
    from meadow.governance.rules.rulebook import JURISDICTIONS
    from meadow.governance.rules.shipped import RULEBOOK

    shipped = {text.rule_id for text in RULEBOOK}
    missing = sorted({f"{rule_id} ({where})" for rule_id, where in _cited_rules() if rule_id not in shipped})
    assert not missing, "\n".join(missing)
    assert {text.jurisdiction for text in RULEBOOK} == set(JURISDICTIONS)
    for text in RULEBOOK:
        assert text.rule_id.startswith("cn.") == (text.jurisdiction == "cn"), text.rule_id
        for zh, en in ((text.title_zh, text.title_en), (text.text_zh, text.text_en)):
            assert re.search(r"[\u4e00-\u9fff]", zh), text.rule_id
            assert re.search(r"[A-Za-z]{2}", en), text.rule_id
            assert not re.search(r"[\u4e00-\u9fff]", en), text.rule_id


MONEY_ROOMS = {"ledger", "payments", "plans", "affiliate", "trade"}


def test_d5_6_no_float_comes_near_money() -> None:
    faults = []
    for path, _, tree in _modules():
        if path.parts[0] not in MONEY_ROOMS and path != Path("kernel/money.py"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                faults.append(f"{path}:{node.lineno} a float constant")
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not isinstance(node.left, ast.Name):
                faults.append(f"{path}:{node.lineno} a true division")
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"float", "round"}:
                faults.append(f"{path}:{node.lineno} {node.func.id}()")  # type: ignore[attr-defined]
    assert not faults, "\n".join(faults)


def test_files_open_with_their_question_and_stay_one_room() -> None:
    faults = []
    for path, text, tree in _modules():
        if text.strip() and not ast.get_docstring(tree):
            faults.append(f"{path}: no opening docstring")
        if text.count("\n") > FILE_LINES:
            faults.append(f"{path}: {text.count(chr(10))} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES:
                faults.append(f"{path}:{node.lineno} {node.name} is {(node.end_lineno or 0) - node.lineno + 1} lines")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", ["utils", "helpers", "base", "managers", "signals"])
def test_no_room_without_a_purpose(name: str) -> None:
    assert not [path for path, _, _ in _modules() if path.stem == name]


def test_tests_move_the_clock_instead_of_sleeping() -> None:
    sleeping = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if path != Path(__file__) and re.search(r"\btime\.sleep\(|from time import sleep", path.read_text("utf-8"))
    ]
    assert not sleeping


def test_every_import_contract_names_every_context() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for context in settings.CONTEXTS:
        if context != "kernel":
            assert f'name = "{context}: only its services and queries are public"' in text
            assert f'"meadow.{context}"' in text


def test_no_two_documents_of_the_api_share_a_name() -> None:
    # The description knows them by their names alone, so the second would take the place of the first.
    seen: dict[str, str] = {}
    for path in sorted((SOURCE / "api" / "routers").glob("*.py")):
        for name in re.findall(r"^class (\w+)\(", path.read_text("utf-8"), re.MULTILINE):
            assert name not in seen, f"{name} is in {seen[name]} and in {path.name}"
            seen[name] = path.name
