"""Addresses that the `type` of a problem document names."""

from django.urls import URLPattern, URLResolver, path

from meadow.api import documents

urlpatterns: list[URLPattern | URLResolver] = [
    path("", documents.problem_list),
    path("<slug:code>", documents.problem_page),
]
