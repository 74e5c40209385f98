"""What is known of tokens and clicks: what a text resolves to, the forms of a token, the clicks behind an order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from io import BytesIO

import segno
from django.conf import settings

from meadow.catalog import queries as catalog
from meadow.kernel import clock, db, signing
from meadow.kernel.errors import Refusal
from meadow.sharing import rules
from meadow.sharing.models import RefusedClick, ShareToken
from meadow.sharing.rules import ClickFacts, Origin, ViewFacts

__all__ = [
    "CandidateClick",
    "ClickFacts",
    "Origin",
    "RefusedClick",
    "Resolved",
    "ShareToken",
    "TokenForms",
    "ViewFacts",
    "address_of",
    "candidate_clicks",
    "clicks_of_creator",
    "forms",
    "landing",
    "qr_png",
    "qr_svg",
    "read_click",
    "read_view",
    "refused_clicks",
    "token",
    "tokens_of_creator",
]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a token leads to and who shared it.  problem is the code of the refusal to show beside a way on."""

    token_id: int
    public_id: str
    code: str
    state: str
    target_kind: str
    target_id: int
    shop_id: int
    product_id: int | None
    creator_id: int
    creator_public_id: str
    creator_name: str
    problem: str | None

    @property
    def is_live(self) -> bool:
        return self.problem is None

    def origin(self, surface: str = "landing") -> Origin | None:
        """Whom a view of this earns for; None once the token is dead.  A suspended creator is judged at the order."""
        if self.state != "active":
            return None
        return Origin(self.creator_id, self.shop_id, self.product_id, surface, self.token_id)


@dataclass(frozen=True, slots=True)
class TokenForms:
    """One token in every form; all lead to the same record."""

    code: str
    text: str
    digits: str
    url: str
    qr_svg: str


@dataclass(frozen=True, slots=True)
class CandidateClick:
    """A click that may have led to an order.  Its token was live when it was clicked, else it would not exist."""

    click_id: str
    token_id: int | None
    creator_id: int
    shop_id: int
    product_id: int | None
    surface: str
    at: datetime
    person_id: int | None
    carrier: str


def landing(code: str) -> Resolved | None:
    """What the short link of a code leads to; None if that is no token.  One statement."""
    number = rules.number_of_code(code)
    return None if number is None else first_live([number])


def first_live(numbers: Sequence[int]) -> Resolved | None:
    """The first of these numbers that is a live token, else the first that is a token at all.  One statement."""
    if not numbers:
        return None
    now = clock.now()
    tokens = ShareToken.objects.filter(number__in=numbers).select_related("creator")
    found = {token.number: token for token in tokens}
    known = [_resolved(found[number], now) for number in numbers if number in found]
    return next((resolved for resolved in known if resolved.is_live), known[0] if known else None)


def _resolved(of: ShareToken, now: datetime) -> Resolved:
    state = rules.state_at(of.state, of.expires_at, now)
    problem = None if state == "active" else f"token_{state}"
    if problem is None and of.creator.state != "active":
        problem = "sharer_suspended"
    return Resolved(
        token_id=of.pk, public_id=of.public_id, code=rules.code_of(of.number), state=state,
        target_kind=of.target_kind, target_id=of.target_id, shop_id=of.shop_id, product_id=of.product_id,
        creator_id=of.creator_id, creator_public_id=of.creator.public_id, creator_name=of.creator.name,
        problem=problem,
    )  # fmt: skip


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


def forms(of: ShareToken, *, language: str = "zh-hans", creator_name: str, title: str = "") -> TokenForms:
    """A token in every form, worded in a language, naming the creator and the product (or what `title` says)."""
    if not title and of.product_id is not None:
        title = catalog.cards([of.product_id])[of.product_id].title
    code, digits = rules.code_of(of.number), rules.digits_of(of.number)
    url = address_of(code)
    return TokenForms(
        code=code,
        text=rules.message(
            code, url, title=title, creator=creator_name, site=settings.MEADOW.site_name, language=language
        ),
        digits=rules.grouped(digits),
        url=url,
        qr_svg=qr_svg(url),
    )


def address_of(code: str) -> str:
    """The short link of a code."""
    return f"{settings.MEADOW.base_url}/S/{code}"


@lru_cache(maxsize=256)
def qr_svg(url: str) -> str:
    """The QR code of a short link as an inline SVG element, black on white, to be scaled by CSS."""
    drawn = _qr(url).svg_inline(border=4, light="#fff", dark="#000", omitsize=True, svgclass="qr", lineclass=None)
    return str(drawn)


@lru_cache(maxsize=256)
def qr_png(url: str, least_pixels: int = 400) -> bytes:
    """The QR code of a short link as a PNG of at least so many pixels a side."""
    code, file = _qr(url), BytesIO()
    code.save(file, kind="png", border=4, scale=-(-least_pixels // code.symbol_size(border=4)[0]))
    return file.getvalue()


def _qr(url: str) -> segno.QRCode:
    """Level H: one version larger than Q, and still read with 15 % covered, where Q is not.

    Scheme and host mean the same in upper case, which codes a letter in 5.5 bits instead of 8.
    """
    head, slashes, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return segno.make_qr(f"{head.upper()}{slashes}{host.upper()}{slash}{path}", error="h")


def read_view(text: str) -> ViewFacts | None:
    """The view that a signed text carries; None if it was forged or cut."""
    payload = signing.unsign(text, "view")
    return None if payload is None else rules.view_from(payload)


def read_click(text: str) -> ClickFacts | None:
    """The click that a signed text carries; None if it was forged or cut.  It may not be stored yet."""
    payload = signing.unsign(text, "click")
    return None if payload is None else rules.click_from(payload)


def candidate_clicks(
    *, person_id: int | None, carriers: Collection[str], shop_ids: Collection[int], since: datetime
) -> list[CandidateClick]:
    """Clicks of a person or their carriers on anything in these shops since a moment, newest first.  One statement."""
    rows = db.rows(
        "SELECT public_id AS click_id, token_id, creator_id, shop_id, product_id, surface, at, person_id, carrier "
        "FROM sharing_click WHERE (person_id = %(person)s OR (carrier = ANY(%(carriers)s) AND carrier <> '')) "
        # A view may be followed as long as a click may earn, so older partitions cannot hold a candidate.
        "AND shop_id = ANY(%(shops)s) AND at >= %(since)s AND viewed_at >= %(oldest)s "
        "ORDER BY at DESC, public_id DESC LIMIT %(limit)s",
        {
            "person": person_id, "carriers": list(carriers), "shops": list(shop_ids), "since": since,
            "oldest": since - rules.WINDOW, "limit": rules.LIMITS["candidate_clicks"],
        },
    )  # fmt: skip
    return [CandidateClick(**row) for row in rows]


def clicks_of_creator(creator_id: int, since: datetime) -> int:
    """How many clicks a creator's shares got since a moment."""
    return int(
        db.call(
            "SELECT count(*) FROM sharing_click WHERE creator_id = %s AND at >= %s AND viewed_at >= %s",
            [creator_id, since, since - rules.WINDOW],
        )
    )


def refused_clicks(limit: int = 50) -> list[RefusedClick]:
    """The newest view and click texts that were not believed."""
    return list(RefusedClick.objects.order_by("-at")[:limit])
