"""Move generation on a bare list of 90 piece codes; moves are indices `from * 90 + to`.

The functions depend only on their arguments, so that `Board`, the repetition judge and the FEN check can share them.
`squares` is always restored before a function returns. A king square of -1 stands for a missing king.
"""

from __future__ import annotations

from xiangqi_gpt.rules.attacks import (
    ADVISOR_STEPS,
    ELEPHANT_MOVES,
    HORSE_ATTACKERS,
    HORSE_LEGS,
    KING_STEPS,
    PAWN_ATTACKERS,
    PAWN_STEPS,
    RAYS,
    SLIDES,
    on_own_half,
)

KING, ADVISOR, ELEPHANT, HORSE, ROOK, CANNON, PAWN = range(1, 8)


def find_kings(squares: list[int]) -> list[int]:
    """[square of Red's king, square of Black's king], -1 for a missing king; the first if there are two."""
    return [squares.index(code) if code in squares else -1 for code in (1, 8)]


def piece_moves(squares: list[int], sq: int, moves: list[int]) -> None:
    """Append the pseudo-legal moves of the piece on `sq` (movement only, ignoring the safety of the own king)."""
    code = squares[sq]
    color = code > 7
    own = range(8, 15) if color else range(1, 8)
    base = sq * 90
    kind = code - 7 if color else code
    if kind == PAWN:
        for t in PAWN_STEPS[color][sq]:
            if squares[t] not in own:
                moves.append(base + t)
    elif kind == ROOK:
        for ray in SLIDES[sq]:
            for t in ray:
                p = squares[t]
                if p:
                    if p not in own:
                        moves.append(base + t)
                    break
                moves.append(base + t)
    elif kind == CANNON:
        for ray in SLIDES[sq]:
            screened = False
            for t in ray:
                p = squares[t]
                if p:
                    if screened:
                        if p not in own:
                            moves.append(base + t)
                        break
                    screened = True
                elif not screened:
                    moves.append(base + t)
    elif kind == HORSE:
        for leg, targets in HORSE_LEGS[sq]:
            if not squares[leg]:
                for t in targets:
                    if squares[t] not in own:
                        moves.append(base + t)
    elif kind == ELEPHANT:
        for eye, t in ELEPHANT_MOVES[color][sq]:
            if not squares[eye] and squares[t] not in own:
                moves.append(base + t)
    else:
        for t in (ADVISOR_STEPS if kind == ADVISOR else KING_STEPS)[color][sq]:
            if squares[t] not in own:
                moves.append(base + t)


def pseudo_legal(squares: list[int], color: int) -> list[int]:
    """Pseudo-legal moves of `color`, ordered by from-square, unordered within it."""
    low, high = (8, 14) if color else (1, 7)
    moves: list[int] = []
    for sq, p in enumerate(squares):
        if low <= p <= high:
            piece_moves(squares, sq, moves)
    return moves


def king_attacked(squares: list[int], king: int, color: int) -> bool:
    """Whether the king of `color` on `king` is attacked, including by the enemy king on an open file."""
    if king < 0:
        return False
    if color:
        enemy_king, horse, rook, cannon, pawn = 1, 4, 5, 6, 7
    else:
        enemy_king, horse, rook, cannon, pawn = 8, 11, 12, 13, 14
    up, down, left, right = RAYS[king]
    for ray in (up, down):
        screened = False
        for t in ray:
            p = squares[t]
            if p:
                if screened:
                    if p == cannon:
                        return True
                    break
                if p in (rook, enemy_king):
                    return True
                screened = True
    for ray in (left, right):
        screened = False
        for t in ray:
            p = squares[t]
            if p:
                if screened:
                    if p == cannon:
                        return True
                    break
                if p == rook:
                    return True
                screened = True
    for sq, leg in HORSE_ATTACKERS[king]:
        if squares[sq] == horse and not squares[leg]:
            return True
    return any(squares[sq] == pawn for sq in PAWN_ATTACKERS[not color][king])


