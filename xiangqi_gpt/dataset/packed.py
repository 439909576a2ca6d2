"""Games packed into flat arrays: the input of training.

A ply takes 6 bytes: the move played, the target move and the score. A game takes a few more: where it begins, how it
ended, and its source. Boards are not stored: they are replayed when a window of plies is needed, which is cheaper than
reading them.
"""

from __future__ import annotations

import dataclasses
import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.outcome import MATE_SCORE, RED_SCORES
from xiangqi_gpt.tokens.conditions import UNKNOWN_RESULT, UNKNOWN_STRENGTH

NO_MOVE = 0  # a0a0 is not a move: it marks a ply without a target
NO_SCORE = -32768
MAX_GAME_PLIES = 65_535  # the ply number within a game is stored in two bytes

U16 = npt.NDArray[np.uint16]
I16 = npt.NDArray[np.int16]
I8 = npt.NDArray[np.int8]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class SoftLabels:
    """A teacher's lists of moves: N entries, those of game g being ``offsets[g]:offsets[g + 1]``."""

    offsets: I64  # (G + 1,)
    plies: U16  # (N,) the ply within the game, ascending; the entries of a ply are best first
    moves: U16  # (N,)
    scores: I16  # (N,) centipawns for the side to move


@dataclass(frozen=True, kw_only=True)
class PackedGames:
    """G games of P plies in all, from S start positions; game g owns the plies ``offsets[g]:offsets[g + 1]``.

    The arrays may be memory-mapped from a file (read only).
    """

    moves: U16  # (P,) the move played, from * 90 + to
    targets: U16  # (P,) the target move, NO_MOVE if there is none
    scores: I16  # (P,) the teacher's centipawns for the side to move, NO_SCORE if there is none
    offsets: I64  # (G + 1,)
    starts: I8  # (S, 90) piece codes of the start positions
    turns: I8  # (S,) the side that moves first
    clocks: I16  # (S,) plies since the last capture at the start
    results: I8  # (G,) 1 Red won, 0 drawn, -1 Black won, UNKNOWN_RESULT
    strengths: I16 | None = None  # (G, 2) Elo of Red and Black, or UNKNOWN_STRENGTH; None: all unknown
    start_of: I32 | None = None  # (G,) the start position of each game; None: game g has start g
    sources: U16 | None = None  # (G,) index of the game's source in source_names; None: all have the first
    source_names: tuple[str, ...] = ("unknown",)  # FILE/KIND, such as games/human
    soft: SoftLabels | None = None

    @property
    def games(self) -> int:
        """Number of games."""
        return len(self.offsets) - 1

    @property
    def plies(self) -> int:
        """Number of plies."""
        return len(self.moves)

    @property
    def parts(self) -> tuple[PackedGames, ...]:
        """A tuple with only this part; a set of shards has several."""
        return (self,)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Every array by name, for storage; the names of sources are stored separately."""
        found = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        if self.soft is not None:
            found.update({f"soft_{name}": value for name, value in vars(self.soft).items()})
        return {name: value for name, value in found.items() if isinstance(value, np.ndarray)}

    @staticmethod
    def from_arrays(arrays: dict[str, Any], source_names: Iterable[str]) -> PackedGames:
        """The games from their :meth:`arrays`."""
        soft = {name[5:]: value for name, value in arrays.items() if name.startswith("soft_")}
        rest: dict[str, Any] = {name: value for name, value in arrays.items() if not name.startswith("soft_")}
        return PackedGames(
            **rest, source_names=tuple(source_names), soft=SoftLabels(**soft) if soft else None
        )


@dataclass(frozen=True)
class PackedSet:
    """The games of several shards, numbered consecutively."""

    parts: tuple[PackedGames, ...]

    @property
    def games(self) -> int:
        """Total number of games."""
        return sum(part.games for part in self.parts)

    @property
    def plies(self) -> int:
        """Total number of plies."""
        return sum(part.plies for part in self.parts)


Packed = PackedGames | PackedSet


def concatenate(parts: Iterable[Packed]) -> Packed:
    """One set of all the games of *parts*, in order."""
    flat = tuple(part for packed in parts for part in packed.parts)
    return flat[0] if len(flat) == 1 else PackedSet(flat)


def fingerprint(packed: Packed) -> str:
    """A short hash of the data, so that a run is never resumed on other data."""
    digest = hashlib.sha1(usedforsecurity=False)
    for part in packed.parts:
        for name in ("moves", "targets", "scores", "offsets", "results"):
            digest.update(np.ascontiguousarray(getattr(part, name)).data)
        if part.soft is not None:
            for value in vars(part.soft).values():
                digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()[:16]


@dataclass
class PackReport:
    """What happened to every game offered."""

    kept: int = 0
    left_out: Counter[str] = field(default_factory=Counter)  # by reason
    plies: int = 0
    targets: int = 0
    teacher_targets: int = 0
    soft_plies: int = 0  # plies with a teacher's list of moves

    def __str__(self) -> str:
        left = ", ".join(f"{n:,} {reason}" for reason, n in sorted(self.left_out.items())) or "none"
        soft = f", {self.soft_plies:,} plies with several of a teacher's" if self.soft_plies else ""
        return (
            f"{self.kept:,} games, {self.plies:,} plies, {self.targets:,} moves to learn "
            f"({self.teacher_targets:,} from a teacher{soft}); left out: {left}"
        )


@lru_cache(maxsize=4096)
def _start(fen: str) -> tuple[bytes, int, int]:
    board = Board(fen, strict=False)
    return bytes(board.squares), int(board.turn), min(board.halfmove_clock, 32767)


def _elo(text: str) -> int:
    """A rating from 1 to 9999, or unknown for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else UNKNOWN_STRENGTH


