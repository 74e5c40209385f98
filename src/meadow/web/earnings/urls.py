"""Addresses of the pages about earnings."""

from django.urls import URLPattern, path

from meadow.web.earnings import pages

urlpatterns: list[URLPattern] = [
    path("studio/earnings", pages.earnings, name="earnings"),
    path("console/compensation", pages.compensation, name="compensation"),
]
