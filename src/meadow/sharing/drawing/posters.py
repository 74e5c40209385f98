"""What a poster and a share card look like: a drawn picture, title, price with its date, ad label, creator, QR code.

Every text has a box of its own and stays within it; the QR code stands on white with its quiet zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageDraw

from meadow.sharing.drawing.fonts import drawable
from meadow.sharing.drawing.lines import Block, Colour, draw, measure, set_in

INK: Colour = (28, 40, 33)
SOFT: Colour = (98, 110, 102)
GREEN: Colour = (29, 112, 68)
PAPER: Colour = (255, 255, 255)
AD: Colour = (120, 92, 20)
AD_PAPER: Colour = (250, 238, 205)
# Sky above, sky at the horizon, far hill, near hill, sun.
_MEADOWS: tuple[tuple[str, str, str, str, str], ...] = (
    ("#dff1f7", "#fdf3dc", "#a8cfa0", "#6fa86b", "#f7c66b"),
    ("#fde8e4", "#fff6e3", "#d9b8c4", "#a3788f", "#f29e7d"),
    ("#e6e9fb", "#fbeef6", "#a9b2dc", "#6d78b5", "#f6d27a"),
    ("#e3f5ee", "#fffbe6", "#93cdb8", "#4f9d86", "#f4b860"),
    ("#fff1dc", "#fffaf0", "#e3c58f", "#b98d4b", "#ee8d5b"),
    ("#eaf4d9", "#fdfbe4", "#bcd38a", "#7f9f45", "#f2b84b"),
)


@dataclass(frozen=True, slots=True)
class Words:
    """What stands on the picture, in the reader's language; ad_label and digits may be empty."""

    title: str
    price: str
    price_as_of: str
    by: str
    site: str
    ad_label: str = ""
    digits: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A place for one text."""

    name: str
    left: int
    top: int
    width: int
    height: int
    size: int
    least: int
    lines: int
    bold: bool = False
    colour: Colour = INK
    align: str = "start"


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture's size and where everything stands on it."""

    width: int
    height: int
    picture: tuple[int, int, int, int]
    qr: tuple[int, int, int]
    boxes: tuple[Box, ...]


_DIGITS_BOX = Box("digits", 60, 1282, 780, 44, 26, 16, 1, colour=SOFT, align="middle")
POSTER = Layout(
    900, 1350, (0, 0, 900, 760), (570, 1000, 270),
    (
        Box("ad_label", 60, 790, 780, 44, 28, 22, 1, colour=AD),
        Box("title", 60, 840, 780, 150, 46, 26, 3, bold=True),
        Box("price", 60, 1000, 480, 84, 68, 34, 1, bold=True, colour=GREEN),
        Box("price_as_of", 60, 1086, 480, 40, 26, 18, 1, colour=SOFT),
        Box("by", 60, 1134, 480, 80, 30, 20, 2),
        Box("site", 60, 1222, 480, 44, 30, 20, 1, colour=SOFT),
        _DIGITS_BOX,
    ),
)  # fmt: skip
CARD = Layout(
    1200, 630, (0, 0, 560, 630), (905, 372, 250),
    (
        Box("ad_label", 600, 40, 560, 40, 26, 20, 1, colour=AD),
        Box("title", 600, 88, 560, 180, 48, 26, 3, bold=True),
        Box("price", 600, 284, 560, 84, 66, 34, 1, bold=True, colour=GREEN),
        Box("price_as_of", 600, 372, 290, 60, 24, 16, 2, colour=SOFT),
        Box("by", 600, 440, 290, 90, 28, 18, 2),
        Box("site", 600, 544, 290, 44, 28, 18, 1, colour=SOFT),
    ),
)  # fmt: skip
SQUARE = Layout(
    800, 800, (0, 0, 800, 380), (545, 552, 246),
    (
        Box("ad_label", 40, 396, 720, 40, 26, 20, 1, colour=AD),
        Box("title", 40, 438, 720, 112, 42, 24, 2, bold=True),
        Box("price", 40, 560, 500, 76, 60, 32, 1, bold=True, colour=GREEN),
        Box("price_as_of", 40, 638, 500, 36, 24, 16, 1, colour=SOFT),
        Box("by", 40, 676, 500, 70, 26, 18, 2),
        Box("site", 40, 750, 500, 38, 26, 18, 1, colour=SOFT),
    ),
)  # fmt: skip
LAYOUTS = {"poster": POSTER, "card": CARD, "square": SQUARE}


