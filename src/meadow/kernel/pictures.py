"""What becomes of a picture that somebody hands in: judged by content, bounded, recoded, kept as a file, its codes read.

Nothing of the file that came in survives but what can be seen: it is decoded and written anew, so neither the place
where it was taken nor a second file hidden behind it gets any further.
"""

import os
import re
import secrets
import struct
import zlib
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import zxingcpp
from django.conf import settings
from PIL import Image, ImageOps, UnidentifiedImageError

from meadow.kernel.errors import Refusal

# What is read; found out by the first bytes, never by a name.  Vector formats are programs and not among them.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
LIMITS = {
    "bytes": 10 * 1024 * 1024,
    "pixels": 40_000_000,  # a decoded pixel takes four bytes of memory
    "side": 2048,  # of what is kept, in pixels
    "least_side": 8,
    "codes": 32,
}
MEDIA_TYPE = "image/webp"
_QUALITY = 84
# In these ways decoders fail at broken and hostile files.
_FAILURES = (
    UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError, ArithmeticError, LookupError,
    TypeError, AttributeError, Warning, struct.error, zlib.error,
)  # fmt: skip
_NAME = re.compile(r"[0-9a-f]{32}\Z")
# A code that is small in a large picture, and one that is large in it.
_READ_SIDES = (2048, 700)


@dataclass(frozen=True, slots=True)
class Recoded:
    """A picture as it is kept; equal digests are equal pictures."""

    content: bytes
    width: int
    height: int

    @property
    def digest(self) -> str:
        return sha256(self.content).hexdigest()


def recode(raw: bytes) -> Recoded:
    """The picture that a file shows, upright, without anything else the file carried; of several frames the first.

    Refuses: picture_too_large, picture_unreadable.
    """
    if len(raw) > LIMITS["bytes"]:
        raise Refusal("picture_too_large", most=f"{LIMITS['bytes'] // 1024**2} MB")
    try:
        shown = _decoded(raw)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except _FAILURES:
        raise Refusal("picture_unreadable", formats=", ".join(FORMATS)) from None
    target = BytesIO()
    shown.save(target, "WEBP", quality=_QUALITY, method=2, exif=b"", xmp=b"", icc_profile=b"")
    return Recoded(target.getvalue(), *shown.size)


def codes_in(content: bytes) -> list[str]:
    """What the bar and QR codes in a picture say, each once."""
    found: dict[str, None] = {}
    with Image.open(BytesIO(content)) as opened:
        picture = opened.convert("L")
    for side in _READ_SIDES:
        if side is not _READ_SIDES[0] and max(picture.size) <= side:
            continue
        smaller = picture.copy()
        smaller.thumbnail((side, side))
        for code in zxingcpp.read_barcodes(smaller):
            if code.text:
                found.setdefault(code.text)
    return list(found)[: LIMITS["codes"]]


def keep(picture: Recoded) -> str:
    """Writes a picture into the data folder, whole or not at all; returns the name by which its owner finds it again.

    Each has a file of its own, so whoever drops theirs takes it from nobody else.
    """
    name = secrets.token_hex(16)
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        file.write(picture.content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return name


def kept(name: str) -> bytes:
    """The content of a kept picture.  Refuses: not_found."""
    try:
        return _path(name).read_bytes()
    except FileNotFoundError:
        raise Refusal("not_found") from None


def drop(name: str) -> None:
    """Removes a kept picture's file; twice is once."""
    _path(name).unlink(missing_ok=True)


def _decoded(raw: bytes) -> Image.Image:
    with Image.open(BytesIO(raw), formats=FORMATS) as opened:
        width, height = opened.size
        # Judged by what the header says, before a single pixel takes memory.
        if width * height > LIMITS["pixels"]:
            raise _too_many_pixels()
        if min(width, height) < LIMITS["least_side"]:
            raise ValueError("too small to show anything")
        side = LIMITS["side"]
        opened.draft("RGB", (side, side))  # a JPEG is decoded no larger than it is needed
        opened.load()
        has_holes = opened.has_transparency_data
        upright = ImageOps.exif_transpose(opened).convert("RGBA" if has_holes else "RGB")
    upright.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    # Only the pixels go on.
    bare = Image.new(upright.mode, upright.size)
    bare.paste(upright)
    return bare


def _too_many_pixels() -> Refusal:
    return Refusal("picture_too_large", most=f"{LIMITS['pixels'] // 1_000_000} megapixels")


def _path(name: str) -> Path:
    if not _NAME.match(name):
        raise Refusal("not_found")
    data: Path = settings.MEADOW.data
    return data / "pictures" / name[:2] / f"{name}.webp"
