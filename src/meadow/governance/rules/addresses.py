"""Where an address really leads: one reading of a URL, in which whatever could be read in two ways is refused.

Browsers, chat apps and servers disagree about backslashes, user names, encoded hosts and numbers.  A link that all of
them read alike is accepted here and written back in one form; every other one is a Disguise.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import quote

import idna
from publicsuffixlist import PublicSuffixList

LONGEST = 2048
DEFAULT_PORTS = {"http": "80", "https": "443"}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
# What nearly all addresses look like, with nothing in them that needs a second look: read in one go.
_ORDINARY = re.compile(
    r"(https?)://([a-z0-9.\-]+)(/[A-Za-z0-9/=:@!$'()*+,;~._&\-]*)?(?:\?([A-Za-z0-9/?=:@!$'()*+,;~._&\-]*))?"
    r"(?:#([A-Za-z0-9/?=:@!$'()*+,;~._&\-]*))?\Z"
)
_HIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0]")
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WRITTEN = re.compile(r"[A-Za-z0-9/%?&=:@!$'()*+,;~._-]*\Z")
_END_OF_AUTHORITY = re.compile(r"[/?#]")
# Blank to the eye, though Unicode files them under letters, marks or symbols.
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u2800\u3164\uffa0")


class Disguise(Exception):
    """An address that hides where it leads, with the reason's code and the host as far as it could be read."""

    def __init__(self, code: str, host: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.host = host


class Address(NamedTuple):
    """An address read in full: host in ASCII and lower case, no default port, no user name; domain is registrable.

    url is the one form in which it is stored and shown.
    """

    scheme: str
    host: str
    domain: str
    path: str
    query: str
    fragment: str
    is_own: bool
    origin: str
    url: str


def read_address(text: str, own: str = "") -> Address:
    """Reads a URL; own is the origin of this site, such as https://meadow.example.  Raises Disguise."""
    if len(text) <= LONGEST and (plain := _ORDINARY.match(text)):
        scheme, host, path, query, fragment = plain.groups("")
        return _addressed(scheme, host_of(host), "", (path, query, fragment), own)
    text = _trimmed(text)
    if not text:
        raise Disguise("empty")
    if len(text) > LONGEST:
        raise Disguise("too_long")
    if _HIDDEN.search(text) or (not text.isascii() and any(map(is_invisible, text))):
        raise Disguise("hidden")
    if "\\" in text:
        raise Disguise("backslash")
    scheme, rest = _split_scheme(text)
    end = _END_OF_AUTHORITY.search(rest)
    authority, tail = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    if _BAD_PERCENT.search(tail):
        raise Disguise("malformed")
    host, port = _split_authority(authority, scheme)
    before_fragment, _, fragment = tail.partition("#")
    path, _, query = before_fragment.partition("?")
    return _addressed(scheme, host, port, (path, query, fragment), own, written=_written)


def _addressed(
    scheme: str, host: str, port: str, page: tuple[str, str, str], own: str, written: Callable[[str], str] = str
) -> Address:
    """The address of a page, given by path, query and fragment, if its host is this site's or is registered."""
    origin = f"{scheme}://{host}:{port}" if port else f"{scheme}://{host}"
    is_own = bool(own) and origin == own.rstrip("/").lower()
    domain = host if is_own else _registrable(host, port)
    path, query, fragment = page
    url = origin + written(path or "/")
    if query:
        url += f"?{written(query)}"
    if fragment:
        url += f"#{written(fragment)}"
    return Address(scheme, host, domain, path, query, fragment, is_own, origin, url)


@lru_cache(maxsize=4_096)
def registrable_domain(host: str) -> str | None:
    """The domain that somebody registered: example.co.uk of www.example.co.uk; None for a suffix or an unknown one."""
    found = _suffixes().privatesuffix(host)
    return found if isinstance(found, str) else None


def is_invisible(char: str) -> bool:
    """Whether a character takes no room or looks like a gap: control, format, separator, private use and fillers."""
    return unicodedata.category(char)[0] in "CZ" or char in _BLANKS or "\ufe00" <= char <= "\ufe0f"


@lru_cache(maxsize=4_096)
def host_of(text: str) -> str:
    """A host as it is written by people, in its one form.  Raises Disguise."""
    host = text.lower()
    if not host.isascii():
        host = _to_ascii(host)
    host = host.removesuffix(".")
    labels = host.split(".")
    if "" in labels:
        raise Disguise("dots" if host else "malformed")
    if _NUMBER.match(labels[-1]):
        raise Disguise("number", host)
    if len(host) > 253 or not all(_LABEL.match(label) for label in labels):
        raise Disguise("malformed")
    if "xn--" in host:
        _checked_punycode(host)
    return host


def _trimmed(text: str) -> str:
    """Without the white space and zero-width characters that come along when an address is copied."""
    start, end = 0, len(text)
    while start < end and is_invisible(text[start]):
        start += 1
    while end > start and is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def _split_scheme(text: str) -> tuple[str, str]:
    """The scheme and what follows its slashes; without a scheme, as people write it, https."""
    found = _SCHEME.match(text)
    if found is None:
        if text.startswith("/"):
            raise Disguise("relative")
        return "https", text
    scheme, rest = found[1].lower(), text[found.end() :]
    if scheme not in DEFAULT_PORTS:
        if "." in scheme and rest[:1].isdigit():
            return "https", text  # shop.example:443 without a scheme
        raise Disguise("scheme")
    if not rest.startswith("//") or rest.startswith("///"):
        raise Disguise("slashes")
    return scheme, rest[2:]


def _split_authority(authority: str, scheme: str) -> tuple[str, str]:
    """The host in its one form, and the port unless it is the scheme's own."""
    if "@" in authority or "＠" in authority:
        raise Disguise("user_name", authority.replace("＠", "@").rpartition("@")[2].lower())
    if "%" in authority:
        raise Disguise("encoded_host")
    if authority.startswith("["):
        raise Disguise("number", authority)
    host, colon, port = authority.partition(":")
    if colon and port and not (port.isascii() and port.isdigit() and len(port) <= 5):
        raise Disguise("malformed")
    port = str(int(port)) if port else ""
    return host_of(host), "" if port == DEFAULT_PORTS[scheme] else port


def _registrable(host: str, port: str) -> str:
    if port:
        raise Disguise("port", host)
    domain = registrable_domain(host)
    if domain is None:
        raise Disguise("not_public", host)
    return domain


def _to_ascii(host: str) -> str:
    """An international host in its ASCII form.  Letters that only stand for others, like full-width ones, are refused."""
    if unicodedata.normalize("NFKC", host) != host:
        raise Disguise("full_width")
    try:
        if idna.uts46_remap(host, std3_rules=True) != host:
            raise Disguise("full_width")
        return idna.encode(host, std3_rules=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise Disguise("malformed") from error


def _checked_punycode(host: str) -> None:
    try:
        idna.decode(host)
    except (idna.IDNAError, UnicodeError) as error:
        raise Disguise("malformed") from error


def _written(part: str) -> str:
    """A part of a URL with everything encoded that is not ASCII or could end the address in a text."""
    return part if _WRITTEN.match(part) else quote(part, safe="/%?&=:@!$'()*+,;~-._")


@cache
def _suffixes() -> PublicSuffixList:
    # Reading the list takes a twentieth of a second, so it is read once and only where links are judged.
    return PublicSuffixList(accept_unknown=False)
