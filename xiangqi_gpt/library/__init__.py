"""Collections: games in one database file, searched by player, position and material.

`collect` builds a collection or adds to it, and `Collection` reads it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xiangqi_gpt.library.collecting import Collected, collect
    from xiangqi_gpt.library.collection import Collection, ExplorerRow, FoundGame
    from xiangqi_gpt.library.game_query import GameQuery

__all__ = ["Collected", "Collection", "ExplorerRow", "FoundGame", "GameQuery", "collect"]

# Loaded when they are used: the window names openings without the arrays that a collection comes with.
_HOMES = {
    "Collected": "collecting",
    "collect": "collecting",
    "Collection": "collection",
    "ExplorerRow": "collection",
    "FoundGame": "collection",
    "GameQuery": "game_query",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found
