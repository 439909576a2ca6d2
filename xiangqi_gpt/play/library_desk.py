"""The collection at the board: opened, explored and searched on a thread of its own, so that a front never waits.

A question names what is wanted now; of several that wait, only the newest of a kind is answered.
"""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from xiangqi_gpt.errors import RecordError, XiangqiError
from xiangqi_gpt.play.collector import Collector
from xiangqi_gpt.rules import Board
from xiangqi_gpt.texts import Details, Message

if TYPE_CHECKING:
    from xiangqi_gpt.library.collection import Collection, ExplorerRow, FoundGame
    from xiangqi_gpt.records.record import GameRecord

COLLECTION_SUFFIX = ".db"
MOST_FOUND = 1_000
"""Games of a search that are listed."""

_KEPT = 256  # positions whose moves are kept
_SETTLE = 30.0  # seconds that a thread may take to finish its last question

_Kind: TypeAlias = Literal["explore", "search", "load", "release"]


@dataclass(frozen=True)
class Explored:
    """The moves that games of the collection played in a position, the most frequent first.

    Attributes:
        board: the position.
        rows: the moves.
        symmetric: the board is its own mirror image, so that a row stands for a move and its mirror image.
    """

    board: Board
    rows: tuple[ExplorerRow, ...]
    symmetric: bool = False


@dataclass(frozen=True)
class Search:
    """What games are looked for.

    Attributes:
        words: each stands in a player's name, the event, the opening or the ECCO code.
        result: "1-0", "0-1", "1/2-1/2" or "" for any.
        position: one that occurs in the game; None for any.
    """

    words: tuple[str, ...] = ()
    result: str = ""
    position: Board | None = None


@dataclass(frozen=True)
class SearchResults:
    """Games that a search has found: the first `MOST_FOUND` of `count`."""

    search: Search
    games: tuple[FoundGame, ...]
    count: int


@dataclass(frozen=True)
class LoadedGame:
    """A game of the collection, to be shown after so many plies (None: at its end)."""

    record: GameRecord
    ply: int | None


@dataclass(frozen=True)
class _Job:
    kind: _Kind
    about: Any = None


@dataclass(frozen=True)
class _Done:
    job: _Job
    result: Any = None
    error: Exception | None = None


class LibraryDesk:
    """A collection, asked by a thread.

    Args:
        wake: called on the thread after each answer.

    Attributes:
        path: the file; None where no collection is open.
        count: number of its games; None until it is known.
        problem: why the file cannot be read; None where it can.
        found: what the last search has found.
        loaded: a game that was asked for; whoever shows it takes it away.
        collector: adds games at present, or has just done so; whoever tells the result takes it away.
    """

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self.path: Path | None = None
        self.count: int | None = None
        self.problem: Message | Details | None = None
        self.found: SearchResults | None = None
        self.loaded: LoadedGame | None = None
        self.collector: Collector | None = None
        self._wake = wake
        self._worker: _Worker | None = None
        self._explored: OrderedDict[tuple[bytes, int], Explored] = OrderedDict()
        self._asked: dict[_Kind, object] = {}

    def open(self, path: Path) -> None:
        """Use another collection. It is read when something is asked."""
        self.release()
        self.path = path
        self.count = self.found = self.loaded = self.problem = None
        self._explored.clear()

    def collect(self, sources: Sequence[Path], out: Path) -> None:
        """Add the games of files and folders to a collection, which is made if there is none."""
        self.release()
        self.collector = Collector(sources, out, self._wake)

    def close(self) -> None:
        """Close the file, and stop what is being added."""
        self.release()
        if self.collector is not None:
            self.collector.close()

    def release(self) -> None:
        """Close the file; another question opens it again. Waits for the question in hand."""
        worker, self._worker = self._worker, None
        self._asked.clear()
        if worker is not None:
            worker.close()

    @property
    def is_busy(self) -> bool:
        """Whether an answer is due, or games are being added."""
        return bool(self._asked) or self.collector is not None

    def explore(self, board: Board) -> Explored | None:
        """The moves played in a position; None while they are being looked up."""
        key = (bytes(board.squares), int(board.turn))
        known = self._explored.get(key)
        if known is not None:
            self._explored.move_to_end(key)
        elif self._asked.get("explore") != key:
            self._ask("explore", board.copy(), key)
        return known

    def search(self, search: Search) -> None:
        """Look for games; `found` has them later."""
        if self._asked.get("search") != search:
            self._ask("search", search, search)

    def load(self, game: int, ply: int | None) -> None:
        """Fetch a game by its number; `loaded` has it later."""
        self._ask("load", (game, ply), game)

    def advance(self) -> bool:
        """Take in the answers that have come; whether there were any."""
        worker = self._worker
        answers = [] if worker is None else worker.answers()
        for done in answers:
            self._receive(done)
        return bool(answers)

    def _ask(self, kind: _Kind, about: object, key: object) -> None:
        is_adding = self.collector is not None and not self.collector.is_done
        if self.path is None or self.problem is not None or is_adding:
            return
        if self._worker is None:
            self._worker = _Worker(self.path, self._wake)
        self._asked[kind] = key
        self._worker.ask(_Job(kind, about))

    def _receive(self, done: _Done) -> None:
        kind, result = done.job.kind, done.result
        if done.error is not None:
            self.release()
            self.problem = _problem(done.error)
            return
        self.count, result = result
        if kind == "explore":
            key = (bytes(result.board.squares), int(result.board.turn))
            self._explored[key] = result
            if len(self._explored) > _KEPT:
                self._explored.popitem(last=False)
            if self._asked.get(kind) == key:
                del self._asked[kind]
        elif kind == "search":
            if self._asked.get(kind) == result.search:
                self.found = result
                del self._asked[kind]
        elif kind == "load":
            self.loaded = result
            self._asked.pop(kind, None)


