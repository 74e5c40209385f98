"""How often a caller may do what over the API: one table, counted in PostgreSQL across all processes."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest

from meadow.kernel import limits
from meadow.kernel.errors import Refusal

# Bytes that a body may have; imports and pictures bring files and have their own.
BODY_BYTES = 256 * 1024
IMPORT_BYTES = 200 * 1024 * 1024
PICTURE_BYTES = 11 * 1024 * 1024  # a form around the file takes some more
NOTICE_BYTES = 64 * 1024
# What an address ends with that takes a file as its body, and how large that may be.
FILES = {"/imports": IMPORT_BYTES, "/pictures": PICTURE_BYTES, "/result-files": 5_000_000}
PAGE_SIZE = 20
# One more is asked for to see whether a list goes on, and no context gives more than a hundred at once.
PAGE_SIZE_MOST = 50


@dataclass(frozen=True, slots=True)
class Limit:
    """So many acts at once, and as many again in each window."""

    quota: int
    window: timedelta


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)

LIMITS: dict[str, Limit] = {
    # Anything that writes, per key or, without one, per address.
    "write": Limit(1200, MINUTE),
    # Codes that a person reads off somewhere: operator claim, staff invitation, guest claim; and unknown keys.
    "code": Limit(20, HOUR),
    # People made over the API of a sandbox.
    "sandbox": Limit(600, HOUR),
    "import": Limit(60, HOUR),
    # Payment providers tell us much from few addresses.
    "notice": Limit(6000, MINUTE),
}


def count(request: HttpRequest, name: str, who: str) -> None:
    """Counts one act.  Refuses: rate_limited."""
    factor = settings.MEADOW.limit_factor
    if factor == 0:
        return
    limit = LIMITS[name]
    quota = limit.quota * factor
    try:
        limits.hit(f"api.{name}", who, per=limit.window, burst=quota)
    except Refusal:
        request.limit_policy = (name, quota, int(limit.window.total_seconds()))  # type: ignore[attr-defined]
        raise


def address_of(request: HttpRequest) -> str:
    """Where a request comes from; X-Forwarded-For counts only as far as our own proxies wrote it."""
    trusted = settings.MEADOW.proxies
    if trusted:
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
        if len(hops) >= trusted:
            return hops[-trusted][:64]
    return str(request.META.get("REMOTE_ADDR") or "unknown")
