"""What WeChat Pay's daily trade bill says: a gzipped CSV with Chinese heads, a backtick before each value, yuan."""

import csv
import gzip
import hashlib
import io

from meadow.kernel.errors import Refusal
from meadow.kernel.money import Money, parse_decimal
from meadow.payments.adapters.protocol import ProviderDown, Stated

PAID, REFUNDED = "SUCCESS", "REFUND"
MOST_BYTES = 200_000_000


def read_trade_bill(content: bytes, *, hash_type: str, digest: str) -> list[Stated]:
    """Its payments and refunds; the sums at its end are left out.  Raises ProviderDown if it cannot be trusted.

    The fee that it names is taken from the merchants' own money, so it is no cost of the platform's.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            plain = file.read(MOST_BYTES)
        text = plain.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ProviderDown("wechatpay's statement is damaged") from error
    if hash_type == "SHA1" and hashlib.sha1(plain, usedforsecurity=False).hexdigest() != digest.lower():
        raise ProviderDown("wechatpay's statement is not the one that was announced")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    head = [name.strip() for name in rows[0]] if rows else []
    lines: list[Stated] = []
    for row in rows[1:]:
        if not row or not row[0].startswith("`"):
            break
        lines += _stated(dict(zip(head, (value.strip().lstrip("`") for value in row), strict=False)))
    return lines


def _stated(row: dict[str, str]) -> list[Stated]:
    currency = row.get("货币种类", "")
    try:
        if row.get("交易状态") == PAID:
            amount = parse_decimal(row["订单金额"], currency)
            return [Stated("payment", row["商户订单号"], row["微信订单号"], Money(amount, currency))]
        if row.get("交易状态") == REFUNDED and row.get("退款状态", "SUCCESS") == "SUCCESS":
            amount = parse_decimal(row["申请退款金额"], currency)
            return [Stated("refund", row["商户退款单号"], row["微信退款单号"], Money(amount, currency))]
    except (KeyError, Refusal) as error:
        raise ProviderDown("wechatpay's statement has a line that cannot be read") from error
    return []
