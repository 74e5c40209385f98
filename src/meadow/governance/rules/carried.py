"""Which other addresses a part of a URL carries, however often and in whatever way they are encoded."""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from urllib.parse import unquote

from meadow.governance.rules.addresses import is_invisible, registrable_domain

ROUNDS = 5
MOST_ENCODED = 2

# A short word, a number, or a word with a number behind a dot, since no ending of a host is a number.
_WORD = "(?>(?:[A-Za-z0-9_-]{0,7}|[0-9]+|[A-Za-z0-9_-]+[.][0-9]+)(?![A-Za-z0-9_.-]))"
_PLAIN = re.compile(rf"{_WORD}\Z")
_PLAIN_QUERY = re.compile(rf"{_WORD}(?:={_WORD})?(?:[&;]{_WORD}(?:={_WORD})?)*\Z")
_SEPARATORS = re.compile("[&;]")
_UNPARTED = re.compile(r"[A-Za-z0-9_-]+\Z")
_WITH_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]{0,19}:[/\\]{1,3}[^\s]*")
_SLASHES = re.compile(r"[/\\]{2}[\w\[][^\s]*")
_DANGEROUS = re.compile(
    r"(?:javascript|vbscript|data|blob|file|intent|mailto|tel|sms|weixin|alipays?|https?(?=:[\w\[])):[^\s]*", re.I
)
_TOKEN = re.compile(r"[^\s,;&=|?#\"'<>()\[\]{}]+")
_HOST = re.compile(r"(?:[^@/\\]{1,80}@)?((?:[\w\-]{1,63}\.){1,10}[\w\-]{2,63})\.?(?::[0-9]{1,5})?(?:[/\\].*)?\Z")
_IPV4 = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?:[:/\\].*)?\Z")
# Where it stands for plain text: the first bits of every third byte say so.
_BASE64 = re.compile(
    r"(?=[A-Za-z0-9+/_-]{8,2000}={0,2}\Z)(?:[I-Za-f][A-Za-z0-9+/_-]{3})*+(?:[I-Za-f][A-Za-z0-9+/_-]{1,2})?={0,2}\Z"
)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){8,1000}\Z")


class TooDeep(Exception):
    """Still encoded after so many rounds that nobody means well."""


def carried_addresses(text: str, *, bare_hosts: bool = True) -> Iterable[str]:
    """The addresses in a value, after each round of decoding.  Raises TooDeep.

    bare_hosts: whether a host without a scheme, such as evil.example, counts as one.
    """
    if _PLAIN.match(text) or (_UNPARTED.match(text) and not _BASE64.match(text) and not _HEX.match(text)):
        return ()
    return _round_by_round(text, bare_hosts)


def carried_in_query(query: str) -> Iterable[str]:
    """The addresses in the keys and values of a query.  Raises TooDeep."""
    return () if _PLAIN_QUERY.match(query) else _pair_by_pair(query)


def _pair_by_pair(query: str) -> Iterator[str]:
    for pair in _SEPARATORS.split(query):
        key, _, value = pair.partition("=")
        yield from carried_addresses(value)
        yield from carried_addresses(key)


def _round_by_round(text: str, bare_hosts: bool) -> Iterator[str]:
    for _ in range(ROUNDS):
        yield from _in_plain(_folded(text), bare_hosts)
        yield from _in_encoded(text, bare_hosts)
        decoded = unquote(text) if "%" in text else text
        if decoded == text:
            return
        text = decoded
    raise TooDeep


def _in_plain(text: str, bare_hosts: bool) -> Iterator[str]:
    if ":" in text or "//" in text or "\\" in text:
        for pattern in (_WITH_SCHEME, _DANGEROUS, _SLASHES):
            if found := pattern.search(text):
                yield found[0]
                return
    if not bare_hosts or "." not in text:
        return
    for token in _TOKEN.findall(text):
        host = _HOST.match(token)
        if _IPV4.match(token) or (host and _is_registered(host[1])):
            yield token


def _in_encoded(text: str, bare_hosts: bool, depth: int = 0) -> Iterator[str]:
    """Addresses written in base64 or hexadecimal digits, as redirectors like to have them, up to three times over."""
    for raw in _decodings(text):
        if raw.isascii() and (plain := raw.decode("ascii")).isprintable():
            yield from _in_plain(unquote(plain) if "%" in plain else plain, bare_hosts)
            if depth < MOST_ENCODED:
                yield from _in_encoded(plain, bare_hosts, depth + 1)


def _decodings(text: str) -> Iterator[bytes]:
    if _BASE64.match(text) and not text.isdigit():
        body = text.rstrip("=").replace("-", "+").replace("_", "/")
        with suppress(binascii.Error, ValueError):
            yield base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    if _HEX.match(text):
        yield bytes.fromhex(text)


def _folded(text: str) -> str:
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKC", text) if not is_invisible(c) or c == " ").replace("。", ".")


def _is_registered(host: str) -> bool:
    host = host.lower()
    try:
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return True
    return registrable_domain(host) is not None
