from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records import GameRecord, read_games
from xiangqi_gpt.rules.move import Move

Read = Callable[..., tuple[list[GameRecord], list[RecordError]]]


def moves(text: str) -> tuple[Move, ...]:
    """Moves from ICCS text with blanks between."""
    return tuple(Move.from_iccs(word) for word in text.split())


def iccs(game: GameRecord) -> str:
    """The moves of a game as ICCS text with blanks between."""
    return " ".join(map(str, game.moves))


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads bytes or text as a file of a given name: (sound games, errors)."""

    def reader(content: str | bytes, name: str = "games.pgn") -> tuple[list[GameRecord], list[RecordError]]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        errors: list[RecordError] = []
        return list(read_games(path, on_error=errors.append)), errors

    return reader
