"""Puzzles made of games: positions in which one move is better than every other by a wide margin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xiangqi_gpt.evaluation.puzzles import Puzzle
from xiangqi_gpt.players.base import Limit, Player, own_name_of
from xiangqi_gpt.players.scores import TEACHER, curve_of
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import Move

MARGIN = 0.35
"""Expected points by which the solution is better than the next best move, at least."""

_LEAST = 0.45  # points of the solution: a move that only loses more slowly is no puzzle


@dataclass(frozen=True, kw_only=True)
class _Scored:
    pv: tuple[Move, ...]
    points: float


def puzzles_of_game(
    game: GameRecord, *, engine: Player | None = None, margin: float = MARGIN
) -> list[Puzzle]:
    """The puzzles in one game.

    Args:
        game: its labels give the best moves where a teacher gave several; other positions are left out
            unless there is an engine.
        engine: is asked for the two best moves of every position, and for the line behind the best one.
        margin: points (0..1) between the best move and the next one.
    """
    found = []
    board = Board(game.start_fen, strict=False)
    for ply, move in enumerate(game.moves):
        if len(board.legal_indices()) > 1 and board.fen() != START_FEN:
            lines = _labelled(game, ply) if engine is None else _analysed(engine, board)
            if len(lines) > 1 and lines[0].points >= max(_LEAST, lines[1].points + margin):
                found.append(Puzzle(fen=board.fen(), solution=_solution(board, lines[0].pv)))
        board.push(move)
    return found


def _labelled(game: GameRecord, ply: int) -> list[_Scored]:
    labels = game.labels
    if labels is None or not labels.lines or not 0 <= ply - labels.first < len(labels.lines):
        return []
    lines = [_Scored(pv=(move,), points=TEACHER.points(cp)) for move, cp in labels.lines[ply - labels.first]]
    return sorted(lines, key=lambda line: -line.points)


def _analysed(engine: Player, board: Board) -> list[_Scored]:
    curve = curve_of(own_name_of(engine))
    lines = engine.analyse(board.copy(), Limit(), 2).lines
    return [
        _Scored(pv=line.pv, points=curve.points(line.score_cp)) for line in lines if line.score_cp is not None
    ]


def _solution(board: Board, pv: Sequence[Move]) -> tuple[Move, ...]:
    """The whole line where it mates, else its first move: behind that, other moves may do as well."""
    walk = board.copy()
    for move in pv:
        walk.push(move)
    mates = not walk.legal_indices() and walk.turn != board.turn
    return tuple(pv) if mates else (pv[0],)


def as_records(puzzles: Sequence[Puzzle]) -> Iterator[GameRecord]:
    """Puzzles as games from a position of their own, which `read_puzzles` reads; each position once."""
    seen = set()
    for puzzle in puzzles:
        place = puzzle.fen.rsplit(" ", 2)[0]
        if place not in seen:
            seen.add(place)
            yield GameRecord(
                moves=puzzle.solution, start_fen=puzzle.fen, kind="engine", tags={"Event": "Puzzle"}
            )
