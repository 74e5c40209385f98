"""What stops a command: one sentence that says what went wrong and what to do about it."""

from __future__ import annotations

import errno


class Trouble(Exception):
    """Shown to the person at the terminal as it is, without a traceback."""


def from_os(error: OSError, doing: str) -> Trouble:
    """The operating system's refusal in words, for the failures a stranger meets first."""
    where = error.filename or "this machine"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Trouble(f"The disk is full while {doing}: free some space, then run the command again.")
    if error.errno == errno.EROFS:
        return Trouble(f"{where} is on a read-only disk, needed for {doing}: use a writable place for the checkout.")
    if isinstance(error, PermissionError):
        return Trouble(f"You may not write {where}, needed for {doing}: run as its owner, or use a folder of your own.")
    return Trouble(f"Failed while {doing}: {error.strerror or error} ({where}); mend that, then run the command again.")
