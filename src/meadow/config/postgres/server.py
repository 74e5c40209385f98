"""How is our own PostgreSQL started, found running, and stopped, whatever happened to it before?"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from meadow.config.locks import FileLock, held
from meadow.config.postgres import remains
from meadow.config.postgres.seat import Seat, choose_seat, embedded_binaries, make_parents
from meadow.config.trouble import Trouble, from_os
from meadow.config.waiting import until

ROLE = "meadow"
DATABASE = "meadow"
PORT = "5432"
#: A socket's path may have 107 bytes (103 on macOS), with `/.s.PGSQL.5432` at its end.
SOCKET_PATH_BYTES = 103
RECOVERY_SECONDS = 300.0
LOG_BYTES = 10_000_000
ON = {"fsync": "on", "listen_addresses": "", "unix_socket_permissions": "0700", "timezone": "UTC", "jit": "off"}
#: For data that nobody will miss: tests, tours and drills.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Server:
    """One data folder and its PostgreSQL, reached by a unix socket that only its owner may enter.

    Several processes may use one server: each holds a shared lock, and the last to stop ends it.
    """

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None, binaries: Path | None = None) -> None:
        self.asked_dir = Path(data_dir).absolute()
        self.settings = dict(settings or {})
        self._binaries = binaries
        self._seat: Seat | None = None
        self._user_lock: FileLock | None = None
        self._postmaster: psutil.Process | None = None

    @property
    def seat(self) -> Seat:
        if self._seat is None:
            make_parents(self.asked_dir.parent)
            self._seat = choose_seat(self.asked_dir, self._binaries or embedded_binaries())
        return self._seat

    @property
    def data_dir(self) -> Path:
        """Where the data really are: not always where asked, see `seat`."""
        return self.seat.data

    @property
    def moved(self) -> bool:
        return self.data_dir != self.asked_dir

    @property
    def socket_folder(self) -> Path:
        return socket_folder(self.data_dir)

    @property
    def log_file(self) -> Path:
        return self.data_dir / "server.log"

    def start(self) -> str:
        """Bring it up, or find it running.  Safe with any number of starters at once."""
        try:
            make_parents(self.data_dir.parent)
            with held(self._beside("lock")):
                self._bring_up()
                self._user_lock = self._user_lock or FileLock(self._beside("users"))
                self._user_lock.take(shared=True)
        except OSError as error:
            raise from_os(error, "starting PostgreSQL") from error
        return self.dsn()

    def stop(self, *, force: bool = False) -> bool:
        """End it unless another command still uses it.  True if it is down now."""
        if not (self.data_dir / "PG_VERSION").exists():
            return True
        with held(self._beside("lock")):
            lock = self._user_lock or FileLock(self._beside("users"))
            self._user_lock = None
            alone = lock.take()
            lock.drop()
            if not alone and not force:
                return False
            self._bring_down()
        return True

    def dsn(self, database: str = DATABASE) -> str:
        return f"postgresql://{ROLE}@/{quote(database)}?host={quote(str(self.socket_folder), safe='')}"

    def is_running(self) -> bool:
        """`pg_isready` on a socket in a folder that only our server may write."""
        done = self.seat.run(
            "pg_isready", "-q", "-h", str(self.socket_folder), "-p", PORT, "-U", ROLE, "-d", "postgres"
        )
        return done.returncode == 0

    def is_alive(self) -> bool:
        """Cheap enough to be asked many times a second: the postmaster that `start` found is still there."""
        if self._postmaster is None:
            pid = remains.postmaster_pid(self.data_dir)
            self._postmaster = psutil.Process(pid) if pid else None
        try:
            process = self._postmaster
            is_alive = process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            is_alive = False
        if not is_alive:
            self._postmaster = None
        return is_alive

    def kill(self) -> int:
        """`kill -9` the postmaster, as a drill does it; its pid, or 0 where it was gone already."""
        pid = remains.postmaster_pid(self.data_dir)
        if pid is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return pid

    def create_database(self, name: str = DATABASE) -> str:
        """Make the database if it is missing; its address."""
        # Looking first would not help: another starter may be as quick.
        known = contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection, known:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.dsn(name)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _bring_up(self) -> None:
        if not (self.data_dir / "PG_VERSION").exists():
            self._create()
        self._check_version()
        if self.is_running():
            return
        if remains.postmaster_pid(self.data_dir) is not None and self._settles():
            return
        remains.end_survivors(self.data_dir)
        self._make_socket_folder()
        remains.remove_stale_files(self.data_dir, self.socket_folder)
        self._launch()

    def _settles(self) -> bool:
        """A living postmaster starts up, recovers or shuts down: wait for the end of it.  True: it answers."""
        answers = False

        def settled() -> bool:
            nonlocal answers
            answers = self.is_running()
            return answers or remains.postmaster_pid(self.data_dir) is None

        if not until(settled, RECOVERY_SECONDS, step_seconds=0.1):
            raise Trouble(
                f"PostgreSQL has been starting for {RECOVERY_SECONDS:.0f} seconds: look into {self.log_file}."
            )
        return answers

    def _create(self) -> None:
        """`initdb` in a folder aside, renamed when whole: a killed first start leaves no half-made data."""
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            raise Trouble(
                f"{self.data_dir} is no data folder of PostgreSQL, but not empty: move it away, or set MEADOW_DATA."
            )
        scratch = self.data_dir.with_name(f"{self.data_dir.name}.new")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        self.seat.own(scratch)
        flags = [
            f"--pgdata={scratch}", f"--username={ROLE}", "--auth=trust", "--encoding=UTF8", "--locale=C",
            f"--lc-ctype={'C.UTF-8' if os.uname().sysname == 'Linux' else 'en_US.UTF-8'}",
            "--no-instructions", "--no-sync" if self.settings.get("fsync") == "off" else "--data-checksums",
        ]  # fmt: skip
        done = self.seat.run("initdb", *flags)
        if done.returncode != 0:
            shutil.rmtree(scratch, ignore_errors=True)
            raise _failed("make its data folder", done.stderr, self.data_dir)
        scratch.rename(self.data_dir)

    def _check_version(self) -> None:
        made_by = self._version_of_data()
        if made_by != self.seat.major:
            raise Trouble(
                f"The data in {self.data_dir} were made by PostgreSQL {made_by}, and the programs here are "
                f"{self.seat.major}: set MEADOW_PG_BINARIES to the programs of {made_by}, "
                f"or move the folder away to begin with an empty one."
            )

    def _version_of_data(self) -> int:
        text = (self.data_dir / "PG_VERSION").read_text().strip()
        if not text.isdigit():
            raise Trouble(
                f"{self.data_dir}/PG_VERSION is unreadable ({text[:20]!r}): restore the folder from a backup."
            )
        return int(text)

    def _make_socket_folder(self) -> None:
        folder = self.socket_folder
        if folder == self.data_dir:
            return
        try:
            folder.mkdir(mode=0o700)
            self.seat.own(folder)
        except FileExistsError:
            found = folder.lstat()
            # Somebody else's folder under that name could hand us a false server.
            if folder.is_symlink() or found.st_uid != self.seat.owner_uid or found.st_mode & 0o077:
                raise Trouble(
                    f"{folder} is not a private folder of PostgreSQL's user: remove it, then try again."
                ) from None

    def _launch(self) -> None:
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.old"))
        start = self.log_file.stat().st_size if self.log_file.exists() else 0
        given = {**ON, **self.settings, "port": PORT, "unix_socket_directories": _quoted_list(self.socket_folder)}
        options = " ".join(shlex.join(["-c", f"{name}={value}"]) for name, value in given.items())
        done = self.seat.run(
            "pg_ctl", "start", "-w", "-t", f"{RECOVERY_SECONDS:.0f}", "-D", str(self.data_dir),
            "-l", str(self.log_file), "-o", options, seconds=RECOVERY_SECONDS + 10,
        )  # fmt: skip
        if done.returncode != 0:
            said = self.log_file.read_bytes()[start:].decode(errors="replace") if self.log_file.exists() else ""
            raise _failed("start", said or done.stderr or done.stdout, self.log_file)

    def _bring_down(self) -> None:
        mode = "immediate" if self.settings.get("fsync") == "off" else "fast"
        if remains.postmaster_pid(self.data_dir) is not None:
            self.seat.run("pg_ctl", "stop", "-w", "-t", "60", "-m", mode, "-D", str(self.data_dir))
        remains.end_survivors(self.data_dir, grace_seconds=5.0)

    def _beside(self, suffix: str) -> Path:
        return self.data_dir.with_name(f"{self.data_dir.name}.{suffix}")


def socket_folder(data_dir: Path) -> Path:
    """The data folder itself, which is private already; not if too long for a socket, or with a client's comma."""
    if len(os.fsencode(data_dir / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES and "," not in str(data_dir):
        return data_dir
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path("/tmp") / f"meadow-pg-{digest}"  # noqa: S108  checked for its owner before use


def _quoted_list(path: Path) -> str:
    """The setting is a list: a comma or a blank in a path must not end the name."""
    return '"' + str(path).replace('"', '""') + '"'


def _failed(what: str, said: str, where: Path) -> Trouble:
    if "No space left on device" in said:
        return Trouble(
            f"The disk is full, so PostgreSQL could not {what}: free some space, then run the command again."
        )
    telling = [
        line for line in said.splitlines() if any(word in line for word in ("FATAL", "PANIC", "error:", "ERROR"))
    ]
    reason = (telling or said.strip().splitlines() or ["no reason given"])[-1].strip()
    return Trouble(f"PostgreSQL could not {what} ({reason}): mend that, then run the command again; more in {where}.")