def is_safe(squares: list[int], move: int, king: int, color: int) -> bool:
    """Whether the pseudo-legal `move` leaves the king of `color` (now on `king`) unattacked."""
    start, end = divmod(move, 90)
    piece, captured = squares[start], squares[end]
    squares[end] = piece
    squares[start] = 0
    attacked = king_attacked(squares, end if start == king else king, color)
    squares[start] = piece
    squares[end] = captured
    return not attacked


def _dangers(squares: list[int], king: int, color: int) -> tuple[bool, set[int], set[int]]:
    """Squares that restrict pieces other than the king: (in check, from-squares, to-squares).

    Out of check a move can expose the king only if it leaves one of the from-squares or enters one of the to-squares.
    In check a move can help only if it does one of those two. In both cases such a move needs a full test.
    """
    if color:
        enemy_king, horse, rook, cannon, pawn = 1, 4, 5, 6, 7
    else:
        enemy_king, horse, rook, cannon, pawn = 8, 11, 12, 13, 14
    leave: set[int] = set()
    enter: set[int] = set()
    for number, ray in enumerate(RAYS[king]):
        seen = 0
        first = second = 0
        for i, t in enumerate(ray):
            p = squares[t]
            if not p:
                continue
            seen += 1
            slides = p == rook or (p == enemy_king and number < 2)
            if seen == 1:
                if slides:
                    return True, set(), set(ray[: i + 1])
                first = t
                if p == cannon:
                    enter.update(ray[:i])  # a screen put here would give the cannon its shot
            elif seen == 2:
                if p == cannon:
                    return True, {first}, set(ray[: i + 1])
                second = t
                if slides:
                    leave.add(first)
            else:
                if p == cannon:
                    leave.add(first)
                    leave.add(second)
                break
    for sq, leg in HORSE_ATTACKERS[king]:
        if squares[sq] == horse:
            if not squares[leg]:
                return True, set(), {sq, leg}
            leave.add(leg)
    for sq in PAWN_ATTACKERS[not color][king]:
        if squares[sq] == pawn:
            return True, set(), {sq}
    return False, leave, enter


def legal(squares: list[int], color: int, king: int) -> list[int]:
    """Legal moves of `color`, whose king is on `king`, ordered by from-square, unordered within it."""
    moves = pseudo_legal(squares, color)
    if king < 0:
        return moves
    checked, leave, enter = _dangers(squares, king, color)
    if checked:
        return [
            m
            for m in moves
            if (m // 90 == king or m // 90 in leave or m % 90 in enter) and is_safe(squares, m, king, color)
        ]
    leave.add(king)
    if enter:
        return [
            m for m in moves if not (m // 90 in leave or m % 90 in enter) or is_safe(squares, m, king, color)
        ]
    return [m for m in moves if m // 90 not in leave or is_safe(squares, m, king, color)]


def attackers(squares: list[int], target: int, color: int) -> list[int]:
    """Squares of the pieces of `color` that could capture an opponent's piece on `target`.

    Only movement counts: pins are ignored, and so is the enemy king across an open file.
    """
    offset = 7 if color else 0
    found: list[int] = []
    for ray in SLIDES[target]:
        screened = False
        for t in ray:
            p = squares[t] - offset
            if p == -offset:
                continue
            if screened:
                if p == CANNON:
                    found.append(t)
                break
            if p == ROOK:
                found.append(t)
            screened = True
    for sq, leg in HORSE_ATTACKERS[target]:
        if squares[sq] - offset == HORSE and not squares[leg]:
            found.append(sq)
    for sq in PAWN_ATTACKERS[color][target]:
        if squares[sq] - offset == PAWN:
            found.append(sq)
    # Steps of king, advisor and elephant can be reversed, except across the edge of their own zone.
    for sq in KING_STEPS[color][target]:
        if squares[sq] - offset == KING and target in KING_STEPS[color][sq]:
            found.append(sq)
    for sq in ADVISOR_STEPS[color][target]:
        if squares[sq] - offset == ADVISOR and target in ADVISOR_STEPS[color][sq]:
            found.append(sq)
    for eye, sq in ELEPHANT_MOVES[color][target]:
        if squares[sq] - offset == ELEPHANT and not squares[eye] and on_own_half(color, target):
            found.append(sq)
    return found