class Packer:
    """Accepts games one by one; the games since the last :meth:`take` are in memory.

    Args:
        splits: games of other splits are counted and left out.
        human: whether moves that people (or engines) played are targets.
        teacher: whether a teacher's labels are targets.
    """

    def __init__(
        self, splits: Iterable[str] = ("train",), *, human: bool = True, teacher: bool = True
    ) -> None:
        self.report = PackReport()
        self._wanted = set(splits)
        self._human, self._teacher = human, teacher
        self._sources: dict[str, int] = {}
        self._clear()

    def _clear(self) -> None:
        self._moves, self._targets, self._scores = array("H"), array("H"), array("h")
        self._offsets, self._results, self._strengths = array("q", [0]), array("b"), array("h")
        self._starts: dict[tuple[bytes, int, int], int] = {}
        self._start_of, self._source_of = array("i"), array("H")
        self._soft_offsets, self._soft_plies = array("q", [0]), array("H")
        self._soft_moves, self._soft_scores = array("H"), array("h")

    @property
    def plies(self) -> int:
        """Number of plies in memory."""
        return len(self._moves)

    def add(self, record: GameRecord) -> bool:
        """Pack a game; False if it is left out.

        Raises:
            RecordError: labels beyond the end of the game, or invalid scores.
        """
        report = self.report
        if record.split not in self._wanted:
            report.left_out[f"of split {record.split!r}"] += 1
            return False
        played = [move.index for move in record.moves]
        if len(played) > MAX_GAME_PLIES:
            raise _wrong(record, f"expected at most {MAX_GAME_PLIES} plies, found {len(played)}")
        learned = played[:] if self._human and record.kind != "teacher" else [NO_MOVE] * len(played)
        cps = [NO_SCORE] * len(played)
        labelled = self._label(record, learned, cps) if self._teacher else 0
        count = len(played) - learned.count(NO_MOVE)
        if not count:
            report.left_out["without a move to learn"] += 1
            return False
        softened = self._soften(record) if self._teacher else 0
        self._moves.extend(played)
        self._targets.extend(learned)
        self._scores.extend(cps)
        self._offsets.append(len(self._moves))
        self._soft_offsets.append(len(self._soft_moves))
        self._start_of.append(self._starts.setdefault(_start(record.start_fen), len(self._starts)))
        self._source_of.append(self._sources.setdefault(source_name(record), len(self._sources)))
        self._results.append(RED_SCORES.get(record.result, UNKNOWN_RESULT))
        self._strengths.extend(_elo(record.tags.get(tag, "")) for tag in ("RedElo", "BlackElo"))
        report.kept += 1
        report.plies += len(played)
        report.targets += count
        report.teacher_targets += labelled
        report.soft_plies += softened
        return True

    def _label(self, record: GameRecord, learned: list[int], cps: list[int]) -> int:
        """Store a teacher's moves and scores at their plies; return the number of moves."""
        labels = record.labels
        if labels is None:
            return 0
        if len(labels.best) != len(labels.cp) or labels.first + len(labels.best) > len(cps):
            raise _wrong(
                record,
                f"expected a teacher's move and score for at most the {len(cps)} plies, found {len(labels.best)} "
                f"moves and {len(labels.cp)} scores from ply {labels.first}",
            )
        labelled = 0
        for ply, (best, cp) in enumerate(zip(labels.best, labels.cp, strict=True), labels.first):
            if best is not None:
                learned[ply] = best.index
                labelled += 1
            if cp is not None:
                cps[ply] = _score(record, ply, cp)
        return labelled

    def _soften(self, record: GameRecord) -> int:
        """Store a teacher's lists of moves; return the number of plies that have one."""
        if record.labels is None or not record.labels.lines:
            return 0
        softened = 0
        for ply, line in enumerate(record.labels.lines, record.labels.first):
            if record.labels.best[ply - record.labels.first] is None or len(line) < 2:
                continue  # a single move is the hard label, which is stored already
            softened += 1
            for move, cp in line:
                self._soft_plies.append(ply)
                self._soft_moves.append(move.index)
                self._soft_scores.append(_score(record, ply, cp))
        return softened

    def take(self) -> PackedGames:
        """Return the games in memory, and clear it."""
        starts = list(self._starts)
        soft = None
        if len(self._soft_moves):
            soft = SoftLabels(
                offsets=np.frombuffer(self._soft_offsets, np.int64),
                plies=np.frombuffer(self._soft_plies, np.uint16),
                moves=np.frombuffer(self._soft_moves, np.uint16),
                scores=np.frombuffer(self._soft_scores, np.int16),
            )
        packed = PackedGames(
            moves=np.frombuffer(self._moves, np.uint16),
            targets=np.frombuffer(self._targets, np.uint16),
            scores=np.frombuffer(self._scores, np.int16),
            offsets=np.frombuffer(self._offsets, np.int64),
            starts=np.frombuffer(b"".join(s[0] for s in starts), np.int8).reshape(-1, 90),
            turns=np.array([s[1] for s in starts], np.int8),
            clocks=np.array([s[2] for s in starts], np.int16),
            start_of=np.frombuffer(self._start_of, np.int32),
            results=np.frombuffer(self._results, np.int8),
            strengths=np.frombuffer(self._strengths, np.int16).reshape(-1, 2),
            sources=np.frombuffer(self._source_of, np.uint16),
            source_names=tuple(self._sources),
            soft=soft,
        )
        self._clear()
        return packed


