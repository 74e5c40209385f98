"""The poster and the share cards of a token: drawn once per text, price and day."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date
from babel.numbers import format_currency
from django.conf import settings
from django.utils import timezone

from meadow.kernel import clock
from meadow.kernel.errors import Refusal
from meadow.kernel.money import exponent
from meadow.sharing import rules
from meadow.sharing.drawing import posters
from meadow.sharing.drawing.fonts import can_shape, has_chinese
from meadow.sharing.drawing.posters import Words
from meadow.sharing.queries.landings import Resolved
from meadow.sharing.queries.tokens import address_of, qr_code

__all__ = ["PICTURES", "can_shape", "has_chinese", "share_picture"]

PICTURES = tuple(posters.LAYOUTS)
_LOCALES = {"zh": "zh_Hans_CN", "en": "en"}
_SAYS = {
    "zh": {"as_of": "{date} 的价格", "by": "{creator} 推荐", "ad": "广告"},
    "en": {"as_of": "Price as of {date}", "by": "Recommended by {creator}", "ad": "Ad"},
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """All that a picture depends on; the same again is not drawn again."""

    name: str
    words: Words
    url: str
    seed: str


def share_picture(of: Resolved, name: str, *, language: str) -> bytes:
    """A poster, card or square of a live token as a PNG.  Refuses: not_found, and why the token is dead."""
    if name not in posters.LAYOUTS or of.row.product_public_id is None:
        raise Refusal("not_found")
    if of.problem is not None:
        raise Refusal(of.problem)
    tongue = "zh" if language.startswith("zh") else "en"
    words = _words(of, tongue, timezone.localdate(clock.now()))
    return _drawn(_Wanted(name, words, address_of(of.tagged_code), of.row.product_public_id))


@lru_cache(maxsize=64)
def _drawn(wanted: _Wanted) -> bytes:
    matrix = [list(row) for row in qr_code(wanted.url).matrix_iter(border=4)]
    return posters.png(wanted.name, wanted.words, matrix, wanted.seed)


def _words(of: Resolved, tongue: str, today: date) -> Words:
    says, locale = _SAYS[tongue], _LOCALES[tongue]
    minor, currency = of.row.price_minor or 0, of.row.currency or settings.MEADOW.currency
    amount = Decimal(minor).scaleb(-exponent(currency))
    has_digits = rules.read_tag(of.tag)[1] == "poster"
    return Words(
        title=of.row.title or "",
        price=format_currency(amount, currency, locale=locale),
        price_as_of=says["as_of"].format(date=format_date(today, "long", locale=locale)),
        by=says["by"].format(creator=" ".join(of.creator_name.split())),
        site=settings.MEADOW.site_name,
        ad_label=says["ad"] if of.ad_label else "",
        digits=rules.grouped(rules.digits_of(of.row.number), rules.tag_digits(of.tag)) if has_digits else "",
    )
