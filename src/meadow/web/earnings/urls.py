"""Addresses of the pages about earnings."""

from django.urls import URLPattern, path

from meadow.web.earnings import lookup, pages

urlpatterns: list[URLPattern] = [
    path("studio/earnings", pages.earnings, name="earnings"),
    path("console/attribution", lookup.lookup, name="attribution"),
    path("console/compensation", pages.compensation, name="compensation"),
]
