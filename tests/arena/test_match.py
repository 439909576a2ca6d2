from __future__ import annotations

import datetime
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from xiangqi_gpt.arena.match import MatchResult, play_match
from xiangqi_gpt.arena.match_records import match_records
from xiangqi_gpt.arena.openings import Opening
from xiangqi_gpt.arena.referee import MatchConfig, PlayedGame
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.players import (
    Analysis,
    Limit,
    PlayerCrashError,
    PlayerError,
    PlayerTimeoutError,
    PlayResult,
)
from xiangqi_gpt.players.baselines import GreedyPlayer, RandomPlayer
from xiangqi_gpt.players.engine_player import EnginePlayer
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

FAKE = Path(__file__).parents[1] / "players" / "fake_engine.py"


def opening(text: str) -> Opening:
    return Opening(tuple(Move.from_iccs(word) for word in text.split()))


THREE = (opening("h2e2"), opening("b2e2 h9g7"), opening("c3c4 c6c5"))


class Scripted:
    """Plays what a function says; deterministic unless told otherwise."""

    def __init__(self, choose: Callable[[Board], Move], name: str = "scripted") -> None:
        self.name = name
        self.deterministic = True
        self.games = 0
        self._choose = choose

    def play(self, board: Board, limit: Limit) -> PlayResult:
        return PlayResult(self._choose(board))

    def analyse(self, board: Board, limit: Limit, multipv: int | None = None) -> Analysis:
        raise PlayerError("not asked for")

    def new_game(self) -> None:
        self.games += 1

    def close(self) -> None:
        pass


def first_legal(board: Board) -> Move:
    return board.legal_moves()[0]


def test_pairs_share_an_opening_and_change_colours() -> None:
    result = play_match(RandomPlayer(seed=1), RandomPlayer(seed=2), 6, openings=THREE)
    games = result.games
    assert [game.first_is_red for game in games] == [True, False] * 3
    assert [game.opening for game in games[::2]] == [game.opening for game in games[1::2]]
    assert {game.opening for game in games} == set(THREE)
    for game in games:
        assert game.moves[: len(game.opening.moves)] == game.opening.moves


def test_games_replay_to_the_stated_result() -> None:
    result = play_match(GreedyPlayer(seed=1), RandomPlayer(seed=2), 4, openings=THREE)
    for game in result.games:
        board = Board()
        for move in game.moves:
            assert board.outcome() is None
            assert board.is_legal(move)
            board.push(move)
        outcome = board.outcome()
        if outcome is None:
            assert game.ending == "capped"
            assert len(game.moves) == 300
        else:
            assert (outcome.result, outcome.termination.value) == (game.result, game.ending)
    assert result.wins + result.draws + result.losses == 4
    assert result.score == (result.wins + result.draws / 2) / 4


def test_seed_decides_everything() -> None:
    def moves(seed: int) -> list[tuple[Move, ...]]:
        config = MatchConfig(seed=seed, max_plies=30)
        match = play_match(RandomPlayer(seed=1), GreedyPlayer(seed=2), 4, config=config, openings=THREE)
        return [game.moves for game in match.games]

    assert moves(1) == moves(1)
    assert moves(1) != moves(4)


def test_the_cap_is_a_draw_and_counted() -> None:
    config = MatchConfig(max_plies=10)
    summary = play_match(RandomPlayer(), RandomPlayer(), 2, config=config, openings=THREE).as_dict()
    assert (summary["games"], summary["draws"], summary["capped"]) == (2, 2, 2)
    assert summary["score"] == 0.5


def test_summary_keys_are_those_promised() -> None:
    summary = MatchResult(()).as_dict()
    assert list(summary) == [
        "games", "wins", "draws", "losses", "score", "elo", "elo_ci", "pentanomial", "capped", "adjudicated",
        "illegal", "crashes", "timeouts", "flags", "faults",
    ]  # fmt: skip


def raising(error: Exception) -> Callable[[Board], Move]:
    def choose(board: Board) -> Move:
        raise error

    return choose


@pytest.mark.parametrize(
    ("choose", "key", "words"),
    [
        (lambda board: Move.from_iccs("a0a9"), "illegal", "a0a9"),
        (raising(PlayerCrashError("died")), "crashes", "died"),
        (raising(PlayerTimeoutError("silent")), "timeouts", "silent"),
        (raising(ZeroDivisionError("by zero")), "crashes", "ZeroDivisionError: by zero"),
    ],
)
def test_faults_lose_and_are_counted_apart(choose: Callable[[Board], Move], key: str, words: str) -> None:
    result = play_match(Scripted(choose), Scripted(first_legal, "steady"), 2, openings=THREE)
    summary = result.as_dict()
    assert (summary["losses"], summary["score"]) == (2, 0.0)
    assert {name: summary[name] for name in ("illegal", "crashes", "timeouts")} == {
        "illegal": 0, "crashes": 0, "timeouts": 0, key: 2,
    }  # fmt: skip
    assert all(words in game.detail and "scripted" in game.detail for game in result.games)
    assert [game.result for game in result.games] == ["0-1", "1-0"]


