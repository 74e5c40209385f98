"""Comments below a recommendation, and the pictures that people sent."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from meadow.accounts import queries as accounts
from meadow.content import queries, services
from meadow.kernel import pictures
from meadow.kernel.errors import Refusal
from meadow.web.failures import said
from meadow.web.shop.posts import post_page
from meadow.web.visitor import person_id_of, signed_in

# A picture can be taken down, so it is kept by nobody for long.
_KEPT_SECONDS = 300


@require_POST
def comment(request: HttpRequest, public_id: str) -> HttpResponse:
    """Says something below a recommendation; what is refused stays in the form, with the reason beside it."""
    person_id, text = signed_in(request), request.POST.get("text", "")
    post = queries.recommendation(public_id)
    try:
        made = services.post_comment(recommendation_id=post.recommendation_id, person_id=person_id, text=text)
    except Refusal as refusal:
        return _again(request, public_id, refusal, text)
    if made.state == "hidden":
        messages.info(request, _("Somebody will look at your comment before others see it."))
    return redirect(f"/p/{public_id}#comments")


@require_POST
def withdraw_comment(request: HttpRequest, public_id: str, comment: str) -> HttpResponse:
    """Takes one's own comment back."""
    services.withdraw_comment(comment_id=comment, person_id=signed_in(request))
    return redirect(f"/p/{public_id}#comments")


@require_safe
def picture(request: HttpRequest, public_id: str) -> HttpResponse:
    """A picture that stands somewhere, or one's own."""
    person_id = person_id_of(request)
    is_operator = person_id is not None and accounts.is_operator(person_id)
    content, is_public = queries.shown_picture(public_id, reader_id=person_id, for_operator=is_operator)
    return picture_response(content, is_public=is_public)


def picture_response(content: bytes, *, is_public: bool) -> HttpResponse:
    """A picture as an answer that can do nothing but be looked at."""
    response = HttpResponse(content, content_type=pictures.MEDIA_TYPE)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Content-Disposition"] = "inline"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = f"public, max-age={_KEPT_SECONDS}" if is_public else "private, no-store"
    return response


def _again(request: HttpRequest, public_id: str, refusal: Refusal, text: str) -> HttpResponse:
    values: dict[str, Any] = {"says": said(refusal), "typed": text}
    return post_page(request, public_id, status=refusal.status, **values)
