"""How a product file is taken in: read in pieces, judged row by row, and written all or as far as it is valid."""

import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal

from meadow.catalog import queries, rules
from meadow.catalog.feeds import Draft, Fault, Shelf, Terms, assemble, entries_of, recognise
from meadow.catalog.models import Import, ImportChunk
from meadow.catalog.services.imports.apply import apply
from meadow.catalog.services.room import require_room
from meadow.catalog.services.texts import carry_out, listing_words
from meadow.governance import queries as governance
from meadow.governance.services import TextSurface, TextVerdict, refusal_of, require_links
from meadow.kernel import audit, clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

Mode = Literal["all", "valid"]
Progress = Callable[[str, int, int], None]  # phase "reading" or "writing", rows done, rows in all (0: not known yet)
PIECE_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was refused, numbered as a spreadsheet (or by items of an XML), and why."""

    row: int
    field: str
    code: str
    message: str
    message_zh: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a file held and what came of it.  In mode "all" one rejected row keeps everything out."""

    import_id: str
    format: str
    rows: int
    products: int
    skus: int
    images: int
    rejected: list[Rejected]
    rejected_count: int
    changed: int
    is_written: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "format": self.format, "rows": self.rows, "products": self.products, "skus": self.skus,
            "images": self.images,
            "rejected": [
                {"row": each.row, "field": each.field, "code": each.code, "message": each.message}
                for each in self.rejected
            ],
        }  # fmt: skip


def import_catalog(
    *,
    shop_id: int,
    file: bytes | Path | BinaryIO,
    mode: Mode = "all",
    dry_run: bool = False,
    by: Actor = SYSTEM,
    progress: Progress | None = None,
) -> ImportReport:
    """Takes a product file into a shop, found out by its content; the same file twice changes nothing.

    Refuses: not_found, forbidden, malformed, import_too_large, import_unreadable, import_format_unknown,
    import_xml_forbidden, products_above_level.  What is wrong with single rows stands in the report instead.
    """
    record = _record(shop_id, mode, dry_run, by, state="running")
    with _opened(file) as opened:
        return _run(record, opened, progress)


def receive_import(
    *, shop_id: int, file: bytes | Path | BinaryIO, mode: Mode = "valid", dry_run: bool = False, by: Actor = SYSTEM
) -> Import:
    """Stores a file for a worker to take in; `queries.import_status` tells how far it is.

    Refuses: not_found, forbidden, malformed, import_too_large.
    """
    with _opened(file) as opened, atomic():
        record = _record(shop_id, mode, dry_run, by, state="queued")
        opened.seek(0)
        for position, piece in enumerate(iter(lambda: opened.read(PIECE_BYTES), b"")):
            ImportChunk.objects.create(of=record, position=position, data=piece)
    return record


def run_import(*, import_id: int) -> ImportReport | None:
    """A worker takes in a received file.  Nothing, if another worker is at it; one that went silent is taken over."""
    silent = clock.machine_now() - rules.IMPORT_LEASE
    waiting = Import.objects.filter(pk=import_id, state="queued")
    stale = Import.objects.filter(pk=import_id, state="running", touched_at__lt=silent)
    if not (waiting | stale).update(state="running", touched_at=clock.machine_now()):
        return None
    record = Import.objects.get(pk=import_id)
    with tempfile.TemporaryFile() as opened:
        for piece in ImportChunk.objects.filter(of=record).order_by("position").iterator(8):
            opened.write(piece.data)
        if not opened.tell():
            return _end(record, "failed")  # its file came with a call that died: the sender has to send it again
        try:
            return _run(record, opened, None)
        except Refusal:
            return None  # it stands in the import's record


def _record(shop_id: int, mode: Mode, dry_run: bool, by: Actor, *, state: str) -> Import:
    if mode not in rules.IMPORT_MODES:
        raise Refusal("malformed", field="mode", why="all or valid")
    with atomic():
        shop = queries.kept_shop(shop_id, by)
        record = Import.objects.create(
            shop=shop, by_id=by.person_id, mode=mode, is_dry_run=dry_run, state=state, touched_at=clock.machine_now()
        )
        audit.record(by, "import_catalog", ("catalog.shop", shop.pk), after={"import": record.public_id, "mode": mode})
    return record


