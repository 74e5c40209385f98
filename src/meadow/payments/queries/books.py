"""What our books say moved at a provider, as its statements would name it; and which day is to be looked at next."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from meadow.kernel import db
from meadow.payments.models import (
    Chargeback,
    Difference,
    Leg,
    Payment,
    PaymentPart,
    Payout,
    ProviderRefund,
    Reconciliation,
)
from meadow.payments.rules.reconciling import Booked


def booked_between(provider: str, begin: datetime, end: datetime, subjects: Collection[str]) -> list[Booked]:
    """What ended well at a provider within a time, in the subjects that its statements name."""
    found: list[Booked] = []
    for subject, (rows, field) in _sources(provider).items():
        if subject in subjects:
            found += _lines(subject, rows.filter(**{f"{field}__gte": begin, f"{field}__lt": end}))
    return found


def booked_named(provider: str, names: Iterable[tuple[str, str]]) -> list[Booked]:
    """What ended well at a provider, by subject and our reference."""
    wanted: dict[str, list[str]] = defaultdict(list)
    for subject, our_ref in names:
        wanted[subject].append(our_ref)
    found: list[Booked] = []
    for subject, (rows, _) in _sources(provider).items():
        refs = wanted.get(subject, [])
        if refs and subject == "payment":
            parts = PaymentPart.objects.filter(public_id__in=refs).values("payment_id")
            found += _lines(subject, rows.filter(Q(public_id__in=refs) | Q(pk__in=parts)))
        elif refs:
            by = "provider_ref__in" if subject == "chargeback" else "public_id__in"
            found += _lines(subject, rows.filter(**{by: refs}))
    return found


def next_day_to_reconcile(provider: str, zone: ZoneInfo, *, skips_idle: bool) -> tuple[date | None, datetime | None]:
    """The day after the last that was done, or that of the first movement; and when one that failed is due again.

    skips_idle: the next day on which something moved, there or here.
    """
    last = db.one(
        "SELECT day, done_at, retry_at FROM payments_reconciliation WHERE provider = %s ORDER BY day DESC LIMIT 1",
        [provider],
    )
    if last is not None and last["done_at"] is None:
        return last["day"], last["retry_at"]
    if last is not None and not skips_idle:
        return last["day"] + timedelta(days=1), None
    since = datetime(1, 1, 2, tzinfo=zone)
    if last is not None:
        after = last["day"] + timedelta(days=1)
        since = datetime(after.year, after.month, after.day, tzinfo=zone)
    moved: datetime | None = db.call(
        "SELECT least((SELECT min(paid_at) FROM payments_payment WHERE provider = %s AND paid_at >= %s),"
        " (SELECT min(settles_at) FROM payments_sandboxoperation WHERE provider = %s AND settles_at >= %s))",
        [provider, since, provider, since],
    )
    return (moved.astimezone(zone).date() if moved else None), None


def differences(*, state: str = "open", limit: int = 200) -> list[Difference]:
    """What books and statements tell differently, the oldest first."""
    found = Difference.objects.filter(state=state) if state else Difference.objects.all()
    return list(found.order_by("day", "pk")[:limit])


def reconciliations(limit: int = 60) -> list[Reconciliation]:
    """The newest days that were looked at."""
    return list(Reconciliation.objects.order_by("-day", "provider")[:limit])


def _sources(provider: str) -> dict[str, tuple["QuerySet[Any]", str]]:
    """Subject to the rows that ended well, and the field that says when."""
    legs = Leg.objects.filter(payment__provider=provider, state="posted", is_with_refund=False).exclude(provider_ref="")
    refunds = ProviderRefund.objects.filter(payment__provider=provider, state="posted").select_related("payment")
    return {
        "payment": (Payment.objects.filter(provider=provider, state="succeeded"), "paid_at"),
        "refund": (refunds, "ended_at"),
        "payout": (Payout.objects.filter(provider=provider, state="paid"), "ended_at"),
        "split": (legs.filter(direction__in=("split", "release")), "ended_at"),
        "return": (legs.filter(direction="return"), "ended_at"),
        "chargeback": (Chargeback.objects.filter(payment__provider=provider), "opened_at"),
    }


def _lines(subject: str, rows: "QuerySet[Any]") -> list[Booked]:
    found = list(rows)
    if subject != "payment":
        return [_line(subject, row) for row in found]
    parts: dict[int, list[PaymentPart]] = defaultdict(list)
    for part in PaymentPart.objects.filter(payment__in=[row.pk for row in found]):
        parts[part.payment_id].append(part)
    lines: list[Booked] = []
    for row in found:
        if len(parts[row.pk]) > 1:
            lines += [
                Booked(subject, part.public_id, part.provider_ref, part.amount_minor, row.currency)
                for part in parts[row.pk]
            ]
        else:
            lines.append(_line(subject, row))
    return lines


def _line(subject: str, row: Any) -> Booked:
    currency = row.payment.currency if subject == "refund" else row.currency
    our_ref = row.provider_ref if subject == "chargeback" else row.public_id
    return Booked(subject, our_ref, row.provider_ref or "", row.amount_minor, currency)
