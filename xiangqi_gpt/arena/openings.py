"""Where the games of a match begin: short, balanced lines from the standard start."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass

from xiangqi_gpt.errors import MoveError, RecordError
from xiangqi_gpt.files import read_limited
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

OPENINGS_RESOURCE = "data/openings.txt"
MAX_OPENING_PLIES = 60
_MAX_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Opening:
    """Moves from the standard start; `line` is where they stand in their file, from 1."""

    moves: tuple[Move, ...]
    line: int = 0

    def board(self) -> Board:
        """A new board with the moves played."""
        board = Board()
        for move in self.moves:
            board.push(move)
        return board

    def __str__(self) -> str:
        return " ".join(move.iccs for move in self.moves)


def load_openings(path: str | os.PathLike[str] | None = None) -> tuple[Opening, ...]:
    """The openings of a text file: ICCS moves, one opening a line; empty lines and `#` comments are left out.

    Args:
        path: None for the openings of the package.

    Raises:
        RecordError: the file cannot be read or holds no opening; a line holds an illegal move, a position
            where the game is over, or a position that an earlier line has reached.
    """
    file = os.fspath(path) if path is not None else resource_path(OPENINGS_RESOURCE)
    name = str(file)
    try:
        lines = read_limited(file, _MAX_BYTES, error=RecordError).decode().splitlines()
    except UnicodeDecodeError as error:
        raise RecordError(f"expected a readable text file of openings: {error}", file=name) from error
    openings: list[Opening] = []
    seen: dict[Hashable, int] = {}
    for number, text in enumerate(lines, start=1):
        words = text.partition("#")[0].split()
        if not words:
            continue
        opening, board = _read_line(words, name, number)
        first = seen.setdefault(board.position_key(), number)
        if first != number:
            raise RecordError(f"expected a new position, found that of line {first}", file=name, line=number)
        openings.append(opening)
    if not openings:
        raise RecordError("expected at least one opening, found none", file=name)
    return tuple(openings)


def _read_line(words: list[str], file: str, line: int) -> tuple[Opening, Board]:
    if len(words) > MAX_OPENING_PLIES:
        raise RecordError(
            f"expected at most {MAX_OPENING_PLIES} plies, found {len(words)}", file=file, line=line
        )
    board = Board()
    for ply, word in enumerate(words):
        try:
            move = Move.from_iccs(word)
        except MoveError as error:
            raise RecordError(str(error), file=file, line=line, ply=ply) from error
        why = board.explain(move)
        if why is not None:
            raise RecordError(
                f"expected a legal move, found {word!r}: {why.text_en}", file=file, line=line, ply=ply
            )
        board.push(move)
    if not board.legal_moves() or board.outcome() is not None:
        raise RecordError(
            "expected a position to play on from, found the end of a game", file=file, line=line
        )
    return Opening(tuple(board.move_stack), line), board
