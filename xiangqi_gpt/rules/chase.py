"""Which pieces a move chases: the threats to capture that count under the repetition rules.

A *threat* is a pair (attacker, victim) such that the attacker could capture the victim if it were its turn, the capture
would leave its own king safe, and the capture would gain something:

- the attacker is neither king nor soldier (those two may attack forever);
- the victim is neither a king nor a soldier that has yet to cross the river;
- the victim is worth more than the attacker whatever protects it (a rook attacked by a horse or cannon; a rook, horse
  or cannon attacked by an advisor or elephant), or nothing can legally recapture (a protector that is pinned or that
  would expose its king is a false root and protects nothing);
- two pieces of one kind that attack each other offer an exchange, which is not a threat, unless the victim cannot
  legally strike first (it is pinned, or a horse with a blocked leg).

Checks that exist on the board when the threat is evaluated are ignored for legality: they will be answered before the
threat is carried out.
"""

from __future__ import annotations

from enum import IntEnum

from xiangqi_gpt.rules.attacks import BETWEEN, on_own_half
from xiangqi_gpt.rules.movegen import (
    ADVISOR,
    CANNON,
    ELEPHANT,
    HORSE,
    KING,
    PAWN,
    ROOK,
    attackers,
    king_attacked,
    legal,
    piece_moves,
)

Threats = dict[tuple[int, int], "Threat"]
"""(attacker square, victim square) -> weight of the attack."""

_STRONGER: dict[int, tuple[int, ...]] = {
    ADVISOR: (ROOK, HORSE, CANNON),
    ELEPHANT: (ROOK, HORSE, CANNON),
    HORSE: (ROOK,),
    CANNON: (ROOK,),
    ROOK: (),
    PAWN: (),
}

CHASERS = (ADVISOR, ELEPHANT, HORSE, ROOK, CANNON)
"""Kinds whose attacks count as chases."""

SOLDIERS_TOO = (*CHASERS, PAWN)
"""The same with soldiers, whose attacks count under Chinese rules if both sides attack."""


def checkers(squares: list[int], king: int, color: int) -> frozenset[int]:
    """Squares of the pieces that attack the king of `color` on `king`, including a facing king."""
    enemy = 1 - color
    found = attackers(squares, king, enemy)
    other = squares.index(8 if enemy else 1)
    line = BETWEEN.get(king * 90 + other) if (king - other) % 9 == 0 else None
    if line is not None and not any(squares[sq] for sq in line):
        found.append(other)
    return frozenset(found)


class Threat(IntEnum):
    """The weight of an attack on a piece."""

    NONE = 0  # protected, or an exchange
    BARE = 1  # it wins a piece that nothing protects
    SURE = 2  # it wins a piece that is worth more, or that only false roots protect


def attacks(squares: list[int], kings: list[int], color: int, chasers: tuple[int, ...] = CHASERS) -> Threats:
    """Every legal capture by `color` that could be a chase, with its weight.

    Args:
        squares: 90 piece codes by square; restored before the function returns.
        kings: squares of Red's and Black's king, both on the board.
        color: 0 Red, 1 Black; it need not be that side's turn.
        chasers: kinds whose attacks count.
    """
    enemy = 1 - color
    offset, enemy_offset = (7, 0) if color else (0, 7)
    checks = (checkers(squares, kings[0], 0), checkers(squares, kings[1], 1))
    found: Threats = {}
    for start in range(90):
        kind = squares[start] - offset
        if kind not in chasers:
            continue
        moves: list[int] = []
        piece_moves(squares, start, moves)
        for move in moves:
            end = move % 90
            if not squares[end]:
                continue
            victim = squares[end] - enemy_offset
            if victim == KING or (victim == PAWN and on_own_half(enemy, end)):
                continue
            threat = _weigh(squares, kings, color, start, end, checks)
            if threat is None:
                continue
            if threat and kind == victim and _strikes_first(squares, kings, enemy, end, start, checks[enemy]):
                threat = Threat.NONE
            found[start, end] = threat
    return found


