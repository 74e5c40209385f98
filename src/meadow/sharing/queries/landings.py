"""What tokens lead to, in one statement; and, while the database is away, what is remembered of those seen before."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import InterfaceError, OperationalError

from meadow.kernel import clock, db
from meadow.sharing import rules
from meadow.sharing.queries.partner_pages import Lead, lead_of
from meadow.sharing.rules import Origin

STATEMENT = "SELECT * FROM sharing_landings(%s::bigint[], %s)"


class LandingRow(NamedTuple):
    """A token with the faces of all that stands behind it, as `sharing_landings` tells them."""

    number: int
    token_id: int
    public_id: str
    state: str
    expires_at: datetime
    target_kind: str
    target_id: int
    creator_id: int
    shop_id: int | None
    product_id: int | None
    creator_public_id: str
    creator_name: str
    creator_state: str
    shop_public_id: str | None
    currency: str | None
    is_shop_open: bool | None
    post_public_id: str | None
    is_post_readable: bool | None
    product_public_id: str | None
    title: str | None
    version: int | None
    price_minor: int | None
    left: int | None
    is_on_sale: bool | None
    is_product_public: bool | None
    is_paid: bool

    @property
    def is_target_gone(self) -> bool:
        """Whether what was shared may not be seen any more; an ended post and a product off sale still may."""
        return self.is_post_readable is False or self.is_product_public is False


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a token leads to and who shared it.  problem is the code of the refusal to show beside a way on.

    tag names the outlet and the form that brought it here, 0 if nothing did.
    """

    row: LandingRow
    state: str
    problem: str | None
    tag: int = 0
    page: Lead | None = None  # where it leads, if that is a partner's page and not dead for another reason

    @property
    def token_id(self) -> int:
        return self.row.token_id

    @property
    def public_id(self) -> str:
        return self.row.public_id

    @property
    def code(self) -> str:
        return rules.code_of(self.row.number)

    @property
    def tagged_code(self) -> str:
        """The code with the tag it came with, so that a redirect loses nothing."""
        return self.code + rules.tag_letters(self.tag)

    @property
    def target_kind(self) -> str:
        return self.row.target_kind

    @property
    def target_id(self) -> int:
        return self.row.target_id

    @property
    def shop_id(self) -> int | None:
        return self.row.shop_id

    @property
    def product_id(self) -> int | None:
        return self.row.product_id

    @property
    def creator_id(self) -> int:
        return self.row.creator_id

    @property
    def creator_public_id(self) -> str:
        return self.row.creator_public_id

    @property
    def creator_name(self) -> str:
        return self.row.creator_name

    @property
    def is_live(self) -> bool:
        return self.problem is None

    @property
    def ad_label(self) -> bool:
        """Whether somebody earns when this is bought: then it is an advertisement and says so.

        What a partner pays nobody here knows, so its pages are always labelled.
        """
        return (self.row.is_paid or self.page is not None) and self.is_live

    def origin(self, surface: str = "landing") -> Origin | None:
        """Whom a view of this earns for; None once the token is dead.  A suspended creator is judged at the order."""
        if self.state != "active" or (self.row.shop_id is None and not self.is_live):
            return None
        row = self.row
        return Origin(row.creator_id, row.shop_id, row.product_id, surface, row.token_id, self.tag)


def landing(code: str) -> Resolved | None:
    """What the short link of a code leads to, with or without a tag; None if that is no token.  One statement."""
    number, tag = rules.read_code(code)
    return None if number is None else first_live([number], {number: tag})


def first_live(numbers: Sequence[int], tags: Mapping[int, int] | None = None) -> Resolved | None:
    """The first of these numbers that is a live token, else the first that is a token at all.

    One statement; where one leads to a partner's page, three more for the policy of this moment.
    """
    if not numbers:
        return None
    rows, now = _look_up(numbers)
    known = [_judged(resolved_of(rows[n], now, (tags or {}).get(n, 0))) for n in numbers if n in rows]
    return next((resolved for resolved in known if resolved.is_live), known[0] if known else None)


def resolved_of(row: LandingRow, now: datetime, tag: int = 0) -> Resolved:
    """The row judged at a moment."""
    state = rules.state_at(row.state, row.expires_at, now)
    problem = None if state == "active" else f"token_{state}"
    if problem is None and row.creator_state != "active":
        # Named before what follows from it: the posts of a suspended creator are hidden too.
        problem = "sharer_suspended"
    if problem is None and row.is_target_gone:
        problem = "target_gone"
    return Resolved(row, state, problem, tag)


def _judged(found: Resolved) -> Resolved:
    """With the partner's page it leads to, if it does: the link policy decides anew at every visit."""
    if found.problem is not None or found.target_kind != rules.PARTNER_PAGE:
        return found
    page = lead_of(found.target_id)
    return replace(found, page=page, problem=None if page.is_open else "page_withdrawn")


class Memory:
    """The tokens that this process resolved last, bounded.  They answer only while the database does not."""

    def __init__(self, most: int) -> None:
        self._rows: OrderedDict[int, LandingRow] = OrderedDict()
        self._lock = threading.Lock()
        self._most = most
        self.clock_offset = timedelta(0)

    def keep(self, rows: Iterable[LandingRow]) -> None:
        with self._lock:
            for row in rows:
                self._rows[row.number] = row
                self._rows.move_to_end(row.number)
            while len(self._rows) > self._most:
                self._rows.popitem(last=False)

    def forget(self, numbers: Iterable[int]) -> None:
        """What the database was asked for and did not have."""
        with self._lock:
            for number in numbers:
                self._rows.pop(number, None)

    def recall(self, numbers: Iterable[int]) -> dict[int, LandingRow]:
        with self._lock:
            return {number: self._rows[number] for number in numbers if number in self._rows}

    def clear(self) -> None:
        with self._lock:
            self._rows.clear()


memory = Memory(rules.LIMITS["tokens_remembered"])


def _look_up(numbers: Sequence[int]) -> tuple[dict[int, LandingRow], datetime]:
    """The rows of the numbers that are tokens, and the moment to judge them at."""
    try:
        now = clock.now()
        found = [LandingRow(**row) for row in db.rows(STATEMENT, [list(numbers), now])]
    except (OperationalError, InterfaceError):
        known = memory.recall(numbers)
        if not known:
            raise
        return known, clock.machine_now() + memory.clock_offset
    memory.clock_offset = now - clock.machine_now()
    memory.keep(found)
    rows = {row.number: row for row in found}
    memory.forget(number for number in numbers if number not in rows)
    return rows, now


def row_from(values: Sequence[Any]) -> LandingRow:
    """The row from its columns in their order, as a raw statement returns them."""
    return LandingRow(*values)
