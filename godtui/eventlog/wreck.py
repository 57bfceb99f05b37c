"""A damaged log as far as it can be read: row by row, around what is broken."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from godtui.eventlog.database import APPLICATION_ID
from godtui.eventlog.errors import DamagedError

PAGE_BYTES: Final = 4096
"""That of every log: SQLite's default, which no log was ever made without."""
LEAST_ROW_BYTES: Final = 40
"""Less than any stored event takes: how many there can be at most in a file that does not say it."""
STEP_ROWS: Final = 200

_MAGIC: Final = b"SQLite format 3\0"
_COPY: Final = ".mended"
_TABLES: Final = (
    "SELECT m.name, m.sql, l.wr FROM sqlite_master m JOIN pragma_table_list l ON l.name = m.name AND l.schema = 'main'"
    " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.rowid"
)
_OTHERS: Final = (
    "SELECT type, name, sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL"
    " ORDER BY type = 'index' DESC, type = 'view' DESC, rowid"
)
_KEY: Final = "SELECT name FROM pragma_table_info(?) WHERE pk ORDER BY pk"
_GONE_ON: Final = frozenset({sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_CANTOPEN})
"""What ends the reading, as against what is read around."""

Row = tuple[Any, ...]


class Table(NamedTuple):
    """A table, the statement that made it, and whether its rows are found by a number."""

    name: str
    sql: str
    numbered: bool


class Lost:
    """Numbers of rows that could not be read, as stretches in order; `unknown` says that there may be others."""

    def __init__(self) -> None:
        self.stretches: list[tuple[int, int]] = []
        self.unknown = False

    def add(self, number: int) -> None:
        """One more, beyond those before."""
        if self.stretches and self.stretches[-1][1] == number - 1:
            self.stretches[-1] = (self.stretches[-1][0], number)
        else:
            self.stretches.append((number, number))

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.stretches)

    def __bool__(self) -> bool:
        return bool(self.stretches) or self.unknown