@pytest.mark.parametrize(("mode", "key"), [("illegal", "illegal"), ("crash", "crashes")])
def test_faults_of_a_real_process(mode: str, key: str) -> None:
    engine = EnginePlayer(shlex.join([sys.executable, "-S", str(FAKE), mode]))
    try:
        # Two games: the second one needs the engine to have come back.
        summary = play_match(GreedyPlayer(), engine, 2, openings=THREE).as_dict()
    finally:
        engine.close()
    assert (summary["wins"], summary[key]) == (2, 2)
    assert summary["illegal"] + summary["crashes"] + summary["timeouts"] == 2


def test_overrunning_the_time_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 20))
    monkeypatch.setattr("xiangqi_gpt.arena.referee.time.monotonic", lambda: next(clock))
    config = MatchConfig(limit=Limit(time=1.0), time_grace=5.0)
    result = play_match(Scripted(first_legal), Scripted(first_legal), 1, config=config, openings=THREE)
    assert result.as_dict()["timeouts"] == 1


def test_a_player_cannot_change_the_game() -> None:
    def vandal(board: Board) -> Move:
        move = first_legal(board)
        board.push(move)
        return move

    config = MatchConfig(max_plies=12)
    result = play_match(Scripted(vandal), Scripted(vandal), 1, config=config, openings=THREE)
    assert result.as_dict()["illegal"] == 0


def test_deterministic_players_never_repeat_a_game() -> None:
    config = MatchConfig(max_plies=12)
    first, second = Scripted(first_legal), Scripted(first_legal, "other")
    with pytest.raises(ConfigError, match="at most 6 games from 3 openings, found 7"):
        play_match(first, second, 7, config=config, openings=THREE)
    result = play_match(first, second, 6, config=config, openings=THREE)
    assert len({(game.opening, game.first_is_red) for game in result.games}) == 6
    assert first.games == second.games == 6
    # With chance in one of them, openings may come again.
    second.deterministic = False
    assert len(play_match(first, second, 8, config=config, openings=THREE).games) == 8


@pytest.mark.parametrize(
    ("games", "openings", "words"), [(0, THREE, "at least 1 game"), (1, (), "at least one opening")]
)
def test_empty_matches_are_refused(games: int, openings: tuple[Opening, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        play_match(RandomPlayer(), RandomPlayer(), games, openings=openings)


@pytest.mark.parametrize("values", [{"rules": "league"}, {"max_plies": 0}, {"time_grace": float("nan")}])
def test_bad_configs_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        MatchConfig(**values)  # type: ignore[arg-type]


def test_a_repetition_is_a_draw_by_the_rules() -> None:
    def shuffle(board: Board) -> Move:
        home = "b0a2" if board.turn == 0 else "b9a7"
        back = "a2b0" if board.turn == 0 else "a7b9"
        return Move.from_iccs(home) if board.is_legal(Move.from_iccs(home)) else Move.from_iccs(back)

    result = play_match(Scripted(shuffle), Scripted(shuffle), 1, openings=(opening("c3c4 c6c5"),))
    assert result.games[0].ending == "repetition"
    assert result.draws == 1


def test_a_player_is_warmed_up_before_a_game_and_says_how_deep_it_looked() -> None:
    asked: list[str] = []

    class Cold(Scripted):
        def warm_up(self) -> None:
            asked.append("warm up")

        def new_game(self) -> None:
            asked.append("new game")

        def play(self, board: Board, limit: Limit) -> PlayResult:
            asked.append("move")
            return PlayResult(first_legal(board), Analysis((), depth=7))

    seen: list[PlayedGame] = []
    config = MatchConfig(max_plies=3)
    play_match(Cold(first_legal), RandomPlayer(), 2, config=config, openings=THREE[:1], on_game=seen.append)
    assert asked == ["warm up", "new game", "move"] * 2
    assert [[info.depth for info in game.infos] for game in seen] == [[None, 7], [7, None]]


def test_records_tell_how_a_game_was_played() -> None:
    seen: list[PlayedGame] = []
    config = MatchConfig(max_plies=9, limit=Limit(nodes=3))
    play_match(RandomPlayer(), GreedyPlayer(), 2, config=config, openings=THREE, on_game=seen.append)
    records = list(match_records(seen, config, date=datetime.date(2020, 2, 1)))
    assert [(record.tags["Red"], record.tags["Black"]) for record in records] == [
        ("random", "greedy"),
        ("greedy", "random"),
    ]
    first = records[0]
    assert first.moves == seen[0].moves
    assert first.result == "1/2-1/2"
    assert first.tags["Termination"] == "capped"
    assert first.tags["Date"] == "2020.02.01"
    assert first.tags["RuleSet"] == "simple"
    assert first.tags["Limit"] == "3 nodes"
