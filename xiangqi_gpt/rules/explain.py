"""Why a move is illegal: a typed reason and a message."""

from __future__ import annotations

from dataclasses import dataclass

from xiangqi_gpt.errors import Illegality, Reason
from xiangqi_gpt.rules.attacks import BETWEEN, in_palace, on_own_half
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.movegen import king_attacked
from xiangqi_gpt.rules.pieces import Color, Piece, PieceKind
from xiangqi_gpt.rules.squares import FILES, SQUARE_NAMES, Square
from xiangqi_gpt.texts import Message


def file_message(sq: Square, side: Color) -> Message:
    """The file of a square as `side` counts it, from its right: 一 to 九 for Red, 1 to 9 for Black."""
    file = sq % FILES
    if side is Color.BLACK:
        return Message.of("file.black", number=file + 1)
    return Message.of("file.red", number=FILES - file, sign="九八七六五四三二一"[file])


def explain_move(squares: list[int], turn: Color, king: int, move: Move) -> Illegality | None:
    """Why `move` is illegal, or None if it is legal.

    Args:
        squares: 90 piece codes by square; restored before the function returns.
        turn: side to move.
        king: square of the king of the side to move, -1 if there is none.
        move: the move.
    """
    start, end = move.from_square, move.to_square
    code = squares[start]
    if not code:
        return _illegal(Reason.EMPTY_SQUARE, start=SQUARE_NAMES[start])
    piece = Piece.from_code(code)
    case = _Case(squares, piece, start, end)
    if piece.color is not turn:
        return case.illegal(Reason.WRONG_SIDE, turn=turn, owner=piece.color)
    if start == end:
        return case.not_a_move()
    target = squares[end]
    if target and (target > 7) == bool(turn):
        return case.illegal(Reason.OWN_PIECE, turn=turn, target=Piece.from_code(target))
    return _shape_fault(case) or _king_fault(squares, turn, king, start, end)


def _illegal(reason: Reason, key: str = "", **arguments: object) -> Illegality:
    return Illegality(reason, key or reason.value, tuple(arguments.items()))


@dataclass(frozen=True)
class _Case:
    """A move of a piece on 90 piece codes."""

    squares: list[int]
    piece: Piece
    start: Square
    end: Square

    def illegal(
        self, reason: Reason, key: str = "", *, blocker: Square | None = None, **arguments: object
    ) -> Illegality:
        """The move breaks a rule; `blocker` is the square of the piece in its way."""
        arguments.update(
            piece=self.piece,
            start=SQUARE_NAMES[self.start],
            end=SQUARE_NAMES[self.end],
            start_file=file_message(self.start, self.piece.color),
        )
        if blocker is not None:
            arguments.update(
                blocker=Piece.from_code(self.squares[blocker]).message_with_color,
                blocked=SQUARE_NAMES[blocker],
                blocked_file=file_message(blocker, self.piece.color),
            )
        return Illegality(reason, key or reason.value, tuple(arguments.items()), blocker)

    def not_a_move(self) -> Illegality:
        """The piece does not move like that."""
        how = Message.of(f"moves.{self.piece.kind.name.lower()}")
        return self.illegal(Reason.NOT_A_MOVE, how=how)


def _shape_fault(case: _Case) -> Illegality | None:
    """The reason why piece movement alone forbids the move, if it does."""
    squares, start, end = case.squares, case.start, case.end
    kind, color = case.piece.kind, case.piece.color
    df, dr = end % FILES - start % FILES, end // FILES - start // FILES
    size = (min(abs(df), abs(dr)), max(abs(df), abs(dr)))
    if kind in (PieceKind.KING, PieceKind.ADVISOR):
        if size != ((0, 1) if kind is PieceKind.KING else (1, 1)):
            return case.not_a_move()
        return None if in_palace(color, end) else case.illegal(Reason.PALACE)
    if kind is PieceKind.ELEPHANT:
        if size != (2, 2):
            return case.not_a_move()
        if not on_own_half(color, end):
            return case.illegal(Reason.RIVER)
        eye = (start + end) // 2
        return case.illegal(Reason.ELEPHANT_EYE, blocker=eye) if squares[eye] else None
    if kind is PieceKind.HORSE:
        if size != (1, 2):
            return case.not_a_move()
        leg = start + (df // 2 if abs(df) == 2 else dr // 2 * FILES)
        return case.illegal(Reason.HORSE_LEG, blocker=leg) if squares[leg] else None
    if kind is PieceKind.PAWN:
        forward = 1 if color is Color.RED else -1
        if (df, dr) == (0, forward):
            return None
        if size == (0, 1) and dr == 0:
            return case.illegal(Reason.RIVER, "before_river") if on_own_half(color, start) else None
        return case.not_a_move()
    return _slide_fault(case)


def _slide_fault(case: _Case) -> Illegality | None:
    squares, end = case.squares, case.end
    line = BETWEEN.get(case.start * 90 + end)
    if line is None:
        return case.not_a_move()
    between = [sq for sq in line if squares[sq]]
    if case.piece.kind is PieceKind.CANNON and squares[end]:
        return None if len(between) == 1 else case.illegal(Reason.CANNON_SCREEN, count=len(between))
    return case.illegal(Reason.PATH_BLOCKED, blocker=between[0]) if between else None


def _king_fault(squares: list[int], turn: Color, king: int, start: int, end: int) -> Illegality | None:
    if king < 0:
        return None
    code, captured = squares[start], squares[end]
    checked = king_attacked(squares, king, turn)
    squares[start], squares[end] = 0, code
    place = end if start == king else king
    enemy = 1 if turn else 8
    facing = any(
        squares[sq] == enemy and not any(squares[t] for t in BETWEEN[place * 90 + sq])
        for sq in range(place % FILES, 90, FILES)
        if sq != place
    )
    attacked = king_attacked(squares, place, turn)
    squares[start], squares[end] = code, captured
    if facing:
        return _illegal(Reason.FACING_KINGS)
    if not attacked:
        return None
    return _illegal(Reason.KING_IN_CHECK, "still_in_check" if checked else "into_check", turn=turn)
