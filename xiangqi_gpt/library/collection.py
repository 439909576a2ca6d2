"""A collection of games, open for reading: search, single games, and the moves played in a position."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.library.collection_file import database_errors, open_for_reading, rows_of
from xiangqi_gpt.library.game_query import GameQuery
from xiangqi_gpt.library.material import parse_material
from xiangqi_gpt.library.position_keys import NO_MOVE, board_key
from xiangqi_gpt.records.record import RESULTS, GameRecord
from xiangqi_gpt.records.replay import ParsedGame, replay_games
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color

_COLUMNS: Final = (
    "g.id, r.name, b.name, g.result, g.date, g.event, g.opening, g.ecco, g.plies "
    "FROM games g JOIN players r ON r.id = g.red JOIN players b ON b.id = g.black"
)


@dataclass(frozen=True)
class FoundGame:
    """A game of a collection, without its moves.

    Attributes:
        id: its number in the collection; see `Collection.game`.
        red: name of the player of Red, "" if unknown; `black`, `date`, `event` and `opening` likewise.
        result: "1-0", "0-1", "1/2-1/2" or "*".
        ecco: ECCO code such as "C45", "" if the game has none.
        plies: number of moves.
        ply: how many plies had been played when the position of the query, or else its material, first occurred;
            None if the query has neither.
    """

    id: int
    red: str
    black: str
    result: str
    date: str
    event: str
    opening: str
    ecco: str
    plies: int
    ply: int | None = None


@dataclass(frozen=True)
class ExplorerRow:
    """A move that was played in a position.

    Attributes:
        move: the move. On a board that is its own mirror image it stands for its mirror image too.
        games: number of games in which it was played.
        red_wins: how many of them Red won; `draws`, `black_wins` and `unknown` (no result) likewise.
        score: points per game of the side that moves, 0 to 1, over the games with a result; None without any.
        year: average year of the games that have one; None without any.
    """

    move: Move
    games: int
    red_wins: int
    draws: int
    black_wins: int
    unknown: int
    score: float | None
    year: float | None


class Collection:
    """A collection, open for reading until `close` or the end of a `with` block.

    A connection belongs to the thread that opened it; open the collection once per thread.

    Raises:
        RecordError: no such file, not a collection, or a collection of another version. All methods raise it if the
            file is damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._database: sqlite3.Connection = open_for_reading(self.path)

    def __enter__(self) -> Collection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __len__(self) -> int:
        return self.count()

    def count(self, query: GameQuery | None = None) -> int:
        """The number of games that a query finds; of all games without one."""
        conditions, arguments = (query or GameQuery()).conditions()
        return int(self._rows(f"SELECT count(*) FROM games g WHERE {conditions}", arguments, "i")[0][0])

    def find(
        self, query: GameQuery | None = None, *, limit: int | None = None, offset: int = 0
    ) -> list[FoundGame]:
        """The games that a query finds, in the order in which they were collected.

        Args:
            query: what to search for; all games without it.
            limit: return at most that many.
            offset: leave out that many at the beginning.
        """
        query = query or GameQuery()
        conditions, arguments = query.conditions()
        rows = self._rows(
            f"SELECT {_COLUMNS} WHERE {conditions} ORDER BY g.id LIMIT ? OFFSET ?",
            [*arguments, -1 if limit is None else limit, offset],
            "ittitttti",
        )
        first = self._first_plies(query, {row[0] for row in rows})
        values = [[*row[:3], self._result(row[3]), *row[4:], first.get(row[0])] for row in rows]
        return [FoundGame(*each) for each in values]

    def games(self, query: GameQuery | None = None) -> Iterator[GameRecord]:
        """The games that a query finds as records, in the order in which they were collected, each replayed.

        The id of a record is that of its source, and its number is that in the collection.
        """
        for game in self.find(query):
            yield self.game(game.id)

    def game(self, number: int) -> GameRecord:
        """The game with a number, replayed.

        Raises:
            RecordError: there is none, or its moves break the rules (the file is damaged).
        """
        rows = self._rows(
            "SELECT r.name, b.name, g.result, g.date, g.event, g.opening, g.start_fen, g.moves, g.kind, g.subtype, "
            "g.split, g.name FROM games g JOIN players r ON r.id = g.red JOIN players b ON b.id = g.black "
            "WHERE g.id = ?",
            [number],
            "ttittttbtttt",
        )
        if not rows:
            raise RecordError(f"the collection has no game {number}", file=str(self.path))
        red, black, result, date, event, opening, start_fen, moves, kind, subtype, split, name = rows[0]
        tags = {"Red": red, "Black": black, "Date": date, "Event": event, "Opening": opening}
        tags = {tag: value for tag, value in tags.items() if value}
        tags.update(self._rows("SELECT name, value FROM tags WHERE game = ?", [number], "tt"))
        parsed = ParsedGame(
            moves=self._moves(moves).tolist(),
            start_fen=start_fen,
            result=self._result(result),
            tags=tags,
            split=split,
            kind=kind,
            subtype=subtype,
            id=name,
            number=number,
        )
        (reading,) = replay_games([parsed], str(self.path))
        reading = reading.lenient or reading
        if reading.error is not None or reading.record is None:
            raise reading.error or RecordError("a game without moves", file=str(self.path), game=number)
        return reading.record

    def explore(self, board: Board, query: GameQuery | None = None) -> list[ExplorerRow]:
        """The moves played in a position or its mirror image, the most frequent one first.

        Args:
            board: the position.
            query: which games count; all games without it.
        """
        place = board_key(board)
        conditions, arguments = (query or GameQuery()).conditions()
        among = "" if conditions == "1" else f"AND game IN (SELECT g.id FROM games g WHERE {conditions})"
        rows = self._rows(
            "SELECT move, count(*), sum(result = 0), sum(result = 2), sum(result = 1), sum(result = 3), "
            f"avg(nullif(year, 0)) FROM positions WHERE key = ? AND move <> {NO_MOVE} {among} "
            "GROUP BY move ORDER BY 2 DESC, 1",
            [place.key, *arguments],
            "iiiiiin",
        )
        found = []
        for stored, games, red_wins, draws, black_wins, unknown, year in rows:
            wins = red_wins if board.turn is Color.RED else black_wins
            score = (wins + draws / 2) / (games - unknown) if games > unknown else None
            if not 0 <= stored < 8100:
                raise RecordError(
                    "a move of the collection is not one: the file is damaged", file=str(self.path)
                )
            move = place.shown(stored)
            found.append(ExplorerRow(move, games, red_wins, draws, black_wins, unknown, score, year))
        return found

    def _first_plies(self, query: GameQuery, games: set[int]) -> dict[int, int]:
        """When the position or material of a query first occurs in these games; empty if it has neither."""
        if not games:
            return {}
        bounds = [min(games), max(games)]
        if query.position is not None:
            rows = self._rows(
                "SELECT game, ply FROM positions WHERE key = ? AND game BETWEEN ? AND ?",
                [board_key(query.position).key, *bounds],
                "ii",
            )
        elif query.material:
            wanted = parse_material(query.material)
            rows = self._rows(
                "SELECT game, ply FROM material WHERE pieces = ? AND guards & ? = ? AND game BETWEEN ? AND ?",
                [wanted.pieces, wanted.guards_mask, wanted.guards, *bounds],
                "ii",
            )
        else:
            return {}
        first: dict[int, int] = {}
        for game, ply in rows:
            if game in games:
                first[game] = min(ply, first.get(game, ply))
        return first

    def _rows(self, sql: str, arguments: list[Any], columns: str) -> list[Any]:
        with database_errors(self.path):
            return rows_of(self._database, sql, arguments, columns)

    def _result(self, index: int) -> str:
        if index not in range(len(RESULTS)):
            raise RecordError(
                "a result of the collection is not one: the file is damaged", file=str(self.path)
            )
        return RESULTS[index]

    def _moves(self, blob: bytes) -> np.ndarray[Any, np.dtype[np.uint16]]:
        moves = np.frombuffer(blob, dtype="<u2") if isinstance(blob, bytes) and len(blob) % 2 == 0 else None
        if moves is None or np.any(moves >= 8100):
            raise RecordError("the moves of a game are damaged", file=str(self.path))
        return moves
