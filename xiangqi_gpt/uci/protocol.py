"""Reading and writing the lines of UCI and of UCCI, its relative for Chinese chess. No threads, no players."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.notation import uci
from xiangqi_gpt.players.base import Analysis, Limit, Value
from xiangqi_gpt.players.scores import PIKAFISH
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.outcome import MATE_SCORE
from xiangqi_gpt.rules.pieces import Color

_MOVES_TO_GO = 30
_LEAST_TIME = 0.01
_LONGEST_MATE = 1000
_SHOWN_MOVES = 5


@dataclass(frozen=True)
class GoCommand:
    """The request of a `go` command: a limit, and whether the answer waits for `stop` (or `ponderhit`)."""

    limit: Limit
    hold: bool


def parse_position(words: Sequence[str]) -> Board:
    """The board of a `position` command, given the words after it; XiangqiError for malformed input."""
    rest = list(words)
    moves: list[str] = []
    if "moves" in rest:
        at = rest.index("moves")
        rest, moves = rest[:at], rest[at + 1 :]
    if rest == ["startpos"]:
        fen = START_FEN
    elif rest and rest[0] == "fen" and len(rest) > 1:
        fen = " ".join(rest[1:])
    else:
        raise XiangqiError(f"expected startpos or fen FEN, found {' '.join(rest)!r}")
    board = Board(fen)
    for text in moves:
        board.push(uci.parse(board, text))
    return board


def parse_go(words: Sequence[str], turn: Color, *, unit: float = 0.001) -> GoCommand:
    """Parse the words after `go`. Unknown words are ignored, as the protocol requires.

    Args:
        turn: the side whose clock counts.
        unit: seconds in one unit of UCCI's `time` and `increment`; UCI counts milliseconds.
    """
    numbers = _numbers(words)
    own_time, own_inc = ("wtime", "winc") if turn is Color.RED else ("btime", "binc")
    seconds = numbers["movetime"] / 1000 if "movetime" in numbers else None
    clock, increment = numbers.get(own_time), numbers.get(own_inc, 0) / 1000
    left = clock / 1000 if clock is not None else None
    if left is None and "time" in numbers:
        left, increment = numbers["time"] * unit, numbers.get("increment", 0) * unit
    if seconds is None and left is not None:
        seconds = _share(left, increment, numbers.get("movestogo", _MOVES_TO_GO))
    limit = Limit(
        time=None if seconds is None else max(_LEAST_TIME, seconds),
        nodes=_positive(numbers.get("nodes")),
        depth=_positive(numbers.get("depth")),
    )
    return GoCommand(limit, "infinite" in words or "ponder" in words)


def _numbers(words: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, text in pairwise(words):
        # No clock needs longer numbers, and Python is slow at parsing very long ones.
        if len(text) <= 18 and text.removeprefix("-").isdecimal():
            found[key] = int(text)
    return found


def _positive(number: int | None) -> int | None:
    return None if number is None else max(1, number)


def _share(left: float, increment: float, moves_to_go: int) -> float:
    """Seconds for one move: an equal share of the clock, never more than half of it."""
    share = left / max(1, moves_to_go) + 0.75 * increment
    return min(share, left / 2 if moves_to_go != 1 else 0.9 * left)


def info_lines(analysis: Analysis) -> list[str]:
    """`info` lines for a player's analysis, and an `info string` with its most probable moves."""
    lines = []
    for number, line in enumerate(analysis.lines[:1], start=1):
        parts = ["info depth 1", f"multipv {number}"]
        value = analysis.value if number == 1 else None
        if line.score_cp is not None:
            parts.append(_score(line.score_cp))
        elif value is not None:
            parts.append(f"score cp {PIKAFISH.centipawns(value)}")
        if value is not None:
            parts.append(_wdl(value))
        parts.append("pv " + " ".join(move.iccs for move in line.pv))
        lines.append(" ".join(parts))
    shown = [f"{x.move.iccs} {x.prob:.3f}" for x in analysis.lines[:_SHOWN_MOVES] if x.prob is not None]
    if shown:
        lines.append("info string probabilities " + " ".join(shown))
    return lines


def _score(cp: int) -> str:
    moves = MATE_SCORE - abs(cp)
    if 0 <= moves <= _LONGEST_MATE:
        return f"score mate {moves if cp > 0 else -moves}"
    return f"score cp {cp}"


def _wdl(value: Value) -> str:
    win, loss = round(1000 * value.win), round(1000 * value.loss)
    return f"wdl {win} {max(0, 1000 - win - loss)} {loss}"
