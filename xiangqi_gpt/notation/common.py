"""Code shared by all notations: the legality check of a parsed move, and the errors."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from xiangqi_gpt.errors import Illegality, IllegalMoveError, MoveError
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

MAX_TEXT = 100
"""Longer texts are not moves, whatever they contain."""

_NUMBERED = re.compile(r"\A\d{1,3}\s*(?:[.、]+)\s*(?=\S{3}|[a-i]\d)")
_CHECK = re.compile(r"(?<=[0-9一二三四五六七八九])[+#!?]+$")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))


def plain(text: str) -> str:
    """`text` without outer blanks, full-width characters as ASCII, any dash as "-"; "" if it is too long."""
    if len(text) > MAX_TEXT:
        return ""
    text = text.strip()
    return text if text.isascii() else unicodedata.normalize("NFKC", text).translate(_DASHES)


def bare(text: str) -> str:
    """`text` as `plain` gives it, without a move number in front of the move and a mark of check behind it."""
    return _CHECK.sub("", _NUMBERED.sub("", plain(text), count=1))


def legal(board: Board, move: Move, text: str) -> Move:
    """`move` itself if it is legal; IllegalMoveError naming the text, the reason and the position if not."""
    if board.is_legal(move):
        return move
    reason = board.explain(move)
    words = reason.text_en if reason is not None else "the rules forbid it"
    raise IllegalMoveError(
        f"expected a legal move, found {text!r} ({move.iccs}): {words}; in {board.fen()!r}", reason=reason
    )


def unreadable(board: Board, text: str, expected: str) -> MoveError:
    """The error for a text that does not have the form of a move; `expected` describes the form."""
    shown = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "..."
    return MoveError(f"expected {expected}, found {shown!r} in {board.fen()!r}")


def one_legal(board: Board, candidates: Sequence[Move], text: str) -> Move:
    """The only legal move among the possible meanings of a text.

    Args:
        board: the position.
        candidates: at least one move, without duplicates.
        text: the text, for the error.

    Raises:
        MoveError: several are legal; the message lists them.
        IllegalMoveError: none is; the message gives the reason.
    """
    found = [move for move in candidates if board.is_legal(move)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(move.iccs for move in found)
        raise MoveError(
            f"expected a text of one move, found {text!r}, which may be {names}; in {board.fen()!r}"
        )
    if len(candidates) == 1:
        return legal(board, candidates[0], text)
    reasons: list[Illegality] = []
    words = []
    for move in candidates:
        reason = board.explain(move)
        if reason is not None:
            reasons.append(reason)
            words.append(f"{move.iccs}: {reason.text_en}")
    raise IllegalMoveError(
        f"expected a legal move, found {text!r} ({'; '.join(words)}) in {board.fen()!r}", reason=reasons[0]
    )
