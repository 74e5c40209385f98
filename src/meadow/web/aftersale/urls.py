"""Addresses of the pages after a sale."""

from django.urls import URLPattern, path

from meadow.web.aftersale import buyer, desk, freight, seller

urlpatterns: list[URLPattern] = [
    path("o/<str:ref>/extend", buyer.extend, name="extend_receipt"),
    path("o/<str:ref>/claims/new", buyer.new_claim, name="new_claim"),
    path("o/<str:ref>/claims/<str:public_id>", buyer.claim, name="order_claim"),
    path("o/<str:ref>/evidence/<str:public_id>", buyer.order_picture, name="order_evidence"),
    path("evidence/<str:public_id>", buyer.picture, name="evidence"),
    path("claims/<str:public_id>", seller.claim, name="claim"),
    path("sold", seller.sales, name="sales"),
    path("sold/shipping", freight.shipping, name="shipping"),
    path("sold/claims", seller.claims, name="sold_claims"),
    path("sold/<str:public_id>", seller.sale, name="sale"),
    path("console/claims", desk.desk, name="claims_desk"),
    path("console/disputes/<str:public_id>", desk.rule, name="rule_dispute"),
    path("console/freezes/<str:public_id>", desk.freeze, name="freeze"),
    path("console/doubts/<str:public_id>", desk.clear, name="clear_tracking"),
]
