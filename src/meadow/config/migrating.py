"""How are the tables of a new installation made in seconds?  Django's migrations, without what makes them slow.

Most of the time goes into building classes of past models again and again, and into looking through them for
garbage.  A constraint or an index changes no field, so the class of that moment is given it and stays.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.db.migrations.state import ProjectState

#: Between two looks for garbage; about 100 MB of past models.
GARBAGE_OBJECTS = 200_000


def migrate() -> None:
    """`manage migrate`, quickly; the tables are the same."""
    with _quickly():
        call_command("migrate", interactive=False, verbosity=0)


@contextmanager
def _quickly() -> Iterator[None]:
    slow, usual = ProjectState._append_option, gc.get_threshold()  # type: ignore[attr-defined]
    ProjectState._append_option = _append_option  # type: ignore[attr-defined]
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        ProjectState._append_option = slow  # type: ignore[attr-defined]
        gc.set_threshold(*usual)
        gc.unfreeze()


def _append_option(state: ProjectState, app: str, model: str, option: str, added: Any) -> None:
    """Django's own, but for the last step: there it renders the model and all that are related to it anew."""
    options = state.models[app, model].options
    options[option] = [*options.get(option, []), added]
    if "apps" in vars(state):
        meta = state.apps.get_model(app, model)._meta
        setattr(meta, option, [*getattr(meta, option), added])
