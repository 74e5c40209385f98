"""Addresses of the pages about money."""

from django.urls import URLPattern, path

from meadow.web.money import days, debts, mine, months, payouts, presence, providers

urlpatterns: list[URLPattern] = [
    path("me/prove", presence.prove, name="prove"),
    path("me/money", mine.parties, name="my_money"),
    path("me/money/<str:kind>/<str:public_id>", mine.party, name="party_money"),
    path("me/money/<str:kind>/<str:public_id>/months", months.months, name="money_months"),
    path("me/money/<str:kind>/<str:public_id>/months/<str:month>.csv", months.file, name="money_month_file"),
    path("console/providers", providers.providers, name="providers"),
    path("console/payouts", payouts.payouts, name="payouts"),
    path("console/payouts/<str:batch>.csv", payouts.file, name="payout_file"),
    path("console/debts", debts.debts, name="debts"),
    path("console/reconciliation", days.days, name="reconciliation"),
]
