"""What a reviewer thinks of a played move and of its own: two lines from the same root, so that both are seen from the
same side, by the same search, with the same number of moves still to come.

Scores of one position and of the next cannot be set against each other: engines favour the side to move (by about 100
centipawns in Xiangqi), and a search of the next position looks a ply further.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.players.base import Analysis, Limit, Line, Player, own_name_of
from xiangqi_gpt.players.scores import GPT_SEARCH, TEACHER, curve_of
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.outcome import MATE_SCORE, mate_score

if TYPE_CHECKING:
    from xiangqi_gpt.decoding.lookahead import Candidate

MATE_MOVES = 1000
"""Scores nearer to MATE_SCORE than this are mates."""


@dataclass(frozen=True, kw_only=True)
class EvaluatedLine:
    """A move, what may follow it, and what the side that plays it can expect."""

    pv: tuple[Move, ...]  # the move first
    points: float  # 0..1 for the side to move
    mate: int | None = None  # moves to mate, negative where the side to move is mated; None if not forced
    cp: int | None = (
        None  # centipawns for the side to move, where the reviewer counts in them; mates as in Line
    )

    @property
    def move(self) -> Move:
        return self.pv[0]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The best move of a position and the played one, from the same root."""

    best: EvaluatedLine
    played: EvaluatedLine  # the same object where the played move is the best one
    prob: float | None = None  # share that a GPT gives to the played move among the legal ones, 0..1


def compare_line(
    player: Player, boards: Sequence[Board], moves: Sequence[Move], plies: Collection[int], limit: Limit
) -> Iterator[tuple[int, Comparison]]:
    """Comparisons of moves of a game, from its end to its start; a player that can judges many moves at a time.

    Args:
        boards: before each of *moves*.
        plies: of the moves to compare, 0-based.

    Raises:
        PlayerError: the player gives no evaluation of moves.
    """
    judge: Any = getattr(player, "judge_line", None)
    judged = None if judge is None else judge(boards, moves, limit, plies)
    if judged is None:
        for ply in sorted(plies, reverse=True):
            yield ply, compare_moves(player, boards[ply], moves[ply], limit)
        return
    for ply, one in judged:
        best = _evaluated_candidate(one.best)
        played = best if one.played is one.best else _evaluated_candidate(one.played)
        yield ply, Comparison(best=best, played=played, prob=one.prob)


def _evaluated_candidate(candidate: Candidate) -> EvaluatedLine:
    """A candidate of a search of ours; the score of a mate is counted in centipawns, as engines do."""
    if candidate.mate is not None:
        return EvaluatedLine(
            pv=candidate.pv,
            points=float(candidate.mate > 0),
            mate=candidate.mate,
            cp=mate_score(candidate.mate),
        )
    return EvaluatedLine(pv=candidate.pv, points=GPT_SEARCH.points(candidate.value or 0.0))


def compare_moves(player: Player, board: Board, played: Move, limit: Limit) -> Comparison:
    """Two searches of *board*: one of all moves, one of *played* alone, unless it is the best one anyway.

    A move that ends the game is worth its result.

    Raises:
        PlayerError: the player gives no evaluation of moves.
    """
    line = player.analyse(board.copy(), limit, 1).lines[0]
    if (line.points, line.score_cp) == (None, None):
        return _compare_by_value(player, board, played, limit)
    prob = line.prob if line.move == played else None
    best = _evaluated(player, line)
    if best.move == played:
        return Comparison(best=best, played=best, prob=prob)
    restricted: EvaluatedLine
    if (ended := _ended(board, played)) is not None:
        restricted = ended
    else:
        alone = _alone(player, board, played, limit)
        if (alone.points, alone.score_cp) == (None, None):  # its time was over before it had tried the move
            return _compare_by_value(player, board, played, limit)
        restricted, prob = _evaluated(player, alone), alone.prob
    if restricted.points > best.points:
        # Two searches with a limit disagree by a little: the move that was played is then taken to be as good.
        return Comparison(best=restricted, played=restricted, prob=prob)
    return Comparison(best=best, played=restricted, prob=prob)


def _alone(player: Player, board: Board, move: Move, limit: Limit) -> Line:
    """The line of a search that is held to *move*, or of one that looks at every move alike."""
    analyse: Any = player.analyse
    if "root_moves" in inspect.signature(analyse).parameters:
        analysis: Analysis = analyse(board.copy(), limit, 1, root_moves=[move])
        return analysis.lines[0]
    lines = player.analyse(board.copy(), limit).lines
    return next(line for line in lines if line.move == move)


def _ended(board: Board, move: Move) -> EvaluatedLine | None:
    """The line of a move after which there is no legal move; None where the game is still open."""
    after = board.copy()
    after.push(move)
    return None if after.legal_indices() else EvaluatedLine(pv=(move,), points=1.0, mate=1)


def _compare_by_value(player: Player, board: Board, played: Move, limit: Limit) -> Comparison:
    """Of a player that does not search: what it thinks of the two positions that the moves lead to."""
    analysis = player.analyse(board.copy(), limit)
    probs = {line.move: line.prob for line in analysis.lines}
    lines = []
    for move in (analysis.lines[0].move, played):
        after = board.copy()
        after.push(move)
        if (ended := _ended(board, move)) is not None:
            lines.append(ended)
            continue
        then = player.analyse(after, limit)
        if then.value is None:
            raise PlayerError(f"{player.name} gives no evaluation of positions, which a review needs.")
        lines.append(EvaluatedLine(pv=(move, then.lines[0].move), points=1 - then.value.expectation))
    best, own = lines
    if best.move == played or own.points > best.points:
        best = own
    return Comparison(best=best, played=own, prob=probs.get(played))


def _evaluated(player: Player, line: Line) -> EvaluatedLine:
    cp, curve = line.score_cp, curve_of(own_name_of(player))
    mate = mate_of(line)
    if mate is not None:
        return EvaluatedLine(pv=line.pv, points=float(mate > 0), mate=mate, cp=cp)
    if line.points is not None:
        return EvaluatedLine(pv=line.pv, points=line.points, cp=cp)
    if cp is None:
        raise PlayerError(f"{player.name} gave no score for {line.move.iccs}.")
    return EvaluatedLine(pv=line.pv, points=curve.points(cp), cp=cp)


def mate_of(line: Line) -> int | None:
    """Moves to mate of a line, negative where the side to move is mated; None where there is none."""
    cp = line.score_cp
    if cp is None or abs(cp) <= MATE_SCORE - MATE_MOVES:
        return None
    return MATE_SCORE - cp if cp > 0 else -MATE_SCORE - cp


def centipawns(line: EvaluatedLine) -> float:
    """What a line is worth in centipawns for the side to move, at most +-1000: of an engine its own score, else the
    score for which the teacher's curve gives as many points.
    """
    cp = line.cp if line.cp is not None else TEACHER.centipawns_of_points(line.points)
    return max(-1000.0, min(1000.0, float(cp)))
