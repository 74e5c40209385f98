"""What others add to a link for their own counting: it travels on when a page of ours leads to another."""

import re

from django.http import HttpRequest
from django.utils.http import urlencode

MOST, LONGEST = 10, 200
_EXTRA = re.compile(r"utm_[a-z_]{1,20}|[a-z]{1,4}clid|spm|from|isappinstalled")


def with_extras(request: HttpRequest, target: str) -> str:
    """The address with the campaign's names and values as they came; all other additions are left behind."""
    pairs = [
        (name, str(value)[:LONGEST])
        for name, values in request.GET.lists()
        if _EXTRA.fullmatch(name)
        for value in values
    ][:MOST]
    return f"{target}{'&' if '?' in target else '?'}{urlencode(pairs)}" if pairs else target
