"""Writing what a search has found: the `info` lines of UCI and of UCCI."""

from __future__ import annotations

from dataclasses import dataclass

from xiangqi_gpt.notation import uci
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.players.base import Analysis, Line, Value
from xiangqi_gpt.players.scores import PIKAFISH
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.outcome import MATE_SCORE

_LONGEST_MATE = 1000
_SHOWN_MOVES = 5
_UCCI_MATE = 10_000  # UCCI has scores without a word; programs take those near 10,000 for mates
_NO_BOARD = Board()  # rendering coordinates does not look at the position


@dataclass(frozen=True)
class Progress:
    """How far a search has come.

    Attributes:
        depth: plies of the principal line.
        deepest: plies of the longest line looked at.
        nodes: positions looked at.
        seconds: time since it began.
    """

    depth: int
    deepest: int
    nodes: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class InfoFormat:
    """How `info` lines are written.

    Attributes:
        ucci: for UCCI, whose scores are bare numbers, and which knows one line only.
        ranks: how moves count ranks.
        multipv: number of lines.
        wdl: with chances of win, draw and loss.
    """

    ucci: bool = False
    ranks: RankConvention = "0-9"
    multipv: int = 1
    wdl: bool = True

    def move(self, move: Move) -> str:
        """A move as text."""
        return uci.render(_NO_BOARD, move, ranks=self.ranks)


def info_lines(
    analysis: Analysis, progress: Progress | None = None, style: InfoFormat | None = None
) -> list[str]:
    """`info` lines for what a player thought; without *progress* its most probable moves follow.

    Lines beyond the first are written only where a search has tried their moves.
    """
    style = style or InfoFormat()
    if style.ucci:
        return _ucci_lines(analysis, progress, style)
    lines = []
    for number, line in enumerate(analysis.lines[: style.multipv], start=1):
        value = _value(analysis, line, number)
        if number > 1 and value is None and line.score_cp is None:
            break
        parts = ["info", "depth 1" if progress is None else f"depth {progress.depth}"]
        if progress is not None:
            parts.append(f"seldepth {max(progress.depth, progress.deepest)}")
        parts.append(f"multipv {number}")
        if line.score_cp is not None:
            parts.append(_score(line.score_cp))
        elif value is not None:
            parts.append(f"score cp {PIKAFISH.centipawns(value)}")
        if value is not None and style.wdl:
            parts.append(_wdl(value))
        if progress is not None:
            parts.append(_speed(progress))
        parts.append("pv " + " ".join(map(style.move, line.pv)))
        lines.append(" ".join(parts))
    if progress is None:
        shown = [
            f"{style.move(x.move)} {x.prob:.3f}" for x in analysis.lines[:_SHOWN_MOVES] if x.prob is not None
        ]
        if shown:
            lines.append("info string probabilities " + " ".join(shown))
    return lines


def _ucci_lines(analysis: Analysis, progress: Progress | None, style: InfoFormat) -> list[str]:
    if not analysis.lines:
        return []
    line = analysis.lines[0]
    value = _value(analysis, line, 1)
    parts = [f"info depth {1 if progress is None else progress.depth}"]
    if line.score_cp is not None:
        moves = MATE_SCORE - abs(line.score_cp)
        score = _UCCI_MATE - 2 * moves if 0 <= moves <= _LONGEST_MATE else abs(line.score_cp)
        parts.append(f"score {score if line.score_cp > 0 else -score}")
    elif value is not None:
        parts.append(f"score {PIKAFISH.centipawns(value)}")
    parts.append("pv " + " ".join(map(style.move, line.pv)))
    lines = [" ".join(parts)]
    if progress is not None:
        lines.insert(0, f"info time {round(1000 * progress.seconds)} nodes {progress.nodes}")
    return lines


def _value(analysis: Analysis, line: Line, number: int) -> Value | None:
    return line.value if line.value is not None or number > 1 else analysis.value


def _score(cp: int) -> str:
    moves = MATE_SCORE - abs(cp)
    if 0 <= moves <= _LONGEST_MATE:
        return f"score mate {moves if cp > 0 else -moves}"
    return f"score cp {cp}"


def _wdl(value: Value) -> str:
    win, loss = round(1000 * value.win), round(1000 * value.loss)
    return f"wdl {win} {max(0, 1000 - win - loss)} {loss}"


def _speed(progress: Progress) -> str:
    per_second = round(progress.nodes / max(progress.seconds, 0.001))
    return f"nodes {progress.nodes} nps {per_second} time {round(1000 * progress.seconds)}"
