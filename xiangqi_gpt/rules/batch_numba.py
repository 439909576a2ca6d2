"""Xiangqi rules for arrays, compiled by numba. Called through `batch.py`, which checks the arguments.

Everything that the compiled code depends on is in this one file: numba's cache detects changes of the file that defines
a function, but not of the files that it imports.

Shapes: a board is int8 (90,), square = rank * 9 + file; codes are 0 empty, 1-7 red, 8-14 black in the order
K A B N R C P. `turn` is 0 (Red) or 1 (Black). A move is from * 90 + to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
_Function = TypeVar("_Function", bound=Callable[..., Any])

# More rook moves than ninety rooks can have: a scratch list of this length never overflows, whatever the board.
SCRATCH = 90 * 17
MOVES = 8100

_STEPS = np.array([1, -1, 9, -9], dtype=np.int64)  # right, left, up, down


def compiled(function: _Function) -> _Function:
    """Compile with the disk cache, or without it if no cache folder is writable."""
    try:
        return cast(_Function, njit(cache=True, nogil=True)(function))
    except RuntimeError:
        return cast(_Function, njit(nogil=True)(function))


def _ray_lengths() -> Array:
    table = np.zeros((90, 4), dtype=np.int64)
    for square in range(90):
        rank, file = divmod(square, 9)
        table[square] = (8 - file, file, 9 - rank, rank)
    return table


def _leaper(
    deltas: list[tuple[int, int, int, int]], allowed: Callable[[int, int, int], bool]
) -> tuple[Array, Array]:
    """Targets of a leaper and the points that must be empty for them.

    deltas: (file step, rank step, blocker file step, blocker rank step).
    allowed: called with color, file and rank of a target.
    Returns targets and blockers, int64 (2, 90, 8), padded with -1.
    """
    targets = np.full((2, 90, 8), -1, dtype=np.int64)
    blockers = np.full((2, 90, 8), -1, dtype=np.int64)
    for color in range(2):
        for square in range(90):
            rank, file = divmod(square, 9)
            count = 0
            for file_step, rank_step, block_file, block_rank in deltas:
                to_file, to_rank = file + file_step, rank + rank_step
                if 0 <= to_file < 9 and 0 <= to_rank < 10 and allowed(color, to_file, to_rank):
                    targets[color, square, count] = to_rank * 9 + to_file
                    blockers[color, square, count] = (rank + block_rank) * 9 + file + block_file
                    count += 1
    return targets, blockers


def _in_palace(color: int, file: int, rank: int) -> bool:
    return 3 <= file <= 5 and (rank <= 2 if color == 0 else rank >= 7)


def _in_own_half(color: int, file: int, rank: int) -> bool:
    return rank <= 4 if color == 0 else rank >= 5


def _anywhere(color: int, file: int, rank: int) -> bool:
    return True


_DIAGONALS = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
_HORSE = [(f, 2 * r, 0, r) for f, r in _DIAGONALS] + [(2 * f, r, f, 0) for f, r in _DIAGONALS]
# The same leaps seen from the attacked point: the leg is next to the horse, diagonal to the target.
_HORSE_ATTACK = [(f, 2 * r, f, r) for f, r in _DIAGONALS] + [(2 * f, r, f, r) for f, r in _DIAGONALS]

_RAYS = _ray_lengths()
_KING_TO, _ = _leaper([(1, 0, 0, 0), (-1, 0, 0, 0), (0, 1, 0, 0), (0, -1, 0, 0)], _in_palace)
_ADVISOR_TO, _ = _leaper([(f, r, 0, 0) for f, r in _DIAGONALS], _in_palace)
_ELEPHANT_TO, _ELEPHANT_EYE = _leaper([(2 * f, 2 * r, f, r) for f, r in _DIAGONALS], _in_own_half)
_HORSE_TO, _HORSE_LEG = (table[0] for table in _leaper(_HORSE, _anywhere))
_HORSE_FROM, _HORSE_FROM_LEG = (table[0] for table in _leaper(_HORSE_ATTACK, _anywhere))


@compiled
def _king_square(board: Array, turn: int) -> int:
    """Square of the king of `turn`, or -1 if there is none."""
    code = 1 + 7 * turn
    for square in range(90):
        if board[square] == code:
            return square
    return -1


@compiled
def _pawn_attacks(board: Array, square: int, turn: int) -> bool:
    """Whether a soldier of the other side attacks `square`."""
    pawn = 14 - 7 * turn
    rank = square // 9
    if turn == 0:
        if rank < 9 and board[square + 9] == pawn:
            return True
        crossed = rank <= 4
    else:
        if rank > 0 and board[square - 9] == pawn:
            return True
        crossed = rank >= 5
    if crossed:
        file = square - rank * 9
        if (file < 8 and board[square + 1] == pawn) or (file > 0 and board[square - 1] == pawn):
            return True
    return False


@compiled
def _attacked(board: Array, square: int, turn: int) -> bool:
    """Whether the king of `turn` would be in check (or face the other king) on `square`."""
    enemy = 7 - 7 * turn
    for direction in range(4):
        step = _STEPS[direction]
        at = square
        screens = 0
        for _ in range(_RAYS[square, direction]):
            at += step
            piece = board[at]
            if piece != 0:
                if screens == 0:
                    if piece == enemy + 5 or (direction >= 2 and piece == enemy + 1):
                        return True
                    screens = 1
                else:
                    if piece == enemy + 6:
                        return True
                    break
    for i in range(8):
        at = _HORSE_FROM[square, i]
        if at < 0:
            break
        if board[at] == enemy + 4 and board[_HORSE_FROM_LEG[square, i]] == 0:
            return True
    return _pawn_attacks(board, square, turn)


@compiled
def _leaps(
    board: Array,
    square: int,
    targets: Array,
    blockers: Array,
    blocked: bool,
    low: int,
    moves: Array,
    count: int,
) -> int:
    for i in range(8):
        to = targets[square, i]
        if to < 0:
            break
        piece = board[to]
        if piece >= low and piece < low + 7:
            continue
        if blocked and board[blockers[square, i]] != 0:
            continue
        moves[count] = square * 90 + to
        count += 1
    return count


@compiled
def _pseudo(board: Array, square: int, turn: int, moves: Array, count: int) -> int:
    """Append the moves of the piece of `turn` on `square`, ignoring the king's safety; return the new count."""
    low = 1 + 7 * turn
    kind = board[square] - 7 * turn
    origin = square * 90
    if kind == 5 or kind == 6:
        for direction in range(4):
            step = _STEPS[direction]
            at = square
            left = _RAYS[square, direction]
            while left > 0:
                at += step
                left -= 1
                if board[at] != 0:
                    break
                moves[count] = origin + at
                count += 1
            else:
                continue
            if kind == 6:
                landed = False
                while left > 0:
                    at += step
                    left -= 1
                    if board[at] != 0:
                        landed = True
                        break
                if not landed:
                    continue
            piece = board[at]
            if piece < low or piece >= low + 7:
                moves[count] = origin + at
                count += 1
        return count
    if kind == 4:
        return _leaps(board, square, _HORSE_TO, _HORSE_LEG, True, low, moves, count)
    if kind == 3:
        return _leaps(board, square, _ELEPHANT_TO[turn], _ELEPHANT_EYE[turn], True, low, moves, count)
    if kind == 2:
        return _leaps(board, square, _ADVISOR_TO[turn], _ADVISOR_TO[turn], False, low, moves, count)
    if kind == 1:
        return _leaps(board, square, _KING_TO[turn], _KING_TO[turn], False, low, moves, count)
    rank = square // 9
    file = square - rank * 9
    if turn == 0:
        ahead = square + 9 if rank < 9 else -1
        crossed = rank >= 5
    else:
        ahead = square - 9 if rank > 0 else -1
        crossed = rank <= 4
    if ahead >= 0 and (board[ahead] < low or board[ahead] >= low + 7):
        moves[count] = origin + ahead
        count += 1
    if crossed:
        for side in (-1, 1):
            if 0 <= file + side <= 8:
                piece = board[square + side]
                if piece < low or piece >= low + 7:
                    moves[count] = origin + square + side
                    count += 1
    return count


