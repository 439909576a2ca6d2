"""Start positions and records as the binary and coordinate formats hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.records.detect import decode
from xiangqi_gpt.records.replay import ParsedGame, start_of
from xiangqi_gpt.records.variations import RawLine, plain_notes, resolve
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import format_fen
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.pieces import CODES, Color

PIECE_ORDER: Final = "RNBAKABNRCCPPPPP"
"""The sixteen pieces of a side in the order of XQF and DhtmlXQ."""

EMPTY: Final = -1
"""Stands for a piece that is off the board."""


def place_pieces(squares: Sequence[int]) -> tuple[list[int], str]:
    """A board of 90 codes from the squares of 32 pieces (Red's sixteen, then Black's; `EMPTY` for none).

    Returns the board and what is wrong with it, "" if nothing is.
    """
    board = [0] * 90
    for index, square in enumerate(squares):
        if square == EMPTY:
            continue
        letter = PIECE_ORDER[index % 16]
        if board[square]:
            return board, f"expected one piece a point, found two on point {square}"
        board[square] = CODES[letter if index < 16 else letter.lower()]
    return board, ""


def list_pieces(board: Sequence[int]) -> list[int]:
    """The squares of 32 pieces in the order of `place_pieces`, from a board of 90 codes."""
    listed = [EMPTY] * 32
    slots: dict[int, list[int]] = {}
    for index in range(32):
        letter = PIECE_ORDER[index % 16]
        slots.setdefault(CODES[letter if index < 16 else letter.lower()], []).append(index)
    for square, code in enumerate(board):
        if code and slots[code]:
            listed[slots[code].pop(0)] = square
    return listed


def position_fen(board: list[int], turn: int, first: int | None) -> str:
    """The FEN of a start position; where a first move is known, the side that owns its piece is to move.

    The binary formats store the side too, but programs often left it at Red.
    """
    if first is not None and 0 <= first < 8100 and board[first // 90]:
        turn = int(board[first // 90] > 7)
    return format_fen(board, Color(turn))


def finish(game: ParsedGame, line: RawLine, fault: str = "") -> ParsedGame:
    """Give a game the moves and notes of a line of move indices; ``fault`` is why the main line stops."""
    start = start_of(game.start_fen)
    if start.fault:
        return game  # the judge refuses it
    if line.has_lines():
        resolved = resolve(line, start.board(), _parse, game.remarks)
        game.moves = [move.index for move in resolved.moves]
        game.notes = resolved.notes
        game.fault = resolved.fault or fault
    else:
        game.moves = [token for token in line.tokens if isinstance(token, int)]
        game.notes = plain_notes(line)
        game.fault = fault
    return game


def refused(game: ParsedGame, reason: str) -> ParsedGame:
    """The game as one of which nothing can be used."""
    game.fault = reason
    game.usable = False
    return game


def _parse(board: Board, token: str | int) -> Move:
    if isinstance(token, str):
        raise MoveError(f"expected a move index, found {token!r}")
    return MOVES[token]


def decode_strings(raws: Sequence[bytes]) -> list[str]:
    """Strings of one file in the encoding in which all of them are text.

    UTF-8 is believed where it gives Chinese characters, else GB18030, else Big5. A string may have been cut
    in the middle of a character; its last byte or bytes are dropped then.
    """
    everything = b" ".join(raws)
    if everything.isascii():
        return [raw.decode("ascii").rstrip("\x00 ") for raw in raws]
    for encoding in ("utf-8", "gb18030", "big5hkscs"):
        texts = [_cut(raw, encoding) for raw in raws]
        sound = [text for text in texts if text is not None]
        if len(sound) == len(raws) and (encoding != "utf-8" or any(c > "⺀" for text in sound for c in text)):
            return [text.rstrip("\x00 ") for text in sound]
    return [raw.decode("gb18030", "replace").rstrip("\x00 ") for raw in raws]


def _cut(raw: bytes, encoding: str) -> str | None:
    for end in range(len(raw), max(-1, len(raw) - 4), -1):
        text = decode(raw[:end], encoding)
        if text is not None:
            return text
    return None
