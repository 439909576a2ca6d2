"""Who plays a side of the game at the board."""

from __future__ import annotations

from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.wording import player_name
from xiangqi_gpt.rules import Color

_UNKNOWN = ("", "?", "*")


def player_spec(state: GameState, side: Color) -> str:
    """The player of a side that no person plays."""
    return state.second if not state.humans and state.second and side is Color.BLACK else state.spec


def recorded_name(state: GameState, side: Color) -> str:
    """The name that the record of an opened game gives a side; "" without one."""
    name = "" if state.source is None else state.source.tags.get(side.name.title(), "")
    name = " ".join(name.split())[:80]
    return "" if name in _UNKNOWN else name


def side_name(state: GameState, side: Color, *, of_person: str) -> str:
    """The name of who plays a side: the player's, for a person as in the record, or else *of_person*."""
    if side in state.humans:
        return recorded_name(state, side) or of_person
    return player_name(player_spec(state, side), state.language)
