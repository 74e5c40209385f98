"""How amounts, dates and times read to a person, in their language and time zone."""

import re
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from meadow.kernel.money import exponent

_LOCALES = {"zh": "zh_Hans_CN", "en": "en"}
_PARTS = re.compile(r"(\D*)([\d,.\u00a0\u202f]*?)([.,]\d+)?(\D*)\Z")


def language() -> str:
    """The page's language: zh or en."""
    return "zh" if (get_language() or "en").startswith("zh") else "en"


def money(minor: int, currency: str) -> str:
    """An amount with its currency, such as ¥12.50."""
    return _money(minor, currency, language())


def price(minor: int, currency: str) -> SafeString:
    """An amount as markup, with the currency and the fraction small beside the big number."""
    return _price(minor, currency, language())


def day(moment: datetime) -> str:
    """A date, such as 3 Dec 2026 or 2026年12月3日."""
    return format_date(timezone.localtime(moment).date(), "medium", locale=_LOCALES[language()])


def short_day(moment: datetime) -> str:
    """A date without its year, such as Dec 3 or 12月3日."""
    return format_skeleton("MMMd", timezone.localtime(moment), locale=_LOCALES[language()])


def minute(moment: datetime) -> str:
    """A date with the time of day."""
    local, locale = timezone.localtime(moment), _LOCALES[language()]
    # Babel knows no date with hours and minutes alone; seconds tell a reader nothing.
    between = " " if language() == "zh" else ", "
    return f"{format_date(local, 'medium', locale=locale)}{between}{format_time(local, 'short', locale=locale)}"


# CLDR formatting takes tens of microseconds, and a page shows the same few hundred prices again and again.
@lru_cache(maxsize=65_536)
def _money(minor: int, currency: str, lang: str) -> str:
    amount = Decimal(minor).scaleb(-exponent(currency))
    return format_currency(amount, currency, locale=_LOCALES[lang])


@lru_cache(maxsize=65_536)
def _price(minor: int, currency: str, lang: str) -> SafeString:
    text = _money(minor, currency, lang)
    match = _PARTS.match(text)
    if match is None:
        return format_html('<span class="price">{}</span>', text)
    before, whole, fraction, after = (part or "" for part in match.groups())
    small = [format_html("<small>{}</small>", part) if part else mark_safe("") for part in (before, fraction + after)]
    return format_html('<span class="price">{}{}{}</span>', small[0], whole, small[1])
