"""Where what people call themselves is checked.  Whoever checks texts stands above this context and registers here."""

from collections.abc import Callable

Check = Callable[[str, int], None]
_checks: list[Check] = []


def register_check(check: Check) -> None:
    """Takes the check of names and descriptions in: check(text, person_id) refuses what others must not read."""
    if check not in _checks:
        _checks.append(check)


def require_fit(text: str, *, person_id: int) -> None:
    """Call it outside a transaction, so that what is refused stays on record.  Refuses: text_refused, link_blocked."""
    for check in _checks:
        check(text, person_id)
