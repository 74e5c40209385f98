"""What the tour sells: a small catalogue of its own in Shopify's form, or the file of somebody else."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path

from meadow.config.trouble import Trouble, from_os
from meadow.kernel.money import EXPONENTS

HEAD_BYTES = 200_000
_PRICE = re.compile(rb"(?<![\d.])\d{1,9}(?:[.,]\d{1,4})?\s+([A-Z]{3})\b")

COLUMNS = (
    "Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Published", "Option1 Name", "Option1 Value",
    "Variant SKU", "Variant Inventory Tracker", "Variant Inventory Qty", "Variant Price", "Image Src",
)  # fmt: skip
# (handle, title, words about it, kind, tags, option, [(value, price, stock)])
GOODS = (
    ("linen-shirt", "Linen shirt 亚麻衬衫", "Washed linen, cut wide.", "Shirts", "summer, linen", "Size",
     [("S", "100.00", 12), ("M", "100.00", 20), ("L", "105.00", 8)]),
    ("tea-cup", "Tea cup 白瓷茶杯", "Thrown porcelain, 120 ml.", "Kitchen", "tea", "", [("", "39.90", 40)]),
    ("green-tea", "Green tea 明前绿茶", "Picked before the rains.", "Tea", "tea, spring", "Weight",
     [("50 g", "68.00", 30), ("250 g", "288.00", 9)]),
    ("wool-blanket", "Wool blanket 羊毛毯", "Undyed wool, 140 by 200.", "Home", "winter", "Colour",
     [("Grey", "459.00", 5), ("White", "459.00", 4)]),
    ("canvas-bag", "Canvas bag 帆布袋", "Carries ten kilos.", "Bags", "daily", "", [("", "59.00", 80)]),
    ("desk-lamp", "Desk lamp 台灯", "Warm light, no flicker.", "Home", "light", "", [("", "219.00", 15)]),
    ("rain-coat", "Rain coat 雨衣", "Taped seams.", "Outdoor", "rain", "Size",
     [("M", "329.00", 6), ("L", "329.00", 0)]),
    ("notebook", "Notebook 笔记本", "Lies flat, 192 pages.", "Paper", "writing", "", [("", "24.50", 200)]),
    ("ink", "Ink 墨水", "Black, for fountain pens.", "Paper", "writing", "", [("", "45.00", 60)]),
    ("cutting-board", "Cutting board 砧板", "One piece of beech.", "Kitchen", "wood", "", [("", "128.00", 18)]),
)  # fmt: skip


def generated() -> bytes:
    """The tour's own catalogue."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for handle, title, words, kind, tags, option, choices in GOODS:
        for n, (value, price, stock) in enumerate(choices):
            about = (title, f"<p>{words}</p>", "Linen & Co", kind, tags, "true") if n == 0 else ("",) * 6
            option_cells = (option if n == 0 else "", value) if option else ("Title", "Default Title")
            picture = f"https://pictures.example.com/{handle}.jpg" if n == 0 else ""
            rows.writerow([handle, *about, *option_cells, f"{handle}-{n + 1}", "shopify", stock, price, picture])
    return out.getvalue().encode("utf-8-sig")


def of_file(path: Path) -> bytes:
    """Somebody's product file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Trouble(f"There is no file {path}: name a product file, or leave --catalog out.") from None
    except IsADirectoryError:
        raise Trouble(f"{path} is a folder: name one product file in it.") from None
    except OSError as error:
        raise from_os(error, "reading the product file") from error


def currency_of(content: bytes) -> str | None:
    """The currency that a file's prices name, as Google feeds do; None where prices are bare numbers."""
    found = Counter(code.decode() for code in _PRICE.findall(content[:HEAD_BYTES]))
    return next((code for code, _ in found.most_common() if code in EXPONENTS), None)