@compiled
def _safe(board: Array, turn: int, king: int, origin: int, target: int) -> bool:
    """Whether the king (on its square before the move) is safe after the move; the board is restored."""
    taken = board[target]
    mover = board[origin]
    board[target] = mover
    board[origin] = 0
    safe = not _attacked(board, target if origin == king else king, turn)
    board[origin] = mover
    board[target] = taken
    return safe


@compiled
def _dangers(board: Array, king: int, turn: int, care: Array) -> bool:
    """Whether the king is in check; if not, `care` (uint8 (90,)) marks squares that restrict the other pieces.

    Bit 1: a move from the square may uncover an attack (of a rook, the other king, a cannon or a horse).
    Bit 2: a move to the square may provide the screen that a cannon lacks. Such a move needs a full test; out of check
    every other move is safe.
    """
    enemy = 7 - 7 * turn
    care[:] = 0
    for direction in range(4):
        step = _STEPS[direction]
        at = king
        first = 0
        second = 0
        seen = 0
        for _ in range(_RAYS[king, direction]):
            at += step
            piece = board[at]
            if piece == 0:
                continue
            slides = piece == enemy + 5 or (direction >= 2 and piece == enemy + 1)
            seen += 1
            if seen == 1:
                if slides:
                    return True
                first = at
                if piece == enemy + 6:
                    between = king + step
                    while between != at:
                        care[between] |= 2
                        between += step
            elif seen == 2:
                if piece == enemy + 6:
                    return True
                second = at
                if slides:
                    care[first] |= 1
            else:
                if piece == enemy + 6:
                    care[first] |= 1
                    care[second] |= 1
                break
    for i in range(8):
        at = _HORSE_FROM[king, i]
        if at < 0:
            break
        if board[at] == enemy + 4:
            leg = _HORSE_FROM_LEG[king, i]
            if board[leg] == 0:
                return True
            care[leg] |= 1
    return _pawn_attacks(board, king, turn)