def pack(
    records: Iterable[GameRecord],
    splits: Iterable[str] = ("train",),
    human: bool = True,
    teacher: bool = True,
) -> tuple[PackedGames, PackReport]:
    """Pack the games of *splits*.

    The target is the teacher's best move if the record has one (unless *teacher* is off), otherwise the move played if
    a person chose it (unless *human* is off). Moves played in teacher games are never targets: some of them are
    deliberate noise. Games without any target are left out.

    Raises:
        ConfigError: no game is left.
        RecordError: the labels of a game contradict it.
    """
    packer = Packer(splits, human=human, teacher=teacher)
    for record in records:
        packer.add(record)
    if not packer.report.kept:
        raise nothing_to_learn(packer.report)
    return packer.take(), packer.report


def nothing_to_learn(report: PackReport) -> ConfigError:
    """The error for data without any usable game."""
    return ConfigError(f"There is no game to learn from: {report}")


def source_name(record: GameRecord) -> str:
    """The source of a game: FILE/KIND, such as games/human; only the kind for games that come from no file."""
    return f"{Path(record.file).stem}/{record.kind}" if record.file else record.kind


def kind_of(source: str) -> str:
    """The kind of a source's games: human, engine, teacher or unknown."""
    return source.rpartition("/")[2]


def _wrong(record: GameRecord, reason: str, ply: int | None = None) -> RecordError:
    return RecordError(reason, file=record.file, game=record.number or None, ply=ply)


def _score(record: GameRecord, ply: int, cp: int) -> int:
    if not -MATE_SCORE <= cp <= MATE_SCORE:
        raise _wrong(
            record, f"expected a score from -{MATE_SCORE} to {MATE_SCORE} centipawns, found {cp!r}", ply
        )
    return cp
