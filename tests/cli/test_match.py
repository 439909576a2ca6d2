from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.engines.process import find_engine
from xiangqi_gpt.records import read_games

KEYS = {
    "games",
    "wins",
    "draws",
    "losses",
    "score",
    "elo",
    "elo_ci",
    "capped",
    "illegal",
    "crashes",
    "timeouts",
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["match", *arguments])


def test_json_is_all_of_standard_output_and_pgn_reads_back(tmp_path: Path) -> None:
    pgn = tmp_path / "games.pgn"
    result = run("greedy", "random", "--games", "4", "--seed", "3", "--pgn", str(pgn), "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert set(summary) == KEYS
    assert summary["games"] == summary["wins"] + summary["draws"] + summary["losses"] == 4
    assert summary["illegal"] == summary["crashes"] == summary["timeouts"] == 0
    low, high = summary["elo_ci"]
    assert low <= summary["elo"] <= high
    assert len(result.stderr.splitlines()) == 4
    games = list(read_games(pgn))
    assert [game.tags["Red"] for game in games] == ["greedy", "random"] * 2
    points = {"1-0": (1, 0), "0-1": (0, 1), "1/2-1/2": (0.5, 0.5)}
    score = sum(points[game.result][number % 2] for number, game in enumerate(games)) / 4
    assert score == summary["score"]


def test_same_seed_same_match() -> None:
    arguments = ("random", "greedy", "--games", "2", "--json", "--quiet", "--seed", "9")
    first, second = run(*arguments), run(*arguments)
    assert first.exit_code == 0
    assert first.stderr == ""
    assert first.stdout == second.stdout


def test_summary_for_people() -> None:
    result = run("random", "random", "--games", "1")
    assert result.exit_code == 0
    assert "random against random: 1 games" in result.stdout
    assert "95 % interval" in result.stdout


def test_own_openings(tmp_path: Path) -> None:
    openings, pgn = tmp_path / "openings.txt", tmp_path / "games.pgn"
    openings.write_text("h2e2 h9g7\n")
    result = run(
        "random", "random", "--games", "2", "--openings", str(openings), "--pgn", str(pgn), "--quiet"
    )
    assert result.exit_code == 0
    assert [[move.iccs for move in game.moves[:2]] for game in read_games(pgn)] == [["h2e2", "h9g7"]] * 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["random", "stockfish"], "expected a player of gpt, random, greedy, engine, found 'stockfish'"),
        (["random", "random", "--games", "0"], "'--games'"),
        (["random", "random", "--time", "-1"], "time of at least 0"),
        (["random", "random", "--rules", "league"], "'league'"),
        (["random", "random", "--openings", "no/such.txt"], "no/such.txt"),
        (["random", "random", "--pgn", "no/such/folder/x.pgn"], "expected a folder"),
        (["random"], "PLAYER"),
    ],
)
def test_bad_input(arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_existing_pgn_is_kept_unless_forced(tmp_path: Path) -> None:
    pgn = tmp_path / "games.pgn"
    pgn.write_text("precious")
    result = run("random", "random", "--games", "1", "--pgn", str(pgn))
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert pgn.read_text() == "precious"
    assert run("random", "random", "--games", "1", "--pgn", str(pgn), "--force").exit_code == 0
    assert len(list(read_games(pgn))) == 1


@pytest.mark.skipif(
    find_engine("fairy-stockfish") is None, reason="the engine fairy-stockfish is not installed"
)
def test_fairy_stockfish_beats_random() -> None:
    result = run("engine:fairy-stockfish,nodes=100,Hash=1", "random", "--games", "2", "--json", "--quiet")
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert summary["illegal"] == summary["crashes"] == 0
    assert summary["wins"] == 2
