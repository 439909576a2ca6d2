"""The committed sample: sound, small, and split as the formula says."""

from __future__ import annotations

from collections import Counter

from xiangqi_gpt.records import read_games, split_of
from xiangqi_gpt.resources import resource_path


def test_every_game_of_the_sample_is_sound() -> None:
    path = resource_path("data/sample.parquet")
    assert path.stat().st_size < 3_000_000
    parts: Counter[str] = Counter()
    for game in read_games(path):
        parts[game.split] += 1
        assert game.kind == "teacher"
        assert game.labels is not None
        assert game.labels.first + len(game.labels.best) == game.plies
        assert game.split == split_of(game.start_fen, game.moves)
    assert parts == {"train": 1431, "valid": 29, "test": 18, "reserved": 22}
