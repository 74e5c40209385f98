"""Who may be paid where: names that must agree, account numbers, and files for the bank that no spreadsheet can run."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from meadow.kernel.errors import Refusal
from meadow.kernel.money import decimal_text, parse_decimal

_NUMBER = re.compile(r"[A-Z0-9]{6,34}\Z")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
FILE_COLUMNS = ("payout", "name", "bank", "account", "amount", "currency")
RESULT_COLUMNS = ("payout", "amount", "currency", "result", "bank_ref", "reason")
MOST_NAME = 80


@dataclass(frozen=True, slots=True)
class BankLine:
    """One payout as the bank reads it."""

    payout: str
    name: str
    bank: str
    account: str
    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class ResultLine:
    """What the bank says of one payout; line is its place in the file."""

    line: int
    payout: str
    minor: int
    currency: str
    is_paid: bool
    bank_ref: str
    reason: str


def same_name(one: str, other: str) -> bool:
    """Whether two spellings are one name: width, case, spaces and the dots within names aside."""
    return bool(_plain(one)) and _plain(one) == _plain(other)


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in folded if not (c.isspace() or unicodedata.category(c) in ("Po", "Pd", "Cf", "Mn")))


def check_details(holder: str, bank: str, number: str) -> tuple[str, str, str]:
    """The details, tidied.  Refuses: bank_details_refused."""
    holder, bank = (" ".join(unicodedata.normalize("NFC", text).split()) for text in (holder, bank))
    number = "".join(unicodedata.normalize("NFKC", number).upper().split()).replace("-", "")
    for field, text in (("holder", holder), ("bank", bank)):
        if not 1 < len(text) <= MOST_NAME or any(unicodedata.category(c)[0] == "C" for c in text):
            raise Refusal("bank_details_refused", field=field)
    if not _NUMBER.match(number):
        raise Refusal("bank_details_refused", field="number")
    return holder, bank, number


def bank_file(lines: Iterable[BankLine]) -> bytes:
    """A CSV for the bank, UTF-8 with a mark so that spreadsheets read Chinese.

    A tab keeps long numbers whole in a spreadsheet, and an apostrophe keeps any text from being run as a formula.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(FILE_COLUMNS)
    for line in lines:
        amount = decimal_text(line.minor, line.currency)
        writer.writerow([line.payout, cell(line.name), cell(line.bank), f"\t{line.account}", amount, line.currency])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def read_results(data: bytes, *, most: int) -> list[ResultLine]:
    """The lines of the bank's answer, checked one by one.  Refuses: result_file_refused."""
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        raise Refusal("result_file_refused", line=1, why="not a CSV in UTF-8") from None
    head = [name.strip().lower() for name in rows[0]] if rows else []
    if missing := [name for name in ("payout", "amount", "currency", "result") if name not in head]:
        raise Refusal("result_file_refused", line=1, why=f"no column {missing[0]}")
    if len(rows) > most + 1:
        raise Refusal("result_file_refused", line=most + 2, why=f"more than {most} lines")
    found: dict[str, ResultLine] = {}
    for number, row in enumerate(rows[1:], 2):
        if any(value.strip() for value in row):
            line = _result(number, dict(zip(head, (value.strip().lstrip("'") for value in row), strict=False)))
            if line.payout in found:
                raise Refusal("result_file_refused", line=number, why="this payout stands there twice")
            found[line.payout] = line
    return list(found.values())


def _result(number: int, row: dict[str, str]) -> ResultLine:
    result = row.get("result", "").lower()
    if result not in ("paid", "failed"):
        raise Refusal("result_file_refused", line=number, why="result is paid or failed")
    currency = row.get("currency", "").upper()
    try:
        minor = parse_decimal(row.get("amount", ""), currency)
    except Refusal:
        raise Refusal("result_file_refused", line=number, why="amount or currency cannot be read") from None
    return ResultLine(
        number, row.get("payout", ""), minor, currency, result == "paid", row.get("bank_ref", "")[:128],
        row.get("reason", "")[:200],
    )  # fmt: skip
