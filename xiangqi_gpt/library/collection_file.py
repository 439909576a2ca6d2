"""The file of a collection: an SQLite database. What its tables hold, and how it is opened and checked."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.files import open_regular

APPLICATION: Final = int.from_bytes(b"XQGC", "big")
"""What SQLite stores in the head of the file: the program that the file belongs to."""

VERSION: Final = 1

_HEAD: Final = b"SQLite format 3\x00"

_TYPES: Final[dict[str, type | tuple[type, ...]]] = {"i": int, "t": str, "b": bytes, "n": (float, type(None))}

SCHEMA: Final = """
CREATE TABLE players (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
-- result: index in records.RESULTS. year: 0 if unknown. moves: numbers from * 90 + to, 16 bits each, little-endian.
CREATE TABLE games (
    id INTEGER PRIMARY KEY, red INTEGER NOT NULL, black INTEGER NOT NULL, result INTEGER NOT NULL,
    year INTEGER NOT NULL, date TEXT NOT NULL, event TEXT NOT NULL, opening TEXT NOT NULL, ecco TEXT NOT NULL,
    plies INTEGER NOT NULL, start_fen TEXT NOT NULL, moves BLOB NOT NULL, kind TEXT NOT NULL,
    subtype TEXT NOT NULL, split TEXT NOT NULL, name TEXT NOT NULL) STRICT;
CREATE INDEX games_red ON games (red);
CREATE INDEX games_black ON games (black);
CREATE TABLE tags (game INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (game, name)) WITHOUT ROWID, STRICT;
-- One row per game and move played in a position, with the first ply; move 0 where the game ends. Result and year
-- are those of the game, so that the explorer reads one range of this table and nothing else.
CREATE TABLE positions (
    key INTEGER NOT NULL, move INTEGER NOT NULL, game INTEGER NOT NULL, ply INTEGER NOT NULL,
    result INTEGER NOT NULL, year INTEGER NOT NULL, PRIMARY KEY (key, move, game)) WITHOUT ROWID, STRICT;
-- One row per game and material, with the first ply.
CREATE TABLE material (
    pieces INTEGER NOT NULL, guards INTEGER NOT NULL, game INTEGER NOT NULL, ply INTEGER NOT NULL,
    PRIMARY KEY (pieces, guards, game)) WITHOUT ROWID, STRICT;
"""


@contextlib.contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into RecordError, and name the file in those that do not."""
    try:
        yield
    except RecordError as error:
        if error.file:
            raise
        raise RecordError(error.reason, file=str(path)) from error
    except sqlite3.Error as cause:
        raise RecordError(f"the collection cannot be read or written: {cause}", file=str(path)) from cause
    except (UnicodeDecodeError, MemoryError) as cause:
        # SQLite's own message about a damaged file is damaged, or it asks for as much memory as the file says.
        raise RecordError("the collection is damaged", file=str(path)) from cause


def is_database(path: Path) -> bool:
    """Whether a file begins as a collection does. Whether it is one is known once it has been opened."""
    try:
        with open_regular(path, error=RecordError) as file:
            return file.read(len(_HEAD)) == _HEAD
    except (OSError, RecordError):
        return False


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A read-only connection to a collection.

    Raises:
        RecordError: no such file, not a collection, or a collection of another version.
    """
    with open_regular(path, error=RecordError) as file:
        head = file.read(len(_HEAD))
    if head != _HEAD:
        raise RecordError(
            "not a collection (xiangqi-gpt collect makes one from game records)", file=str(path)
        )
    with database_errors(path):
        # A collection is never changed in place, so SQLite need not look for another program's changes.
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        connection.text_factory = _text
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            check_version(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def create(path: Path) -> None:
    """Make an empty collection."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def open_draft(path: Path) -> sqlite3.Connection:
    """A connection for writing to a draft: fast, and without a journal, because a draft that fails is removed."""
    connection = sqlite3.connect(path)
    connection.text_factory = _text
    for setting in (
        "journal_mode = OFF",
        "synchronous = OFF",
        "cache_size = -131072",
        "trusted_schema = OFF",
    ):
        connection.execute(f"PRAGMA {setting}")
    return connection


def rows_of(connection: sqlite3.Connection, sql: str, arguments: Sequence[Any], columns: str) -> list[Any]:
    """The rows that a query finds.

    Args:
        connection: a collection.
        sql: the query.
        arguments: its arguments.
        columns: the type of each column: "i" a whole number, "t" a text, "b" bytes, "n" a number or None.

    Raises:
        RecordError: a value has another type. SQLite checks types when it stores a value, so the file is damaged.
    """
    found = connection.execute(sql, arguments).fetchall()
    types = [_TYPES[column] for column in columns]
    if not all(isinstance(value, kind) for row in found for value, kind in zip(row, types, strict=True)):
        raise RecordError("the collection is damaged: a value has the wrong type")
    return found


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """RecordError unless the database is a collection of this version."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION:
        raise RecordError("an SQLite database, but not a collection of xiangqi-gpt", file=str(path))
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        raise RecordError(
            f"expected a collection of version {VERSION}, found version {version}; "
            "make it again with xiangqi-gpt collect",
            file=str(path),
        )
    # With these tables SQLite itself vouches for the types of all values, and nothing runs when they are read.
    if _schema(connection) != _own_schema():
        raise RecordError("not a collection of xiangqi-gpt: its tables have been changed", file=str(path))


def _schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
    ).fetchall()
    return found


@lru_cache(maxsize=1)
def _own_schema() -> list[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCHEMA)
        return _schema(connection)
