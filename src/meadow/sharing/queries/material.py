"""What a creator takes along to a channel: one token in every form that gets through there, worded and cut for it."""

from dataclasses import dataclass

from django.conf import settings

from meadow.kernel.errors import Refusal
from meadow.sharing import rules
from meadow.sharing.models import ShareToken
from meadow.sharing.queries.outlets import OutletView
from meadow.sharing.queries.tokens import address_of, title_of
from meadow.sharing.rules import Spoken


@dataclass(frozen=True, slots=True)
class Piece:
    """One form of a token for one channel: a text to copy, or a picture (a path of ours) to save."""

    form: str
    text: str = ""
    picture: str = ""
    length: int = 0


@dataclass(frozen=True, slots=True)
class Material:
    """All forms that work in a channel, the one to use first in front."""

    outlet: OutletView
    default: str
    pieces: tuple[Piece, ...]

    def piece(self, form: str) -> Piece | None:
        return next((piece for piece in self.pieces if piece.form == form), None)


def material(
    of: ShareToken, outlet: OutletView, *, language: str, creator_name: str, is_ad: bool, title: str = ""
) -> Material:
    """The material for a channel as it is now.  Refuses: outlet_closed, if nothing gets through."""
    spoken = Spoken(title or title_of(of), creator_name, settings.MEADOW.site_name, language, is_ad)
    made = [_piece(form, of, outlet, spoken) for form in outlet.forms if form not in outlet.paused]
    pieces = [piece for piece in made if piece is not None]
    if not pieces:
        raise Refusal("outlet_closed")
    first = next((piece for piece in pieces if piece.form == outlet.default), pieces[0])
    rest = (piece for piece in pieces if piece is not first)
    return Material(outlet, first.form, (first, *rest))


def _piece(form: str, of: ShareToken, outlet: OutletView, spoken: Spoken) -> Piece | None:
    """One form; None if the channel takes no text as long as it needs, or there is nothing to draw."""
    if form in ("poster", "card") and of.product_id is None:
        return None  # there is no picture of ours to draw
    tag = rules.tag_of(outlet.tag, form)
    code = rules.code_of(of.number) + rules.tag_letters(tag)
    if form in ("qr", "poster", "card"):
        name = "" if form == "qr" else f"/{form}"
        return Piece(form, picture=f"/q/{code}{name}.png")
    if form == "link":
        text = rules.link_message(address_of(code), spoken, outlet.allows)
    elif form == "text":
        text = rules.text_message(code, spoken, outlet.allows)
    else:
        text = rules.grouped(rules.digits_of(of.number), rules.tag_digits(tag))
        if outlet.allows.max_len is not None and rules.length(text, outlet.allows.unit) > outlet.allows.max_len:
            text = None
    return None if text is None else Piece(form, text=text, length=rules.length(text, outlet.allows.unit))
