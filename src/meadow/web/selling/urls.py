"""Addresses of the pages about selling here."""

from django.urls import URLPattern, path

from meadow.web.selling import apply, review

urlpatterns: list[URLPattern] = [
    path("sell", apply.merchants, name="sell"),
    path("sell/<str:merchant>/payment", apply.application, name="apply_for_payment"),
    path("console/applications", review.applications, name="applications"),
    path("console/applications/<str:public_id>", review.application, name="review_application"),
    path("console/documents/<str:public_id>.webp", review.document, name="applicant_document"),
]
