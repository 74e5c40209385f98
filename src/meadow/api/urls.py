"""Addresses of the API; whatever is none of them is answered here too, as a problem document."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from meadow.api import documents, openapi
from meadow.api.door import guarded, nothing_here, through_door
from meadow.api.whole import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.json", through_door(openapi.serve)),
    path("docs", documents.docs),
    path("v1/", include((guarded(api.urls[0]), "ninja"), namespace="api-v1")),
    re_path("", through_door(nothing_here)),
]
