"""Which door answers which address."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/", include("meadow.api.urls")),
    path("problems/", include("meadow.api.problem_urls")),
    path("admin/", admin.site.urls),
    path("", include("meadow.web.urls")),
]

handler404 = "meadow.web.failures.not_found"
handler500 = "meadow.web.failures.server_error"