@contextmanager
def _opened(file: bytes | Path | BinaryIO) -> Iterator[BinaryIO]:
    """The file as something seekable.  Refuses: import_too_large."""
    opened: BinaryIO
    if isinstance(file, bytes):
        opened = io.BytesIO(file)
    elif isinstance(file, Path):
        opened = file.open("rb")
    else:
        opened = file
    try:
        size = opened.seek(0, io.SEEK_END)
        if size > rules.LIMITS["import_bytes"]:
            raise Refusal("import_too_large", limit=rules.LIMITS["import_bytes"])
        opened.seek(0)
        yield opened
    finally:
        if opened is not file:
            opened.close()


def _run(record: Import, opened: BinaryIO, progress: Progress | None) -> ImportReport:
    try:
        source = recognise(opened)
        record.format = source.format
        terms = Terms(record.shop.currency, clock.now())
        tell = _Teller(record, progress)
        with Shelf() as shelf:
            for rows in shelf.lay(entries_of(opened, source, terms)):
                tell("reading", rows)
            tell.rows = shelf.rows
            return _Work(record, shelf, tell).done()
    except Refusal as refusal:
        whole = Fault(0, "file", refusal.code, refusal.params)
        _end(record, "refused", rejected=[whole], rejected_count=1)
        raise
    except Exception:
        _end(record, "failed")
        raise


class _Teller:
    """Tells how far it is, now and then: in the import's own row, in a transaction of its own, and to the caller."""

    EVERY = timedelta(seconds=1)

    def __init__(self, record: Import, progress: Progress | None) -> None:
        self._record, self._progress = record, progress
        self._next = clock.machine_now()
        self.rows = 0
        self.is_quiet = False  # inside a long transaction the import's row must not be locked

    def __call__(self, phase: str, done: int) -> None:
        if self._progress:
            self._progress(phase, done, self.rows)
        now = clock.machine_now()
        if now >= self._next and not self.is_quiet:
            self._next = now + self.EVERY
            rows = self.rows or done
            Import.objects.filter(pk=self._record.pk).update(
                touched_at=now, format=self._record.format, rows=rows, rows_done=done if self.rows else 0
            )


