"""One game as the whole package sees it: moves, result, tags, the split it belongs to, a teacher's labels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import Move

RESULTS: Final = ("1-0", "0-1", "1/2-1/2", "*")
"""Red wins, Black wins, drawn, unknown."""

SPLITS: Final = ("train", "valid", "test", "reserved", "extra")
KINDS: Final = ("human", "engine", "teacher", "unknown")

SPLIT_PLIES: Final = 30
"""How many plies of a game decide its split: two copies of a game that end differently stay together."""

_SPLIT_BUCKETS: Final = {0: "test", 1: "valid", 2: "reserved"}
_NEW_LETTERS: Final = str.maketrans("HhEe", "NnBb")


@dataclass(frozen=True, slots=True)
class TeacherLabels:
    """What a strong engine thought of the positions of one game.

    ``best[i]`` and ``cp[i]`` belong to the position *before* the move with index ``first + i`` (0-based).
    ``cp`` is in centipawns for the side to move; a mate in n plies is 30000 - n or -(30000 - n), other
    scores lie within +-20000. ``None`` stands where a position was not judged.
    ``lines[i]``, where the teacher was asked for several moves, holds the same position's best moves with
    their scores, best first and ``best[i]`` among them; it is empty where the position was not judged, and
    ``lines`` is empty where none was judged so.
    """

    first: int
    best: tuple[Move | None, ...]
    cp: tuple[int | None, ...]
    lines: tuple[tuple[tuple[Move, int], ...], ...] = ()

    def __post_init__(self) -> None:
        if self.first < 0:
            raise ValueError(f"expected the index of the first label, 0 or more, found {self.first!r}")
        if len(self.best) != len(self.cp):
            raise ValueError(
                f"expected a score for each best move, found {len(self.cp)} for {len(self.best)} moves"
            )
        if self.lines and len(self.lines) != len(self.best):
            raise ValueError(
                f"expected lines for each best move or none at all, found {len(self.lines)} "
                f"for {len(self.best)} moves"
            )

    def at(self, ply: int) -> tuple[Move | None, int | None]:
        """Best move and score in the position before move ``ply`` (0-based), ``None`` where not judged."""
        index = ply - self.first
        if 0 <= index < len(self.best):
            return self.best[index], self.cp[index]
        return None, None


@dataclass(frozen=True, slots=True)
class Note:
    """What stands beside one move of a line: words, glyphs, and other moves that were looked at instead."""

    comment: str = ""
    nags: tuple[int, ...] = ()
    variations: tuple[Variation, ...] = ()


@dataclass(frozen=True, slots=True)
class Variation:
    """A side line that replaces one move of the line it hangs on.

    ``notes`` is keyed as in ``GameRecord.notes``: k for the k-th move of this side line (1-based), 0 for
    words before its first move.
    """

    moves: tuple[Move, ...]
    notes: Mapping[int, Note] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class GameRecord:
    """One game, every ply of it legal when it comes from a reader of this package.

    ``start_fen`` is the position before the first move. ``file`` and ``number`` (1-based) are where the game
    was read. In a game of kind ``"teacher"`` the played moves are context only: part of them is noise on
    purpose, and what the teacher wanted stands in ``labels``. ``notes`` holds comments, glyphs and variations
    by ply: k for what follows the k-th move (1-based; its variations replace that move), 0 for what stands
    before the first.
    """

    moves: tuple[Move, ...]
    start_fen: str = START_FEN
    result: str = "*"
    tags: Mapping[str, str] = field(default_factory=dict)
    split: str = ""
    kind: str = "human"
    subtype: str = ""
    id: str = ""
    labels: TeacherLabels | None = None
    notes: Mapping[int, Note] = field(default_factory=dict)
    file: str = ""
    number: int = 0

    @property
    def plies(self) -> int:
        """Number of moves."""
        return len(self.moves)

    @property
    def from_start(self) -> bool:
        """Whether the game begins at the standard start position."""
        return is_start(self.start_fen)


def is_start(fen: str) -> bool:
    """Whether a FEN names the standard start (an empty one does), whatever its trailing fields."""
    if fen in ("", START_FEN):
        return True
    fields = fen.split()
    start = START_FEN.split()
    if not fields or fields[0].translate(_NEW_LETTERS) != start[0]:
        return False
    return len(fields) == 1 or fields[1] != "b"


def game_hash(start_fen: str, moves: Sequence[Move] | Sequence[str]) -> int:
    """SHA-1 of the start position and the first 30 moves, as one integer.

    The standard start counts as the empty string, moves are written as ``h2e2`` with a space between.
    """
    fen = "" if is_start(start_fen) else start_fen
    head = " ".join([str(move) for move in moves[:SPLIT_PLIES]])
    return int(hashlib.sha1(f"{fen}|{head}".encode(), usedforsecurity=False).hexdigest(), 16)


def split_of(start_fen: str, moves: Sequence[Move] | Sequence[str]) -> str:
    """The part of the data a game belongs to, computed from the game alone.

    Of fifty games one is ``"test"``, one ``"valid"``, one ``"reserved"`` (never trained on, wherever it turns
    up) and the rest are ``"train"``. A copy of a game in another format lands in the same part.
    """
    return _SPLIT_BUCKETS.get(game_hash(start_fen, moves) % 50, "train")
