"""Addresses of the pages about links."""

from django.urls import URLPattern, path

from meadow.web.links import followed, partners, policy

urlpatterns: list[URLPattern] = [
    path("out", followed.out, name="out"),
    path("links/blocked/<str:decision>", followed.blocked, name="blocked_link"),
    path("console/links", policy.policy, name="link_policy"),
    path("console/links/partners/<str:public_id>", partners.partner, name="partner"),
]
