"""What our templates can ask for: addresses of static files, icons, prices, dates, the guard of a form."""

import hashlib
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path

from django import template
from django.conf import settings
from django.middleware.csrf import get_token
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from meadow.web import shown
from meadow.web.links import marks

register = template.Library()
_STATIC = Path(__file__).resolve().parents[1] / "static" / "meadow"


@register.simple_tag
@cache
def asset(name: str) -> str:
    """Address of one of our static files, with a digest of its content so that it can be kept for ever."""
    digest = hashlib.sha256(Path(f"{_STATIC}/{name}").read_bytes()).hexdigest()[:10]
    return f"{static(f'meadow/{name}')}?v={digest}"


@register.simple_tag
@cache
def icon(name: str, size: str = "") -> SafeString:
    """A drawn icon; it says nothing to a screen reader, so words stand beside it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>', size, asset("icons.svg"), name
    )


@register.simple_tag(takes_context=True)
def frame(context: template.Context, name: str) -> str:
    """A part of every page that says the same to everybody in a language; rendered once."""
    home = settings.MEADOW
    return _frame(
        name, shown.language(), context.get("tab", ""), context.get("theme", ""), home.sandbox, home.site_name
    )


@lru_cache(maxsize=256)
def _frame(name: str, language: str, tab: str, theme: str, sandbox: bool, site_name: str) -> str:
    values = {"language": language, "tab": tab, "theme": theme, "sandbox": sandbox, "site_name": site_name}
    return get_template(name).render(values)


@register.simple_tag(takes_context=True)
def guard(context: template.Context) -> SafeString:
    """The CSRF field of a form on the buying path, only where a session exists that it could protect."""
    request = context.get("request")
    if request is None or not context.get("has_session"):
        return mark_safe("")
    return format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(request))


@register.simple_tag
def price(minor: int, currency: str) -> SafeString:
    return shown.price(minor, currency)


@register.simple_tag
def money(minor: int, currency: str) -> str:
    return shown.money(minor, currency)


@register.filter
def day(moment: datetime | None) -> str:
    return shown.day(moment) if moment else ""


@register.filter
def short_day(moment: datetime | None) -> str:
    return shown.short_day(moment) if moment else ""


@register.filter
def minute(moment: datetime | None) -> str:
    return shown.minute(moment) if moment else ""


@register.filter
def initial(name: str) -> str:
    """The first character of a name, for the round face beside it."""
    return name.strip()[:1] or "·"


@register.filter
def linked(text: str, surface: str) -> SafeString:
    """What people wrote, with its addresses as links that are judged again when they are followed."""
    return marks.linked(text, surface)
