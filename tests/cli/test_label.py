from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from tests.teacher.scripted import command
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.records import read_games

GAME = '[Game "x"]\n[Red "A"]\n\n1. h2e2 h9g7 2. h0g2 i9h9 *\n\n'


def test_label_adds_labels_to_games(tmp_path: Path) -> None:
    source, out = tmp_path / "a.pgn", tmp_path / "b.parquet"
    source.write_text(GAME * 2 + GAME.replace("2. h0g2 i9h9 ", ""))
    fixed = ["label", str(source), "--engine", f"{command()},nodes=1", "--workers", "1"]
    result = CliRunner().invoke(cli, [*fixed, "--out", str(out), "--every", "2"])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("3 games, 5 labels in ")
    games = list(read_games(out))
    assert [game.tags["Red"] for game in games] == ["A"] * 3
    labels = [game.labels.best for game in games if game.labels is not None]
    assert [[best is not None for best in row] for row in labels] == [
        [True, False, True, False],
        [False, True, False, True],
        [True, False],
    ]
    result = CliRunner().invoke(cli, [*fixed, "--out", str(tmp_path / "b.pgn")])
    assert result.exit_code == 2
    assert "Labels are written to" in result.stderr
    result = CliRunner().invoke(
        cli, ["label", str(tmp_path / "none.pgn"), *fixed[2:], "--out", str(tmp_path / "c.jsonl")]
    )
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
