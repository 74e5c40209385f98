"""Which rows of a file belong to one product, wherever they stand in it, without holding the file in memory."""

import pickle
import sqlite3
from collections.abc import Iterable, Iterator
from types import TracebackType

from meadow.catalog.feeds.shapes import Entry

BATCH = 2_000


class Shelf:
    """Rows laid down once and taken up by product, as often as needed.

    A nameless SQLite database is a temporary file that its process alone sees; its cache bounds the memory.
    """

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA cache_size = -4000")
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute("CREATE TABLE entry (n INTEGER PRIMARY KEY, product TEXT, body BLOB)")
        self._file.execute("CREATE TABLE also (name TEXT PRIMARY KEY, product TEXT)")
        self.rows = 0

    def __enter__(self) -> "Shelf":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def lay(self, entries: Iterable[Entry]) -> Iterator[int]:
        """Lays down all entries, telling after each batch how many there are."""
        batch: list[Entry] = []
        for entry in entries:
            batch.append(entry)
            if len(batch) == BATCH:
                self._write(batch)
                batch = []
                yield self.rows
        self._write(batch)
        # Rows of one product mostly stand together, so the order of its first row is nearly the order of the file.
        self._file.execute(
            "CREATE TABLE place AS SELECT coalesce(a.product, e.product) AS product, min(n) AS first "
            "FROM entry e LEFT JOIN also a ON a.name = e.product GROUP BY 1"
        )
        self._file.execute("CREATE UNIQUE INDEX place_of ON place (product)")
        self._file.execute("CREATE INDEX place_first ON place (first)")
        self._file.execute("CREATE INDEX entry_of ON entry (product, n)")
        yield self.rows

    def _write(self, batch: list[Entry]) -> None:
        self._file.execute("BEGIN")
        self._file.executemany(
            "INSERT INTO entry (product, body) VALUES (?, ?)",
            [(entry.group, pickle.dumps(entry, pickle.HIGHEST_PROTOCOL)) for entry in batch],
        )
        self._file.executemany(
            "INSERT OR IGNORE INTO also VALUES (?, ?)", [(entry.also, entry.group) for entry in batch if entry.also]
        )
        self._file.execute("COMMIT")
        self.rows += len(batch)

    def groups(self) -> Iterator[list[Entry]]:
        """The rows of each product in their order, products by their first row; rows of no product come alone."""
        places = self._file.execute("SELECT product FROM place ORDER BY first")
        for (product,) in places:
            found = self._file.execute(
                "SELECT body FROM entry WHERE product = ? "
                "UNION ALL SELECT e.body FROM also a JOIN entry e ON e.product = a.name WHERE a.product = ?",
                (product, product),
            )
            entries: list[Entry] = [pickle.loads(body) for (body,) in found]  # noqa: S301 - see above
            if product:
                yield sorted(entries, key=lambda entry: entry.row)
            else:
                yield from ([entry] for entry in entries)
