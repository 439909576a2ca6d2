"""FEN: reading, writing and the strict check whether a position can occur at all.

`fen_faults` lists every fault of a text; an empty list means that strict reading accepts it. Some faults leave no
usable board (`FenFault.fatal`); lenient reading, which position editors use, tolerates the others.

Accepted in every mode: horse N or H, elephant B or E, Red to move as `w` or `r`, missing trailing fields, and the
variants that `fentext` normalises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from xiangqi_gpt.errors import FenError, FenFault, FenFaultCode
from xiangqi_gpt.rules.attacks import ADVISOR_POINTS, ELEPHANT_POINTS, in_palace
from xiangqi_gpt.rules.fentext import plain_fen
from xiangqi_gpt.rules.movegen import find_kings, king_attacked
from xiangqi_gpt.rules.pieces import CODES, SYMBOLS, SYMBOLS_HE, Color, Piece, PieceKind
from xiangqi_gpt.rules.squares import FILES, RANKS, SQUARE_NAMES, Square
from xiangqi_gpt.texts import Message

START_FEN = "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR w - - 0 1"
"""The standard start position."""

MAX_LENGTH = 250
"""Longest accepted text, in characters."""

MAX_COUNTER = 9999
"""Largest value of either counter."""

_LIMITS = {
    PieceKind.KING: 1,
    PieceKind.ADVISOR: 2,
    PieceKind.ELEPHANT: 2,
    PieceKind.HORSE: 2,
    PieceKind.ROOK: 2,
    PieceKind.CANNON: 2,
    PieceKind.PAWN: 5,
}
_COUNTER = re.compile(r"[0-9]{1,4}", re.ASCII)


@dataclass(frozen=True)
class FenFields:
    """The fields of a FEN.

    Attributes:
        squares: 90 piece codes by square.
        turn: side to move.
        halfmove_clock: plies since the last capture.
        fullmove_number: number of the move about to be played; some programs start at 0.
    """

    squares: tuple[int, ...]
    turn: Color
    halfmove_clock: int
    fullmove_number: int


def parse_fen(fen: str, *, strict: bool = True) -> FenFields:
    """Read a FEN.

    Args:
        fen: the text.
        strict: also reject impossible positions, not only unreadable text.

    Raises:
        FenError: with the list of faults.
    """
    fields, faults = _read(fen)
    if fields is not None and strict:
        faults.extend(position_faults(fields.squares, fields.turn))
    refused = [f for f in faults if strict or f.fatal]
    if fields is None or refused:
        words = "; ".join(f.text_en for f in refused)
        shown = fen if len(fen) <= MAX_LENGTH else fen[:MAX_LENGTH] + "..."
        raise FenError(f"expected a possible position: {words}; found FEN {shown!r}", fen=fen, faults=refused)
    return fields


def fen_faults(fen: str) -> list[FenFault]:
    """All faults of `fen` under strict reading; empty if it is accepted."""
    fields, faults = _read(fen)
    if fields is not None:
        faults.extend(position_faults(fields.squares, fields.turn))
    return faults


def format_fen(
    squares: list[int] | tuple[int, ...],
    turn: Color,
    halfmove_clock: int = 0,
    fullmove_number: int = 1,
    *,
    letters: str = "NB",
) -> str:
    """Write a FEN.

    Args:
        squares: 90 piece codes by square.
        turn: side to move.
        halfmove_clock: plies since the last capture.
        fullmove_number: number of the move about to be played.
        letters: "NB" or "HE", the letters of horse and elephant.
    """
    if letters not in ("NB", "HE"):
        raise FenError(f"expected letters NB or HE, found {letters!r}")
    symbols = SYMBOLS if letters == "NB" else SYMBOLS_HE
    rows = []
    for rank in range(RANKS - 1, -1, -1):
        row, empty = "", 0
        for code in squares[rank * FILES : rank * FILES + FILES]:
            if code:
                row += (str(empty) if empty else "") + symbols[code]
                empty = 0
            else:
                empty += 1
        rows.append(row + (str(empty) if empty else ""))
    return f"{'/'.join(rows)} {turn.letter} - - {halfmove_clock} {fullmove_number}"


def _fatal(code: FenFaultCode, key: str, **arguments: object) -> FenFault:
    return FenFault(code, Message.of(key, **arguments), None, True)


def _read(fen: str) -> tuple[FenFields | None, list[FenFault]]:
    """The fields, None if they cannot be read, and the faults of the text (not of the position)."""
    if len(fen) > MAX_LENGTH:
        return None, [_fatal(FenFaultCode.TOO_LONG, "fen.too_long", limit=MAX_LENGTH, count=len(fen))]
    words = plain_fen(fen).split()
    if not words:
        return None, [_fatal(FenFaultCode.EMPTY, "fen.empty")]
    squares, faults = _read_placement(words[0])
    turn = Color.RED
    if len(words) > 1:
        side = words[1].lower()
        turn = Color.BLACK if side == "b" else Color.RED
        if side not in ("w", "r", "b"):
            faults.append(FenFault(FenFaultCode.BAD_SIDE, Message.of("fen.bad_side", text=words[1])))
    rest = words[2:]
    dashes = 0
    while rest and dashes < 2 and rest[0] == "-":
        rest.pop(0)
        dashes += 1
    values = [0, 1]
    for i, key in enumerate(("fen.bad_clock", "fen.bad_number")):
        if i < len(rest):
            if _COUNTER.fullmatch(rest[i]):
                values[i] = int(rest[i])
            else:
                wrong = Message.of(key, limit=MAX_COUNTER, text=rest[i])
                faults.append(FenFault(FenFaultCode.BAD_COUNTER, wrong))
    if len(rest) > 2:
        extra = Message.of("fen.extra_field", text=" ".join(rest[2:]))
        faults.append(FenFault(FenFaultCode.EXTRA_FIELD, extra))
    if squares is None:
        return None, faults
    return FenFields(tuple(squares), turn, values[0], values[1]), faults


def _read_placement(text: str) -> tuple[list[int] | None, list[FenFault]]:
    faults: list[FenFault] = []
    rows = text.split("/")
    if len(rows) != RANKS:
        faults.append(_fatal(FenFaultCode.RANK_COUNT, "fen.rank_count", limit=RANKS, count=len(rows)))
    squares = [0] * (FILES * RANKS)
    for i, row in enumerate(rows[: 2 * RANKS]):
        rank = RANKS - 1 - i
        file = 0
        for letter in row:
            if letter in CODES:
                if file < FILES and rank >= 0:
                    squares[rank * FILES + file] = CODES[letter]
                file += 1
            elif letter in "123456789":
                file += int(letter)
            else:
                faults.append(_fatal(FenFaultCode.BAD_LETTER, "fen.bad_letter", row=row, text=letter))
                file += 1
        if file != FILES:
            code = FenFaultCode.RANK_SHORT if file < FILES else FenFaultCode.RANK_LONG
            faults.append(_fatal(code, "fen.rank_length", limit=FILES, row=row, rank=rank, count=file))
    return (None if faults else squares), faults


def position_faults(squares: list[int] | tuple[int, ...], turn: Color) -> list[FenFault]:
    """Why this placement with this side to move can never occur in a game; empty if it can.

    Args:
        squares: 90 piece codes by square.
        turn: side to move.
    """
    board = list(squares)
    faults: list[FenFault] = []
    for color in Color:
        faults.extend(_count_faults(board, color))
    for sq, code in enumerate(board):
        if code:
            fault = _point_fault(sq, Piece.from_code(code))
            if fault is not None:
                faults.append(fault)
    for color in Color:
        faults.extend(_pawn_file_faults(board, color))
    if not any(f.code in _KING_FAULTS for f in faults):
        faults.extend(_check_faults(board, turn))
    return faults


_KING_FAULTS = (FenFaultCode.KING_MISSING, FenFaultCode.KING_DOUBLED)


def _count_faults(board: list[int], color: Color) -> list[FenFault]:
    faults = []
    for kind, limit in _LIMITS.items():
        piece = Piece(kind, color)
        found = board.count(piece.code)
        if kind is PieceKind.KING and found != 1:
            code = FenFaultCode.KING_DOUBLED if found else FenFaultCode.KING_MISSING
            faults.append(
                FenFault(code, Message.of("fen.king_count", piece=piece.message_with_color, count=found))
            )
        elif found > limit:
            many = Message.of("fen.too_many", limit=limit, piece=piece.message_with_color, count=found)
            faults.append(FenFault(FenFaultCode.TOO_MANY, many))
    return faults


def _point_fault(sq: Square, piece: Piece) -> FenFault | None:
    color = piece.color
    if piece.kind is PieceKind.KING and not in_palace(color, sq):
        code, key = FenFaultCode.KING_OUTSIDE_PALACE, "fen.king_outside_palace"
    elif piece.kind is PieceKind.ADVISOR and sq not in ADVISOR_POINTS[color]:
        code, key = FenFaultCode.ADVISOR_POINT, "fen.unreachable"
    elif piece.kind is PieceKind.ELEPHANT and sq not in ELEPHANT_POINTS[color]:
        code, key = FenFaultCode.ELEPHANT_POINT, "fen.unreachable"
    elif piece.kind is PieceKind.PAWN and _advance(color, sq) < 3:
        code, key = FenFaultCode.PAWN_BEHIND_START, "fen.pawn_behind_start"
    elif piece.kind is PieceKind.PAWN and _advance(color, sq) < 5 and sq % FILES % 2:
        code, key = FenFaultCode.PAWN_OFF_FILE, "fen.pawn_off_file"
    else:
        return None
    return FenFault(code, Message.of(key, piece=piece.message_with_color, point=SQUARE_NAMES[sq]), sq)


def _advance(color: Color, sq: Square) -> int:
    """Rank of a square seen from the side of `color`, 0 its own back rank."""
    return sq // FILES if color is Color.RED else RANKS - 1 - sq // FILES


def _pawn_file_faults(board: list[int], color: Color) -> list[FenFault]:
    pawn = Piece(PieceKind.PAWN, color)
    faults = []
    for file in range(0, FILES, 2):
        waiting = [
            sq
            for sq in range(file, len(board), FILES)
            if board[sq] == pawn.code and 3 <= _advance(color, sq) < 5
        ]
        if len(waiting) > 1:
            # Two points lie before the river on a file, so there are two such soldiers.
            first, second = (SQUARE_NAMES[sq] for sq in waiting)
            points = Message.of("join.and", first=first, second=second)
            doubled = Message.of("fen.pawn_doubled", piece=pawn.message_with_color, points=points)
            faults.append(FenFault(FenFaultCode.PAWN_DOUBLED, doubled, waiting[-1]))
    return faults


def _check_faults(board: list[int], turn: Color) -> list[FenFault]:
    kings = find_kings(board)
    other = turn.other
    column = [board[sq] for sq in range(min(kings) + FILES, max(kings), FILES)]
    if kings[0] % FILES == kings[1] % FILES and not any(column):
        first, second = (SQUARE_NAMES[sq] for sq in kings)
        facing = Message.of("fen.kings_facing", first=first, second=second)
        return [FenFault(FenFaultCode.KINGS_FACING, facing, kings[turn])]
    if king_attacked(board, kings[other], other):
        check = Message.of("fen.opponent_in_check", other=other, turn=turn)
        return [FenFault(FenFaultCode.OPPONENT_IN_CHECK, check, kings[other])]
    return []
