"""Text to `Move` and back: one module per notation, each with the same two functions, `parse` and `render`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.notation import chinese, iccs, san, uci, vietnamese, wxf
from xiangqi_gpt.notation.common import bare, unreadable
from xiangqi_gpt.notation.uci import RankConvention, detect_rank_convention
from xiangqi_gpt.notation.wxf import Dialect, detect_dialect
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

__all__ = [
    "NOTATIONS",
    "Dialect",
    "Notation",
    "RankConvention",
    "detect_dialect",
    "detect_rank_convention",
    "parse",
    "parse_any",
    "render",
]


@dataclass(frozen=True)
class Notation:
    """A notation by name.

    Attributes:
        name: "iccs", "uci", "wxf" or "chinese".
        parse: (board, text) -> the legal move; MoveError or IllegalMoveError.
        render: (board, move) -> the text.
    """

    name: str
    parse: Callable[[Board, str], Move]
    render: Callable[[Board, Move], str]


NOTATIONS: dict[str, Notation] = {
    name: Notation(name, module.parse, module.render)
    for name, module in (("iccs", iccs), ("uci", uci), ("wxf", wxf), ("chinese", chinese))
}
"""All notations by name; keyword options of a module's functions have their defaults."""

_COORDINATES = re.compile(r"[A-Ia-i](10|[0-9])-?[A-Ia-i](10|[0-9])")


def parse_any(board: Board, text: str) -> Move:
    """The legal move that `text` names in any notation, detected from the form of the text.

    Coordinates and algebraic texts (Cbe2) are read with ranks 0-9, and with ranks 1-10 only if a 10 occurs: nothing is
    guessed from which moves are legal. A move number before the move and a check mark after it are ignored. A text that
    exists in both WXF and Vietnamese notation is read as WXF.

    Raises:
        MoveError: `text` is not a move in any notation, or fits several legal moves.
        IllegalMoveError: the move is not legal on `board`.
    """
    move = bare(text)
    if _COORDINATES.fullmatch(move):
        return uci.parse(board, move, ranks="1-10") if "10" in move else iccs.parse(board, move)
    if any("一" <= character <= "鿿" for character in move):
        return chinese.parse(board, move)
    if san.looks_like(move, piece=True):
        return san.parse(board, move, ranks="1-10" if "10" in move else "0-9")
    if vietnamese.looks_like(move, only=True):
        return vietnamese.parse(board, move)
    if not 3 <= len(move) <= 4:
        raise unreadable(board, text, "a move in ICCS, UCI, WXF or Chinese notation")
    return wxf.parse(board, move)


def parse(board: Board, text: str, notation: str | None = None) -> Move:
    """The legal move that `text` names, in the notation of that name or, without one, in any; errors as `parse_any`."""
    return parse_any(board, text) if notation is None else _notation(notation).parse(board, text)


def render(board: Board, move: Move, notation: str = "iccs") -> str:
    """The text of a legal `move` on `board`, in the notation "iccs", "uci", "wxf" or "chinese"."""
    return _notation(notation).render(board, move)


def _notation(name: str) -> Notation:
    if name not in NOTATIONS:
        raise ConfigError(f"notation: expected one of {', '.join(NOTATIONS)}, found {name!r}")
    return NOTATIONS[name]
