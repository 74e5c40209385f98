"""How the rows of a hot path are read and written: by statements whose text is made once, not compiled at each call.

The ORM compiles a query anew each time, which costs more than the database takes to answer it.  Here the text depends
on the model and the names of the columns alone and is kept; what comes back are ordinary instances of the model.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import connection, models

from meadow.kernel import db, statements

M = TypeVar("M", bound=models.Model)


def find(model: type[M], *, locked: bool = False, **where: Any) -> list[M]:
    """The rows whose columns have these values, or one of a list of them, in the order of their ids.

    locked: FOR NO KEY UPDATE, so that rows which merely point to them may be written meanwhile.
    """
    lists = tuple(isinstance(value, (list, tuple, set, frozenset)) for value in where.values())
    nones = tuple(value is None for value in where.values())
    sql = statements.select(model, tuple(where), lists, nones, locked)
    given = [list(value) if is_list else value for value, is_list in zip(where.values(), lists, strict=True)]
    return read(model, sql, [value for value in given if value is not None])


def read(model: type[M], sql: str, params: Sequence[Any]) -> list[M]:
    """The rows that a statement, or a function of ours, answers with: all columns of the model, in their order."""
    names, readers = statements.shape(model)
    with db.cursor(sql, params) as cursor:
        found = cursor.fetchall()
    if readers:
        found = [_read(row, readers) for row in found]
    return [model.from_db("default", names, row) for row in found]


def first(model: type[M], *, locked: bool = False, **where: Any) -> M | None:
    """The row with these values, or None; the one with the lowest id, should there be several."""
    return next(iter(find(model, locked=locked, **where)), None)


def add(*made: models.Model, or_nothing: bool = False) -> bool:
    """Inserts instances of one model in one statement, and gives them their ids.

    or_nothing: what a unique constraint refuses is left out; says whether all went in, and only then they have ids.
    """
    if not made:
        return True
    model = type(made[0])
    fields = statements.fields(model, made[0].pk is not None)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for row in made for field in fields]
    with db.cursor(statements.insert(model, made[0].pk is not None, len(made), or_nothing), values) as cursor:
        keys = cursor.fetchall()
    if len(keys) < len(made):
        return False
    for row, (pk,) in zip(made, keys, strict=True):
        row.pk, row._state.adding, row._state.db = pk, False, "default"
    return True


def change(row: models.Model, **values: Any) -> None:
    """Writes some columns of a row that the caller has locked, and sets them on the instance."""
    db.execute(statements.update(type(row), tuple(values)), [*statements.prepared(type(row), values), row.pk])
    for name, value in values.items():
        setattr(row, name, value)


def change_each(rows: Sequence[models.Model], *names: str) -> None:
    """Writes some columns of several rows, each as it stands on its instance, in one statement."""
    if rows:
        values = [[getattr(row, name) for row in rows] for name in names]
        db.execute(statements.update_each(type(rows[0]), names), [[row.pk for row in rows], *values])


def fill(of: Sequence[models.Model], name: str) -> None:
    """Reads what a foreign key of these rows leads to, in one statement, so that it is not asked for one by one."""
    if of:
        field: Any = type(of[0])._meta.get_field(name)
        found = {
            row.pk: row for row in find(field.related_model, id=sorted({getattr(row, field.attname) for row in of}))
        }
        for row in of:
            setattr(row, name, found[getattr(row, field.attname)])


def _read(row: Sequence[Any], readers: Sequence[tuple[int, list[statements.Read]]]) -> list[Any]:
    values = list(row)
    for place, steps in readers:
        for step in steps:
            values[place] = step(values[place], None, connection)
    return values
