"""How do PostgreSQL, web and worker live and die together?  `Instance` starts, watches, restarts and stops them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from meadow.config import cpus
from meadow.config.guardian import MARK, Guardian, end_strays
from meadow.config.locks import FileLock
from meadow.config.ports import reachable, reserved_port
from meadow.config.postgres import CARELESS, Server, private_folder
from meadow.config.postgres.seat import make_parents
from meadow.config.settings import CHECKOUT
from meadow.config.trouble import Trouble, from_os
from meadow.config.waiting import pause, until

READY_SECONDS = 120.0
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.05
#: A child that fails by itself is started again after 0.5, 1, 2, ... seconds; a killed one at once.
LONGEST_REST_SECONDS = 10.0
STEADY_SECONDS = 10.0
#: Settings of the person's own installation that also fit a private one.
SHARED_SETTINGS = ("MEADOW_PG_BINARIES",)

Say = Callable[[str], None]


def quiet(text: str) -> None:
    """For callers that show progress of their own."""


def connections(processes: int, threads: int) -> int:
    """How many the embedded PostgreSQL must take: a thread has one for Django and one for the fast lane, two more threads
    of a process one each; worker, commands and people share the rest.  Never fewer than PostgreSQL's own default."""
    return max(100, 40 + processes * (2 * threads + 2))


