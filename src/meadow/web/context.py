"""What every page's template can name."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    return {"site_name": settings.MEADOW.site_name, "sandbox": settings.MEADOW.sandbox}
