"""The moves that some piece can make on some board: 2,086 of the 8,100 pairs of squares."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.rules.attacks import (
    ADVISOR_POINTS,
    ADVISOR_STEPS,
    ELEPHANT_MOVES,
    ELEPHANT_POINTS,
    HORSE_MOVES,
    RAYS,
)
from xiangqi_gpt.rules.squares import SQUARES


def _geometric_moves() -> list[int]:
    found: set[int] = set()
    for origin in range(SQUARES):
        goals = {
            goal for ray in RAYS[origin] for goal in ray
        }  # rooks; cannons, kings and soldiers have no other directions
        goals.update(goal for _, goal in HORSE_MOVES[origin])
        for color in (0, 1):
            if origin in ADVISOR_POINTS[color]:
                goals.update(ADVISOR_STEPS[color][origin])
            if origin in ELEPHANT_POINTS[color]:
                goals.update(goal for _, goal in ELEPHANT_MOVES[color][origin])
        found.update(origin * SQUARES + goal for goal in goals)
    return sorted(found)


POSSIBLE_MOVES: Final[npt.NDArray[np.int64]] = np.array(_geometric_moves(), dtype=np.int64)
"""(2086,) indices from * 90 + to, ascending. Rotating or mirroring the board gives the same set."""

MOVE_NUMBER: Final[npt.NDArray[np.int64]] = np.full(SQUARES * SQUARES, -1, dtype=np.int64)
"""(8100,) the place of a move in POSSIBLE_MOVES, -1 if no piece has such a move."""
MOVE_NUMBER[POSSIBLE_MOVES] = np.arange(len(POSSIBLE_MOVES))
