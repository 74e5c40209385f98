"""A creator's tokens and the forms of one: text, digits, short link, QR code."""

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import segno
from django.conf import settings

from meadow.catalog import queries as catalog
from meadow.governance import queries as governance
from meadow.kernel import clock
from meadow.kernel.errors import Refusal
from meadow.sharing import rules
from meadow.sharing.models import ShareToken
from meadow.sharing.queries.partner_pages import partner_page


@dataclass(frozen=True, slots=True)
class TokenForms:
    """One token in every form; all lead to the same record."""

    code: str
    text: str
    digits: str
    url: str
    qr_svg: str


def token(token_id: int | str, *, creator_id: int | None = None) -> ShareToken:
    """A token by id or public id, of this creator if one is named.  Refuses: not_found."""
    wanted = ShareToken.objects.filter(**{"public_id" if isinstance(token_id, str) else "pk": token_id})
    if creator_id is not None:
        wanted = wanted.filter(creator_id=creator_id)
    found = wanted.first()
    if found is None:
        raise Refusal("not_found")
    return found


def tokens_of_creator(creator_id: int, limit: int = 50) -> list[ShareToken]:
    """A creator's newest tokens."""
    return list(ShareToken.objects.filter(creator_id=creator_id).order_by("-id")[:limit])


def state_now(of: ShareToken) -> str:
    """A token's state at this moment."""
    return rules.state_at(of.state, of.expires_at, clock.now())


def blocking_decision(of: ShareToken) -> str | None:
    """The public id of the decision that blocks a token, for whoever wants to appeal."""
    if of.state != "blocked" or of.blocked_by is None:
        return None
    try:
        return str(governance.decision(of.blocked_by).public_id)
    except Refusal:
        return None


def title_of(of: ShareToken) -> str:
    """What a token is about, in a few words: the product's title, or whose page it is."""
    if of.product_id is not None:
        return str(catalog.cards([of.product_id])[of.product_id].title)
    if of.target_kind == rules.PARTNER_PAGE:
        return str(governance.partner(partner_page(of.target_id).partner).name)
    return str(catalog.shop(of.shop_id).name) if of.shop_id is not None else ""


def forms(
    of: ShareToken, *, language: str = "zh-hans", creator_name: str, title: str = "", is_ad: bool = False
) -> TokenForms:
    """A token in every form, worded in a language, naming the creator and the product (or what `title` says)."""
    title = title or title_of(of)
    code, digits = rules.code_of(of.number), rules.digits_of(of.number)
    url = address_of(code)
    return TokenForms(
        code=code,
        text=rules.message(
            code,
            url,
            title=title,
            creator=creator_name,
            site=settings.MEADOW.site_name,
            language=language,
            is_ad=is_ad,
        ),
        digits=rules.grouped(digits),
        url=url,
        qr_svg=qr_svg(url),
    )


def address_of(code: str) -> str:
    """The short link of a code, with the tag that may stand behind it."""
    return f"{settings.MEADOW.base_url}/S/{code}"


@lru_cache(maxsize=256)
def qr_svg(url: str) -> str:
    """The QR code of a short link as an inline SVG element, black on white, to be scaled by CSS."""
    drawn = qr_code(url).svg_inline(border=4, light="#fff", dark="#000", omitsize=True, svgclass="qr", lineclass=None)
    return str(drawn)


@lru_cache(maxsize=256)
def qr_png(url: str, least_pixels: int = 400) -> bytes:
    """The QR code of a short link as a PNG of at least so many pixels a side."""
    code, file = qr_code(url), BytesIO()
    code.save(file, kind="png", border=4, scale=-(-least_pixels // code.symbol_size(border=4)[0]))
    return file.getvalue()


def qr_code(url: str) -> segno.QRCode:
    """Level H: one version larger than Q, and still read with 15 % covered, where Q is not.

    Scheme and host mean the same in upper case, which codes a letter in 5.5 bits instead of 8.
    """
    head, slashes, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return segno.make_qr(f"{head.upper()}{slashes}{host.upper()}{slash}{path}", error="h")
