"""How a text becomes lines that fit a box: broken where its script allows, made smaller, and cut at last.

Runs of one font and one direction are put into the order they are read in (a small part of the Unicode bidirectional
algorithm: no explicit embeddings); within a run the shaping library does the rest.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from meadow.sharing.drawing.fonts import Face, can_shape, drawable, face_for, font_of
from meadow.sharing.rules import clusters

Colour = tuple[int, int, int]
LEADING = 1.3
_NOT_FIRST = set("，。！？、；：）》」』】〉”’％,.!?;:)]}%…")
_DIRECTIONS = {"L": 0, "R": 1, "AL": 1}
_NUMBERS = ("EN", "AN")
_NOT_LAST = set("（《「『【〈“‘([{￥¥$€")


@dataclass(frozen=True, slots=True)
class Run:
    face: Face
    text: str
    level: int  # odd: right to left


@dataclass(frozen=True, slots=True)
class Block:
    """A text set into a box: its lines, from the top, at one size."""

    lines: tuple[str, ...]
    size: int
    bold: bool
    is_rtl: bool
    is_cut: bool

    @property
    def line_height(self) -> int:
        return round(self.size * LEADING)

    @property
    def height(self) -> int:
        return self.line_height * len(self.lines)


def set_in(
    text: str, *, width: int, most_lines: int, size: int, least: int, height: int = 0, bold: bool = False
) -> Block:
    """The text in at most so many lines of so many pixels: as large as it fits, else at the least size and cut."""
    text = " ".join(drawable(text, bold=bold).split())
    is_rtl = is_right_to_left(text)
    if height:
        size = min(size, int(height / LEADING))
    for tried in range(size, least - 1, -2):
        lines = _broken(text, width, tried, bold)
        if len(lines) <= most_lines and (not height or len(lines) * round(tried * LEADING) <= height):
            return Block(tuple(lines), tried, bold, is_rtl, is_cut=False)
    room = min(most_lines, max(1, int(height / round(least * LEADING)))) if height else most_lines
    lines = _broken(text, width, least, bold)[:room]
    lines[-1] = _with_ellipsis(lines[-1], width, least, bold)
    return Block(tuple(lines), least, bold, is_rtl, is_cut=True)


def draw(
    image: Image.Image, block: Block, *, left: int, top: int, width: int, colour: Colour, align: str = "start"
) -> None:
    """Draws a block into the box that begins at (left, top); right-to-left text begins at the other side."""
    for number, line in enumerate(block.lines):
        runs = runs_of(line, bold=block.bold)
        taken = sum(_advance(run, block.size) for run in runs)
        x = float(left)
        if align == "middle":
            x += (width - taken) / 2
        elif block.is_rtl:
            x += width - taken
        baseline = top + number * block.line_height + round(block.size * 1.0)
        for run in runs:
            _draw_run(image, run, block.size, (round(x), baseline), colour)
            x += _advance(run, block.size)


def measure(text: str, size: int, *, bold: bool = False) -> float:
    """How wide a line is."""
    return sum(_advance(run, size) for run in runs_of(text, bold=bold))


def is_right_to_left(text: str) -> bool:
    """Which way a paragraph runs: by its first sign that has a direction."""
    kinds = (unicodedata.bidirectional(sign) for sign in text)
    return next((kind in ("R", "AL") for kind in kinds if kind in ("L", "R", "AL")), False)


@lru_cache(maxsize=4096)
def runs_of(line: str, *, bold: bool) -> tuple[Run, ...]:
    """The line's runs in the order they stand on paper, from the left."""
    levels = _levels(line)
    runs: list[Run] = []
    place = 0
    for cluster in clusters(line):
        level = levels[place]
        place += len(cluster)
        before = runs[-1] if runs else None
        face = before.face if cluster.isspace() and before else face_for(cluster, bold=bold)
        if face is None:
            continue
        if before and before.face == face and before.level == level:
            runs[-1] = Run(face, before.text + cluster, level)
        else:
            runs.append(Run(face, cluster, level))
    return tuple(_in_reading_order(runs))


def _levels(line: str) -> list[int]:
    """The embedding level of each sign: 0 and 2 run to the right, 1 to the left."""
    base = int(is_right_to_left(line))
    kinds = [unicodedata.bidirectional(sign) for sign in line]
    before, last = [], base
    for kind in kinds:
        last = _DIRECTIONS.get(kind, last)
        before.append(last)
    # A number goes with what stands before it, and neutral signs beside it take it for that.
    strong = [before[n] if kind in _NUMBERS else _DIRECTIONS.get(kind) for n, kind in enumerate(kinds)]
    after, coming = [base] * len(strong), base
    for n in range(len(strong) - 1, -1, -1):
        direction = strong[n]
        coming = coming if direction is None else direction
        after[n] = coming
    levels = []
    for n, kind in enumerate(kinds):
        direction = strong[n]
        if direction is None:
            # A neutral sign goes with its neighbours if they agree, else with the paragraph.
            direction = before[n] if before[n] == after[n] else base
        if kind in _NUMBERS:
            levels.append(2 if base or direction else 0)
        else:
            levels.append(1 if direction else 2 * base)
    return levels


