"""Which small types the API's documents are made of: ids, amounts, texts, each with its bounds and an example."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Header, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, StrictInt

from meadow.api.limits import PAGE_SIZE, PAGE_SIZE_MOST
from meadow.kernel.money import EXPONENTS

_TAIL = r"_[0-9a-hjkmnp-tv-z]{20}$"
_SAMPLE = "_01jd2m4q8r6t0v3x5z7y"


def _id(prefix: str) -> Any:
    return Field(pattern=f"^{prefix}{_TAIL}", examples=[f"{prefix}{_SAMPLE}"])


PersonId = Annotated[str, _id("per")]
MerchantId = Annotated[str, _id("mer")]
CreatorId = Annotated[str, _id("cre")]
KeyId = Annotated[str, _id("key")]
InvitationId = Annotated[str, _id("inv")]
ShopId = Annotated[str, _id("shp")]
ProductId = Annotated[str, _id("prd")]
SkuId = Annotated[str, _id("sku")]
ImportId = Annotated[str, _id("imp")]
PlanId = Annotated[str, _id("pln")]
RecommendationId = Annotated[str, _id("rec")]
TokenId = Annotated[str, _id("tok")]
CheckoutId = Annotated[str, _id("chk")]
OrderId = Annotated[str, _id("ord")]
LineId = Annotated[str, _id("lin")]
RefundId = Annotated[str, _id("rfd")]
PaymentId = Annotated[str, _id("pay")]
PayoutId = Annotated[str, _id("pyo")]
ApplicationId = Annotated[str, _id("app")]
DocumentId = Annotated[str, _id("doc")]
BatchId = Annotated[str, _id("pbt")]
DifferenceId = Annotated[str, _id("dif")]
ProviderAccountId = Annotated[str, _id("pac")]
DecisionId = Annotated[str, _id("dec")]


def _known_currency(code: str) -> str:
    if code not in EXPONENTS:
        raise ValueError("use an ISO 4217 code such as CNY")
    return code


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


Currency = Annotated[str, Field(min_length=3, max_length=3, examples=["CNY"]), AfterValidator(_known_currency)]
# Amounts are whole minor units (fen, cents).  Strict: neither "5" nor true nor 5.0 is an amount.
Minor = Annotated[StrictInt, Field(ge=0, le=10**12, examples=[1000])]
PositiveMinor = Annotated[StrictInt, Field(ge=1, le=10**12, examples=[1000])]
Quantity = Annotated[StrictInt, Field(ge=1, le=9999, examples=[1])]
RateBp = Annotated[StrictInt, Field(ge=0, le=10_000, examples=[2000], description="Basis points; 2000 is 20 per cent.")]
Moment = Annotated[datetime, PlainSerializer(_iso, return_type=str), Field(examples=["2026-11-22T08:00:00.000000Z"])]
Line = Annotated[str, Field(max_length=255, examples=["Linen shirt"])]
Name = Annotated[str, Field(min_length=1, max_length=120, examples=["Ada"])]
Text = Annotated[str, Field(max_length=5000, examples=["Washes well and does not crease."])]
Email = Annotated[str, Field(min_length=3, max_length=254, examples=["ada@example.com"])]
Code = Annotated[str, Field(min_length=1, max_length=100, examples=["7KQ2-M0XA-9VTD-3H8C"])]

# What moves money elsewhere asks who is there once more: POST /me/proofs mails a code, its answer opens this.
Proof = Annotated[
    str,
    Header(
        alias="Meadow-Proof",
        max_length=500,
        description="The proof of presence that POST /me/proofs/confirm gave for the mailed code; good for ten minutes.",
    ),
]

# A path's plain number, such as a dead letter's.
Number = Annotated[int, Field(ge=1, le=2**62, examples=[1])]

# How a list is paged: the cursor of the page before, unchanged.  The defaults stand in the signature, as PAGE does.
PAGE = PAGE_SIZE
Cursor = Annotated[
    str,
    Query(max_length=1000, description="next_cursor of the page before, unchanged; leave it out at first."),
]
PageSize = Annotated[int, Query(ge=1, le=PAGE_SIZE_MOST, description="Items on a page.")]
Filter = Annotated[str, Query(max_length=64)]


class In(BaseModel):
    """A document that a caller sends: an unknown member is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Out(BaseModel):
    """A document that we send."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")


class Money(Out):
    """An amount with its currency."""

    amount_minor: int = Field(examples=[1000])
    currency: str = Field(examples=["CNY"])
