"""Finished games against the adaptive level: each counts once for the rating of the person."""

from __future__ import annotations

from pathlib import Path

from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.players.adaptive import load_rating, record_game
from xiangqi_gpt.players.levels import ADAPTIVE
from xiangqi_gpt.players.player_spec import PlayerSpec


class ResultsOfPerson:
    """Takes finished games into account.

    Args:
        path: the file of the rating; None for that of this machine.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._counted: set[str] = set()

    def note(self, state: GameState) -> None:
        """Count the game of *state* if it is over, one person has played it against the adaptive level, and it is new.

        A game that ends, is taken back and ends again counts with its first end.
        """
        if state.outcome is None or state.tree.uid in self._counted or not _is_adaptive(state):
            return
        self._counted.add(state.tree.uid)
        (person,) = state.humans
        winner = state.outcome.winner
        points = 0.5 if winner is None else float(winner is person)
        # The player has chosen its level by the same rating when the game began.
        record_game(load_rating(self._path).level, points, self._path)


def _is_adaptive(state: GameState) -> bool:
    if len(state.humans) != 1:
        return False
    try:
        level = PlayerSpec.parse(state.spec).settings.get("level", "")
    except PlayerError:
        return False
    return level.lower() == ADAPTIVE
