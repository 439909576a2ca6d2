"""Why a move is illegal, typed and in words."""

from __future__ import annotations

from xiangqi_gpt.errors import Illegality, Reason
from xiangqi_gpt.rules.attacks import BETWEEN, in_palace, on_own_half
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.movegen import king_attacked
from xiangqi_gpt.rules.pieces import Color, Piece, PieceKind
from xiangqi_gpt.rules.squares import FILES, SQUARE_NAMES

_HOW = {
    PieceKind.KING: ("one point along a line", "将帅每步沿直线走一格"),
    PieceKind.ADVISOR: ("one point diagonally", "士每步沿斜线走一格"),
    PieceKind.ELEPHANT: ("two points diagonally", "象每步沿斜线走两格"),
    PieceKind.HORSE: ("one point along a line, then one diagonally outwards", "马走日字"),
    PieceKind.ROOK: ("along a line", "车沿直线走"),
    PieceKind.CANNON: ("along a line", "炮沿直线走"),
    PieceKind.PAWN: (
        "one point forward, and sideways once it has crossed the river",
        "兵卒每步一格，不能后退，过河前不能平移",
    ),
}


def explain_move(squares: list[int], turn: Color, king: int, move: Move) -> Illegality | None:
    """Why `move` is illegal, or None if it is legal.

    Args:
        squares: 90 piece codes by square; restored before the function returns.
        turn: side to move.
        king: square of the king of the side to move, -1 if there is none.
        move: the move.
    """
    start, end = move.from_square, move.to_square
    a, b = SQUARE_NAMES[start], SQUARE_NAMES[end]
    code = squares[start]
    if not code:
        return Illegality(Reason.EMPTY_SQUARE, f"there is no piece on {a}", f"{a} 没有棋子")
    piece = Piece.from_code(code)
    if piece.color is not turn:
        return Illegality(
            Reason.WRONG_SIDE,
            f"it is {turn.name_en}'s turn and the piece on {a} is {piece.color.name_en}'s",
            f"现在轮到{turn.name_zh}走，{a} 是{piece.color.name_zh}的棋子",
        )
    if start == end:
        return _not_a_move(piece, a, b)
    target = squares[end]
    if target and (target > 7) == bool(turn):
        return Illegality(
            Reason.OWN_PIECE,
            f"{b} holds {turn.name_en}'s own {Piece.from_code(target).kind.name_en}",
            f"{b} 已有己方的{Piece.from_code(target).name_zh}",
        )
    shape = _shape_fault(squares, piece, start, end)
    if shape is not None:
        return shape
    return _king_fault(squares, turn, king, start, end)


def _not_a_move(piece: Piece, a: str, b: str) -> Illegality:
    how_en, how_zh = _HOW[piece.kind]
    return Illegality(
        Reason.NOT_A_MOVE,
        f"the {piece.kind.name_en} on {a} does not reach {b}: it moves {how_en}",
        f"{a} 的{piece.name_zh}走不到 {b}：{how_zh}",
    )


def _shape_fault(squares: list[int], piece: Piece, start: int, end: int) -> Illegality | None:
    """What piece movement alone says against the move."""
    kind, color = piece.kind, piece.color
    a, b = SQUARE_NAMES[start], SQUARE_NAMES[end]
    df, dr = end % FILES - start % FILES, end // FILES - start // FILES
    size = (min(abs(df), abs(dr)), max(abs(df), abs(dr)))
    if kind in (PieceKind.KING, PieceKind.ADVISOR):
        if size != ((0, 1) if kind is PieceKind.KING else (1, 1)):
            return _not_a_move(piece, a, b)
        if not in_palace(color, end):
            return Illegality(
                Reason.PALACE,
                f"the {kind.name_en} may not leave the palace: {b} lies outside",
                f"{piece.name_zh}不能走出九宫：{b} 在九宫之外",
            )
        return None
    if kind is PieceKind.ELEPHANT:
        if size != (2, 2):
            return _not_a_move(piece, a, b)
        if not on_own_half(color, end):
            return Illegality(
                Reason.RIVER,
                f"the elephant may not cross the river: {b} lies beyond",
                f"{piece.name_zh}不能过河：{b} 在对岸",
            )
        eye = (start + end) // 2
        if squares[eye]:
            return Illegality(
                Reason.ELEPHANT_EYE,
                f"the elephant's eye on {SQUARE_NAMES[eye]} is blocked",
                f"塞象眼：{SQUARE_NAMES[eye]} 有棋子",
            )
        return None
    if kind is PieceKind.HORSE:
        if size != (1, 2):
            return _not_a_move(piece, a, b)
        leg = start + (df // 2 if abs(df) == 2 else dr // 2 * FILES)
        if squares[leg]:
            return Illegality(
                Reason.HORSE_LEG,
                f"the horse's leg on {SQUARE_NAMES[leg]} is blocked",
                f"蹩马腿：{SQUARE_NAMES[leg]} 有棋子",
            )
        return None
    if kind is PieceKind.PAWN:
        forward = 1 if color is Color.RED else -1
        if (df, dr) == (0, forward):
            return None
        if size == (0, 1) and dr == 0:
            if not on_own_half(color, start):
                return None
            return Illegality(
                Reason.RIVER,
                f"the soldier on {a} may move sideways only after it has crossed the river",
                f"{a} 的{piece.name_zh}尚未过河，不能平移",
            )
        return _not_a_move(piece, a, b)
    return _slide_fault(squares, piece, start, end)


def _slide_fault(squares: list[int], piece: Piece, start: int, end: int) -> Illegality | None:
    a, b = SQUARE_NAMES[start], SQUARE_NAMES[end]
    line = BETWEEN.get(start * 90 + end)
    if line is None:
        return _not_a_move(piece, a, b)
    blockers = [SQUARE_NAMES[sq] for sq in line if squares[sq]]
    if piece.kind is PieceKind.CANNON and squares[end]:
        if len(blockers) == 1:
            return None
        return Illegality(
            Reason.CANNON_SCREEN,
            f"the cannon captures over exactly one screen; between {a} and {b} there are {len(blockers)}",
            f"炮须隔一个棋子（炮架）吃子，{a} 与 {b} 之间有 {len(blockers)} 个",
        )
    if blockers:
        return Illegality(
            Reason.PATH_BLOCKED,
            f"the way of the {piece.kind.name_en} from {a} to {b} is blocked on {blockers[0]}",
            f"{piece.name_zh}从 {a} 到 {b} 的路被 {blockers[0]} 的棋子挡住",
        )
    return None


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
        return Illegality(
            Reason.FACING_KINGS,
            "the two kings would face each other on an open file",
            "走后两将照面",
        )
    if not attacked:
        return None
    if checked:
        return Illegality(
            Reason.KING_IN_CHECK, f"{turn.name_en}'s king would stay in check", f"走后{turn.name_zh}仍被将军"
        )
    return Illegality(
        Reason.KING_IN_CHECK, f"{turn.name_en}'s king would be left in check", f"走后{turn.name_zh}被将军"
    )
