"""Levels: what they stand for, and how they play."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.model.tiny import tiny
from xiangqi_gpt.players import PlayerError, create_player, is_deterministic
from xiangqi_gpt.players.base import Limit
from xiangqi_gpt.players.gpt_player import GPTPlayer
from xiangqi_gpt.players.levels import LEVELS, get_level, nearest_level, with_level
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.texts import LANGUAGES


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    tiny(board="bag").save_pretrained(path)
    return path


def test_ten_levels_grow() -> None:
    assert [level.number for level in LEVELS] == list(range(1, 11))
    assert len({level.key for level in LEVELS}) == 10
    for weaker, stronger in pairwise(LEVELS):
        assert weaker.elo < stronger.elo
        assert weaker.descents <= stronger.descents
        if not stronger.descents:
            assert weaker.temperature > stronger.temperature
            assert weaker.care <= stronger.care
    assert all(level.temperature > 0 for level in LEVELS)  # games differ
    names = {level.message.text(language) for level in LEVELS for language in LANGUAGES}
    assert "大师" in names


def test_a_level_has_a_number_and_a_name() -> None:
    assert get_level("1") is get_level("novice") is LEVELS[0]
    assert get_level("Master") is LEVELS[9]
    assert LEVELS[3].spec == "gpt:level=4"
    for wrong in ("0", "11", "", "grandmaster"):
        with pytest.raises(PlayerError, match="Levels are 1 to 10"):
            get_level(wrong)


def test_the_nearest_level_is_the_one_of_even_games() -> None:
    assert nearest_level(-1000) is LEVELS[0]
    assert nearest_level(9000) is LEVELS[9]
    assert nearest_level(LEVELS[4].elo + 1) is LEVELS[4]


def test_keys_of_the_spec_come_before_those_of_the_level() -> None:
    weak, strong = LEVELS[0], LEVELS[9]
    assert with_level({"level": "1"}) == {"level": "1", **weak.settings}
    assert with_level({"level": "1", "temperature": "0.5"})["temperature"] == "0.5"
    assert "top_p" not in with_level({"level": "1", "temperature": "0"})
    assert "lookahead" not in with_level({"level": "1", "depth": "2"})
    assert with_level({"level": "10"})["max_descents"] == str(strong.descents)
    assert "max_descents" not in with_level({"level": "10", "lookahead": "2s"})


@pytest.mark.parametrize("number", [1, 6, 7])
def test_a_level_plays_with_a_model_without_styles(model: Path, number: int) -> None:
    level = LEVELS[number - 1]
    player = create_player(f"gpt:level={number},model={model},threads=1")
    assert isinstance(player, GPTPlayer)
    assert (player.lookahead is not None) == bool(level.descents)
    assert player.temperature == level.temperature
    assert not is_deterministic(player)
    assert Board().is_legal(player.play(Board()).move)
    with pytest.raises(PlayerError, match="this model has no styles"):
        create_player(f"gpt:level={number},model={model},style=human")


def test_no_clock_makes_a_level_search_more(model: Path) -> None:
    player = create_player(f"gpt:level=7,model={model},threads=1")
    assert isinstance(player, GPTPlayer)
    for limit in ({"seconds": 30.0}, {"nodes": 500}, {}):
        player.new_game()
        assert player.look_ahead(Board(), **limit).nodes <= LEVELS[6].descents  # type: ignore[arg-type]
    freed = create_player(f"gpt:level=7,lookahead=30,model={model},threads=1")
    assert isinstance(freed, GPTPlayer)
    assert freed.look_ahead(Board()).nodes > LEVELS[6].descents


def test_rooks_are_not_given_away_by_the_wildest_level(model: Path) -> None:
    # Of 19 moves of the rook two lose it; at this temperature all moves are about equally likely.
    board = Board("r2k5/9/9/9/9/9/9/9/9/1R2K4 w - - 0 1")
    careless = create_player(f"gpt:model={model},temperature=100,threads=1")
    careful = create_player(f"gpt:model={model},temperature=100,care=0,threads=1")
    assert isinstance(careful, GPTPlayer)
    likeliest = careful.scores(board).ranked()[0]
    assert careful.scores(board).moves[likeliest].iccs not in ("b0a0", "b0b9")

    def drawn(player: object) -> set[str]:
        return {player.play(board, Limit()).move.iccs for _ in range(150)}  # type: ignore[attr-defined]

    assert drawn(careless) >= {"b0a0", "b0b9"}
    assert drawn(careful).isdisjoint({"b0a0", "b0b9"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("level=12", "Levels are 1 to 10"),
        ("care=2", "expected care from 0 to 1, found 2"),
        ("max_descents=0", "expected max_descents of at least 1"),
    ],
)
def test_nonsense_is_refused(model: Path, options: str, words: str) -> None:
    with pytest.raises(PlayerError, match=words):
        create_player(f"gpt:model={model},{options}")