class _Work:
    """One pass over the products of a file."""

    def __init__(self, record: Import, shelf: Shelf, tell: _Teller) -> None:
        self.record, self.shelf, self.tell = record, shelf, tell
        self.screen, self.allowed = governance.screen_in_force(), governance.allowlist()
        self.verdicts: dict[str, TextVerdict] = {}
        self.links_told = 0
        self.had = queries.on_sale_of_merchant(record.shop.merchant_id)
        self._start()

    def _start(self) -> None:
        self.products = self.skus = self.images = self.changed = self.rows_done = self.rejected_count = 0
        self.faults: list[Fault] = []

    def done(self) -> ImportReport:
        """In mode "all" the whole file is judged before anything is written, and written in one transaction."""
        if self.record.is_dry_run:
            self._pass(write=False)
        elif self.record.mode == "valid":
            self._pass(write=True)
        else:
            self._pass(write=False)
            if self.rejected_count:
                self.products = self.skus = self.images = 0
                return self._report("refused", is_written=False)
            self._start()
            self.tell.is_quiet = True
            with atomic():
                self._pass(write=True)
                self._require_room()
        return self._report("done", is_written=not self.record.is_dry_run)

    def _pass(self, *, write: bool) -> None:
        drafts = self._drafts()
        size = rules.LIMITS["import_chunk_products"]
        while piece := list(islice(drafts, size)):
            if write:
                with atomic():
                    self.changed += apply(self.record.shop_id, piece)
                    self._carry_out(piece)
                    if self.record.mode == "valid":
                        self._require_room()
            self.tell("writing" if write else "checking", self.rows_done)

    def _drafts(self) -> Iterator[Draft]:
        for group in self.shelf.groups():
            draft, faults = assemble(group)
            self.rows_done += len(group)
            self._note(faults)
            if draft and (refused := self._judged(draft)):
                self._note([refused])
            elif draft:
                self.products += 1
                self.skus += len(draft.skus)
                self.images += len(draft.pictures)
                yield draft

    def _judged(self, draft: Draft) -> Fault | None:
        """What stands against a product's words; a verdict that asks for more is kept for when it is written."""
        options = (value for sku in draft.skus for value in (sku.option1, sku.option2, sku.option3))
        judged = islice(options, rules.LIMITS["judged_options"])
        words = listing_words(draft.title, draft.description, draft.vendor, draft.tags, judged)
        verdict = governance.judge_text(
            TextSurface.LISTING, words, category=draft.category, merchant_id=self.record.shop.merchant_id,
            screen=self.screen,
        )  # fmt: skip
        if verdict.verdict == "block":
            return Fault(draft.row, "title", "text_refused", refusal_of(verdict).params)
        if link := governance.blocked_in(f"{words}\n{draft.category}", "listing", self.allowed):
            return Fault(draft.row, "description", "link_blocked", self._told(*link))
        if verdict.verdict == "review" or verdict.licences:
            self.verdicts[draft.handle] = verdict
        return None

    def _told(self, raw: str, made: governance.LinkDecision) -> dict[str, Any]:
        """The rule behind a blocked address, with its decision to appeal to.  A file full of them is told by the first few.

        A row that is refused is judged outside of every transaction, so the decision stays.
        """
        if not self.record.is_dry_run and self.links_told < rules.LIMITS["links_told"]:
            self.links_told += 1
            by = Actor("person", self.record.by_id) if self.record.by_id else SYSTEM
            try:
                require_links(surface="listing", subject=("catalog.shop", self.record.shop_id), urls=[raw], by=by)
            except Refusal as refusal:
                return refusal.params
        return {"host": made.host or "?", "rule": made.rule, "reason": made.reason_en, "reason_zh": made.reason_zh}

    def _carry_out(self, piece: list[Draft]) -> None:
        """Hides what needs a look in the transaction that wrote it."""
        asked = [draft.handle for draft in piece if draft.handle in self.verdicts]
        for handle, product_id in sorted(queries.ids_by_handle(self.record.shop_id, asked).items()) if asked else ():
            carry_out(
                product_id=product_id, merchant_id=self.record.shop.merchant_id, verdict=self.verdicts.pop(handle)
            )

    def _require_room(self) -> None:
        by = Actor("person", self.record.by_id) if self.record.by_id else SYSTEM
        require_room(merchant_id=self.record.shop.merchant_id, by=by, had=self.had)

    def _note(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self.rejected_count += 1
            if len(self.faults) < rules.LIMITS["import_errors_kept"]:
                self.faults.append(fault)

    def _report(self, state: str, *, is_written: bool) -> ImportReport:
        self.faults.sort(key=lambda fault: fault.row)
        return _end(
            self.record, state, is_written=is_written, rows=self.shelf.rows, products=self.products, skus=self.skus,
            images=self.images, changed=self.changed, rejected=self.faults, rejected_count=self.rejected_count,
        )  # fmt: skip


def _end(
    record: Import,
    state: str,
    *,
    is_written: bool = False,
    rows: int = 0,
    products: int = 0,
    skus: int = 0,
    images: int = 0,
    changed: int = 0,
    rejected: Iterable[Fault] = (),
    rejected_count: int = 0,
) -> ImportReport:
    """Writes down what came of an import and lets its file go."""
    named = [_rejected(fault) for fault in rejected]
    with atomic():
        Import.objects.filter(pk=record.pk).update(
            state=state, format=record.format, rows=rows, rows_done=rows, products=products, skus=skus, images=images,
            changed=changed, rejected_count=rejected_count, ended_at=clock.now(), touched_at=clock.machine_now(),
            rejected=[
                {"row": each.row, "field": each.field, "code": each.code, "message": each.message,
                 "message_zh": each.message_zh} for each in named
            ],
        )  # fmt: skip
        ImportChunk.objects.filter(of=record).delete()
    return ImportReport(
        record.public_id, record.format, rows, products, skus, images, named, rejected_count, changed, is_written
    )


def _rejected(fault: Fault) -> Rejected:
    said = Refusal(fault.code, **fault.params)
    return Rejected(fault.row, fault.field, fault.code, said.text("en"), said.text("zh"))
