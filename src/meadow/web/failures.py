"""Pages for what went wrong."""

from django.http import HttpRequest, HttpResponse

from meadow.kernel.errors import Refusal


def refusal_page(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    return HttpResponse(refusal.text("en"), status=refusal.status)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return refusal_page(request, Refusal("not_found"))


def server_error(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Something broke on our side.", status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return refusal_page(request, Refusal("forbidden"))