class Wreck:
    """A log's file, opened for reading only. A context manager.

    Where its first page has lost what SQLite needs to open it at all, a mended copy beside it is read instead, and
    removed in the end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._copy: Path | None = None
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        """Raises DamagedError where not even the list of tables can be read, OSError where there is no room to."""
        try:
            self._open(self._path)
        except sqlite3.Error:
            self._mend()
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
        self._forget_copy()

    @property
    def connection(self) -> sqlite3.Connection:
        """For statements whose failure their asker expects."""
        if self._connection is None:
            raise RuntimeError("a wreck is read within its with statement")
        return self._connection

    def tables(self) -> list[Table]:
        """All tables in the order they were made."""
        return [Table(name, sql, not keyed) for name, sql, keyed in self.connection.execute(_TABLES)]

    def others(self) -> list[tuple[str, str, str]]:
        """Kind, name and statement of indexes, views and triggers."""
        return self.connection.execute(_OTHERS).fetchall()

    def value(self, statement: str, *parameters: object) -> Any:
        """The first value of a query, None where there is none or it cannot be read."""
        try:
            found = self.connection.execute(statement, parameters).fetchone()
        except sqlite3.Error as error:
            _raise_if_over(error)
            return None
        return None if found is None else found[0]

    def rows(self, table: Table, lost: Lost) -> Iterator[list[Row]]:
        """Every row that can be read, some at a time; `lost` is told of the others."""
        if not table.numbered:
            yield from self._from_both_ends(table, lost)
            return
        first, last = self._extent(table.name)
        waiting = [(first, last)]
        while waiting:
            first, last = waiting.pop()
            while True:
                rows, first, broken = self._some(table.name, first, last)
                if rows:
                    yield rows
                if broken or len(rows) < STEP_ROWS:
                    break
            if broken and first == last:
                lost.add(first)
            elif broken and first < last:
                middle = (first + last) // 2
                waiting += [(middle + 1, last), (first, middle)]

    def _some(self, name: str, first: int, last: int) -> tuple[list[Row], int, bool]:
        """The next rows, the number from which to go on, and whether something broken stands there."""
        rows: list[Row] = []
        statement = f'SELECT rowid, * FROM "{name}" WHERE rowid BETWEEN ? AND ? ORDER BY rowid LIMIT {STEP_ROWS}'  # noqa: S608
        try:
            for number, *values in self.connection.execute(statement, (first, last)):
                if not first <= number <= last:  # a broken page may claim anything
                    return rows, first, True
                rows.append(tuple(values))
                first = number + 1
        except (sqlite3.Error, OverflowError) as error:
            _raise_if_over(error)
            return rows, first, True
        return rows, first, False

    def _extent(self, name: str) -> tuple[int, int]:
        """Between which numbers a table's rows are, at most."""
        first = self.value(f'SELECT min(rowid) FROM "{name}"')  # noqa: S608
        last = self.value(f'SELECT max(rowid) FROM "{name}"')  # noqa: S608
        counted = self.value("SELECT seq FROM sqlite_sequence WHERE name = ?", name)
        if first is None:
            first = (self.value("SELECT floor FROM retention") if name == "events" else None) or 1
        if counted is None and last is None:
            # Of a table without rows nothing is read, and nothing found broken.
            counted = first + self._path.stat().st_size // LEAST_ROW_BYTES
        return first, max(last or 0, counted or 0)

    def _from_both_ends(self, table: Table, lost: Lost) -> Iterator[list[Row]]:
        """Rows of a table in the order of its key: up to the first broken page, and back to the last."""
        keys = [f'"{row[0]}"' for row in self.connection.execute(_KEY, (table.name,))]
        for direction in ("ASC", "DESC"):
            order = ", ".join(f"{key} {direction}" for key in keys)
            rows: list[Row] = []
            broken = False
            try:
                for row in self.connection.execute(f'SELECT * FROM "{table.name}" ORDER BY {order}'):  # noqa: S608
                    rows.append(tuple(row))
                    if len(rows) == STEP_ROWS:
                        yield rows
                        rows = []
            except (sqlite3.Error, OverflowError) as error:
                _raise_if_over(error)
                broken = lost.unknown = True
            yield rows
            if not broken:
                return

    def _open(self, path: Path) -> None:
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("SELECT name, sql FROM sqlite_master").fetchall()
        except sqlite3.Error:
            connection.close()
            raise
        self._connection = connection

    def _mend(self) -> None:
        """Open a copy with a first page that SQLite takes."""
        self._copy = self._path.with_name(self._path.name + _COPY)
        try:
            shutil.copyfile(self._path, self._copy)
            self._copy.chmod(0o600)
            wal = self._path.with_name(self._path.name + "-wal")
            if wal.exists():
                shutil.copyfile(wal, self._copy.with_name(self._copy.name + "-wal"))
            _mend_header(self._copy)
            self._open(self._copy)
        except sqlite3.Error as error:
            self._forget_copy()
            raise DamagedError(
                f"{self._path} cannot be read at all ({error}: its list of tables is lost); restore a backup"
            ) from None
        except BaseException:
            self._forget_copy()
            raise

    def _forget_copy(self) -> None:
        if self._copy is not None:
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    self._copy.with_name(self._copy.name + suffix).unlink(missing_ok=True)


def _mend_header(path: Path) -> None:
    """Write the first 100 bytes anew where they are not a database's, and how many pages there are in any case.

    The layout is that of https://www.sqlite.org/fileformat2.html#the_database_header.
    """
    with path.open("r+b") as file:
        header = bytearray(file.read(100).ljust(100, b"\0"))
        if header[:16] != _MAGIC:
            header = bytearray(100)
            header[:24] = _MAGIC + PAGE_BYTES.to_bytes(2) + bytes((2, 2, 0, 64, 32, 32))
            for offset, value in ((40, 1), (44, 4), (56, 1), (68, APPLICATION_ID)):
                header[offset : offset + 4] = value.to_bytes(4)
        page_bytes = int.from_bytes(header[16:18]) or PAGE_BYTES
        pages = -(-file.seek(0, 2) // (65536 if page_bytes == 1 else page_bytes))
        file.truncate(pages * (65536 if page_bytes == 1 else page_bytes))
        # How many pages there are counts only where both counters of changes are the same.
        for offset, value in ((24, 1), (28, pages), (92, 1)):
            header[offset : offset + 4] = value.to_bytes(4)
        file.seek(0)
        file.write(header)


def _raise_if_over(error: Exception) -> None:
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int) and code & 0xFF in _GONE_ON:
        raise error