@compiled
def _generate(board: Array, turn: int, moves: Array, care: Array, first_only: bool) -> int:
    """Write the legal moves, grouped by ascending from-square; return their number. first_only: stop at one."""
    low = 1 + 7 * turn
    king = _king_square(board, turn)
    checked = king >= 0 and _dangers(board, king, turn, care)
    count = 0
    for square in range(90):
        piece = board[square]
        if piece < low or piece >= low + 7:
            continue
        start = count
        end = _pseudo(board, square, turn, moves, count)
        if king < 0:
            count = end
        else:
            must_test = checked or square == king or care[square] & 1
            for i in range(start, end):
                move = np.int64(moves[i])
                target = move - square * 90
                if (must_test or care[target] & 2) and not _safe(board, turn, king, square, target):
                    continue
                moves[count] = move
                count += 1
        if first_only and count > 0:
            return count
    return count


@compiled
def _is_legal(board: Array, turn: int, move: int, scratch: Array) -> bool:
    if move < 0 or move >= MOVES:
        return False
    origin = move // 90
    low = 1 + 7 * turn
    if board[origin] < low or board[origin] >= low + 7:
        return False
    for i in range(_pseudo(board, origin, turn, scratch, 0)):
        if scratch[i] == move:
            king = _king_square(board, turn)
            return king < 0 or _safe(board, turn, king, origin, move - origin * 90)
    return False


@compiled
def replay_games(
    starts: Array,
    turns: Array,
    moves: Array,
    offsets: Array,
    boards: Array,
    final: Array,
    first_illegal: Array,
) -> None:
    """Play each game; boards[p] = board before ply p, final[g] = board after the last legal ply of game g."""
    scratch = np.empty(SCRATCH, dtype=np.uint16)
    board = np.empty(90, dtype=np.int8)
    for game in range(turns.shape[0]):
        board[:] = starts[game]
        turn = np.int64(turns[game])
        first_illegal[game] = -1
        begin = offsets[game]
        for ply in range(begin, offsets[game + 1]):
            boards[ply] = board
            if first_illegal[game] >= 0:
                continue
            move = np.int64(moves[ply])
            if not _is_legal(board, turn, move, scratch):
                first_illegal[game] = ply - begin
                continue
            origin = move // 90
            board[move - origin * 90] = board[origin]
            board[origin] = 0
            turn = 1 - turn
        final[game] = board


