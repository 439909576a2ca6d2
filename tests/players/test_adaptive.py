"""The rating of the person, and the level that follows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from xiangqi_gpt.players import adaptive
from xiangqi_gpt.players.adaptive import AdaptivePlayer, PersonRating, load_rating, record_game
from xiangqi_gpt.players.base import Player, warm_up
from xiangqi_gpt.players.baselines import RandomPlayer
from xiangqi_gpt.players.levels import LEVELS
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move


def test_the_rating_follows_the_results() -> None:
    rating = PersonRating(elo=900, games=20)
    even = LEVELS[3].__class__(
        number=4, key="improver", elo=900, descents=0, style="human", temperature=1, top_p=1
    )
    assert rating.after(even, 0.5).elo == 900
    assert rating.after(even, 1).elo == 920
    assert rating.after(even, 0).elo == 880
    assert PersonRating(elo=900).after(even, 1).elo > 1000  # the first games count for more


@pytest.mark.parametrize("truth", [1000.0, 1750.0, 2300.0])
def test_the_level_settles_where_half_of_the_points_are_scored(truth: float) -> None:
    rating = PersonRating()
    for _ in range(60):
        expected = 1 / (1 + 10 ** ((rating.level.elo - truth) / 400))
        rating = rating.after(rating.level, expected)
    assert abs(rating.elo - truth) < 100


def test_a_finished_game_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rating.json"
    assert load_rating(path) == PersonRating()
    rating = record_game(LEVELS[5], 1, path)
    assert rating.games == 1
    assert load_rating(path) == rating
    assert [file.name for file in path.parent.iterdir()] == ["rating.json"]


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "[]", '{"elo": "high", "games": 1}', '{"elo": 1e9, "games": 1}', '{"elo": 900}',
     '{"elo": 900, "games": -1}', '{"elo": true, "games": 1}', '{"elo": NaN, "games": 1}'],
)  # fmt: skip
def test_a_file_that_makes_no_sense_is_a_newcomer(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rating.json"
    path.write_text(text, encoding="utf-8")
    assert load_rating(path) == PersonRating()


def test_a_folder_that_cannot_be_written_to_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert record_game(LEVELS[0], 1, tmp_path / "file" / "rating.json").games == 1


def test_the_player_changes_its_level_between_games_only(tmp_path: Path) -> None:
    path = tmp_path / "rating.json"
    built: list[str] = []

    def create(level: object) -> Player:
        built.append(level.key)  # type: ignore[attr-defined]
        return RandomPlayer()

    player = AdaptivePlayer(create, path)
    first = player.level
    assert player.play(Board()).move in Board().legal_moves()
    for _ in range(8):
        player.record(1)
    assert player.level is first
    player.new_game()
    assert player.level.number > first.number
    player.new_game()
    assert built == [first.key, player.level.key]
    assert player.level.key in player.name


def test_the_level_of_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptive, "rating_path", lambda: tmp_path / "rating.json")
    assert adaptive.level_of("2") is LEVELS[1]
    assert adaptive.level_of("adaptive") is PersonRating().level


def test_it_knows_of_people_what_the_player_of_its_level_knows(tmp_path: Path) -> None:
    class Knowing(RandomPlayer):
        def human_prob(self, board: Board, move: Move) -> float:
            return 0.5

    path = tmp_path / "rating.json"
    assert AdaptivePlayer(lambda level: RandomPlayer(), path).human_prob is None
    human_prob = AdaptivePlayer(lambda level: Knowing(), path).human_prob
    assert human_prob is not None
    assert human_prob(Board(), Board().legal_moves()[0]) == 0.5


def test_it_warms_up_the_player_of_its_level(tmp_path: Path) -> None:
    class Cold(RandomPlayer):
        def warm_up(self) -> None:
            warmed.append(self)

    warmed: list[Player] = []
    player = AdaptivePlayer(lambda level: Cold(), tmp_path / "rating.json")
    warm_up(player)
    assert len(warmed) == 1
    warm_up(AdaptivePlayer(lambda level: RandomPlayer(), tmp_path / "rating.json"))
