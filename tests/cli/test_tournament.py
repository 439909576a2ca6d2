from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.records import read_games

FIELD = ("random", "greedy", "greedy:seed=3", "--games", "4", "--max-plies", "60", "--seed", "2")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["tournament", *arguments])


def games(pgn: Path) -> list[tuple[object, ...]]:
    return [
        (game.tags["Round"], game.tags["Red"], game.tags["Black"], game.moves, game.result)
        for game in read_games(pgn)
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A tournament in one process and without a break."""
    pgn = tmp_path_factory.mktemp("whole") / "games.pgn"
    return pgn, run(*FIELD, "--anchor", "random=0", "--pgn", str(pgn), "--json")


def test_json(whole: tuple[Path, Result]) -> None:
    pgn, result = whole
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["games"], summary["seed"], len(games(pgn))) == (12, 2, 12)
    elos = [player["elo"] for player in summary["players"]]
    assert elos == sorted(elos, reverse=True)
    anchor = next(player for player in summary["players"] if player["player"] == "random")
    assert (anchor["elo"], anchor["elo_ci"], anchor["anchor"], anchor["games"]) == (0, [0, 0], True, 8)
    assert sum(map(sum, summary["points"])) == 12
    assert len(result.stderr.splitlines()) == 12


def test_table_for_people() -> None:
    result = run("random", "greedy", "--games", "1", "--max-plies", "9", "--quiet")
    assert result.exit_code == 0, result.output
    head, first, second, rules = result.stdout.splitlines()
    assert head.split() == ["player", "Elo", "95", "%", "interval", "games", "+", "=", "-", "score", "faults"]
    assert {first.split()[1], second.split()[1]} == {"random", "greedy"}
    assert rules == "adjudication off; seed 0"


def test_a_chain_shows_its_links() -> None:
    field = ("random", "greedy", "greedy:seed=3", "--games", "2", "--max-plies", "9", "--quiet", "--chain")
    lines = run(*field).stdout.splitlines()
    assert lines[4].startswith("greedy against random: ")
    assert lines[5].startswith("greedy:seed=3 against greedy: ")
    assert lines[5].endswith(" in 2 games")
    summary = json.loads(run(*field, "--json").stdout)
    assert [link["players"] for link in summary["links"]] == [
        ["random", "greedy"],
        ["greedy", "greedy:seed=3"],
    ]
    assert summary["games"] == 4


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGKILL")
def test_killed_and_resumed_with_two_workers_it_is_the_same(
    whole: tuple[Path, Result], tmp_path: Path
) -> None:
    pgn = tmp_path / "games.pgn"
    command = [sys.executable, "-m", "xiangqi_gpt.cli.main", "tournament", *FIELD, "--pgn", str(pgn)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("game 3/"):
                process.send_signal(signal.SIGKILL)
    assert 3 <= len(games(pgn)) < 12
    result = run(
        *FIELD, "--anchor", "random=0", "--pgn", str(pgn), "--json", "--resume", "--concurrency", "2"
    )
    assert result.exit_code == 0, result.output
    assert games(pgn) == games(whole[0])
    assert json.loads(result.stdout) == json.loads(whole[1].stdout)
    assert [path.name for path in tmp_path.iterdir()] == ["games.pgn"]


def test_gauntlet_and_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "ratings.png"
    result = run(
        *("random", "greedy", "greedy:seed=3", "--games", "2", "--max-plies", "9", "--gauntlet"),
        *("--plot", str(picture), "--json", "--quiet"),
    )
    assert result.exit_code == 0, result.output
    assert {p["player"]: p["games"] for p in json.loads(result.stdout)["players"]} == {
        "random": 4,
        "greedy": 2,
        "greedy:seed=3": 2,
    }
    assert picture.read_bytes().startswith(b"\x89PNG")
    taken = run("random", "greedy", "--games", "1", "--plot", str(picture))
    assert (taken.exit_code, "--force" in taken.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["random"], "at least 2 players"),
        (["random", "random"], "'random' is named twice"),
        (["random", "greedy", "--anchor", "gpt=5"], "'gpt' is not among the players"),
        (["random", "greedy", "--anchor", "random"], "expected PLAYER=ELO"),
        (["random", "greedy", "--anchor", "random=nan"], "expected PLAYER=ELO"),
        (["random", "greedy", "--resume"], "--pgn"),
        (["random", "stockfish"], "'stockfish'"),
        ([], "PLAYER"),
    ],
)
def test_bad_input(arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
