"""The address of one of our pages, for mails and notices."""

from django.conf import settings
from django.urls import reverse


def link(name: str, *args: str) -> str:
    """The whole address of a page by its route's name.

    Looks among the pages only: a worker that mails links need not load the API, which takes seconds.
    """
    return f"{settings.MEADOW.base_url}{reverse(name, urlconf=settings.PAGES_URLCONF, args=args)}"
