"""How are the tables of a new installation made in seconds?  Django's migrations, without what makes them slow.

Most of the time goes into building classes of past models again and again, and into looking through them for
garbage.  A constraint or an index changes no field, so the class of that moment is given it and stays.  A change to
one model builds that model's class anew and not those of all models related to it: the schema editor asks those only
for names of tables and columns.  What asks for more, a rename or Python code, is given fresh classes.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.db.migrations.state import ModelState, ProjectState

#: Between two looks for garbage; about 100 MB of past models.
GARBAGE_OBJECTS = 200_000


def migrate() -> None:
    """`manage migrate`, quickly; the tables are the same."""
    with _quickly():
        call_command("migrate", interactive=False, verbosity=0)


@contextmanager
def _quickly() -> Iterator[None]:
    usual = gc.get_threshold()
    slow = {name: getattr(ProjectState, name) for name in ("_append_option", "add_model", "add_field")}
    quick = {"_append_option": _append_option, **{name: _alone(slow[name]) for name in ("add_model", "add_field")}}
    for name, method in quick.items():
        setattr(ProjectState, name, method)
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        for name, method in slow.items():
            setattr(ProjectState, name, method)
        gc.set_threshold(*usual)
        gc.unfreeze()


def _alone(slow: Callable[..., None]) -> Callable[..., None]:
    """Django's own method, but only the model that it changes gets a new class; Python code later gets all anew."""

    def change(state: ProjectState, model: Any, *more: Any) -> None:
        apps = vars(state).pop("apps", None)
        slow(state, model, *more)
        if apps is not None:
            vars(state)["apps"] = apps
            # Given as its state, or as app and name.
            key = (model.app_label, model.name_lower) if isinstance(model, ModelState) else (model, more[0])
            state._reload({key})  # type: ignore[attr-defined]
            state.is_delayed = True

    return change


def _append_option(state: ProjectState, app: str, model: str, option: str, added: Any) -> None:
    """Django's own, but for the last step: there it renders the model and all that are related to it anew."""
    options = state.models[app, model].options
    options[option] = [*options.get(option, []), added]
    if "apps" in vars(state):
        meta = state.apps.get_model(app, model)._meta
        setattr(meta, option, [*getattr(meta, option), added])
