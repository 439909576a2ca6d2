"""FEN as people copy it: from links, with a side letter stuck to the board, with other letters for the pieces."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

_LINK = re.compile(r".*[?&#/]fen=([^&#]*).*", re.IGNORECASE | re.DOTALL)
_POCKET = re.compile(r"\[-?\]")


def plain_fen(text: str) -> str:
    """`text` with its fields parted by spaces and its pieces spelled with the usual letters.

    Undone are what links do to a FEN (`_w`, `%20w`, `+w`, `?fen=...`), an empty pocket (`[]`), a side letter
    stuck to the last rank, and G, M and S for king (or guard), advisor and soldier. Nothing is decided where two
    readings are possible: such a text stays as it is and is refused by whoever reads it.
    """
    link = _LINK.fullmatch(text)
    text = link[1] if link is not None else text
    if "%" in text or "+" in text:
        text = unquote_plus(text)
    words = _POCKET.sub(" ", text.replace("_", " ")).split()
    if not words or "/" not in words[0]:
        return " ".join(words)  # no board: errors quote it, so that its letters stay
    board, rest = words[0], words[1:]
    stuck = board[-1] in "wrbWRB" and _files(board.rpartition("/")[2]) == 10
    if stuck and (not rest or rest[0].lower() not in ("w", "r", "b")):
        board, rest = board[:-1], [board[-1], *rest]
    if not set("GMSgms").isdisjoint(board):
        board = _usual_letters(_usual_letters(board, "KAPGMS"), "kapgms")
    return " ".join((board, *rest))


def _files(rank: str) -> int:
    return sum(int(letter) if letter in "123456789" else 1 for letter in rank)


def _usual_letters(board: str, letters: str) -> str:
    """The board with one side's other letters replaced, where the usual letter of that piece is not there too."""
    king, advisor, soldier, general, mandarin, other_soldier = tuple(letters)
    if king not in board and board.count(general) == 1:
        board = board.replace(general, king)
    elif advisor not in board and mandarin not in board:
        board = board.replace(general, advisor)
    if advisor not in board:
        board = board.replace(mandarin, advisor)
    if soldier not in board:
        board = board.replace(other_soldier, soldier)
    return board
