"""Tables of the squares that each piece can reach, computed once at import.

A colour index is 0 for Red and 1 for Black; an inner index is a square. The tables hold geometry only, so the caller
still has to check the board for legs, eyes, screens and own pieces.
"""

from __future__ import annotations

from xiangqi_gpt.rules.squares import FILES, RANKS, SQUARES

_ORTHOGONAL = ((0, 1), (0, -1), (-1, 0), (1, 0))
_DIAGONAL = ((1, 1), (1, -1), (-1, 1), (-1, -1))


def _on_board(file: int, rank: int) -> bool:
    return 0 <= file < FILES and 0 <= rank < RANKS


def in_palace(color: int, sq: int) -> bool:
    """Whether `sq` lies in the palace of `color`."""
    rank = sq // FILES
    return 3 <= sq % FILES <= 5 and (rank <= 2 if color == 0 else rank >= 7)


def on_own_half(color: int, sq: int) -> bool:
    """Whether `sq` lies on the side of the river where `color` starts."""
    return (sq < 45) == (color == 0)


def _rays(sq: int) -> tuple[tuple[int, ...], ...]:
    file, rank = sq % FILES, sq // FILES
    rays = []
    for df, dr in _ORTHOGONAL:
        f, r, ray = file + df, rank + dr, []
        while _on_board(f, r):
            ray.append(r * FILES + f)
            f, r = f + df, r + dr
        rays.append(tuple(ray))
    return tuple(rays)


RAYS: tuple[tuple[tuple[int, ...], ...], ...] = tuple(_rays(sq) for sq in range(SQUARES))
"""Squares outwards from a square: up, down, left, right."""

SLIDES: tuple[tuple[tuple[int, ...], ...], ...] = tuple(tuple(r for r in rays if r) for rays in RAYS)
"""`RAYS` without the empty ones."""

BETWEEN: dict[int, tuple[int, ...]] = {
    a * SQUARES + b: ray[:i] for a in range(SQUARES) for ray in RAYS[a] for i, b in enumerate(ray)
}
"""Squares strictly between two squares of one line, keyed by `a * 90 + b`; other pairs have no entry."""


def _horse_legs(sq: int) -> tuple[tuple[int, tuple[int, ...]], ...]:
    file, rank = sq % FILES, sq // FILES
    legs = []
    for df, dr in _ORTHOGONAL:
        sides = ((1, 0), (-1, 0)) if df == 0 else ((0, 1), (0, -1))
        ends = ((file + 2 * df + sf, rank + 2 * dr + sr) for sf, sr in sides)
        targets = tuple(r * FILES + f for f, r in ends if _on_board(f, r))
        if targets:
            legs.append(((rank + dr) * FILES + file + df, targets))
    return tuple(legs)


HORSE_LEGS: tuple[tuple[tuple[int, tuple[int, ...]], ...], ...] = tuple(map(_horse_legs, range(SQUARES)))
"""(leg, targets that the leg opens) of a horse."""

HORSE_MOVES: tuple[tuple[tuple[int, int], ...], ...] = tuple(
    tuple((leg, target) for leg, targets in legs for target in targets) for legs in HORSE_LEGS
)
"""(leg, target) of a horse."""

_horse_attackers: list[list[tuple[int, int]]] = [[] for _ in range(SQUARES)]
for _sq in range(SQUARES):
    for _leg, _target in HORSE_MOVES[_sq]:
        _horse_attackers[_target].append((_sq, _leg))
HORSE_ATTACKERS: tuple[tuple[tuple[int, int], ...], ...] = tuple(tuple(a) for a in _horse_attackers)
"""(square of a horse, its leg) for each horse place from which the square can be reached."""


def _elephant_moves(color: int, sq: int) -> tuple[tuple[int, int], ...]:
    file, rank = sq % FILES, sq // FILES
    return tuple(
        ((rank + dr) * FILES + file + df, (rank + 2 * dr) * FILES + file + 2 * df)
        for df, dr in _DIAGONAL
        if _on_board(file + 2 * df, rank + 2 * dr) and on_own_half(color, (rank + 2 * dr) * FILES + file)
    )


ELEPHANT_MOVES: tuple[tuple[tuple[tuple[int, int], ...], ...], ...] = tuple(
    tuple(_elephant_moves(color, sq) for sq in range(SQUARES)) for color in (0, 1)
)
"""(eye, target) of an elephant, by colour."""


def _steps(sq: int, directions: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    file, rank = sq % FILES, sq // FILES
    return tuple((rank + dr) * FILES + file + df for df, dr in directions if _on_board(file + df, rank + dr))


def _palace_steps(color: int, sq: int, directions: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    return tuple(t for t in _steps(sq, directions) if in_palace(color, t))


def _pawn_steps(color: int, sq: int) -> tuple[int, ...]:
    forward = (0, 1) if color == 0 else (0, -1)
    return _steps(sq, (forward,) if on_own_half(color, sq) else (forward, (-1, 0), (1, 0)))


KING_STEPS: tuple[tuple[tuple[int, ...], ...], ...] = tuple(
    tuple(_palace_steps(color, sq, _ORTHOGONAL) for sq in range(SQUARES)) for color in (0, 1)
)
"""Targets of a king, by colour."""

ADVISOR_STEPS: tuple[tuple[tuple[int, ...], ...], ...] = tuple(
    tuple(_palace_steps(color, sq, _DIAGONAL) for sq in range(SQUARES)) for color in (0, 1)
)
"""Targets of an advisor, by colour."""

PAWN_STEPS: tuple[tuple[tuple[int, ...], ...], ...] = tuple(
    tuple(_pawn_steps(color, sq) for sq in range(SQUARES)) for color in (0, 1)
)
"""Targets of a soldier, by colour."""

PAWN_ATTACKERS: tuple[tuple[tuple[int, ...], ...], ...] = tuple(
    tuple(tuple(sq for sq in range(SQUARES) if target in PAWN_STEPS[color][sq]) for target in range(SQUARES))
    for color in (0, 1)
)
"""Squares from which a soldier of that colour attacks the square."""

ADVISOR_POINTS: tuple[frozenset[int], ...] = (
    frozenset((3, 5, 13, 21, 23)),
    frozenset((66, 68, 76, 84, 86)),
)
"""Squares on which an advisor can ever stand, by colour."""

ELEPHANT_POINTS: tuple[frozenset[int], ...] = (
    frozenset((2, 6, 18, 22, 26, 38, 42)),
    frozenset((47, 51, 63, 67, 71, 83, 87)),
)
"""Squares on which an elephant can ever stand, by colour."""