def _in_reading_order(runs: list[Run]) -> list[Run]:
    """Rule L2: from the highest level down, every stretch of at least that level is turned around."""
    for level in range(max((run.level for run in runs), default=0), 0, -1):
        start = 0
        while start < len(runs):
            if runs[start].level < level:
                start += 1
                continue
            end = start
            while end < len(runs) and runs[end].level >= level:
                end += 1
            runs[start:end] = runs[start:end][::-1]
            start = end
    return runs


def _broken(text: str, width: int, size: int, bold: bool) -> list[str]:
    lines, line = [], ""
    for piece in _pieces(text):
        if measure((line + piece).rstrip(), size, bold=bold) <= width:
            line += piece
            continue
        if line.strip():
            lines.append(line.strip())
        line = piece.lstrip()
        # A word as long as the line is broken within.
        while measure(line.rstrip(), size, bold=bold) > width:
            head = _longest(line, width, size, bold)
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line.strip()] if line.strip() or not lines else lines


def _pieces(text: str) -> Iterator[str]:
    """What may not be broken: words with the blanks behind them, single signs of scripts that have no blanks."""
    piece = ""
    for cluster in clusters(text):
        if piece and _may_break(piece, cluster):
            yield piece
            piece = ""
        piece += cluster
    if piece:
        yield piece


def _may_break(before: str, cluster: str) -> bool:
    if cluster.isspace() or cluster[0] in _NOT_FIRST or before[-1] in _NOT_LAST:
        return False
    if before[-1].isspace() or before[-1] == "-":
        return True
    return _is_wide(before[-1]) or _is_wide(cluster[0])


def _is_wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in ("W", "F")


def _longest(text: str, width: int, size: int, bold: bool) -> str:
    head = ""
    for cluster in clusters(text):
        if head and measure(head + cluster, size, bold=bold) > width:
            break
        head += cluster
    return head


def _with_ellipsis(line: str, width: int, size: int, bold: bool) -> str:
    kept = clusters(line)
    while kept and measure("".join(kept).rstrip() + "…", size, bold=bold) > width:
        kept.pop()
    return "".join(kept).rstrip() + "…"


@lru_cache(maxsize=16_384)
def _advance(run: Run, size: int) -> float:
    if run.face.is_emoji:
        # Drawn one by one, so that a ligature's width needs no guessing.
        return sum(_picture(cluster, run.face).width * size / run.face.emoji_size for cluster in clusters(run.text))
    font = font_of(run.face, size)
    return float(font.getlength(run.text, direction=_direction(run)))


def _direction(run: Run) -> str | None:
    return ("rtl" if run.level % 2 else "ltr") if can_shape() else None


def _draw_run(image: Image.Image, run: Run, size: int, at: tuple[int, int], colour: Colour) -> None:
    if run.face.is_emoji:
        _draw_pictures(image, run, size, at)
        return
    text = run.text if can_shape() or run.level % 2 == 0 else "".join(reversed(clusters(run.text)))
    font = font_of(run.face, size)
    ImageDraw.Draw(image).text(at, text, fill=colour, font=font, anchor="ls", direction=_direction(run))


def _draw_pictures(image: Image.Image, run: Run, size: int, at: tuple[int, int]) -> None:
    x = float(at[0])
    for cluster in clusters(run.text):
        picture = _picture(cluster, run.face)
        wide = max(1, round(picture.width * size / run.face.emoji_size))
        high = max(1, round(picture.height * size / run.face.emoji_size))
        small = picture.resize((wide, high), Image.Resampling.LANCZOS)
        image.paste(small, (round(x), at[1] - round(size * 0.85)), small)
        x += wide


@lru_cache(maxsize=512)
def _picture(cluster: str, face: Face) -> Image.Image:
    """An emoji as its font draws it, cut to its box; as wide as a blank where it draws nothing."""
    font: ImageFont.FreeTypeFont = font_of(face, face.emoji_size)
    canvas = Image.new("RGBA", (face.emoji_size * 4, face.emoji_size * 2))
    ImageDraw.Draw(canvas).text((0, 0), cluster, font=font, embedded_color=True)
    box = canvas.getbbox()
    if box is None:
        return Image.new("RGBA", (face.emoji_size // 2, face.emoji_size))
    picture = canvas.crop(box)
    # Some fonts draw far larger than their size says: an emoji is about as large as a Chinese character.
    scale = face.emoji_size / max(picture.size)
    return picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
