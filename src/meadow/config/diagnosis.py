"""What is wrong with this installation?  Each check says what it found and, if that is not good, how to mend it."""

from __future__ import annotations

import ipaddress
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from typing import Literal
from urllib.parse import urlsplit

from meadow.config.settings import CHECKOUT, Settings

State = Literal["good", "warning", "bad"]
SUPPORTED_MAJORS = range(15, 19)
LOW_DISK_BYTES, NO_DISK_BYTES = 2 * 1024**3, 300 * 1024**2
LATE_SECONDS = 60.0
SILENT_SECONDS = 30.0
OFF_SECONDS = 2.0


@dataclass(frozen=True)
class Finding:
    name: str
    state: State
    text: str
    mend: str = ""


def of_machine(settings: Settings) -> Iterator[Finding]:
    """What can be said without a database."""
    yield _python()
    yield _packages()
    yield _disk(settings)
    yield _base_url(settings)
    yield from _settings(settings)


def of_database(*, is_running: bool) -> Iterator[Finding]:
    """What the database tells; after the first that makes the rest pointless, no more."""
    server = _server()
    yield server
    if server.state == "bad":
        return
    migrations = _migrations()
    yield migrations
    if migrations.state == "bad":
        return
    checks: list[Callable[[], Finding]] = [_outbox, _dead_letters, _sweeps, _invariants, _clock, _fonts, _operator]
    for check in checks:
        yield check()
    yield _worker(is_running=is_running)


def _python() -> Finding:
    """An older one never gets here: the launcher says so."""
    return Finding("Python", "good", ".".join(map(str, sys.version_info[:3])))


def _packages() -> Finding:
    """Every package as it is locked.  One with a condition may be missing: it is for another kind of machine."""
    wrong, count = [], 0
    text = (CHECKOUT / "requirements" / "run.txt").read_text(encoding="utf-8")
    for name, version, condition in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)( ;)?", text, re.M):
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            found = version if condition else "missing"
        count += 1
        if found != version:
            wrong.append(f"{name} is {found}, not {version}")
    if wrong:
        mend = "Remove the folder .venv; the next ./meadow makes it anew."
        return Finding("packages", "bad", "; ".join(wrong[:5]), mend)
    return Finding("packages", "good", f"{count} as locked")