def png(name: str, words: Words, matrix: Sequence[Sequence[int]], seed: str) -> bytes:
    """The finished picture as a PNG.  matrix is the QR code's modules, quiet zone included."""
    file = BytesIO()
    picture(LAYOUTS[name], words, matrix, seed).save(file, "PNG", compress_level=4)
    return file.getvalue()


def picture(layout: Layout, words: Words, matrix: Sequence[Sequence[int]], seed: str) -> Image.Image:
    """The picture itself."""
    image = Image.new("RGB", (layout.width, layout.height), PAPER)
    _draw_meadow(image, layout.picture, words.title, seed)
    _draw_qr(image, layout.qr, matrix)
    for box in layout.boxes:
        write(image, box, getattr(words, box.name))
    return image


def write(image: Image.Image, box: Box, text: str) -> Block | None:
    """Writes a text into its box and not one pixel outside; nothing where no sign of it can be drawn."""
    place = (box.left, box.top, box.left + box.width, box.top + box.height)
    # Marks that pile up may stand out of any line: the box is cut out, written on and put back.
    paper = image.crop(place)
    block = set_down(paper, replace(box, left=0, top=0), text)
    image.paste(paper, place)
    return block


def set_down(image: Image.Image, box: Box, text: str) -> Block | None:
    """The same, without holding back what stands out."""
    if not drawable(text, bold=box.bold).strip():
        return None
    block = set_in(
        text, width=box.width, height=box.height, most_lines=box.lines, size=box.size, least=box.least, bold=box.bold
    )
    left, width = box.left, box.width
    if box.name == "ad_label":
        left, width = _draw_chip(image, box, block)
    draw(image, block, left=left, top=box.top, width=width, colour=box.colour, align=box.align)
    return block


def _draw_chip(image: Image.Image, box: Box, block: Block) -> tuple[int, int]:
    """The ground that an ad label stands on, so that it is seen; where its text goes."""
    pad, taken = 10, round(measure(block.lines[0], block.size, bold=block.bold))
    taken = min(taken, box.width - 2 * pad)
    right = box.left + taken + 2 * pad
    ImageDraw.Draw(image).rounded_rectangle((box.left, box.top, right, box.top + block.line_height), 8, fill=AD_PAPER)
    return box.left + pad, taken


def _draw_qr(image: Image.Image, place: tuple[int, int, int], matrix: Sequence[Sequence[int]]) -> None:
    """Whole pixels per module, in the middle of its place, on white."""
    left, top, side = place
    scale = max(1, side // len(matrix))
    code = Image.new("L", (len(matrix), len(matrix)))
    code.putdata([0 if dark else 255 for row in matrix for dark in row])
    sharp = code.resize((len(matrix) * scale,) * 2, Image.Resampling.NEAREST)
    rest = (side - sharp.width) // 2
    image.paste(PAPER, (left, top, left + side, top + side))
    image.paste(sharp.convert("RGB"), (left + rest, top + rest))


def _draw_meadow(image: Image.Image, place: tuple[int, int, int, int], title: str, seed: str) -> None:
    """A meadow of its own for each product, with the first sign of its title, until there are photographs."""
    left, top, width, height = place
    lot = sha256(seed.encode()).digest()
    above, horizon, far, near, sun = _MEADOWS[lot[0] % len(_MEADOWS)]
    scene = Image.new("RGB", (width, height), horizon)
    sky = Image.linear_gradient("L").resize((width, height))
    scene.paste(Image.new("RGB", (width, height), above), (0, 0), Image.eval(sky, lambda shade: 255 - shade))
    pen = ImageDraw.Draw(scene)
    x, y, r = width // 6 + lot[1] * width // 400, height // 5, 34 + lot[7] % 24
    pen.ellipse((x - r, y - r, x + r, y + r), fill=sun)
    far_left, near_left = height * (52 + lot[3] % 12) // 100, height * (70 + lot[4] % 10) // 100
    pen.ellipse((-width // 2, far_left, width, height * 2), fill=far)
    pen.ellipse((width // 4, near_left, width * 2, height * 2), fill=near)
    side = min(width, height) * 2 // 5
    middle = (width // 2, height // 2)
    pen.ellipse(
        (middle[0] - side // 2, middle[1] - side // 2, middle[0] + side // 2, middle[1] + side // 2), fill=PAPER
    )
    initial = next((sign for sign in drawable(title, bold=True) if sign.isalnum()), "")
    if initial:
        block = set_in(initial.upper(), width=side, most_lines=1, size=side // 2, least=20, bold=True)
        draw(scene, block, left=middle[0] - side // 2, top=middle[1] - round(block.size * 0.68), width=side, colour=INK,
             align="middle")  # fmt: skip
    image.paste(scene, (left, top))
