"""Making a collection from game records, and adding games to one.

The games are read one after the other into a copy of the collection, compared as in a conversion of records, and their
positions are then added in large sorted parts. The copy takes the name of the collection when all is done, so that a
program that is killed leaves the collection as it was.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.files import atomic_path, check_writable
from xiangqi_gpt.library.collection_file import create, database_errors, open_draft, open_for_reading, rows_of
from xiangqi_gpt.library.game_batches import GameBatch, game_batches
from xiangqi_gpt.library.material import material_numbers
from xiangqi_gpt.library.position_keys import NO_MOVE, game_positions, position_keys
from xiangqi_gpt.records.audit import Summary
from xiangqi_gpt.records.clean import Status, clean
from xiangqi_gpt.records.convert import source_files
from xiangqi_gpt.records.dedupe import Duplicates
from xiangqi_gpt.records.formats import read_file
from xiangqi_gpt.records.record import KINDS, RESULTS, SPLITS, GameRecord

OnProgress = Callable[[str, int], None]
"""Called with what is being done ("read", "compare" or "index") and how many more bytes or games are done."""

_BATCH: Final = 1024
_SORTED_ROWS: Final = 1 << 21
_YEAR: Final = re.compile(r"\d{4}")
_ECCO: Final = re.compile(r"[A-E]\d\d(?!\d)")
_OWN_TAGS: Final = ("Red", "Black", "Date", "Event", "Opening")
_HELD_OUT: Final = ("reserved", "valid", "test")  # a later one outranks an earlier one


@dataclass
class Collected:
    """What `collect` has done.

    Attributes:
        summary: the counts of the games that were read, as in a conversion; games of other kinds are not counted.
        before: number of games in the collection before.
        replaced: games of the collection that were the beginning of a new game, which has taken their place.
        after: number of games in the collection now.
        without_notes: games whose comments and variations were not taken over.
        errors: the first few reasons why a file or game was refused or cut.
    """

    summary: Summary = field(default_factory=Summary)
    before: int = 0
    replaced: int = 0
    after: int = 0
    without_notes: int = 0
    errors: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The counts by name."""
        counts = self.summary.as_dict()
        del counts["dropped_fields"], counts["passed_over"]
        return {
            **counts,
            "before": self.before,
            "replaced": self.replaced,
            "after": self.after,
            "without_notes": self.without_notes,
            "errors": self.errors,
        }


def collect(
    sources: Sequence[Path],
    out: Path,
    *,
    kinds: Collection[str] = (),
    lenient: bool = False,
    on_progress: OnProgress | None = None,
) -> Collected:
    """Add the games of files and folders to a collection, which is made if there is none.

    A game that is there already, or is the beginning of another one, is a duplicate. A game with an illegal move is
    kept up to that move. Comments, variations and labels are not taken over.

    Args:
        sources: record files, and folders of them.
        out: the file of the collection.
        kinds: take games of these kinds only; all of them if empty.
        lenient: also take games from positions that cannot occur but can be played.
        on_progress: called while the games are read, compared and indexed.

    Raises:
        RecordError: a source does not exist; `out` is not a collection, cannot be written, or was changed by another
            program meanwhile; or no game is left to collect. The collection is then as it was.
    """
    if wrong := sorted(set(kinds) - set(KINDS)):
        raise ConfigError(f"kind: expected one of {', '.join(KINDS)}, found {wrong[0]!r}")
    files = source_files(sources)
    exists = out.exists()
    check_writable(out, overwrite=exists, error=RecordError)
    if exists:
        open_for_reading(out).close()
    with database_errors(out), atomic_path(out, overwrite=exists, error=RecordError) as draft:
        before = _state(out)
        if exists:
            shutil.copyfile(out, draft)
        else:
            create(draft)
        with contextlib.closing(open_draft(draft)) as database:
            builder = _Builder(database, kinds, lenient, on_progress or (lambda what, count: None))
            done = builder.run(files)
            database.commit()
        if not done.after:
            reasons = f" ({done.errors[0]})" if done.errors else ""
            raise RecordError(f"no game to collect in {', '.join(map(str, sources))}{reasons}", file=str(out))
        if _state(out) != before:
            raise RecordError(
                "another program has changed the collection meanwhile; run it again", file=str(out)
            )
    return done


