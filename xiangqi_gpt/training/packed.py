"""Games packed into flat arrays: what training reads.

A ply takes 6 bytes: the move played, the move to learn and the score. Boards are not stored: they are replayed when a
window of plies is needed, which costs less than reading them would.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.errors import ConfigError
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.tokens.conditions import UNKNOWN_RESULT, UNKNOWN_STRENGTH

NO_MOVE = 0  # a0a0 is no move: it marks a ply that has nothing to learn
NO_SCORE = -32768

U16 = npt.NDArray[np.uint16]
I16 = npt.NDArray[np.int16]
I8 = npt.NDArray[np.int8]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class PackedGames:
    """G games of P plies in all; game g owns the plies ``offsets[g]:offsets[g + 1]``."""

    moves: U16  # (P,) the move played, from * 90 + to
    targets: U16  # (P,) the move to learn, NO_MOVE where there is none
    scores: I16  # (P,) the teacher's centipawns for the side to move, NO_SCORE where there is none
    offsets: I64  # (G + 1,)
    starts: I8  # (G, 90) piece codes of the start position
    turns: I8  # (G,) who moves first
    clocks: I16  # (G,) plies since the last capture at the start
    results: I8  # (G,) 1 Red won, 0 drawn, -1 Black won, UNKNOWN_RESULT
    strengths: I16 | None = None  # (G, 2) Elo of Red and Black, or UNKNOWN_STRENGTH; None: of nobody

    @property
    def games(self) -> int:
        return len(self.offsets) - 1

    @property
    def plies(self) -> int:
        return len(self.moves)


@dataclass
class PackReport:
    """What became of every game offered."""

    kept: int = 0
    left_out: Counter[str] = field(default_factory=Counter)  # by reason
    plies: int = 0
    targets: int = 0
    teacher_targets: int = 0

    def __str__(self) -> str:
        left = ", ".join(f"{n:,} {reason}" for reason, n in sorted(self.left_out.items())) or "none"
        return (
            f"{self.kept:,} games, {self.plies:,} plies, {self.targets:,} moves to learn "
            f"({self.teacher_targets:,} from a teacher); left out: {left}"
        )


@lru_cache(maxsize=4096)
def _start(fen: str) -> tuple[bytes, int, int]:
    board = Board(fen, strict=False)
    return bytes(board.squares), int(board.turn), board.halfmove_clock


def _elo(text: str) -> int:
    """A rating from 1 to 9999; everything else is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else UNKNOWN_STRENGTH


_RESULTS = {"1-0": 1, "0-1": -1, "1/2-1/2": 0}


def pack(
    records: Iterable[GameRecord],
    splits: Iterable[str] = ("train",),
    human: bool = True,
    teacher: bool = True,
) -> tuple[PackedGames, PackReport]:
    """Pack the games of *splits*.

    The move to learn is the teacher's best move where the record has one (unless *teacher* is off), else the move
    played if people chose it (unless *human* is off). Played moves of teacher games are never learned: part of them is
    noise on purpose. Games without any move to learn are left out.
    """
    wanted = set(splits)
    report = PackReport()
    moves, targets, scores = array("H"), array("H"), array("h")
    offsets, clocks, results = array("q", [0]), array("h"), array("b")
    turns, starts, strengths = array("b"), bytearray(), array("h")
    for record in records:
        if record.split not in wanted:
            report.left_out[f"of split {record.split!r}"] += 1
            continue
        played = [move.index for move in record.moves]
        learned = played[:] if human and record.kind != "teacher" else [NO_MOVE] * len(played)
        cps = [NO_SCORE] * len(played)
        labelled = 0
        labels = record.labels
        if labels is not None and teacher:
            for ply, (best, cp) in enumerate(zip(labels.best, labels.cp, strict=True), labels.first):
                if ply >= len(played):
                    break
                if best is not None:
                    learned[ply] = best.index
                    labelled += 1
                if cp is not None:
                    cps[ply] = cp
        count = len(played) - learned.count(NO_MOVE)
        if not count:
            report.left_out["without a move to learn"] += 1
            continue
        codes, turn, clock = _start(record.start_fen)
        moves.extend(played)
        targets.extend(learned)
        scores.extend(cps)
        starts += codes
        turns.append(turn)
        clocks.append(min(clock, 32767))
        results.append(_RESULTS.get(record.result, UNKNOWN_RESULT))
        strengths.extend(_elo(record.tags.get(tag, "")) for tag in ("RedElo", "BlackElo"))
        offsets.append(len(moves))
        report.kept += 1
        report.plies += len(played)
        report.targets += count
        report.teacher_targets += labelled
    if not report.kept:
        raise ConfigError(f"expected at least one game to learn from, found none; {report}")
    packed = PackedGames(
        moves=np.frombuffer(moves, np.uint16),
        targets=np.frombuffer(targets, np.uint16),
        scores=np.frombuffer(scores, np.int16),
        offsets=np.frombuffer(offsets, np.int64),
        starts=np.frombuffer(bytes(starts), np.int8).reshape(-1, 90),
        turns=np.frombuffer(turns, np.int8),
        clocks=np.frombuffer(clocks, np.int16),
        results=np.frombuffer(results, np.int8),
        strengths=np.frombuffer(strengths, np.int16).reshape(-1, 2),
    )
    return packed, report


def result_for(result: int, turn: int) -> int:
    """A packed result seen by the side *turn*: 1 won, 0 drawn, -1 lost."""
    return result if turn == Color.RED else -result
