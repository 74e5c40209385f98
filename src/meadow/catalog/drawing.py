"""What a product looks like where its picture is not here: a small drawn meadow, the same for the same product."""

from hashlib import sha256
from html import escape

# Sky above, sky at the horizon, far hill, near hill, sun, ink of the letter: soft pairs that keep the letter legible.
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


def drawn_svg(title: str, seed: str) -> str:
    """A 600 by 600 picture with the title's initial; needs no font, script or address from elsewhere."""
    lot = sha256(seed.encode()).digest()
    above, horizon, far, near, sun, ink = _PALETTES[lot[0] % len(_PALETTES)]
    sun_x, sun_y = 110 + lot[1] % 381, 120 + lot[2] % 91
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
        f'<circle cx="{sun_x}" cy="{sun_y}" r="{44 + lot[7] % 30}" fill="{sun}"/>'
        f'<path d="M0 {far_left}C160 {far_left - 90} 260 {far_right + 70} 420 {far_right - 30}'
        f'S560 {far_right - 60} 600 {far_right}V600H0Z" fill="{far}"/>'
        f'<path d="M0 {near_left}C140 {near_left + 60} 300 {near_right - 90} 600 {near_right}V600H0Z" fill="{near}"/>'
        f'<g stroke="{ink}" stroke-width="5" stroke-linecap="round" fill="none" opacity=".45">{blades}</g>'
        '<circle cx="300" cy="290" r="118" fill="#fff" fill-opacity=".86"/>'
        f'<text x="300" y="290" dy=".36em" text-anchor="middle" font-family="system-ui,sans-serif" '
        f'font-size="132" font-weight="700" fill="{ink}">{escape(_initial(title))}</text></svg>'
    )


def _initial(title: str) -> str:
    return next((sign.upper()[:1] for sign in title if sign.isalnum()), "·")


def _blade(lot: int, x: int) -> str:
    foot, lean = 560 + lot % 30, lot % 31 - 15
    return f'<path d="M{x} {foot}q{lean // 2} -{18 + lot % 17} {lean} -{34 + lot % 29}"/>'
