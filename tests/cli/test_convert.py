from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from xiangqi_gpt.cli.main import cli

GAME = '[Game "x"]\n\n1. h2e2 h9g7 2. h0g2 i9h9 *\n\n'


def test_convert_accounts_for_every_game(tmp_path: Path) -> None:
    source = tmp_path / "a.pgn"
    source.write_text(GAME * 2 + GAME.replace("h0g2", "h0h9"))
    out, report = tmp_path / "out.pgn", tmp_path / "audit.jsonl"
    command = ["convert", str(source), "--out", str(out), "--notation", "chinese", "--report", str(report)]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    assert "3 games in 1 files: 1 kept, 0 cut, 2 duplicates, 0 refused" in result.stdout
    assert "马8进7" in out.read_text(encoding="utf-8")
    assert len(report.read_text(encoding="utf-8").splitlines()) == 4
    again = CliRunner().invoke(cli, command)
    assert again.exit_code == 2
    assert "--force" in again.stderr
    result = CliRunner().invoke(cli, [*command, "--force", "--json"])
    assert json.loads(result.stdout)["duplicates"] == 2


def test_convert_names_what_it_cannot_do(tmp_path: Path) -> None:
    source = tmp_path / "a.pgn"
    source.write_text(GAME)
    for extra in (
        ["--out", str(tmp_path / "x.doc")],
        ["--out", str(tmp_path / "x.pgn"), "--notation", "latin"],
    ):
        result = CliRunner().invoke(cli, ["convert", str(source), *extra])
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1
    for command in (
        ["convert", "", "--out", str(tmp_path / "x.pgn")],
        ["convert", str(source), "--out", ""],
        ["convert", str(source), "--out", str(tmp_path / "x.pgn"), "--report", ""],
        ["convert", str(source), "--out", str(tmp_path / "x.pgn"), "--report", str(tmp_path / "x.pgn")],
    ):
        result = CliRunner().invoke(cli, command)
        assert result.exit_code == 2
        assert "empty" in result.stderr or "same name" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.pgn"]
