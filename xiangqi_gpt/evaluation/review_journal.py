"""Judgements of a review that has not ended yet, so that a killed one resumes where it was.

One file per game and reviewer in the user's cache folder: a line for each judged move, removed when the review is
complete. A comparison does not depend on the others (see `review`), so a resumed review equals an uninterrupted one.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xiangqi_gpt.errors import FileError
from xiangqi_gpt.evaluation.reviewers import Comparison, EvaluatedLine
from xiangqi_gpt.files import read_limited
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.resources import user_folder
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.safe_json import format_json, parse_json

MAX_BYTES = 64 << 20
"""Of a journal; a larger one is not ours."""


def default_folder() -> Path:
    """Where journals of this user are kept."""
    return user_folder("cache") / "reviews"


class ReviewJournal:
    """The comparisons of one game by one reviewer.

    Args:
        game: the game under review.
        reviewer: what decides its comparisons: spec, limit, version, and when its files were changed.
        folder: where the file lies; made where it is missing.

    Attributes:
        problem: why nothing more is kept, or "".
    """

    def __init__(self, game: GameRecord, reviewer: Sequence[object], folder: Path | None = None) -> None:
        key = format_json([game.start_fen, [move.iccs for move in game.moves], *map(str, reviewer)])
        name = f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.jsonl"
        self.path = (folder or default_folder()) / name
        self._game = game
        self.problem = ""

    def read(self) -> dict[int, Comparison]:
        """What was judged before, by ply (0-based); a torn or foreign line is left out."""
        try:
            text = read_limited(self.path, MAX_BYTES).decode("utf-8", "replace")
        except FileError:
            return {}
        boards = [Board(self._game.start_fen, strict=False)]
        for move in self._game.moves:
            boards.append(boards[-1].copy())
            boards[-1].push(move)
        found = {}
        for line in text.splitlines():
            try:
                row = parse_json(line)
                ply = int(row["ply"])
                board = boards[:-1][ply]
                best, played = (_read_line(row[part], board) for part in ("best", "played"))
                if played.move != self._game.moves[ply] or ply < 0:
                    raise ValueError(f"expected {self._game.moves[ply].iccs}, found {played.move.iccs}")
                found[ply] = Comparison(
                    best=played if best == played else best, played=played, prob=row["prob"]
                )
            except (FileError, ValueError, KeyError, TypeError, IndexError):
                continue
        return found

    def add(self, ply: int, comparison: Comparison) -> None:
        """Append a comparison; it is in the file when the call returns.

        A disk that refuses it sets `problem` and ends the keeping, not the review.
        """
        if self.problem:
            return
        row = {
            "ply": ply,
            "best": _written(comparison.best),
            "played": _written(comparison.played),
            "prob": comparison.prob,
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"\n{format_json(row)}\n")  # the first line end closes a line that a kill has torn
        except OSError as error:
            self.problem = f"{self.path}: {error.strerror or error}"

    def remove(self) -> None:
        """The review is complete."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


def _written(line: EvaluatedLine) -> dict[str, Any]:
    return {"pv": [m.iccs for m in line.pv], "points": line.points, "mate": line.mate, "cp": line.cp}


def _read_line(row: dict[str, Any], board: Board) -> EvaluatedLine:
    """ValueError where the line is not legal on *board*."""
    walk, pv = board.copy(), []
    for text in row["pv"]:
        move = Move.from_iccs(text)
        if not walk.is_legal(move):
            raise ValueError(f"expected a legal move, found {text!r}")
        pv.append(move)
        walk.push(move)
    points = float(row["points"])
    if not pv or not 0 <= points <= 1:
        raise ValueError(f"expected a line with 0 to 1 points, found {points!r}")
    mate, cp = row["mate"], row["cp"]
    return EvaluatedLine(
        pv=tuple(pv),
        points=points,
        mate=None if mate is None else int(mate),
        cp=None if cp is None else int(cp),
    )