def _problem(error: Exception) -> Message | Details:
    """An error of a collection for the person at the board."""
    reason = error.reason if isinstance(error, RecordError) else str(error)
    if not isinstance(error, XiangqiError | OSError):
        reason = f"{type(error).__name__}: {error}"
    return Details(" ".join(reason.split()), Message.of("error.collection"))


class _Worker:
    """The thread that holds the collection open."""

    def __init__(self, path: Path, wake: Callable[[], None]) -> None:
        self._path = path
        self._wake = wake
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[_Done] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="xiangqi-gpt-library", daemon=True)
        self._thread.start()

    def ask(self, job: _Job) -> None:
        self._jobs.put(job)

    def answers(self) -> list[_Done]:
        found: list[_Done] = []
        while not self._done.empty():
            found.append(self._done.get())
        return found

    def close(self) -> None:
        """Have the file closed: on some systems an open file cannot be replaced."""
        self._jobs.put(_Job("release"))
        self._thread.join(_SETTLE)

    def _run(self) -> None:
        job = _Job("release")
        try:
            # Imported here because it comes with arrays, which the window does not need until somebody asks.
            from xiangqi_gpt.library.collection import Collection

            waiting = self._next({})
            with Collection(self._path) as collection:
                count = collection.count()
                while waiting and "release" not in waiting:
                    job = waiting.pop(next(iter(waiting)))
                    self._answer(_Done(job, (count, _result(collection, job))))
                    waiting = self._next(waiting)
        except Exception as error:
            # Whatever is wrong with a file is told in the window, which stays usable.
            self._answer(_Done(job, error=error))

    def _next(self, waiting: dict[_Kind, _Job]) -> dict[_Kind, _Job]:
        """What is to be answered: the newest question of each kind, in the order in which they came."""
        while not waiting or not self._jobs.empty():
            job = self._jobs.get()
            waiting[job.kind] = job
        return waiting

    def _answer(self, done: _Done) -> None:
        self._done.put(done)
        self._wake()


def _result(collection: Collection, job: _Job) -> Explored | SearchResults | LoadedGame:
    if job.kind == "explore":
        from xiangqi_gpt.library.position_keys import board_key

        board: Board = job.about
        return Explored(board, tuple(collection.explore(board)), board_key(board).symmetric)
    if job.kind == "search":
        from xiangqi_gpt.library.game_query import GameQuery

        search: Search = job.about
        query = GameQuery(words=search.words, result=search.result, position=search.position)
        found = collection.find(query, limit=MOST_FOUND)
        count = len(found) if len(found) < MOST_FOUND else collection.count(query)
        return SearchResults(search, tuple(found), count)
    number, ply = job.about
    return LoadedGame(collection.game(number), ply)
