"""What a life cycle is: a table of states and events, checked when it is written down."""

from collections.abc import Mapping
from dataclasses import dataclass

from meadow.kernel.errors import Refusal


@dataclass(frozen=True, slots=True)
class Machine:
    """A transition table {state: {event: next state}}; every state is reachable, only the ends have no way out."""

    name: str
    start: str
    table: Mapping[str, Mapping[str, str]]
    ends: frozenset[str] | set[str]

    def __post_init__(self) -> None:
        reached, todo = {self.start}, [self.start]
        while todo:
            for target in self.table.get(todo.pop(), {}).values():
                if target not in self.table:
                    raise ValueError(f"{self.name}: {target} is no state of the table")
                if target not in reached:
                    reached.add(target)
                    todo.append(target)
        if unreachable := set(self.table) - reached:
            raise ValueError(f"{self.name}: no way leads to {sorted(unreachable)}")
        for state, row in self.table.items():
            if not row and state not in self.ends:
                raise ValueError(f"{self.name}: {state} is a dead end")
        if unknown := set(self.ends) - set(self.table):
            raise ValueError(f"{self.name}: unknown ends {sorted(unknown)}")

    @property
    def states(self) -> tuple[str, ...]:
        return tuple(self.table)

    @property
    def events(self) -> tuple[str, ...]:
        return tuple(sorted({event for row in self.table.values() for event in row}))

    def next(self, state: str, event: str) -> str:
        """Where an event leads.  Refuses: stale_state."""
        try:
            return self.table[state][event]
        except KeyError:
            raise Refusal("stale_state", state=state, event=event) from None

    def sources(self, event: str) -> tuple[str, ...]:
        """The states in which an event is allowed."""
        return tuple(state for state, row in self.table.items() if event in row)
