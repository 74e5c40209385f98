"""How a simulated provider is reached: HTTP on loopback, and the bad habits of networks and of those behind them."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit

# error: a 500 before anything happened.  lost: the answer never comes, nothing happened.  done_lost: it happened, and the
# answer never comes.  slow: it happens, after the client stopped waiting.  busy: a 429.  garbage: no JSON.
Fault = Literal["error", "lost", "done_lost", "slow", "busy", "garbage", "unsigned"]
SLOW = timedelta(milliseconds=1200)
POLL = timedelta(milliseconds=50)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    target: str  # with the query
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Given:
    """An answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Wire:
    """A loopback server that hands requests to a provider; faults are put in per part of a path and used up in order."""

    def __init__(self, answer: Callable[[Asked], Given], fail: Callable[[Fault], Given]) -> None:
        self._answer, self._fail = answer, fail
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._lock, self._ended = threading.Lock(), threading.Event()
        self.asked: list[str] = []  # every request, as "METHOD path"
        self.is_down = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": POLL.total_seconds()}, daemon=True
        ).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fault(self, part: str, *faults: Fault) -> None:
        """The next requests whose path holds this part go wrong, each in its way."""
        self._faults[part].extend(faults)

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def serve(self, asked: Asked) -> Given | None:
        """The answer, or None where the client gets none."""
        with self._lock:
            self.asked.append(f"{asked.method} {asked.path}")
            fault = self._next(asked.path)
            if self.is_down or fault == "lost":
                return None
            if fault in ("error", "busy", "garbage"):
                return self._fail(fault)
            given = self._answer(asked)
        if fault == "done_lost":
            return None
        if fault == "slow":
            self._ended.wait(SLOW.total_seconds())
        if fault == "unsigned":
            return Given(given.status, given.body, {"Content-Type": "application/json"})
        return given

    def _next(self, path: str) -> Fault | None:
        for part, faults in self._faults.items():
            if part in path and faults:
                return faults.popleft()
        return None


def _handler(wire: Wire) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            given = wire.serve(Asked(self.command, url.path, self.path, query, headers, body))
            self.close_connection = True
            if given is None:
                return
            try:
                self.send_response(given.status)
                for name, value in given.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(given.body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(given.body)
            except OSError:
                return  # the client has gone

        do_GET = do_POST = do_DELETE = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a test reads `Wire.asked` instead."""

    return Handler
