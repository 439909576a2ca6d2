from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.library.games import PGN, write_pgn
from xiangqi_gpt.cli.main import cli


def run(*words: object) -> str:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def games(tmp_path: Path) -> Path:
    run("collect", write_pgn(tmp_path), "--out", tmp_path / "games.db")
    return tmp_path / "games.db"


def test_collect_reports_what_it_did(tmp_path: Path) -> None:
    source = write_pgn(tmp_path, PGN + '[Game "x"]\n\n1. a0a9 *\n')
    out = tmp_path / "games.db"
    printed = run("collect", source, "--out", out)
    assert "5 games in 1 files: 4 kept, 0 cut, 0 duplicates, 1 refused" in printed
    assert f"4 games in {out}\n" in printed
    again = json.loads(run("collect", source, "--out", out, "--json"))
    assert (again["before"], again["duplicates"], again["after"]) == (4, 4, 4)


def test_find_lists_games_and_moves(games: Path) -> None:
    printed = run("find", games, "--moves", "炮二平五 马8进7")
    assert "马二进三" in printed
    assert "2 games in" in printed
    assert "Spring Cup" in printed
    printed = run("find", games, "--limit", 1)
    assert "4 games in" in printed
    assert "the first 1:" in printed
    assert "0 games in" in run("find", games, "--player", "nobody")


def test_find_prints_json(games: Path) -> None:
    found = json.loads(run("find", games, "--moves", "h2e2", "--year", "1990-2000", "--json"))
    assert found["count"] == 1
    assert found["games"][0]["ply"] == 1
    assert found["moves"][0]["move"] == "h9g7"
    assert found["moves"][0]["score"] == 0.0


def test_find_writes_the_games_found(games: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.pgn"
    assert "2 games written to" in run("find", games, "--event", "Spring", "--out", out)
    assert out.read_text(encoding="utf-8").count("[Event ") == 2
    assert "--force" in CliRunner().invoke(cli, ["find", str(games), "--out", str(out)]).stderr


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--year", "99"], "--year: expected a year"),
        (["--tag", "Round"], "--tag: expected NAME=TEXT"),
        (["--material", "RX"], "material: expected"),
        (["--result", "2-0"], "result: expected one of"),
        (["--moves", "h2h8"], "h2h8"),
    ],
)
def test_find_names_what_is_wrong(games: Path, options: list[str], text: str) -> None:
    result = CliRunner().invoke(cli, ["find", str(games), *options])
    assert result.exit_code == 2
    assert text in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_openings_writes_families_of_records_and_collections(tmp_path: Path) -> None:
    lines = [
        f'[Game "x"]\n[Opening "{code}"]\n[Result "1-0"]\n\n{line} {last} 1-0\n'
        for code, line in (
            ("C20", "h2e2 h9g7 h0g2 i9h9 i0h0 b9c7 g3g4 c6c5"),
            ("E40", "c3c4 g6g5 b0c2 h9g7 g0e2 c9e7 a0a1 i9i8"),
        )
        for last in ("a3a4", "i3i4", "e3e4")
    ]
    source, out = write_pgn(tmp_path, "\n".join(lines)), tmp_path / "families"
    printed = run("openings", source, "--out", out, "--depth", 8)
    assert "炮二平五 马8进7 马二进三 车9平8" in printed
    assert "families: 2, shown: 2" in printed
    assert "1.000 (code)" in printed
    assert sorted(path.name for path in out.iterdir()) == ["families.json", "families.png"]
    run("collect", source, "--out", tmp_path / "games.db")
    again = json.loads(
        run("openings", tmp_path / "games.db", "--out", out, "--depth", 8, "--force", "--json")
    )
    assert again == json.loads((out / "families.json").read_text(encoding="utf-8"))
    source.write_text(source.read_text(encoding="utf-8") + '[Game "x"]\n\n1. a0a9 *\n', encoding="utf-8")
    report = CliRunner().invoke(cli, ["openings", str(source), "--out", str(tmp_path / "again")])
    assert report.stderr == "left out: 0 duplicates, 1 refused games\n"
    refused = CliRunner().invoke(cli, ["openings", str(source), "--out", str(out)])
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    wrong = CliRunner().invoke(
        cli, ["openings", str(source), "--out", str(tmp_path / "x"), "--kind", "robot"]
    )
    assert "--kind: expected one of human" in wrong.stderr
