"""Addresses of the pages about links."""

from django.urls import path

from meadow.web.links import followed, policy

urlpatterns = [
    path("out", followed.out, name="out"),
    path("links/blocked/<str:decision>", followed.blocked, name="blocked_link"),
    path("links", policy.policy, name="link_policy"),
    path("links/change", policy.change, name="change_link_policy"),
    path("links/blocked.csv", policy.export, name="blocked_hosts_csv"),
]
