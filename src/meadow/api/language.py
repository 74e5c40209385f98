"""Which language a machine's caller reads, from Accept-Language alone: no cookie, no session."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation.trans_real import parse_accept_lang_header


def language_of(request: HttpRequest) -> str:
    """ "zh" or "en"; without a usable header the installation's own language."""
    # A header of many kilobytes is nobody's wish list.
    wanted = parse_accept_lang_header(request.headers.get("Accept-Language", "")[:500].lower())
    for code, _quality in wanted:
        if code.startswith(("zh", "en")):
            return code[:2]
    return settings.MEADOW.language[:2]
