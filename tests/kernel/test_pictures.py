"""Does nothing of a picture's file survive but what can be seen, and do hostile files get nowhere?"""

import struct
import zlib
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import segno
from hypothesis import given
from hypothesis import settings as at_most
from hypothesis import strategies as st
from PIL import Image

from meadow.kernel import pictures
from meadow.kernel.errors import Refusal


def _file(picture: Image.Image, kind: str = "JPEG", **more: Any) -> bytes:
    target = BytesIO()
    picture.save(target, kind, **more)
    return target.getvalue()


def _located(width: int = 60, height: int = 40) -> bytes:
    """A photograph turned on its side that says where it was taken, with something hidden behind it."""
    picture = Image.new("RGB", (width, height), (200, 30, 30))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera of Bo"
    exif.get_ifd(0x8825)[2] = (31.0, 14.0, 0.0)
    return _file(picture, exif=exif, comment=b"secret note") + b"PK\x03\x04 a second file"


def _header(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be large."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def test_a_picture_is_recoded_upright_and_says_nothing_of_place_or_maker() -> None:
    made = pictures.recode(_located())
    assert (made.width, made.height) == (40, 60)  # turned as its note asked
    again = Image.open(BytesIO(made.content))
    assert again.format == "WEBP"
    assert not dict(again.getexif())
    assert not again.info.get("exif")
    for left in (b"Camera", b"secret", b"PK\x03\x04", b"Exif"):
        assert left not in made.content


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_each_format_is_known_by_its_content_and_made_smaller(kind: str) -> None:
    made = pictures.recode(_file(Image.new("RGB", (3000, 1000), "navy"), kind))
    assert (made.width, made.height) == (2048, 683)
    assert made.digest == pictures.recode(_file(Image.new("RGB", (3000, 1000), "navy"), kind)).digest


def test_what_is_seen_through_stays_so_and_of_many_frames_one_is_kept() -> None:
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    made = Image.open(BytesIO(pictures.recode(_file(clear, "PNG")).content))
    assert made.getpixel((5, 5))[3] == 0  # type: ignore[index]
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    moving = _file(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert getattr(Image.open(BytesIO(pictures.recode(moving).content)), "n_frames", 1) == 1


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (100_000, 700), (7000, 7000)])
def test_a_bomb_is_refused_by_its_header(width: int, height: int) -> None:
    with pytest.raises(Refusal, match="picture_too_large"):
        pictures.recode(_header(width, height))


def test_too_many_bytes_are_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pictures.LIMITS, "bytes", 100)
    with pytest.raises(Refusal, match="picture_too_large"):
        pictures.recode(b"\0" * 101)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"GIF89a", b"\xff\xd8\xff", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%PDF-1.7", b"<html>", _header(100, 100), _located()[:300], _file(Image.new("RGB", (4, 4)), "PNG"),
        _file(Image.new("RGB", (40, 40)), "BMP"), _file(Image.new("RGB", (40, 40)), "TIFF"),
    ],
)  # fmt: skip
def test_what_is_no_picture_of_ours_is_refused_by_content(raw: bytes) -> None:
    with pytest.raises(Refusal, match="picture_unreadable"):
        pictures.recode(raw)


_WHOLE = [_located(), _file(Image.new("P", (30, 30)), "PNG"), _file(Image.new("RGB", (30, 30)), "WEBP")]


@at_most(max_examples=80, deadline=None)
@given(st.sampled_from(_WHOLE), st.integers(0, 2000), st.binary(min_size=1, max_size=8))
def test_no_broken_file_does_more_than_be_refused(whole: bytes, place: int, bent: bytes) -> None:
    place %= len(whole)
    with suppress(Refusal):
        pictures.recode(whole[:place] + bent + whole[place + len(bent) :])


def test_g12_1_codes_are_read_large_and_small_and_several() -> None:
    page = Image.new("RGB", (2400, 1800), "white")
    for place, text, scale in (((60, 80), "wxp://f2f0abc", 4), ((1400, 700), "https://evil.example/x", 20)):
        code = BytesIO()
        segno.make(text, error="m").save(code, kind="png", scale=scale, border=4)
        page.paste(Image.open(code).convert("RGB"), place)
    made = pictures.recode(_file(page))
    assert set(pictures.codes_in(made.content)) == {"wxp://f2f0abc", "https://evil.example/x"}
    assert pictures.codes_in(pictures.recode(_located()).content) == []


def test_a_picture_is_kept_whole_found_by_its_name_alone_and_dropped(settings: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    settings.MEADOW = replace(settings.MEADOW, data=tmp_path)
    made = pictures.recode(_located())
    name = pictures.keep(made)
    assert pictures.kept(name) == made.content
    assert pictures.keep(made) != name
    assert not list(tmp_path.rglob("*.part"))
    for other in ("../../etc/passwd", "0" * 32, "", name.upper() + "x"):
        with pytest.raises(Refusal, match="not_found"):
            pictures.kept(other)
    pictures.drop(name)
    pictures.drop(name)
    with pytest.raises(Refusal, match="not_found"):
        pictures.kept(name)
