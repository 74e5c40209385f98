"""What a product looks like where its picture is not here: a drawn meadow with a sketch of the thing, or its initial."""

import re
from hashlib import sha256
from html import escape

# Sky above, sky at the horizon, far hill, near hill, sun, ink: soft pairs that keep the sketch legible.
_PALETTES = (
    ("#dff1f7", "#fdf3dc", "#a8cfa0", "#6fa86b", "#f7c66b", "#234a33"),
    ("#fde8e4", "#fff6e3", "#d9b8c4", "#a3788f", "#f29e7d", "#4a2138"),
    ("#e6e9fb", "#fbeef6", "#a9b2dc", "#6d78b5", "#f6d27a", "#222a57"),
    ("#e3f5ee", "#fffbe6", "#93cdb8", "#4f9d86", "#f4b860", "#0f3f34"),
    ("#fff1dc", "#fffaf0", "#e3c58f", "#b98d4b", "#ee8d5b", "#4b3010"),
    ("#e4eef2", "#f6f4ee", "#b5c6c9", "#76929a", "#e9c46a", "#1f3a42"),
    ("#f0ecfb", "#fdf2ef", "#c4b1df", "#8c74b8", "#f4a6a0", "#35215c"),
    ("#eaf4d9", "#fdfbe4", "#bcd38a", "#7f9f45", "#f2b84b", "#33430f"),
)
# Words in a title, and the outline drawn for them around the point 0,0.  The first that is found counts.
_SKETCHES: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("teapot", "kettle", "coffee pot", "壶"),
        "M-52 12a52 44 0 1 0 104 0a52 44 0 1 0-104 0ZM-30-26q30-22 60 0M0-38v-12M50 2q26-8 30-38M-50-8q-40 4-30 36q8 18 36 12",
    ),
    (
        ("mug", "cup", "tumbler", "杯", "盏"),
        "M-48-34h80v50q0 32-30 32h-20q-30 0-30-32ZM32-20q34 0 30 26q-4 20-30 18M-28-54q10-10 0-24M2-54q10-10 0-24",
    ),
    (("umbrella", "伞"), "M-72 4a72 62 0 0 1 144 0q-18-14-36 0q-18-14-36 0q-18-14-36 0q-18-14-36 0ZM0 4v48q0 16 16 16M0-58v-12"),
    (("plate", "dish", "saucer", "盘", "碟"), "M-68 0a68 68 0 1 0 136 0a68 68 0 1 0-136 0ZM-42 0a42 42 0 1 0 84 0a42 42 0 1 0-84 0Z"),
    (("bowl", "碗", "钵"), "M-68-16h136q-4 60-50 64h-36q-46-4-50-64ZM-24 48v12h48v-12"),
    (("vase", "pitcher", "bottle", "瓶", "罐"), "M-18-68h36q-6 26 14 46q24 24 10 56q-8 28-42 28t-42-28q-14-32 10-56q20-20 14-46ZM-14-44h28"),
    (("lamp", "lantern", "candle", "灯", "烛"), "M-30-62h60l28 62h-116ZM0 0v50M-32 54h64"),
    (("basket", "tray", "篮", "筐", "篓"), "M-62-8h124l-16 62h-92ZM-46-8q46-84 92 0M-56 14h112M-52 34h104"),
    (("boot", "shoe", "slipper", "靴", "鞋"), "M-36-66h46v76q0 8 10 11l34 10q16 6 14 33h-104ZM-36-46h46M-36 48h104"),
    (("sock", "stocking", "袜"), "M-22-68h46v66l36 26q14 14 2 30q-10 14-28 8l-44-18q-14-6-12-26ZM-22-46h46"),
    (("hat", "cap", "beanie", "帽"), "M-46 24q-4-74 46-76q50 2 46 76ZM-72 24h144q-6 22-28 22h-88q-22 0-28-22Z"),
    (
        ("coat", "jacket", "shirt", "jumper", "cape", "jersey", "衣", "衫", "外套", "袍"),
        "M-22-64q22 24 44 0l42 28l-16 34l-18-8v76h-60v-76l-18 8l-16-34ZM0-52v118",
    ),
    (("scarf", "blanket", "throw", "towel", "shawl", "巾", "毯"), "M-50-60h100v104h-100ZM-50-36h100M-50 20h100M-44 44v20M-22 44v20M0 44v20M22 44v20M44 44v20"),
    (("bag", "pouch", "backpack", "tote", "包", "袋"), "M-50-22h100l10 84h-120ZM-26-22q0-44 26-44t26 44M-10 12h20"),
    (
        ("notebook", "diary", "sketchbook", "planner", "本", "手账"),
        "M-44-64h88v128h-88ZM-26-64v128M-8-34h36M-8-10h36M-8 14h24",
    ),
    (("pencil", "brush", "pen", "笔"), "M-52 60l12-38l78-78q8-8 16 0l10 10q8 8 0 16l-78 78ZM-40 22l26 26M28-46l26 26"),
    (
        ("book", "atlas", "poems", "guide", "stories", "书", "集", "志", "录", "记"),
        "M0-42q-36-20-72-8v88q36-12 72 8q36-20 72-8v-88q-36-12-72 8ZM0-42v88",
    ),
    (("soap", "shampoo", "皂"), "M-62-12q0-26 26-26h72q26 0 26 26v22q0 26-26 26h-72q-26 0-26-26ZM-24-8h48M-40-58a8 8 0 1 0 16 0a8 8 0 1 0-16 0ZM-8-66a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z"),
    (("spoon", "ladle", "scoop", "勺", "匙"), "M-22-38a22 30 0 1 0 44 0a22 30 0 1 0-44 0ZM0-8v76"),
    (("board", "tray", "stool", "砧板", "凳", "几"), "M-54-62h108v104h-108ZM-10 42v26h20v-26M-34-62v104M-10-62v104"),
    (
        ("honey", "jam", "pickle", "sauce", "chutney", "蜜", "酱", "腌", "糖", "油", "醋"),
        "M-34-44h68v-20h-68ZM-40-44h80q10 10 10 24v56q0 18-18 18h-64q-18 0-18-18v-56q0-14 10-24ZM-50-6h100M-50 30h100",
    ),
    (("biscuit", "cake", "bread", "cracker", "饼", "糕", "酥", "馍"), "M-60 0a60 52 0 1 0 120 0a60 52 0 1 0-120 0ZM-26-14h2M10-24h2M22 8h2M-14 18h2M-36 6h2M0-2h2"),
    (("tea", "seed", "leaf", "herb", "plant", "flower", "茶", "籽", "花", "草", "叶"), "M-48 48q-14-92 92-104q14 98-70 104q-22 0-22 0ZM-62 66q30-60 78-92M-22 16q-2-22 2-34M-2-4q22 2 38-2"),
)  # fmt: skip