@compiled
def legal_mask(boards: Array, turns: Array, mask: Array) -> None:
    """Set mask[i, move] for every legal move; the mask must be cleared. Boards are changed and restored."""
    scratch = np.empty(SCRATCH, dtype=np.uint16)
    care = np.empty(90, dtype=np.uint8)
    for i in range(turns.shape[0]):
        for j in range(_generate(boards[i], np.int64(turns[i]), scratch, care, False)):
            mask[i, np.int64(scratch[j])] = True


@compiled
def legal_lists(boards: Array, turns: Array, counts: Array, moves: Array) -> int:
    """Fill counts and rows of ascending moves; return the first row that does not fit, or -1."""
    scratch = np.empty(SCRATCH, dtype=np.uint16)
    care = np.empty(90, dtype=np.uint8)
    width = moves.shape[1]
    for i in range(turns.shape[0]):
        count = _generate(boards[i], np.int64(turns[i]), scratch, care, False)
        if count > width:
            return i
        counts[i] = count
        row = moves[i]
        for j in range(count):
            # Insertion sort: one piece has few moves, and pieces are already in ascending order.
            move = scratch[j]
            at = j
            while at > 0 and row[at - 1] > move:
                row[at] = row[at - 1]
                at -= 1
            row[at] = move
    return -1


@compiled
def in_check(boards: Array, turns: Array, checks: Array) -> None:
    for i in range(turns.shape[0]):
        turn = np.int64(turns[i])
        king = _king_square(boards[i], turn)
        checks[i] = king >= 0 and _attacked(boards[i], king, turn)


@compiled
def outcome_flags(boards: Array, turns: Array, flags: Array) -> None:
    """flags[i]: 0 has a legal move, 1 checkmate, 2 stalemate."""
    scratch = np.empty(SCRATCH, dtype=np.uint16)
    care = np.empty(90, dtype=np.uint8)
    for i in range(turns.shape[0]):
        turn = np.int64(turns[i])
        if _generate(boards[i], turn, scratch, care, True) > 0:
            flags[i] = 0
        else:
            king = _king_square(boards[i], turn)
            flags[i] = 1 if king >= 0 and _attacked(boards[i], king, turn) else 2


@compiled
def push(boards: Array, turns: Array, moves: Array) -> int:
    """Make the moves in place and switch the turns; return the first row without a piece to move, or -1.

    All rows are checked before any is changed.
    """
    for i in range(turns.shape[0]):
        low = 1 + 7 * np.int64(turns[i])
        if moves[i] >= MOVES:
            return i
        piece = boards[i, np.int64(moves[i]) // 90]
        if piece < low or piece >= low + 7:
            return i
    for i in range(turns.shape[0]):
        move = np.int64(moves[i])
        origin = move // 90
        piece = boards[i, origin]
        boards[i, origin] = 0
        boards[i, move - origin * 90] = piece
        turns[i] = 1 - turns[i]
    return -1


@compiled
def perft(board: Array, turn: int, depth: int) -> int:
    """Leaves of the tree of legal moves, `depth` at least 1; the last ply is counted, not played."""
    moves = np.empty((depth, SCRATCH), dtype=np.uint16)
    counts = np.zeros(depth, dtype=np.int64)
    nexts = np.zeros(depth, dtype=np.int64)
    taken = np.zeros(depth, dtype=np.int8)
    care = np.empty(90, dtype=np.uint8)
    nodes = 0
    level = 0
    counts[0] = _generate(board, turn, moves[0], care, False)
    if depth == 1:
        return int(counts[0])
    while True:
        if nexts[level] == counts[level]:
            if level == 0:
                return nodes
            level -= 1
            turn = 1 - turn
            move = np.int64(moves[level, nexts[level] - 1])
            origin = move // 90
            target = move - origin * 90
            board[origin] = board[target]
            board[target] = taken[level]
            continue
        move = np.int64(moves[level, nexts[level]])
        nexts[level] += 1
        origin = move // 90
        target = move - origin * 90
        taken[level] = board[target]
        board[target] = board[origin]
        board[origin] = 0
        if level == depth - 2:
            nodes += _generate(board, 1 - turn, moves[level + 1], care, False)
            board[origin] = board[target]
            board[target] = taken[level]
        else:
            level += 1
            turn = 1 - turn
            counts[level] = _generate(board, turn, moves[level], care, False)
            nexts[level] = 0
