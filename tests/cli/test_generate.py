from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.teacher.scripted import command
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.records import read_games


def generate(out: Path, *arguments: str, engine: str = "") -> Result:
    spec = engine or f"{command()},nodes=1"
    fixed = ["--engine", spec, "--out", str(out), "--max-plies", "6", "--workers", "1"]
    return CliRunner().invoke(cli, ["generate", *fixed, *arguments])


def test_generate_makes_a_file_and_says_so(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    result = generate(out, "--games", "3", "--multipv", "2", "--noise", "0.5", "--random-plies", "2")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("3 games, 12 labels in ")
    games = list(read_games(out))
    assert [game.tags["Noise"] for game in games] == ["0.5"] * 3
    assert all(game.labels is not None and game.labels.first == 2 and game.labels.lines for game in games)
    again = generate(out, "--games", "3")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    result = generate(out, "--games", "1", "--force", "--json")
    assert json.loads(result.stdout)["games"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


@pytest.mark.parametrize(
    ("arguments", "engine", "words"),
    [
        (["--noise", "much"], "", "--noise: expected shares such as 0,0.05,0.1, found 'much'"),
        (["--noise", "2"], "", "shares of random moves from 0 to 1"),
        (["--cut", "a-b"], "", "--cut: expected a number of plies such as 3 or 0-3, found 'a-b'"),
        (["--random-plies", "3-1"], "", "found 3-1"),
        (["--rules", "house"], "", "rule set of simple, asian, chinese"),
        (["--records", "none.pgn"], "", "none.pgn"),
        ([], "no-such-engine", "no program 'no-such-engine'"),
        ([], "cat,nodes=many", "a whole number for nodes"),
        ([], "cat,timeout=0.2", "silence behind"),
    ],
)
def test_generate_names_what_is_wrong(tmp_path: Path, arguments: list[str], engine: str, words: str) -> None:
    result = generate(tmp_path / "a.parquet", "--games", "2", *arguments, engine=engine)
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "a.parquet").exists()


def test_generate_on_a_cluster_asks_for_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = generate(tmp_path / "a.parquet", "--games", "2", "--cluster")
    assert result.exit_code == 2
    assert "xiangqi-gpt[cluster]" in result.stderr
