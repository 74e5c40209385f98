"""Addresses of the pages about selling here."""

from django.urls import URLPattern, path

from meadow.web.selling import apply, desk, plans, review

urlpatterns: list[URLPattern] = [
    path("sell", apply.merchants, name="sell"),
    path("sell/<str:merchant>/payment", apply.application, name="apply_for_payment"),
    path("sell/<str:merchant>/desk", desk.desk, name="merchant_desk"),
    path("sell/<str:merchant>/plans", plans.plans, name="plans"),
    path("sell/<str:merchant>/plans/new", plans.new, name="new_plan"),
    path("sell/<str:merchant>/plans/<str:public_id>", plans.plan, name="plan"),
    path("console/applications", review.applications, name="applications"),
    path("console/applications/<str:public_id>", review.application, name="review_application"),
    path("console/documents/<str:public_id>.webp", review.document, name="applicant_document"),
]
