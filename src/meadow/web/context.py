"""What every page's template can name; nothing here touches the database."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

THEMES = ("light", "dark")


def site(request: HttpRequest) -> dict[str, Any]:
    language = "zh" if (get_language() or "en").startswith("zh") else "en"
    theme = request.COOKIES.get("theme", "")
    return {
        "site_name": settings.MEADOW.site_name,
        "sandbox": settings.MEADOW.sandbox,
        "language": language,
        "html_lang": "zh-Hans" if language == "zh" else "en",
        "theme": theme if theme in THEMES else "",
        # A browser without a session needs no CSRF token, and gets no cookie for one.
        "has_session": settings.SESSION_COOKIE_NAME in request.COOKIES,
        # Where a change of language comes back to; an answer to a form names its page itself.
        "here": request.get_full_path() if request.method in ("GET", "HEAD") else "/",
    }