def _state(path: Path) -> tuple[int, int, int] | None:
    """What changes when a collection is replaced; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class _Builder:
    """Adds games to the database of a draft."""

    def __init__(
        self, database: sqlite3.Connection, kinds: Collection[str], lenient: bool, progress: OnProgress
    ) -> None:
        self._database = database
        self._kinds = frozenset(kinds or KINDS)
        self._lenient = lenient
        self._progress = progress
        self._players = dict(rows_of(database, "SELECT name, id FROM players", [], "ti"))
        (last,) = database.execute("SELECT max(id) FROM games").fetchone()
        self._last_old = last or 0
        self._next = self._last_old + 1
        self._cut: set[int] = set()
        self._games: list[tuple[Any, ...]] = []
        self._tags: list[tuple[int, str, str]] = []
        self._done = Collected()

    def run(self, files: Sequence[Path]) -> Collected:
        """Read, compare and index the games of the files."""
        self._done.before = self._count()
        self._done.summary.files = len(files)
        for file in files:
            self._read(file)
        self._flush()
        self._remove_duplicates()
        self._index()
        self._done.after = self._count()
        return self._done

    def _count(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM games").fetchone()[0])

    def _read(self, path: Path) -> None:
        number = 0
        for reading in read_file(path, labels=False, on_bytes=lambda count: self._progress("read", count)):
            if reading.record is None and reading.error is not None and reading.error.game is None:
                self._done.summary.unreadable += 1
                self._error(str(reading.error))
                continue
            if self._lenient and reading.lenient is not None:
                reading = reading.lenient
            number += 1
            if reading.record is not None and reading.record.kind not in self._kinds:
                continue
            cleaned = clean(reading, str(path), number)
            self._done.summary.count(cleaned.status)
            if reading.error is not None:
                self._error(str(reading.error))
            if cleaned.record is not None:
                if cleaned.status is Status.CUT:
                    self._cut.add(self._next)
                self._add(cleaned.record)

    def _error(self, text: str) -> None:
        if len(self._done.errors) < 5:
            self._done.errors.append(text)

    def _add(self, game: GameRecord) -> None:
        tags = game.tags
        opening = tags.get("Opening", "")
        year = _YEAR.match(tags.get("Date", ""))
        ecco = _ECCO.match(tags.get("ECCO", "")) or _ECCO.match(opening)
        self._games.append(
            (
                self._next,
                self._player(tags.get("Red", "")),
                self._player(tags.get("Black", "")),
                RESULTS.index(game.result),
                int(year[0]) if year is not None else 0,
                tags.get("Date", ""),
                tags.get("Event", ""),
                opening,
                ecco[0] if ecco is not None else "",
                game.plies,
                "" if game.from_start else game.start_fen,
                np.array([move.index for move in game.moves], dtype="<u2").tobytes(),
                game.kind,
                game.subtype,
                game.split,
                game.id,
            )
        )
        self._tags += [(self._next, name, value) for name, value in tags.items() if name not in _OWN_TAGS]
        self._done.without_notes += bool(game.notes)
        self._next += 1
        if len(self._games) >= _BATCH:
            self._flush()

    def _player(self, name: str) -> int:
        if name not in self._players:
            self._players[name] = len(self._players) + 1
            self._database.execute("INSERT INTO players VALUES (?, ?)", (self._players[name], name))
        return int(self._players[name])

    def _flush(self) -> None:
        self._database.executemany(f"INSERT INTO games VALUES ({', '.join('?' * 16)})", self._games)
        self._database.executemany("INSERT INTO tags VALUES (?, ?, ?)", self._tags)
        self._games, self._tags = [], []

    def _remove_duplicates(self) -> None:
        """Remove games that are there twice, and games that are the beginning of another one."""
        duplicates = Duplicates()
        ids, splits = array("q"), array("b")
        for batch in game_batches(self._database):
            duplicates.add(batch.hashes, batch.moves, batch.offsets)
            ids.extend(batch.ids)
            splits.frombytes(bytes([SPLITS.index(split) for split in batch.splits]))
        duplicates.seal()
        for batch in game_batches(self._database):
            duplicates.find(batch.hashes, batch.moves, batch.offsets)
            self._progress("compare", len(batch.ids))
        numbers = np.array(ids, dtype=np.int64)
        self._hold_out(numbers, np.array(splits, dtype=np.int8), duplicates.copies)
        removed = numbers[duplicates.originals() != np.arange(len(numbers))].tolist()
        summary = self._done.summary
        for game in removed:
            if game <= self._last_old:
                self._done.replaced += 1
                self._remove_positions(game)
                continue
            summary.duplicates += 1
            if game in self._cut:
                summary.cut -= 1
            else:
                summary.kept -= 1
        for table, column in (("games", "id"), ("tags", "game")):
            self._database.executemany(
                f"DELETE FROM {table} WHERE {column} = ?", [(game,) for game in removed]
            )

    def _hold_out(self, ids: NDArray[np.int64], splits: NDArray[np.int8], copies: NDArray[np.int64]) -> None:
        """Hold a game out if any copy of it is held out."""
        ranks = np.zeros(len(SPLITS), dtype=np.int8)
        for rank, name in enumerate(_HELD_OUT, 1):
            ranks[SPLITS.index(name)] = rank
        own = ranks[splits]
        best = own.copy()
        np.maximum.at(best, copies, own)
        changed = np.flatnonzero(best > own)
        self._database.executemany(
            "UPDATE games SET split = ? WHERE id = ?",
            [(_HELD_OUT[best[at] - 1], int(ids[at])) for at in changed.tolist()],
        )

    def _remove_positions(self, game: int) -> None:
        """Remove the positions and material of one game of the collection."""
        for batch in game_batches(self._database, "WHERE id = ?", [game]):
            found = _index_rows(batch)
            keys = [(key, game) for key in set(found.positions[:, 0].tolist())]
            self._database.executemany("DELETE FROM positions WHERE key = ? AND game = ?", keys)
            pairs = [(*pair, game) for pair in found.material[:, :2].tolist()]
            self._database.executemany(
                "DELETE FROM material WHERE pieces = ? AND guards = ? AND game = ?", pairs
            )

    def _index(self) -> None:
        """Add the positions and the material of the new games."""
        waiting: list[_IndexRows] = []
        rows = 0
        for batch in game_batches(self._database, "WHERE id > ?", [self._last_old]):
            waiting.append(_index_rows(batch))
            rows += len(waiting[-1].positions)
            if rows >= _SORTED_ROWS:
                self._insert(waiting)
                waiting, rows = [], 0
            self._progress("index", len(batch.ids))
        self._insert(waiting)

    def _insert(self, waiting: list[_IndexRows]) -> None:
        if not waiting:
            return
        for table, parts in (
            ("positions", [each.positions for each in waiting]),
            ("material", [each.material for each in waiting]),
        ):
            rows = np.concatenate(parts)
            # In the order of the primary key, so that the tree of the table is filled from left to right.
            rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
            sql = f"INSERT INTO {table} VALUES ({', '.join('?' * rows.shape[1])})"
            for begin in range(0, len(rows), 1 << 16):
                self._database.executemany(sql, rows[begin : begin + (1 << 16)].tolist())


@dataclass(frozen=True)
class _IndexRows:
    """Rows of the tables `positions` and `material`, int64 (N, 6) and (M, 4)."""

    positions: NDArray[np.int64]
    material: NDArray[np.int64]


def _index_rows(batch: GameBatch) -> _IndexRows:
    found = game_positions(batch.starts, batch.turns, batch.moves, batch.offsets)
    if np.any(found.illegal >= 0):
        raise RecordError("the collection is damaged: a game breaks the rules")
    keys = position_keys(found.boards, found.turns)
    moves = np.where(found.moves == NO_MOVE, NO_MOVE, keys.stored_moves(found.moves))
    ids = np.array(batch.ids, dtype=np.int64)[found.games]
    positions = np.stack(
        (keys.keys, moves, ids, found.plies, batch.results[found.games], batch.years[found.games]), axis=1
    )
    # Material changes where the move before has captured something.
    captures = found.boards[np.arange(len(found.moves)), found.moves % 90] != 0
    changed = found.plies == 0
    changed[1:] |= captures[:-1] & (found.moves[:-1] != NO_MOVE)
    pieces, guards = material_numbers(found.boards[changed])
    material = np.stack((pieces, guards, ids[changed], found.plies[changed]), axis=1)
    return _IndexRows(_first_of_each(positions), _first_of_each(material))


def _first_of_each(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows with the least fourth column among those with the same first three."""
    rows = rows[np.lexsort((rows[:, 3], rows[:, 2], rows[:, 1], rows[:, 0]))]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = np.any(rows[1:, :3] != rows[:-1, :3], axis=1)
    return rows[new]
