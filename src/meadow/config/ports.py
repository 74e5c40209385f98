"""Which port is ours?  Found free, held against others, and shared with our own web workers alone."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator

from meadow.config.trouble import Trouble


@contextlib.contextmanager
def reserved_port(host: str, port: int) -> Iterator[int]:
    """Bound, not listening: nobody else gets the port, while our web workers, who share ports, do."""
    with _bound(host, port) as keeper:
        yield keeper.getsockname()[1]


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            # Without SO_REUSEPORT: another program's port is refused even if that program would share it.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
        keeper = socket.socket(family)
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        keeper.bind((host, port))
    except PermissionError:
        raise Trouble(f"Port {port} needs more rights than you have: choose one above 1023, like 8000.") from None
    except OSError as error:
        raise Trouble(_port_sentence(host, port, error)) from None
    return keeper


def _port_sentence(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program: stop that, or use --port {_next_free(host, port)}."
    return f"The address {host} cannot be used here ({error.strerror}): use --host 127.0.0.1, or 0.0.0.0 for all."


def _next_free(host: str, port: int) -> int:
    for candidate in range(port + 1, min(port + 200, 65536)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((host, candidate))
            return candidate
    return port + 1


def reachable(host: str) -> str:
    """Where a server that listens on every address can be asked."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
