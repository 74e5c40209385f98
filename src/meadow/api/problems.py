"""How a refusal looks to a machine: RFC 9457 problem details with a stable code."""

from django.http import HttpRequest, HttpResponse, JsonResponse

from meadow.kernel.errors import Refusal


def problem(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    return JsonResponse({"code": refusal.code, "status": refusal.status}, status=refusal.status)
