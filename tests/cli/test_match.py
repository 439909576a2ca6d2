from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.arena.full_file import FullFile
from xiangqi_gpt.arena.game_store import GameStore
from xiangqi_gpt.arena.referee import PlayedGame
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
    "flags",
    "faults",
    "pentanomial",
    "adjudicated",
    "players",
    "seed",
    "limit",
    "clock",
    "move_overhead",
    "rules",
    "max_plies",
    "adjudication",
    "sprt",
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
        (["random", "random", "--pgn", "no/such/folder/x.pgn"], "there is no folder"),
        (["random", "random", "--pgn", "a" * 300], "a" * 300 + ": expected"),
        (["random", "random", "--pgn", "."], "expected the name of a file to write, found '.'"),
        (["random", "random", "--pgn", ""], "expected the name of a file to write, found '.'"),
        (["random"], "PLAYER"),
        (["random", "random", "--tc", "fast"], "--tc: expected time and increment such as 10s+0.1s"),
        (
            ["random", "random", "--tc", "9+1", "--time", "1"],
            "Give either a clock or a time limit",
        ),
        (["random", "random", "--resign", "x"], "--resign: expected whole numbers such as 600,3"),
        (["random", "random", "--sprt", "5"], "--sprt: expected two Elo differences"),
        (["random", "engine:/no/such/engine", "--pgn", "x.pgn"], "/no/such/engine"),
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


MATCH = ("random", "greedy", "--games", "8", "--seed", "5", "--max-plies", "60")


