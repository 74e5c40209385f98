"""Which tables hold the money: accounts, postings made of transfers, holds, and the sums that reading starts from.

Written by the SQL functions of migration 0002 alone; its triggers refuse a change of what was posted.
"""

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from meadow.ledger import rules


class Account(models.Model):
    """A name and a currency that money moves between.

    Party accounts keep a running balance with a floor (or a ceiling, for receivables).  System accounts, which every
    order shares, keep none, so that orders never queue on one row: their balance is summed from transfers.
    """

    name = models.CharField(max_length=96)
    currency = models.CharField(max_length=3)
    # Locks are taken in (lock_rank, id) order: what nobody else wants first, what everybody wants last.
    lock_rank = models.SmallIntegerField()
    balance_minor = models.BigIntegerField(null=True)
    held_minor = models.BigIntegerField(null=True)
    floor_minor = models.BigIntegerField(null=True)
    ceiling_minor = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "currency"], name="ledger_account_name"),
            models.CheckConstraint(
                name="ledger_account_floor", condition=Q(balance_minor__gte=F("floor_minor") + F("held_minor"))
            ),
            models.CheckConstraint(name="ledger_account_ceiling", condition=Q(balance_minor__lte=F("ceiling_minor"))),
            models.CheckConstraint(name="ledger_account_held", condition=Q(held_minor__gte=0)),
            models.CheckConstraint(
                name="ledger_account_kept",
                condition=Q(
                    balance_minor__isnull=True,
                    held_minor__isnull=True,
                    floor_minor__isnull=True,
                    ceiling_minor__isnull=True,
                )
                | Q(balance_minor__isnull=False, held_minor__isnull=False, floor_minor__isnull=False)
                | Q(balance_minor__isnull=False, held_minor=0, ceiling_minor__isnull=False),
            ),
        ]
        # Who owes something is looked for among these; the balance is not part of it, so that it changes cheaply.
        indexes: ClassVar = [
            models.Index(fields=["id"], name="ledger_account_debts", condition=Q(name__endswith=":receivable"))
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.currency}"


class Posting(models.Model):
    """Transfers that stand or fall together, with their one cause; `key` and `inputs_hash` make a repeat harmless."""

    key = models.CharField(max_length=160, unique=True)
    inputs_hash = models.BinaryField(max_length=32)
    cause_kind = models.CharField(max_length=48)
    cause_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=32)
    note = models.JSONField(null=True)
    # A correction is a posting of its own that names what it reverses; the unique link allows only one.
    reverses = models.OneToOneField("ledger.Posting", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            # The platform's fees are taken when an order is released: that names the rule which sets them.
            models.CheckConstraint(
                name="ledger_fees_cite_a_rule",
                condition=~Q(kind="settle")
                | ~Q(cause_kind="trade.order")
                | Q(note__isnull=False, note__has_key="rule"),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["cause_kind", "cause_id"], name="ledger_posting_cause"),
            # Postings come in the order of time, so a few pages of this find a month among millions.
            BrinIndex(fields=["at"], name="ledger_posting_at"),
        ]

    def __str__(self) -> str:
        return self.key


class Transfer(models.Model):
    """One amount from one account to another, so that balance is structural.

    source and target are checked by a trigger, which also compares currencies: a foreign key would lock the rows of
    the accounts that all orders share.
    """

    posting = models.ForeignKey("ledger.Posting", models.PROTECT, related_name="+")
    source = models.ForeignKey("ledger.Account", models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    target = models.ForeignKey("ledger.Account", models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="ledger_transfer_amount", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(name="ledger_transfer_moves", condition=~Q(source=F("target"))),
        ]
        indexes: ClassVar = [
            models.Index(fields=["source", "id"], name="ledger_transfer_out"),
            models.Index(fields=["target", "id"], name="ledger_transfer_in"),
        ]


class Hold(models.Model):
    """Money of an account set apart for a cause until a moment; it still belongs to the account."""

    key = models.CharField(max_length=176, unique=True)
    account = models.ForeignKey("ledger.Account", models.PROTECT, related_name="+", db_index=False)
    amount_minor = models.BigIntegerField()
    remaining_minor = models.BigIntegerField()
    cause_kind = models.CharField(max_length=48)
    cause_id = models.CharField(max_length=64)
    state = models.CharField(max_length=16, default=rules.HOLD.start)
    placed_at = models.DateTimeField()
    until = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="ledger_hold_amount", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="ledger_hold_rest",
                condition=Q(remaining_minor__gte=0, remaining_minor__lte=F("amount_minor")),
            ),
            models.CheckConstraint(name="ledger_hold_state", condition=Q(state__in=rules.HOLD.states)),
            models.CheckConstraint(
                name="ledger_hold_open",
                condition=Q(state="open", remaining_minor__gt=0, closed_at__isnull=True)
                | Q(~Q(state="open"), closed_at__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["until", "id"], name="ledger_hold_due", condition=Q(state="open")),
            models.Index(
                fields=["account", "cause_kind", "cause_id"], name="ledger_hold_of", condition=Q(state="open")
            ),
            models.Index(fields=["cause_kind", "cause_id"], name="ledger_hold_cause"),
        ]


class Snapshot(models.Model):
    """What a system account held up to the watermark, so that reading it sums only the transfers since."""

    account = models.OneToOneField("ledger.Account", models.PROTECT, primary_key=True, related_name="+")
    balance_minor = models.BigIntegerField()


class Watermark(models.Model):
    """Up to which transfer the snapshots reach; one row.

    Ids are drawn before they are committed, so the next mark waits until every transaction that ran when it was
    drawn (those below `fence`) has ended.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    upto_id = models.BigIntegerField(default=0)
    next_id = models.BigIntegerField(default=0)
    fence = models.BigIntegerField(default=0)
    taken_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="ledger_watermark_one_row"),
            models.CheckConstraint(condition=Q(next_id__gte=F("upto_id")), name="ledger_watermark_forwards"),
        ]


class ClosedMonth(models.Model):
    """A month whose statements are made: what was posted in it does not change any more."""

    month = models.DateField(primary_key=True)  # its first day, in the installation's time zone
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    closed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class Statement(models.Model):
    """What moved on a party's account in a month.  It recomputes from the transfers, line by line."""

    account = models.ForeignKey("ledger.Account", models.PROTECT, related_name="+", db_index=False)
    month = models.ForeignKey("ledger.ClosedMonth", models.PROTECT, related_name="+", db_index=False)
    opening_minor = models.BigIntegerField()
    in_minor = models.BigIntegerField()
    out_minor = models.BigIntegerField()
    closing_minor = models.BigIntegerField()
    entries = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "month"], name="ledger_statement_once"),
            models.CheckConstraint(
                name="ledger_statement_sums",
                condition=Q(closing_minor=F("opening_minor") + F("in_minor") - F("out_minor")),
            ),
        ]

    def __str__(self) -> str:
        return f"account {self.account_id} in {self.month_id}"
