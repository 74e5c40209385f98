"""How payouts go to the bank in a file, and how the bank's answer comes back."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.errors import Refusal
from meadow.kernel.money import exponent
from meadow.payments import rules
from meadow.payments.models import Payout, PayoutBatch
from meadow.payments.rules.payouts import BankLine, ResultLine, bank_file, read_results
from meadow.payments.services.bank import holder_of, number_of
from meadow.payments.services.contracts import require_step_up
from meadow.payments.services.ends import end_payout


@dataclass(frozen=True, slots=True)
class Results:
    """What a result file did: how many it ended now, and how many it had ended before."""

    paid: int
    failed: int
    repeated: int


@dataclass(frozen=True, slots=True)
class BatchReport:
    """A bank file held against what became of its payouts; the parts add up to the whole."""

    batch: PayoutBatch
    paid_count: int
    paid_minor: int
    failed_count: int
    failed_minor: int
    open_count: int
    open_minor: int

    @property
    def is_reconciled(self) -> bool:
        """Every payout of the file has ended, and count and sum are those of the file."""
        count = self.paid_count + self.failed_count
        return (count, self.paid_minor + self.failed_minor) == (self.batch.count, self.batch.total_minor)


def export_batch(*, currency: str, by: Actor, is_stepped_up: bool) -> PayoutBatch:
    """Puts every payout that waits for the bank into one file; each goes into one file only.

    Refuses: step_up_required, currency_unknown, nothing_to_export.
    """
    require_step_up(is_stepped_up)
    exponent(currency)
    with db.atomic():
        waiting = Payout.objects.select_for_update(no_key=True, of=("self",)).filter(
            provider=rules.BANK, state="requested", currency=currency, batch=None
        )
        payouts = list(waiting.select_related("bank_account").order_by("pk")[: rules.MOST_IN_BATCH])
        if not payouts:
            raise Refusal("nothing_to_export", currency=currency)
        data = _file(payouts)
        batch = PayoutBatch.objects.create(
            currency=currency, count=len(payouts), total_minor=sum(payout.amount_minor for payout in payouts),
            digest=hashlib.sha256(data).hexdigest(), made_by_id=by.person_id, created_at=clock.now(),
        )  # fmt: skip
        for payout in payouts:
            db.move(payout, rules.PAYOUT, "submit", batch_id=batch.pk, ask_at=None)
        audit.record(
            by, "export_batch", ("payments.payout_batch", batch.pk),
            after={"count": batch.count, "total_minor": batch.total_minor, "digest": batch.digest},
        )  # fmt: skip
    return batch


def batch_file(*, public_id: str, by: Actor, is_stepped_up: bool) -> bytes:
    """The file of a batch, the same bytes however often; each reading is in the audit trail, for it names accounts.

    Refuses: step_up_required, not_found.
    """
    require_step_up(is_stepped_up)
    batch = _batch(public_id)
    payouts = Payout.objects.filter(batch=batch).select_related("bank_account").order_by("pk")
    audit.record(by, "read_batch_file", ("payments.payout_batch", batch.pk))
    return _file(list(payouts))


def import_results(*, public_id: str, data: bytes, by: Actor, is_stepped_up: bool) -> Results:
    """Takes the bank's answer in, all lines or none; a file that comes twice changes nothing the second time.

    Refuses: step_up_required, not_found, result_file_refused.
    """
    require_step_up(is_stepped_up)
    if len(data) > rules.MOST_RESULT_BYTES:
        raise Refusal("result_file_refused", line=1, why="too large")
    lines = read_results(data, most=rules.MOST_IN_BATCH)
    with db.atomic():
        batch = _batch(public_id)
        rows = Payout.objects.select_for_update(no_key=True).filter(batch=batch).order_by("pk")
        payouts = {payout.public_id: payout for payout in rows}
        counted = {"paid": 0, "failed": 0, "repeated": 0}
        for line in lines:
            counted[_take(payouts.get(line.payout), line)] += 1
        audit.record(
            by, "import_results", ("payments.payout_batch", batch.pk),
            after={**counted, "digest": hashlib.sha256(data).hexdigest()},
        )  # fmt: skip
    return Results(**counted)


def batch_report(*, public_id: str) -> BatchReport:
    """What became of a bank file.  Refuses: not_found."""
    batch = _batch(public_id)
    found = list(Payout.objects.filter(batch=batch).values_list("state", "amount_minor"))

    def part(*states: str) -> tuple[int, int]:
        amounts = [minor for state, minor in found if state in states]
        return len(amounts), sum(amounts)

    return BatchReport(batch, *part("paid"), *part("failed"), *part("pending"))


def _take(payout: Payout | None, line: ResultLine) -> str:
    """Ends one payout as the bank says.  Refuses: result_file_refused."""
    if payout is None:
        raise Refusal("result_file_refused", line=line.line, why="this payout is not in the batch")
    if (payout.amount_minor, payout.currency) != (line.minor, line.currency):
        raise Refusal("result_file_refused", line=line.line, why="amount or currency is not what was sent")
    said = "paid" if line.is_paid else "failed"
    if payout.state in rules.PAYOUT.ends:
        if payout.state != said:
            raise Refusal("result_file_refused", line=line.line, why=f"this payout is {payout.state} already")
        return "repeated"
    if line.bank_ref:
        Payout.objects.filter(pk=payout.pk).update(provider_ref=line.bank_ref)
    end_payout(payout.pk, "succeeded" if line.is_paid else "failed", why=line.reason)
    return said


def _batch(public_id: str) -> PayoutBatch:
    found = PayoutBatch.objects.filter(public_id=public_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def _file(payouts: Sequence[Payout]) -> bytes:
    lines = []
    for payout in payouts:
        account = payout.bank_account
        assert account is not None, "a payout to the bank has an account"
        lines.append(
            BankLine(
                payout.public_id, holder_of(account), account.bank, number_of(account), payout.amount_minor,
                payout.currency,
            )
        )  # fmt: skip
    return bank_file(lines)
