"""Web, worker and PostgreSQL live and die together, also when one of them, or their supervisor, is killed outright."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from meadow.config import cpus, supervise
from meadow.config.guardian import strays
from meadow.config.postgres import Server, remains
from meadow.config.postgres.server import DATABASE
from meadow.config.settings import CHECKOUT
from meadow.config.supervise import Instance
from meadow.config.trouble import Trouble
from meadow.config.waiting import until


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/robots.txt")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def kept_to(pid: int) -> str:
    """The CPUs of all threads of a process."""
    threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    return str(set.union(*(os.sched_getaffinity(thread) for thread in threads)))


def kept_to_below(pid: int) -> list[str]:
    """The same for each process that it has started by now; one may still be starting, or be gone meanwhile."""
    try:
        return sorted(kept_to(child.pid) for child in psutil.Process(pid).children(recursive=True))
    except (OSError, psutil.Error):
        return []


def test_a_taken_port_is_said_with_the_next_free_one(place: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Trouble, match=rf"Port {port} is taken .* --port \d+") as caught:
            Instance(place / "data", port=port).start()
    named = re.search(r"--port (\d+)", str(caught.value))
    assert named is not None
    assert int(named[1]) > port
    assert not (place / "data" / "postgres").exists()


def test_an_address_of_another_machine_is_refused(place: Path) -> None:
    with pytest.raises(Trouble, match=r"address 192\.0\.2\.1 cannot be used"):
        Instance(place / "data", host="192.0.2.1").start()


def test_a_private_instance_restarts_what_is_killed_and_leaves_nothing(
    fill: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    class FilledServer(Server):
        def create_database(self, name: str = DATABASE) -> str:
            fill(super().create_database(name))
            return self.dsn(name)

    monkeypatch.setattr(supervise, "Server", FilledServer)
    said: list[str] = []
    with Instance(web_threads=20, say=said.append) as instance:
        folder = instance.folder
        assert answers(instance.port)
        before = instance.pids()
        if shared := cpus.shared_out(2, cpus.allowed()):
            assert until(lambda: kept_to_below(before["web"]) == [f"{{{cpu}}}" for cpu in shared.split(",")], 10)
        assert instance.kill_worker() == before["worker"]
        assert instance.kill_web() == before["web"]
        assert until(lambda: all(pid != before[name] for name, pid in instance.pids().items()), 60)
        assert until(lambda: answers(instance.port), 60)
        server = remains.postmaster_pid(folder / "postgres")
        assert server is not None
        os.kill(server, signal.SIGKILL)
        assert until(lambda: remains.postmaster_pid(folder / "postgres") not in (None, server), 60)
        assert until(lambda: Server(folder / "postgres").is_running(), 60)
        with psycopg.connect(instance.dsn) as connection:
            assert connection.execute("SELECT count(*) FROM django_migrations").fetchone() != (0,)
            assert connection.execute("SHOW max_connections").fetchone() == ("124",)
        assert instance.log_file is not None
        assert instance.log_file.exists()
    assert strays(folder) == []
    assert not folder.exists()
    assert "The worker process ended; starting it again." in said


def test_a_failing_child_rests_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 0.0
    monkeypatch.setattr(supervise.time, "monotonic", lambda: moment)
    child = supervise.Child("web", ["no.such.module"], dict(os.environ), None)
    child._log = subprocess.DEVNULL  # type: ignore[assignment]
    starts = []
    for tick in range(100):
        moment = tick / 8
        if tick == 0 or child.is_due():
            child.start()
            starts.append(moment)
            assert child._process is not None
            child._process.wait()
    assert starts == [0.0, 0.125, 0.625, 1.625, 3.625, 7.625]


class Up:
    """`./meadow up` as a person runs it, in a terminal group of its own."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port, self.said = data, port, list[str]()
        environment = {
            **{name: text for name, text in os.environ.items() if name != "DATABASE_URL"},
            "MEADOW_DATA": str(data),
            "PYTHONPATH": str(CHECKOUT / "src"),
        }
        command = [sys.executable, "-m", "meadow.config.cli", "up", "--no-sample", "--port", str(port)]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/"
        )

    def until_ready(self) -> "Up":
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("Meadow runs at"):
                return self
        assert self.process.stderr is not None
        raise AssertionError("".join(self.said) + self.process.stderr.read())


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def ups() -> Iterator[list[Up]]:
    started: list[Up] = []
    yield started
    for up in started:
        if up.process.poll() is None:
            up.process.kill()
        up.process.communicate()


def test_up_survives_kill_9_of_its_supervisor_and_keeps_the_data(
    place: Path, port: int, ups: list[Up], fill: Callable[[str], None]
) -> None:
    data = place / "data"
    with Server(data / "postgres") as server:
        fill(server.create_database())
    first = Up(data, port)
    ups.append(first)
    first.until_ready()
    assert f"http://localhost:{port}" in first.said[-1]
    assert any("One-time code" in line for line in first.said)
    with psycopg.connect(Server(data / "postgres").dsn()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")

    second = Up(data, port + 1)
    ups.append(second)
    _, complaint = second.process.communicate(timeout=120)
    assert second.process.returncode == 1
    assert complaint == f"Meadow already runs here, at http://localhost:{port}: use that, or stop it first.\n"

    first.process.kill()
    third = Up(data, port)
    ups.append(third)
    third.until_ready()
    with psycopg.connect(Server(data / "postgres").dsn()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)

    third.process.send_signal(signal.SIGTERM)
    said, complaint = third.process.communicate(timeout=120)
    assert (third.process.returncode, said.splitlines()[-1]) == (
        0,
        "Stopped. `./meadow up` goes on with the same data.",
    )
    assert strays(data) == []
    assert remains.members(data / "postgres") == []
    assert json.loads((data / "up.lock").read_text())["url"] == f"http://localhost:{port}"
