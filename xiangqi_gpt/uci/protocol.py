"""Reading the commands of UCI and of UCCI, its relative for Chinese chess. No threads, no players."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.notation import uci
from xiangqi_gpt.notation.uci import RankConvention, detect_rank_convention
from xiangqi_gpt.players.base import Limit
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color

RANKS: tuple[RankConvention, ...] = ("0-9", "1-10")

_MOVES_TO_GO = 30
_LEAST_TIME = 0.01
_MOVE = re.compile(r"[a-iA-I]\d{1,2}-?[a-iA-I]\d{1,2}")


@dataclass(frozen=True)
class GoCommand:
    """The words after `go`.

    Attributes:
        limit: what ends the search.
        hold: the answer waits for `stop` (or `ponderhit`).
        ponder: the time of the limit counts from `ponderhit` on.
        mate: search for a mate in so many moves.
        moves: the only moves to search, as texts; None for all.
        draw: the opponent offers a draw (UCCI).
    """

    limit: Limit
    hold: bool
    ponder: bool = False
    mate: int | None = None
    moves: tuple[str, ...] | None = None
    draw: bool = False


def parse_position(words: Sequence[str], *, ranks: RankConvention = "0-9") -> Board:
    """The board behind `position`, given the words after it; XiangqiError for anything malformed."""
    board, moves = _root_and_moves(words)
    for text in moves:
        board.push(uci.parse(board, text, ranks=ranks))
    return board


def decide_ranks(words: Sequence[str], default: RankConvention) -> RankConvention:
    """How the moves of a `position` command count ranks: the one way in which they are legal, else *default*.

    Raises:
        XiangqiError: a malformed position, or moves with a rank 0 beside moves with a rank 10.
    """
    board, moves = _root_and_moves(words)
    return detect_rank_convention(moves, board) or default


def _root_and_moves(words: Sequence[str]) -> tuple[Board, list[str]]:
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
    return Board(fen), moves


def parse_go(words: Sequence[str], turn: Color, *, unit: float = 0.001, overhead: float = 0.0) -> GoCommand:
    """The words after `go`. Words that are not understood are passed over, as the protocol asks.

    Args:
        turn: the side whose clock counts.
        unit: seconds in one unit of UCCI's `time` and `increment`; UCI counts milliseconds.
        overhead: seconds of the clock that are never used, for the way to the other program and back.
    """
    numbers = _numbers(words)
    own_time, own_inc = ("wtime", "winc") if turn is Color.RED else ("btime", "binc")
    seconds = numbers["movetime"] / 1000 if "movetime" in numbers else None
    clock, increment = numbers.get(own_time), numbers.get(own_inc, 0) / 1000
    left = clock / 1000 if clock is not None else None
    if left is None and "time" in numbers:
        left, increment = numbers["time"] * unit, numbers.get("increment", 0) * unit
    if seconds is None and left is not None:
        seconds = min(_share(left, increment, numbers.get("movestogo", _MOVES_TO_GO)), left - overhead)
    limit = Limit(
        time=None if seconds is None else max(_LEAST_TIME, seconds),
        nodes=_positive(numbers.get("nodes")),
        depth=_positive(numbers.get("depth")),
    )
    return GoCommand(
        limit,
        hold="infinite" in words or "ponder" in words,
        ponder="ponder" in words,
        mate=_positive(numbers.get("mate")),
        moves=_search_moves(words),
        draw="draw" in words,
    )


def parse_moves(board: Board, texts: Sequence[str], ranks: RankConvention) -> list[Move]:
    """The moves of *texts* that are legal on *board*; other texts are passed over."""
    found = []
    for text in texts:
        with contextlib.suppress(XiangqiError):
            found.append(uci.parse(board, text, ranks=ranks))
    return found


def ranks_of_choices(board: Board, texts: Sequence[str], default: RankConvention) -> RankConvention:
    """How moves that are all to be played on *board* count ranks: as more of them are legal, else *default*."""
    legal = {ranks: len(parse_moves(board, texts, ranks)) for ranks in RANKS}
    return max(RANKS, key=lambda ranks: (legal[ranks], ranks == default))


def _search_moves(words: Sequence[str]) -> tuple[str, ...] | None:
    if "searchmoves" not in words:
        return None
    moves = []
    for word in words[list(words).index("searchmoves") + 1 :]:
        if _MOVE.fullmatch(word) is None:
            break
        moves.append(word)
    return tuple(moves)


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
