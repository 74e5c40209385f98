"""The views of the queue that an operator keeps."""

from collections.abc import Mapping
from typing import Any

from meadow.governance import rules
from meadow.governance.models import SavedFilter
from meadow.governance.rules import cases as laws
from meadow.governance.services.queue import operator_id
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal


def save_filter(*, name: str, query: Mapping[str, Any], by: Actor) -> SavedFilter:
    """Keeps a view under a name, or changes the one of that name.  Refuses: forbidden, malformed, filters_full."""
    person_id = operator_id(by)
    title = rules.clean_text(name, laws.NAME_LENGTH)
    if not title:
        raise Refusal("malformed", field="name", why="name the view")
    wanted = laws.filter_of(query).as_dict()
    with atomic():
        others = SavedFilter.objects.filter(person_id=person_id).exclude(name=title)
        if others.count() >= laws.MOST_FILTERS:
            raise Refusal("filters_full", most=laws.MOST_FILTERS)
        made, _ = SavedFilter.objects.update_or_create(person_id=person_id, name=title, defaults={"query": wanted})
    return made


def drop_filter(*, name: str, by: Actor) -> None:
    """Forgets a view.  Refuses: forbidden, not_found."""
    person_id, title = operator_id(by), rules.clean_text(name, laws.NAME_LENGTH)
    gone, _ = SavedFilter.objects.filter(person_id=person_id, name=title).delete()
    if not gone:
        raise Refusal("not_found")
