"""In which encoding a file is written: byte order mark, declaration, UTF-8, UTF-16, GB18030, else Windows-1252."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from meadow.kernel.errors import Refusal

BLOCK = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_CHINESE = {"gb2312", "gbk", "gb18030", "cp936", "936", "ms936"}


def encoding_of(file: BinaryIO) -> str:
    """The encoding of a seekable file, which is left at its start.  Refuses: import_unreadable."""
    file.seek(0)
    head = file.read(BLOCK)
    file.seek(0)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return _checked(file, name)
    if head.startswith(b"<?xml") and (declared := _DECLARED.match(head)):
        name = declared[1].decode().lower()
        return _checked(file, "gb18030" if name in _CHINESE else name)
    if wide := _without_mark(head):
        return _checked(file, wide)
    for name in ("utf-8", "gb18030", "cp1252"):
        if name == "gb18030" and not _looks_chinese(head):
            continue
        if _decodes(file, name):
            return name
    raise Refusal("import_unreadable", why="it is text in no encoding known here")


def _checked(file: BinaryIO, name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise Refusal("import_unreadable", why=f"it claims the encoding {name}, which is not known") from None
    if not _decodes(file, name):
        raise Refusal("import_unreadable", why=f"it is not the {name} that it claims to be")
    return name


def _decodes(file: BinaryIO, name: str) -> bool:
    try:
        for _ in texts(file, name):
            pass
    except UnicodeError:
        return False
    finally:
        file.seek(0)
    return True


def texts(file: BinaryIO, encoding: str) -> Iterator[str]:
    """The file's text from its start, in pieces.  Raises UnicodeError."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    while block := file.read(BLOCK):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _without_mark(head: bytes) -> str | None:
    """UTF-16 without a mark shows every second byte as zero, since headers are Latin."""
    sample = head[:400]
    if len(sample) < 4 or b"\x00" not in sample:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > len(sample) // 4 > even:
        return "utf-16-le"
    if even > len(sample) // 4 > odd:
        return "utf-16-be"
    return None


def _looks_chinese(head: bytes) -> bool:
    """In GB18030 bytes above 127 come in pairs; in Windows-1252 they mostly stand alone between letters."""
    runs = [len(run) for run in _HIGH_RUN.findall(head)]
    return bool(runs) and 5 * sum(1 for run in runs if run % 2 == 0) >= 3 * len(runs)