class Child:
    """One process in a group of its own, so that what it started dies with it."""

    def __init__(self, name: str, arguments: list[str], environment: Mapping[str, str], log: IO[bytes] | None) -> None:
        self.name = name
        self._command = [sys.executable, "-P", "-m", *arguments]
        self._environment = {**environment, "MEADOW_PROCESS": f"meadow-{name}"}
        self._log = log
        self._rest_seconds = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.DEVNULL, cwd=CHECKOUT,
            stdout=self._log or sys.stderr.fileno(), stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def is_due(self) -> bool:
        """Dead, and rested long enough to be started again.  Never sleeps: the others are watched meanwhile."""
        if self._process is None or self._process.poll() is None:
            return False
        if self._process.returncode < 0 or time.monotonic() - self._began > STEADY_SECONDS:
            self._rest_seconds = 0.0
        if time.monotonic() - self._began < self._rest_seconds:
            return False
        self._rest_seconds = min(max(0.5, 2 * self._rest_seconds), LONGEST_REST_SECONDS)
        return True

    def restart(self) -> None:
        # A killed master leaves processes of its group behind that still hold the port.
        self.signal_group(signal.SIGKILL)
        self.start()

    def kill(self) -> None:
        """`kill -9`, as a drill does it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self.signal_group(signal.SIGKILL)
        self._process.wait()

    def signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


class Instance:
    """A whole Meadow.  With `data_dir` it lasts; without, it is private and gone when it stops or is killed.

    `env` adds settings for web and worker.  `port=0` takes a free one.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        web_workers: int = 2,
        web_threads: int = 3,
        worker: bool = True,
        env: Mapping[str, str] | None = None,
        database_url: str = "",
        sample: bool = False,
        fsync: bool | None = None,
        say: Say = quiet,
    ) -> None:
        self.host, self._listener = "127.0.0.1" if host == "localhost" else host, say
        self.prepared: dict[str, Any] = {}
        self._asked_port, self._web_workers, self._web_threads = port, web_workers, web_threads
        self._with_worker, self._extra, self._sample = worker, dict(env or {}), sample
        self._data_dir, self._database_url = data_dir, database_url
        self._fsync = data_dir is not None if fsync is None else fsync
        self._children: list[Child] = []
        self._server: Server | None = None
        self._ended = threading.Event()
        self._undo = contextlib.ExitStack()

    @property
    def dsn(self) -> str:
        return self._database_url or (self._server.dsn() if self._server else "")

    @property
    def url(self) -> str:
        """The name, not the number: passkeys need it."""
        return f"http://localhost:{self.port}"

    @property
    def log_file(self) -> Path | None:
        """Where web and worker of a private instance write; a lasting one writes to the terminal."""
        return None if self._data_dir else self.folder / "instance.log"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to work in this instance, for `manage`-like commands beside it."""
        private = self._data_dir is None
        kept = {
            name: value
            for name, value in os.environ.items()
            if not (private and name.startswith("MEADOW_") and name not in SHARED_SETTINGS)
        }
        return {
            "MEADOW_BASE_URL": self.url,
            **kept,
            **self._extra,
            "DATABASE_URL": self.dsn,
            "MEADOW_DATA": str(self.folder),
            "DJANGO_SETTINGS_MODULE": "meadow.config.django_settings",
            "PYTHONPATH": str(CHECKOUT / "src"),
            MARK: str(self.folder),
        }

    def start(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Web and worker first, so that nothing is cut off in a transaction; then PostgreSQL."""
        self._ended.set()
        self._undo.close()

    def kill_worker(self) -> int:
        """`kill -9` the worker; it is started again at once.  The pid that was killed."""
        return self._kill("worker")

    def kill_web(self) -> int:
        return self._kill("web")

    def kill_postgres(self) -> int:
        """`kill -9` the postmaster; it is started again, and recovers by its log.  The pid that was killed."""
        assert self._server is not None, "somebody else's PostgreSQL is not ours to kill"
        return self._server.kill()

    @property
    def has_own_postgres(self) -> bool:
        return self._server is not None

    def pids(self) -> dict[str, int]:
        return {child.name: child.pid for child in self._children}

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _say(self, text: str) -> None:
        # Nobody may be reading any more (`up | head`); that must not end the watch.
        with contextlib.suppress(OSError):
            self._listener(text)

    def _start(self) -> None:
        self._take_folder()
        self.port = self._undo.enter_context(reserved_port(self.host, self._asked_port))
        self._write_address()
        self._start_database()
        self._prepare()
        self._start_children()

    def _take_folder(self) -> None:
        if self._data_dir is None:
            self.folder = self._undo.enter_context(private_folder())
            return
        self.folder = self._data_dir
        self._lock = FileLock(self.folder / "up.lock")
        try:
            make_parents(self.folder)
            if not self._lock.take():
                raise Trouble(f"Meadow already runs here, at {running_at(self.folder)}: use that, or stop it first.")
        except OSError as error:
            raise from_os(error, "using the data folder") from error
        self._undo.callback(self._lock.drop)
        if end_strays(self.folder):
            self._say("Stopped what a killed run had left behind.")
        self._undo.callback(Guardian(self.folder, remove=False).finish)

    def _write_address(self) -> None:
        if self._data_dir is not None:
            self._lock.write(json.dumps({"url": self.url, "pid": os.getpid()}))

    def _start_database(self) -> None:
        if self._database_url:
            return
        self._say("Starting PostgreSQL ...")
        settings = {"max_connections": str(connections(self._web_workers, self._web_threads))}
        self._server = Server(self.folder / "postgres", settings if self._fsync else CARELESS | settings)
        self._server.start()
        self._undo.callback(self._server.stop)
        self._server.create_database()
        if self._server.moved:
            self._say(f"PostgreSQL's user cannot reach this folder, so its data are in {self._server.data_dir}.")

    def _prepare(self) -> None:
        """Migrations and sample in a process of their own: the supervisor stays small and imports no Django."""
        command = [sys.executable, "-P", "-m", "meadow.config.prepare", *(["--sample"] if self._sample else [])]
        process = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            cwd=CHECKOUT, text=True, errors="replace",
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("| "):
                self._say(line[2:].rstrip())
        answer = process.stdout.read()
        if process.wait() != 0:
            raise Trouble(_last_words(said, "Preparing the database failed"))
        self.prepared = json.loads(answer)

    def _start_children(self) -> None:
        log = self._undo.enter_context(self.log_file.open("ab")) if self.log_file else None
        one_each = cpus.shared_out(self._web_workers, cpus.allowed())
        web = {**self.environment, cpus.VARIABLE: one_each}
        self._children = [Child("web", self._web_arguments(), web, log)]
        if self._with_worker:
            self._children.append(Child("worker", ["meadow.config.worker"], self.environment, log))
        self._say("Starting web and worker ..." if self._with_worker else "Starting web ...")
        for child in self._children:
            child.start()
            self._undo.callback(child.stop)
        if not until(lambda: self._answers() or not self._children[0].is_alive, READY_SECONDS):
            raise Trouble(f"The web server did not answer within {READY_SECONDS:.0f} seconds: see its messages above.")
        if not self._children[0].is_alive:
            said = self.log_file.read_text(errors="replace").splitlines() if self.log_file else []
            raise Trouble(_last_words(said, "The web server ended at once; its messages say why"))
        keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        keeper.start()
        # Ended before the children are stopped, or it would start them again.
        self._undo.callback(keeper.join)
        self._undo.callback(self._ended.set)

    def _web_arguments(self) -> list[str]:
        return [
            "granian", "--interface", "wsgi", "--host", self.host, "--port", str(self.port),
            # One thread runs all connections of a process: a sixth less work for a landing than handing them around.
            "--workers", str(self._web_workers), "--blocking-threads", str(self._web_threads), "--runtime-mode", "st",
            "--respawn-failed-workers", "--no-ws", "--workers-kill-timeout", "10", "--log-level", "warning",
            "meadow.config.wsgi:application",
        ]  # fmt: skip

    def _answers(self) -> bool:
        """Any answer will do: it shows that the program has been loaded."""
        connection = http.client.HTTPConnection(reachable(self.host), self.port, timeout=5)
        try:
            connection.request("HEAD", "/robots.txt")
            connection.getresponse()
        except OSError:
            return False
        except http.client.HTTPException:
            return False
        finally:
            connection.close()
        return True

    def _keep(self) -> None:
        while not self._ended.is_set():
            if self._server and not self._server.is_alive():
                self._revive(self._server)
            for child in self._children:
                if child.is_due() and not self._ended.is_set():
                    self._say(f"The {child.name} process ended; starting it again.")
                    child.restart()
            pause(LOOK_SECONDS)

    def _revive(self, server: Server) -> None:
        self._say("PostgreSQL ended; starting it again.")
        try:
            server.start()
        except Trouble as trouble:
            # A full disk, perhaps: what mends it is for the person to do, and the next try finds it mended.
            self._say(str(trouble))
            self._ended.wait(LONGEST_REST_SECONDS)

    def _kill(self, name: str) -> int:
        child = next(child for child in self._children if child.name == name)
        pid = child.pid
        child.kill()
        return pid


def running_at(folder: Path) -> str:
    """The address that the running supervisor wrote into its lock."""
    try:
        return str(json.loads((folder / "up.lock").read_text())["url"])
    except (OSError, ValueError, KeyError):
        return "an address it has not said yet"


def _last_words(said: list[str], what: str) -> str:
    """A process that knows the reason marks it; otherwise its last line is the best there is."""
    marked = [line[2:].strip() for line in said if line.startswith("! ")]
    if marked:
        return marked[-1]
    lines = [line.strip() for line in said if line.strip()]
    return f"{what}: {lines[-1] if lines else 'no reason given'}"
