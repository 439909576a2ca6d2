"""What a mistake allowed, in words: derived from the refutation and the rules alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from xiangqi_gpt.evaluation.reviewers import Comparison
from xiangqi_gpt.notation.move_text import MoveText
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.captures import capture_gain, retake_gain, value_on
from xiangqi_gpt.rules.chase import checkers
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.movegen import king_attacked
from xiangqi_gpt.rules.pieces import Color, Piece, PieceKind
from xiangqi_gpt.rules.squares import file_of
from xiangqi_gpt.texts import Message

WORTH_NAMING = 1.5
"""Gains of less are not the reason why a move is bad."""

_RED_FILES = "一二三四五六七八九"


def explain_mistake(board: Board, played: Move, comparison: Comparison) -> Message:
    """Why *played* is a mistake on *board*; never empty.

    A chance that was missed is named where the refutation shows no threat of its own.
    """
    after = board.copy()
    after.push(played)
    found = _allowed(board, after, played, comparison)
    if found is None:
        found = _missed(board, comparison)
    return found or _answer(board, after, comparison)


def _allowed(board: Board, after: Board, played: Move, comparison: Comparison) -> Message | None:
    line = comparison.played.pv[1:]
    if not line:
        return None
    reply = line[0]
    text = MoveText(after.fen(), (reply,))
    mate = comparison.played.mate
    if mate is not None and mate < 0:
        key = "mistake.stalemate" if _ends_in_stalemate(after, line) else "mistake.mate"
        return Message.of(key, n=-mate, reply=text)
    captured = after.squares[reply.to_square]
    if captured and capture_gain(after.squares, reply) >= WORTH_NAMING:
        piece = named(after.squares, reply.to_square)
        if reply.to_square == played.to_square:
            key = "mistake.moved_into"
        else:
            key = "mistake.left" if _hangs(board, reply.to_square) else "mistake.exposed"
        return Message.of(key, piece=piece, reply=text)
    return _threat(after, reply, text) or _material(after, line)


def _threat(after: Board, reply: Move, text: MoveText) -> Message | None:
    """What *reply* attacks, when it takes nothing that counts."""
    attacker, victim = after.turn, after.turn.other
    then = after.copy()
    then.push(reply)
    before, now = targets(after.squares, attacker), targets(then.squares, attacker)
    new = sorted(now - before, key=lambda sq: -value_on(then.squares, sq))
    if then.is_check():
        checking = checkers(then.squares, then.king_square(victim), victim)
        if reply.to_square not in checking:
            checker = named(then.squares, min(checking))
            if new:
                piece = named(then.squares, new[0])
                return Message.of("mistake.discovered_attack", checker=checker, piece=piece, reply=text)
            return Message.of("mistake.discovered", checker=checker, reply=text)
        if new:
            return Message.of("mistake.check_and", reply=text, pieces=_list(then.squares, new[:2]))
        return None
    if len(new) >= 2:
        return Message.of("mistake.double", reply=text, pieces=_list(then.squares, new[:3]))
    pinned = pins(then, victim) - pins(after, victim)
    if pinned:
        most = max(pinned, key=lambda sq: value_on(then.squares, sq))
        return Message.of("mistake.pin", reply=text, piece=named(then.squares, most))
    return None


def _material(after: Board, line: Sequence[Move]) -> Message | None:
    """The piece that the line wins for the side that begins it, where it wins material on balance."""
    board, attacker = after.copy(), after.turn
    balance, first, victims = 0.0, None, []
    for ply, move in enumerate(line):
        if board.squares[move.to_square]:
            gain = value_on(board.squares, move.to_square)
            balance += gain if board.turn == attacker else -gain
            if board.turn == attacker:
                victims.append((gain, ply, named(board.squares, move.to_square)))
        board.push(move)
    if balance < WORTH_NAMING or not victims:
        return None
    _, ply, first = max(victims, key=lambda victim: victim[0])
    return Message.of("mistake.loses", piece=first, line=MoveText(after.fen(), tuple(line[: ply + 1])))


def _missed(board: Board, comparison: Comparison) -> Message | None:
    best = comparison.best
    text = MoveText(board.fen(), (best.move,))
    if best.mate is not None and best.mate > 0:
        return Message.of("mistake.missed_mate", n=best.mate, move=text)
    if board.is_capture(best.move) and capture_gain(board.squares, best.move) >= WORTH_NAMING:
        piece = named(board.squares, best.move.to_square)
        return Message.of("mistake.missed_capture", move=text, piece=piece)
    return None


def _answer(board: Board, after: Board, comparison: Comparison) -> Message:
    better = MoveText(board.fen(), (comparison.best.move,))
    if len(comparison.played.pv) < 2:
        return Message.of("mistake.better", move=better)
    reply = MoveText(after.fen(), (comparison.played.pv[1],))
    return Message.of("mistake.answer", reply=reply, move=better)


def _ends_in_stalemate(after: Board, line: Sequence[Move]) -> bool:
    board = after.copy()
    for move in line:
        board.push(move)
    return not board.legal_indices() and not board.is_check()


def _hangs(board: Board, sq: int) -> bool:
    """Whether the opponent of the side to move could already win the piece on *sq*."""
    return bool(board.squares[sq]) and sq in targets(board.squares, board.turn.other)


def _list(squares: Sequence[int], places: Sequence[int]) -> Message:
    return reduce(
        lambda first, second: Message.of("mistake.and", first=first, second=second),
        [named(squares, sq) for sq in places],
    )


def named(squares: Sequence[int], sq: int) -> Message:
    """The piece on a square and its file, as its owner counts files."""
    piece = Piece.from_code(squares[sq])
    name = Message.of(f"piece.{piece.color.name.lower()}_{piece.kind.name.lower()}")
    number = 9 - file_of(sq) if piece.color == Color.RED else file_of(sq) + 1
    if piece.color == Color.RED:
        file = Message.of("mistake.red_file", number=number, sign=_RED_FILES[number - 1])
    else:
        file = Message.of("mistake.black_file", number=number)
    return Message.of("mistake.on_file", piece=name, file=file)


def targets(squares: Sequence[int], color: Color) -> set[int]:
    """Squares of the pieces, kings aside, that *color* would win if it were its turn."""
    board = list(squares)
    found = set()
    for sq, code in enumerate(board):
        if code and Piece.from_code(code).color != color and code not in (1, 8):
            gain = retake_gain(board, sq, color)
            if gain >= WORTH_NAMING:
                found.add(sq)
    return found


def pins(board: Board, color: Color) -> set[int]:
    """Squares of the rooks, cannons and horses of *color* without which its king would be attacked; none in check."""
    squares, king = board.squares.copy(), board.king_square(color)
    found: set[int] = set()
    if king_attacked(squares, king, color):
        return found
    for sq, code in enumerate(board.squares):
        if code and code - 7 * color in (PieceKind.HORSE, PieceKind.ROOK, PieceKind.CANNON):
            squares[sq] = 0
            if king_attacked(squares, king, color):
                found.add(sq)
            squares[sq] = code
    return found
