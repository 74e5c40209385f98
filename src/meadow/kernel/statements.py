"""What the text of a statement on a model's rows is: made once for its columns, and kept."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.db import connection, models

Names = tuple[str, ...]
Read = Callable[[Any, Any, Any], Any]


@lru_cache(maxsize=256)
def select(
    model: type[models.Model], where: Names, lists: tuple[bool, ...], nones: tuple[bool, ...], locked: bool
) -> str:
    tests = [
        _quoted(_field(model, name)) + (" IS NULL" if is_none else " = ANY(%s)" if is_list else " = %s")
        for name, is_list, is_none in zip(where, lists, nones, strict=True)
    ]
    lock = " FOR NO KEY UPDATE" if locked else ""
    key = _quoted(model._meta.pk)
    return f"SELECT {columns(model)} FROM {_table(model)} WHERE {' AND '.join(tests)} ORDER BY {key}{lock}"


@lru_cache(maxsize=128)
def columns(model: type[models.Model]) -> str:
    """All columns of a model, in the order in which `rows.read` expects them."""
    return ", ".join(_quoted(field) for field in model._meta.concrete_fields)


@lru_cache(maxsize=256)
def insert(model: type[models.Model], has_key: bool, number: int, or_nothing: bool) -> str:
    into = fields(model, has_key)
    row = f"({', '.join('%s' for _ in into)})"
    end = f"{' ON CONFLICT DO NOTHING' if or_nothing else ''} RETURNING {_quoted(model._meta.pk)}"
    names = ", ".join(_quoted(field) for field in into)
    return f"INSERT INTO {_table(model)} ({names}) VALUES {', '.join([row] * number)}{end}"


@lru_cache(maxsize=256)
def update(model: type[models.Model], names: Names, *, in_state: bool = False, many: bool = False) -> str:
    sets = ", ".join(f"{_quoted(_field(model, name))} = %s" for name in names)
    test = " AND state = %s" if in_state else ""
    key = "= ANY(%s)" if many else "= %s"
    return f"UPDATE {_table(model)} SET {sets} WHERE {_quoted(model._meta.pk)} {key}{test}"


@lru_cache(maxsize=64)
def update_each(model: type[models.Model], names: Names) -> str:
    """Several rows at once: the ids, then the values of each column, as arrays."""
    into = [_field(model, name) for name in names]
    sets = ", ".join(f"{_quoted(field)} = u.{_quoted(field)}" for field in into)
    arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in into)
    values = f"unnest(%s::bigint[], {arrays}) AS u(row_id, {', '.join(_quoted(field) for field in into)})"
    return f"UPDATE {_table(model)} AS t SET {sets} FROM {values} WHERE t.{_quoted(model._meta.pk)} = u.row_id"


@lru_cache(maxsize=128)
def shape(model: type[models.Model]) -> tuple[Names, tuple[tuple[int, list[Read]], ...]]:
    """The names of a model's columns, and those that are read otherwise than as they come."""
    readers = tuple(
        (place, field.get_db_converters(connection))
        for place, field in enumerate(model._meta.concrete_fields)
        if field.get_db_converters(connection)
    )
    return tuple(field.attname for field in model._meta.concrete_fields), readers


@lru_cache(maxsize=256)
def fields(model: type[models.Model], has_key: bool) -> tuple["models.Field[Any, Any]", ...]:
    return tuple(field for field in model._meta.concrete_fields if has_key or not field.primary_key)


def prepared(model: type[models.Model], values: dict[str, Any]) -> list[Any]:
    """Values as the database takes them; a row stands for its id."""
    return [
        _field(model, name).get_db_prep_save(value.pk if isinstance(value, models.Model) else value, connection)
        for name, value in values.items()
    ]


@lru_cache(maxsize=1024)
def _field(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    """The column of a name; also of a foreign key's own, such as order_id."""
    return next(field for field in model._meta.concrete_fields if name in (field.attname, field.name))


def _quoted(field: "models.Field[Any, Any]") -> str:
    return connection.ops.quote_name(str(field.column))


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)