def _disk(settings: Settings) -> Finding:
    folder = next(path for path in (settings.data, *settings.data.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    text = f"{free / 1024**3:.1f} GiB free for {settings.data}"
    if free < NO_DISK_BYTES:
        return Finding("disk", "bad", text, "Free some space: PostgreSQL stops when the disk is full.")
    if free < LOW_DISK_BYTES:
        return Finding("disk", "warning", text, "Free some space soon.")
    return Finding("disk", "good", text)


def _base_url(settings: Settings) -> Finding:
    parts = urlsplit(settings.base_url)
    host, text = parts.hostname or "", settings.base_url
    if parts.scheme not in ("http", "https") or not host or parts.path not in ("", "/"):
        return Finding("base URL", "bad", text, "Set MEADOW_BASE_URL to scheme and name alone: https://shop.example.")
    if _is_number(host):
        mend = "Set MEADOW_BASE_URL to a name (http://localhost:8000 on this machine): passkeys refuse numbers."
        return Finding("base URL", "warning", text, mend)
    if parts.scheme == "http" and host != "localhost":
        state: State = "warning" if settings.sandbox else "bad"
        return Finding("base URL", state, text, "Put TLS in front and set MEADOW_BASE_URL to https://...")
    return Finding("base URL", "good", text)


def _settings(settings: Settings) -> Iterator[Finding]:
    is_local = urlsplit(settings.base_url).hostname == "localhost"
    warnings = [
        (settings.debug and not is_local, "MEADOW_DEBUG is on", "Set MEADOW_DEBUG=0: it shows tracebacks to everyone."),
        (
            settings.sandbox and not is_local,
            "the sandbox is on",
            "Set MEADOW_SANDBOX=0 once real people buy here: in the sandbox anyone can mark a payment as paid.",
        ),
        (
            not settings.sandbox and not settings.mail_url,
            "no mail server is set",
            "Set MEADOW_MAIL_URL: sign-in codes are sent by mail.",
        ),
        (len(settings.secret_key) < 32, "the secret key is short", "Unset MEADOW_SECRET_KEY: a good one is made."),
    ]
    found = [Finding("settings", "warning", text, mend) for is_so, text, mend in warnings if is_so]
    yield from found or [Finding("settings", "good", "sandbox" if settings.sandbox else "for real")]
    secret = settings.data / "secret_key"
    if secret.exists() and secret.stat().st_mode & 0o077:
        yield Finding("secret key", "bad", f"others may read {secret}", f"Run: chmod 600 {secret}")


def _server() -> Finding:
    from django.db import OperationalError, connection

    from meadow.kernel import db

    try:
        major = int(db.call("SHOW server_version_num")) // 10000
    except OperationalError as error:
        said = str(error).strip().splitlines()[0]
        return Finding("PostgreSQL", "bad", said, "Check DATABASE_URL and that its server runs.")
    where = connection.settings_dict["HOST"] or "its default socket"
    if major < SUPPORTED_MAJORS.start:
        return Finding("PostgreSQL", "bad", f"version {major} at {where}", "Upgrade to PostgreSQL 15 or newer.")
    if major not in SUPPORTED_MAJORS:
        return Finding("PostgreSQL", "warning", f"version {major} at {where}", "Tested with 15 to 18: watch the log.")
    return Finding("PostgreSQL", "good", f"version {major} at {where}")


def _migrations() -> Finding:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        mend = "Run ./meadow manage migrate (./meadow up does it by itself)."
        return Finding("migrations", "bad", f"{len(missing)} not applied", mend)
    return Finding("migrations", "good", "all applied")


def _outbox() -> Finding:
    from meadow.kernel import clock
    from meadow.kernel.models import OutboxEvent

    waiting = OutboxEvent.objects.filter(retry_at=None)
    oldest = waiting.order_by("emitted_at").values_list("emitted_at", flat=True).first()
    lag = (clock.machine_now() - oldest).total_seconds() if oldest else 0.0
    retrying = OutboxEvent.objects.exclude(retry_at=None).count()
    text = f"{waiting.count()} waiting, the oldest for {lag:.0f} s; {retrying} to be tried again"
    if lag > LATE_SECONDS:
        return Finding("outbox", "bad", text, "See that a worker runs: ./meadow up, or more workers on this database.")
    if retrying:
        return Finding("outbox", "warning", text, "Look for `failed` in the worker's log; it tries again by itself.")
    return Finding("outbox", "good", text)


def _dead_letters() -> Finding:
    from meadow.kernel.models import DeadLetter

    newest = DeadLetter.objects.order_by("-id").first()
    if newest is None:
        return Finding("dead letters", "good", "none")
    mend = f'After mending the cause: ./meadow manage shell -c "from meadow.kernel.outbox import replay; replay({newest.pk})"'
    text = f"{DeadLetter.objects.count()}; the newest is {newest.kind} ({newest.error[:120]})"
    return Finding("dead letters", "bad", text, mend)


def _sweeps() -> Finding:
    from meadow.kernel.models import SweepFailure

    worst = SweepFailure.objects.order_by("-tries").first()
    if worst is None:
        return Finding("timers", "good", "none failing")
    text = f"{worst.sweep} failed {worst.tries} times on row {worst.row_id} ({worst.error[:120]})"
    return Finding(
        "timers", "warning" if worst.tries < 3 else "bad", text, "Mend what it names; it is tried again by itself."
    )


def _invariants() -> Finding:
    from meadow.config import invariants

    found = invariants.run()
    violated = {name: count for name, count in found.items() if count}
    if violated:
        text = ", ".join(f"{name}: {count}" for name, count in violated.items())
        return Finding("invariants", "bad", text, "Stop payouts, keep a backup of the database, and report the names.")
    return Finding("invariants", "good", f"{len(found)} kept")


def _clock() -> Finding:
    from meadow.kernel import clock, db

    off = abs((clock.machine_now() - db.call("SELECT clock_timestamp()")).total_seconds())
    ahead = timedelta(seconds=clock.offset() // timedelta(seconds=1))
    text = f"{off:.1f} s from the database's" + (f"; the test clock runs {ahead} ahead" if ahead else "")
    if off > OFF_SECONDS:
        return Finding("clock", "bad", text, "Synchronise both machines' clocks (systemd-timesyncd or chrony).")
    return Finding("clock", "good", text)


def _fonts() -> Finding:
    """Posters leave out what no font of this machine can draw."""
    from meadow.sharing import queries

    if not queries.has_chinese():
        mend = "Install one (on Debian 12: apt-get install fonts-noto-cjk fonts-noto-color-emoji), or set MEADOW_FONTS."
        return Finding("poster fonts", "warning", "no Chinese font: posters leave Chinese out", mend)
    if not queries.can_shape():
        mend = "Install FriBiDi (on Debian 12: apt-get install libfribidi0)."
        return Finding("poster fonts", "warning", "Arabic is drawn unjoined", mend)
    return Finding("poster fonts", "good", "Chinese and right-to-left scripts")


def _operator() -> Finding:
    from django.contrib.auth import get_user_model

    count = get_user_model().objects.filter(is_operator=True).count()
    if count:
        return Finding("operator", "good", f"{count}")
    return Finding("operator", "warning", "nobody yet", "Use the one-time code that ./meadow up prints.")


def _worker(*, is_running: bool) -> Finding:
    from meadow.kernel import clock, heartbeats

    seen = heartbeats.seen().get("worker")
    if seen is None:
        return Finding("worker", "bad" if is_running else "warning", "never seen", "Start it: ./meadow up.")
    silent = (clock.machine_now() - seen[0]).total_seconds()
    if silent <= SILENT_SECONDS:
        return Finding("worker", "good", f"seen {silent:.0f} s ago")
    if is_running:
        return Finding("worker", "bad", f"silent for {silent:.0f} s", "Look into its log; ./meadow up starts it anew.")
    return Finding("worker", "warning", "not running here", "Start it: ./meadow up.")


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