def new_chases(
    before: Threats, after: Threats, start: int, end: int, *, retreats: bool = True
) -> tuple[set[int], set[int]]:
    """Squares of the pieces that a move has begun to threaten: (by attack, by exposure).

    By attack: the attack is new, or it existed and the protectors have become false roots. By exposure: the attack
    existed and the move removed the protection by blocking its line or by leaving it.

    Args:
        before: attacks of the mover before the move.
        after: attacks of the mover after it.
        start: from-square of the move.
        end: to-square of the move.
        retreats: whether a rook or cannon that retreats along its line and still attacks over the square that it left
            attacks anew.
    """
    by_attack: set[int] = set()
    by_exposure: set[int] = set()
    for (attacker, victim), threat in after.items():
        if threat is Threat.NONE:
            continue
        old = before.get((start if attacker == end else attacker, victim))
        retreat = retreats and attacker == end and start in BETWEEN.get(end * 90 + victim, ())
        if old is None or retreat or (old is Threat.NONE and threat is Threat.SURE):
            by_attack.add(victim)
        elif old is Threat.NONE:
            by_exposure.add(victim)
    return by_attack, by_exposure


def mates_in_one(squares: list[int], kings: list[int], color: int) -> bool:
    """Whether `color`, if it were its turn, could give mate with one move.

    Args:
        squares: 90 piece codes by square; restored before the function returns.
        kings: squares of Red's and Black's king, both on the board.
        color: 0 Red, 1 Black.
    """
    enemy = 1 - color
    for move in legal(squares, color, kings[color]):
        start, end = divmod(move, 90)
        if end == kings[enemy]:
            continue
        piece, captured = squares[start], squares[end]
        squares[start], squares[end] = 0, piece
        mate = king_attacked(squares, kings[enemy], enemy) and not legal(squares, enemy, kings[enemy])
        squares[start], squares[end] = piece, captured
        if mate:
            return True
    return False


def _exposed(squares: list[int], king: int, color: int, ignored: frozenset[int]) -> bool:
    if not king_attacked(squares, king, color):
        return False
    return not ignored or not checkers(squares, king, color) <= ignored


def _weigh(
    squares: list[int],
    kings: list[int],
    color: int,
    start: int,
    end: int,
    checks: tuple[frozenset[int], frozenset[int]],
) -> Threat | None:
    """The gain of capturing on `end` for `color`; None if its own king's safety forbids the capture."""
    enemy = 1 - color
    piece, victim = squares[start], squares[end]
    squares[start], squares[end] = 0, piece
    try:
        if _exposed(squares, kings[color], color, checks[color]):
            return None
        if (victim - 7 * enemy) in _STRONGER[piece - 7 * color]:
            return Threat.SURE
        roots = attackers(squares, end, enemy)
        if any(_recaptures(squares, kings, enemy, root, end, checks[enemy]) for root in roots):
            return Threat.NONE
        return Threat.SURE if roots else Threat.BARE
    finally:
        squares[start], squares[end] = piece, victim


def _recaptures(
    squares: list[int], kings: list[int], color: int, start: int, end: int, checks: frozenset[int]
) -> bool:
    """Whether the piece of `color` on `start` may legally capture on `end`."""
    piece, victim = squares[start], squares[end]
    squares[start], squares[end] = 0, piece
    if start == kings[color]:
        legal = not king_attacked(squares, end, color)
    else:
        legal = not _exposed(squares, kings[color], color, checks)
    squares[start], squares[end] = piece, victim
    return legal


def _strikes_first(
    squares: list[int], kings: list[int], color: int, start: int, end: int, checks: frozenset[int]
) -> bool:
    """Whether the attacked piece on `start` may itself capture its attacker on `end`."""
    moves: list[int] = []
    piece_moves(squares, start, moves)
    return start * 90 + end in moves and _recaptures(squares, kings, color, start, end, checks)
