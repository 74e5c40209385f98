"""Which fonts of this machine draw which sign.  Nothing is downloaded; what no font has is left out, never boxed.

Text is set by Pillow with its own shaping (raqm) where that is there; it needs the system's FriBiDi for right-to-left.
"""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from django.conf import settings
from PIL import Image, ImageDraw, ImageFont, features

from meadow.sharing.rules import clusters

FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/Library/Fonts",
    "/System/Library/Fonts",
)  # fmt: skip
# File names in the order they are tried, with the face inside a collection; the first found of each kind is used.
_KINDS: dict[str, tuple[tuple[str, int], ...]] = {
    "plain": (("NotoSans-{}.ttf", 0), ("DejaVuSans{}.ttf", 0), ("LiberationSans-{}.ttf", 0), ("Arial{}.ttf", 0)),
    "chinese": (
        ("NotoSansCJK-{}.ttc", 2), ("NotoSansCJKsc-{}.otf", 0), ("NotoSansSC-{}.otf", 0), ("NotoSansSC-{}.ttf", 0),
        ("SourceHanSansSC-{}.otf", 0), ("SourceHanSans-{}.ttc", 2), ("NotoSansCJK-Regular.ttc", 2),
        ("wqy-microhei.ttc", 0), ("wqy-zenhei.ttc", 0), ("DroidSansFallbackFull.ttf", 0), ("PingFang.ttc", 2),
        ("Hiragino Sans GB.ttc", 0), ("STHeiti Medium.ttc", 1),
    ),
    "arabic": (("NotoSansArabic-{}.ttf", 0), ("NotoNaskhArabic-{}.ttf", 0), ("DejaVuSans{}.ttf", 0)),
    "hebrew": (("NotoSansHebrew-{}.ttf", 0), ("DejaVuSans{}.ttf", 0)),
    "devanagari": (("NotoSansDevanagari-{}.ttf", 0), ("Lohit-Devanagari.ttf", 0)),
    "thai": (("NotoSansThai-{}.ttf", 0), ("Loma{}.ttf", 0)),
    "wide": (("DejaVuSans{}.ttf", 0), ("FreeSans{}.ttf", 0), ("Arial Unicode.ttf", 0)),
    "emoji": (("NotoColorEmoji.ttf", 0), ("Apple Color Emoji.ttc", 0)),
}  # fmt: skip
_WEIGHTS = {False: ("Regular", "", "Medium"), True: ("Bold", "-Bold", " Bold", "Medium", "Regular", "")}
# Colour fonts hold pictures of these sizes alone.
_EMOJI_SIZES = (109, 160, 136, 128, 96)
_MISSING = "\U0010fffe"


@dataclass(frozen=True)
class Face:
    """One font file; an empty path is the one that Pillow carries, for Latin alone."""

    path: str
    index: int = 0
    emoji_size: int = 0

    @property
    def is_emoji(self) -> bool:
        return self.emoji_size > 0


def can_shape() -> bool:
    """Whether right-to-left scripts come out right and joined."""
    return bool(features.check("raqm"))


@lru_cache(maxsize=256)
def font_of(face: Face, size: int) -> ImageFont.FreeTypeFont:
    if not face.path:
        made = ImageFont.load_default(size)
        assert isinstance(made, ImageFont.FreeTypeFont)
        return made
    return ImageFont.truetype(face.path, size, index=face.index)


@cache
def faces(*, bold: bool) -> tuple[Face, ...]:
    """The fonts of this machine in the order they are asked for a sign, one of each kind."""
    files = _files()
    found: list[Face] = []
    for kind, names in _KINDS.items():
        face = next(_named(kind, names, bold, files), None)
        if face is not None and face not in found:
            found.append(face)
    return (*found, Face(""))


def has_chinese() -> bool:
    """Whether Chinese can be drawn; the doctor asks."""
    return all(face_for(sign, bold=False) is not None for sign in "中文价格")


@lru_cache(maxsize=16_384)
def face_for(cluster: str, *, bold: bool) -> Face | None:
    """The first font that has every sign of a cluster; None if none has."""
    needed = [sign for sign in cluster if not _is_silent(sign)]
    if not needed:
        return None
    known = faces(bold=bold)
    if _looks_pictured(cluster):
        known = tuple(sorted(known, key=lambda face: not face.is_emoji))
    return next((face for face in known if all(_has(face, sign) for sign in needed)), None)


def drawable(text: str, *, bold: bool = False) -> str:
    """The text without what no font of this machine can draw."""
    return "".join(c for c in clusters(text) if c.isspace() or face_for(c, bold=bold) is not None)


def _files() -> dict[str, str]:
    folders = [getattr(settings.MEADOW, "fonts", ""), *FOLDERS]
    found: dict[str, str] = {}
    for folder in folders:
        if folder:
            for place, _, names in os.walk(Path(folder).expanduser()):
                for name in sorted(names):
                    found.setdefault(name, os.path.join(place, name))
    return found


def _named(kind: str, names: tuple[tuple[str, int], ...], bold: bool, files: dict[str, str]) -> Iterator[Face]:
    for pattern, index in names:
        for weight in _WEIGHTS[bold]:
            path = files.get(pattern.format(weight))
            if path is None:
                continue
            face = Face(path, index, _emoji_size(path, index) if kind == "emoji" else 0)
            if _opens(face, kind):
                yield face


def _opens(face: Face, kind: str) -> bool:
    if kind == "emoji":
        return face.is_emoji
    try:
        font_of(face, 20)
    except OSError:
        return False
    return True


def _emoji_size(path: str, index: int) -> int:
    """A size at which this colour font draws; 0 if this Pillow cannot draw it at all."""
    for size in _EMOJI_SIZES:
        try:
            font = ImageFont.truetype(path, size, index=index)
            canvas = Image.new("RGBA", (size * 2, size * 2))
            ImageDraw.Draw(canvas).text((0, 0), "\U0001f600", font=font, embedded_color=True)
        except (OSError, ValueError):
            continue
        if canvas.getbbox() is not None:
            return size
    return 0


@lru_cache(maxsize=65_536)
def _has(face: Face, sign: str) -> bool:
    """Whether a font has a sign of its own for this, and not the one for what is missing."""
    font = font_of(face, face.emoji_size or 20)
    mask, missing = font.getmask(sign), font.getmask(_MISSING)
    return (mask.size, bytes(mask)) != (missing.size, bytes(missing)) or sign.isspace()


def _is_silent(sign: str) -> bool:
    """What shapes its neighbours and shows nothing by itself."""
    return unicodedata.category(sign) in ("Cf", "Mn", "Me") or 0xFE00 <= ord(sign) <= 0xFE0F


def _looks_pictured(cluster: str) -> bool:
    return "\ufe0f" in cluster or any(ord(sign) >= 0x1F000 for sign in cluster)