def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    """English names are whole words, in the plural too; Chinese ones may stand anywhere."""
    return re.compile("|".join(rf"\b{name}(?:e?s)?\b" if name.isascii() else name for name in names), re.IGNORECASE)


_PATTERNS = tuple((_pattern(names), outline) for names, outline in _SKETCHES)


def drawn_svg(title: str, seed: str) -> str:
    """A 600 by 600 picture for a title; needs no font, script or address from elsewhere."""
    lot = sha256(seed.encode()).digest()
    above, horizon, far, near, sun, ink = _PALETTES[lot[0] % len(_PALETTES)]
    sun_x, sun_y = 70 + lot[1] % 461, 80 + lot[2] % 61
    far_left, far_right = 330 + lot[3] % 70, 330 + lot[4] % 70
    near_left, near_right = 430 + lot[5] % 60, 430 + lot[6] % 60
    blades = "".join(_blade(lot[8 + n], 30 + n * 52) for n in range(11))
    gradient = f"g{lot[:4].hex()}"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 600" role="img" '
        f'aria-label="{escape(title)}">'
        f'<defs><linearGradient id="{gradient}" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{above}"/>'
        f'<stop offset=".7" stop-color="{horizon}"/></linearGradient></defs>'
        f'<rect width="600" height="600" fill="url(#{gradient})"/>'
        f'<circle cx="{sun_x}" cy="{sun_y}" r="{34 + lot[7] % 24}" fill="{sun}"/>'
        f'<path d="M0 {far_left}C160 {far_left - 90} 260 {far_right + 70} 420 {far_right - 30}'
        f'S560 {far_right - 60} 600 {far_right}V600H0Z" fill="{far}"/>'
        f'<path d="M0 {near_left}C140 {near_left + 60} 300 {near_right - 90} 600 {near_right}V600H0Z" fill="{near}"/>'
        f'<g stroke="{ink}" stroke-width="5" stroke-linecap="round" fill="none" opacity=".45">{blades}</g>'
        f'<circle cx="300" cy="296" r="164" fill="#fff" fill-opacity=".88"/>{_subject(title, sun, ink)}</svg>'
    )


def _subject(title: str, sun: str, ink: str) -> str:
    """The sketch of what the title names, else its first letter."""
    for pattern, outline in _PATTERNS:
        if pattern.search(title):
            return (
                f'<path transform="translate(300 296) scale(1.4)" d="{outline}" fill="{sun}" fill-opacity=".55" '
                f'stroke="{ink}" stroke-width="5" stroke-linejoin="round" stroke-linecap="round"/>'
            )
    return (
        '<text x="300" y="296" dy=".36em" text-anchor="middle" font-family="system-ui,sans-serif" '
        f'font-size="150" font-weight="700" fill="{ink}">{escape(_initial(title))}</text>'
    )


def _initial(title: str) -> str:
    return next((sign.upper()[:1] for sign in title if sign.isalnum()), "·")


def _blade(lot: int, x: int) -> str:
    foot, lean = 560 + lot % 30, lot % 31 - 15
    return f'<path d="M{x} {foot}q{lean // 2} -{18 + lot % 17} {lean} -{34 + lot % 29}"/>'
