"""A load generator for one machine: few keep-alive connections, prepared request bytes, bounded in count and time.

Run as a process of its own (`python -m bench.load`), so that its CPU is not the server's.  It reads request bodies
from a file of lines, cycles through them and prints one JSON object.
"""

import json
import socket
import sys
import threading
import time
from itertools import count
from pathlib import Path


class Connection:
    """One keep-alive HTTP/1.1 connection that sends bytes and reads one whole answer."""

    def __init__(self, host: str, port: int) -> None:
        self.address = (host, port)
        self.socket = socket.create_connection(self.address, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of one answer."""
        self.socket.sendall(request)
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        lower = head.lower()
        status = int(head[9:12])
        if b"transfer-encoding: chunked" in lower:
            return status, self._chunked(rest)
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        while len(rest) < length:
            self.buffer = rest
            self._more()
            rest = self.buffer
        self.buffer = rest[length:]
        return status, rest[:length]

    def _chunked(self, rest: bytes) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in rest:
                self.buffer = rest
                self._more()
                rest = self.buffer
            size_line, _, rest = rest.partition(b"\r\n")
            size = int(size_line.split(b";")[0], 16)
            while len(rest) < size + 2:
                self.buffer = rest
                self._more()
                rest = self.buffer
            body += rest[:size]
            rest = rest[size + 2 :]
            if size == 0:
                self.buffer = rest
                return body

    def _more(self) -> None:
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError("the server closed the connection")
        self.buffer += chunk


def drive(
    host: str, port: int, requests: list[bytes], *, seconds: float, clients: int, start: int
) -> dict[str, object]:
    """Sends requests[start:], [start+1], … in turn from several connections; each is used once around the list."""
    numbers, lock = count(start), threading.Lock()
    took: list[float] = []
    statuses: dict[int, int] = {}
    deadline = time.perf_counter() + seconds

    def work() -> None:
        connection = Connection(host, port)
        mine: list[float] = []
        seen: dict[int, int] = {}
        while (now := time.perf_counter()) < deadline:
            status, _ = connection.ask(requests[next(numbers) % len(requests)])
            mine.append(time.perf_counter() - now)
            seen[status] = seen.get(status, 0) + 1
        with lock:
            took.extend(mine)
            for status, times in seen.items():
                statuses[status] = statuses.get(status, 0) + times

    began = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    took.sort()
    return {
        "done": sum(times for status, times in statuses.items() if status < 400),
        "errors": sum(times for status, times in statuses.items() if status >= 400),
        "seconds": seconds,
        "next": next(numbers),
        "p50_ms": took[len(took) // 2] * 1000 if took else 0,
        "p99_ms": took[int(len(took) * 0.99)] * 1000 if took else 0,
        "statuses": {str(status): times for status, times in statuses.items()},
    }


def main() -> None:
    """Arguments: host port seconds clients start FILE; FILE holds one request a line, as JSON texts."""
    host, port, seconds, clients, start, path = sys.argv[1:7]
    requests = [json.loads(line).encode() for line in Path(path).read_text(encoding="utf-8").splitlines()]
    answer = drive(host, int(port), requests, seconds=float(seconds), clients=int(clients), start=int(start))
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
