"""Files of games for a person to choose from: what a folder holds, and which games a file holds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records.record import GameRecord
from xiangqi_gpt.texts import Details, Language, Message, t

MAX_LISTED = 2_000  # games of a file, and entries of a folder
SAVE_FORMATS = ("pgn", "xqf", "dhtmlxq", "jsonl", "parquet")
"""Formats that the game at the board can be saved in, by the suffix of the file."""


@dataclass(frozen=True)
class FolderEntry:
    """A folder or a file of games in a folder.

    Attributes:
        path: where.
        is_folder: whether it is a folder.
        size: of a file in bytes.
    """

    path: Path
    is_folder: bool
    size: int = 0

    @property
    def size_text(self) -> str:
        """The size as people read it: "310 B", "12 kB", "3.4 MB"."""
        if self.is_folder:
            return ""
        if self.size < 1_000:
            return f"{self.size} B"
        return f"{self.size / 1_000:.0f} kB" if self.size < 1_000_000 else f"{self.size / 1_000_000:.1f} MB"


def list_folder(folder: Path, also: str = "") -> list[FolderEntry]:
    """The folders and the files of games in a folder, by name, folders first; hidden ones are left out.

    Args:
        also: a suffix of other files that are wanted.

    Raises:
        OSError: the folder cannot be read.
    """
    from xiangqi_gpt.records.formats import is_record_name

    found: list[FolderEntry] = []
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        try:
            if path.is_dir():
                found.append(FolderEntry(path, True))
            elif (is_record_name(path) or path.suffix.lower() == also) and path.is_file():
                found.append(FolderEntry(path, False, path.stat().st_size))
        except OSError:
            continue  # it vanished, or may not be looked at
    found.sort(key=lambda entry: (not entry.is_folder, entry.path.name.casefold()))
    return found[:MAX_LISTED]


@dataclass(frozen=True)
class ListedGame:
    """A game of a file: its number there from 1 among the readable ones, who played, what came of it."""

    number: int
    red: str
    black: str
    event: str
    date: str
    result: str
    plies: int

    @property
    def title(self) -> str:
        """One line: who played, or the event where nobody is named."""
        players = " – ".join(filter(None, (self.red, self.black)))
        return "  ".join(filter(None, (players, self.event))) or f"#{self.number}"

    def detail(self, language: Language) -> str:
        """The date, the result and the number of plies."""
        date = self.date.replace(".??", "").replace("????", "")
        return "  ".join(filter(None, (date, self.result, t("files.plies", language, count=self.plies))))


def listed(record: GameRecord, number: int) -> ListedGame:
    """What a list shows of a game."""
    tags = record.tags
    red, black, event, date = (
        " ".join(tags.get(name, "").split())[:80] for name in ("Red", "Black", "Event", "Date")
    )
    return ListedGame(number, red, black, event, date, record.result, record.plies)


def games_of(
    path: Path, on_error: Callable[[RecordError], None]
) -> Iterator[tuple[GameRecord, RecordError | None]]:
    """The games of a file, also those that can be read only as far as a fault, each with the fault or None.

    Args:
        on_error: called with the faults of games of which nothing can be read.

    Raises:
        RecordError: there is no such file, or it cannot be opened.
    """
    # Imported here because readers come with arrays, which the window does not need until somebody opens a file.
    from xiangqi_gpt.records.formats import read_file, read_head

    read_head(path)
    for reading in read_file(path):
        record, error = reading.record, reading.error
        if record is not None and (error is None or record.moves):
            yield record, error
        elif error is not None:
            on_error(error)


def open_problem(error: Exception, path: Path) -> Message | Details:
    """Why a file of games cannot be opened, for the person at the board."""
    if isinstance(error.__cause__, FileNotFoundError):
        return Message.of("error.no_file", file=path.name)
    if not isinstance(error, RecordError):
        return Details(str(error), Message.of("error.system"))
    if error.message is not None:
        return error.message
    if error.line is None:
        return Details(f"{error.reason} ({path.name})", Message.of("error.no_games", file=path.name))
    return Details(f"line {error.line}: {error.reason}", Message.of("error.record_line", line=error.line))


class GameLister:
    """Reads the games of a file in the background, so that a large file can be looked through while it is read.

    Attributes:
        games: those found so far.
        is_done: whether all are found, or the limit is reached.
        error: why the file cannot be read, or None.
    """

    def __init__(self, path: Path, limit: int = MAX_LISTED) -> None:
        self.games: list[ListedGame] = []
        self.is_done = False
        self.error: Exception | None = None
        self._path = path
        self._limit = limit
        self._is_cancelled = False
        self._thread = threading.Thread(target=self._read, name="xiangqi-gpt-games", daemon=True)

    def start(self) -> GameLister:
        """Begin to read."""
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Stop reading."""
        self._is_cancelled = True

    def wait(self, timeout: float) -> None:
        """Wait at most so many seconds for the end."""
        self._thread.join(timeout)

    def _read(self) -> None:
        errors: list[RecordError] = []
        try:
            games = games_of(self._path, errors.append)
            for number, (record, _) in enumerate(islice(games, self._limit), 1):
                if self._is_cancelled:
                    break
                self.games.append(listed(record, number))
        except Exception as error:
            # A broken file must not end the thread without a word: the dialog shows the error.
            errors.append(error if isinstance(error, RecordError) else RecordError(str(error)))
        if not self.games and errors:
            self.error = errors[0]
        self.is_done = True
