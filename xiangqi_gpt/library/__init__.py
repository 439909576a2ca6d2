"""Collections: games in one database file, searched by player, position and material.

`collect` builds a collection or adds to it, and `Collection` reads it.
"""

from __future__ import annotations

from xiangqi_gpt.library.collecting import Collected, collect
from xiangqi_gpt.library.collection import Collection, ExplorerRow, FoundGame
from xiangqi_gpt.library.game_query import GameQuery

__all__ = ["Collected", "Collection", "ExplorerRow", "FoundGame", "GameQuery", "collect"]