def played(pgn: Path) -> list[tuple[object, ...]]:
    """What may not depend on when and where games were played."""
    return [
        (game.tags["Round"], game.tags["Red"], game.moves, game.result, game.tags["Termination"])
        for game in read_games(pgn)
    ]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "xiangqi_gpt.cli.main", "match", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def kill_after(process: subprocess.Popen[str], games: int, number: int = signal.SIGKILL) -> tuple[str, str]:
    """Let a match finish some games, and send it a signal."""
    assert process.stderr is not None
    lines = []
    while sum(line.startswith("game ") for line in lines) < games:
        lines.append(process.stderr.readline())
        assert lines[-1], "the match ended by itself"
    process.send_signal(number)
    out, rest = process.communicate(timeout=60)
    return out, "".join(lines) + rest


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The match, played without a break in one process."""
    pgn = tmp_path_factory.mktemp("whole") / "games.pgn"
    assert run(*MATCH, "--pgn", str(pgn)).exit_code == 0
    return pgn


def test_two_workers_play_the_games_of_one(whole: Path, tmp_path: Path) -> None:
    pgn = tmp_path / "games.pgn"
    result = run(*MATCH, "--pgn", str(pgn), "--concurrency", "2", "--json", "--quiet")
    assert result.exit_code == 0, result.output
    assert played(pgn) == played(whole)
    assert json.loads(result.stdout)["games"] == 8
    assert [path.name for path in tmp_path.iterdir()] == ["games.pgn"]


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGKILL")
@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_killed_match_is_resumed_with_the_same_games(whole: Path, tmp_path: Path, concurrency: int) -> None:
    import psutil

    pgn = tmp_path / "games.pgn"
    process = start(*MATCH, "--pgn", str(pgn), "--concurrency", str(concurrency))
    workers = psutil.Process(process.pid).children(recursive=True)
    while len(workers) < concurrency and concurrency > 1 and process.poll() is None:
        workers = psutil.Process(process.pid).children(recursive=True)
    kill_after(process, 2)
    assert len(played(pgn)) >= 2
    assert set(played(pgn)) <= set(played(whole))
    # Workers do not outlive the match.
    assert psutil.wait_procs(workers, timeout=20)[1] == []
    result = run(*MATCH, "--pgn", str(pgn))
    assert result.exit_code == 2
    assert "--resume continues it" in result.stderr
    result = run(*MATCH[:3], "4", *MATCH[4:], "--pgn", str(pgn), "--resume")
    assert result.exit_code == 2
    assert "games 8, now 4" in result.stderr
    result = run(*MATCH, "--pgn", str(pgn), "--resume")
    assert result.exit_code == 0, result.output
    assert "of 8 games are finished already" in result.stderr
    assert played(pgn) == played(whole)
    assert [path.name for path in tmp_path.iterdir()] == ["games.pgn"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGKILL")
def test_ten_kills_at_any_moment_lose_nothing(tmp_path: Path) -> None:
    draw = random.Random(8)
    arguments = ("random", "greedy", "--games", "120", "--seed", "5")
    whole, pgn = tmp_path / "whole.pgn", tmp_path / "games.pgn"
    assert run(*arguments, "--pgn", str(whole), "--quiet").exit_code == 0
    kept: set[tuple[object, ...]] = set()
    for number in range(10):
        process = start(*arguments, "--pgn", str(pgn), "--resume", "--concurrency", str(1 + number % 2))
        time.sleep(draw.uniform(0.3, 4))
        process.send_signal(draw.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
        process.communicate(timeout=60)
        now = set(played(pgn)) if pgn.exists() else set()
        assert kept <= now <= set(played(whole))
        kept = now
    assert run(*arguments, "--pgn", str(pgn), "--resume", "--quiet").exit_code in (0, 2)
    assert played(pgn) == played(whole)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Programs started from here take SIGINT, also where these tests run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("concurrency", ["1", "2"])
def test_an_interrupted_match_tells_score_and_file(
    tmp_path: Path, number: int, status: int, concurrency: str
) -> None:
    pgn = tmp_path / "games.pgn"
    process = start("random", "greedy", "--games", "500", "--pgn", str(pgn), "--concurrency", concurrency)
    out, errors = kill_after(process, 2, number)
    assert process.returncode == status, errors
    assert "random against greedy: " in out
    assert f"of 500 games are finished; they are in {pgn}, --resume continues the match" in errors
    assert "Traceback" not in errors
    assert len(played(pgn)) >= 2


def test_resume_needs_a_file_and_excludes_force(tmp_path: Path) -> None:
    assert "--pgn" in run(*MATCH, "--resume").stderr
    both = run(*MATCH, "--resume", "--force", "--pgn", str(tmp_path / "a.pgn"))
    assert (both.exit_code, "give only one of them" in both.stderr) == (2, True)


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pgn, written = tmp_path / "games.pgn", GameStore.add

    def fail_at_the_third(self: GameStore, game: PlayedGame) -> None:
        if game.number == 3:
            monkeypatch.setattr(self, "_file", FullFile(self._file, 10))
        written(self, game)

    monkeypatch.setattr(GameStore, "add", fail_at_the_third)
    result = run(*MATCH, "--pgn", str(pgn), "--quiet")
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert f"{pgn}: finished games cannot be written" in result.stderr
    assert "No space left on device" in result.stderr
    assert len(played(pgn)) == 2
    monkeypatch.undo()
    assert run(*MATCH, "--pgn", str(pgn), "--resume").exit_code == 0
    assert len(played(pgn)) == 8


def test_a_decided_test_ends_the_match(tmp_path: Path) -> None:
    pgn = tmp_path / "games.pgn"
    arguments = ("random", "random", "--games", "200", "--max-plies", "12", "--sprt", "100,400", "--json")
    result = run(*arguments, "--pgn", str(pgn), "--quiet")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["sprt"]["accepted"] == "H0"
    assert summary["games"] == len(list(read_games(pgn))) < 200
    # More workers finish other games first, and end with the same ones.
    other = run(*arguments, "--concurrency", "2", "--quiet")
    assert json.loads(other.stdout) == summary


def test_clock_and_adjudication_are_stated(tmp_path: Path) -> None:
    pgn = tmp_path / "games.pgn"
    result = run(
        *("random", "random", "--games", "2", "--max-plies", "20", "--tc", "5s+0.1s"),
        *("--resign", "900,4", "--draw", "5", "--pgn", str(pgn), "--json", "--quiet"),
    )
    summary = json.loads(result.stdout)
    assert (summary["clock"], summary["flags"], summary["seed"]) == ("5s+0.1s", 0, 0)
    rules = "resign at -900 cp for 4 moves, draw at 5 cp for 8 moves from move 40"
    assert summary["adjudication"] == rules
    tags = [game.tags for game in read_games(pgn)]
    assert [(tag["TimeControl"], tag["Adjudication"]) for tag in tags] == [("5s+0.1s", rules)] * 2
