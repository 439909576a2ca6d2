"""`xiangqi-gpt pack`: folders, files, limits, refusals."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.training.games import games
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.dataset.packed import fingerprint
from xiangqi_gpt.dataset.packing import PackSettings, open_data
from xiangqi_gpt.records import write_games


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["pack", *map(str, arguments)])


@pytest.fixture
def records(tmp_path: Path) -> Path:
    path = tmp_path / "games.parquet"
    write_games(
        path,
        [dataclasses.replace(g, split="valid" if n % 20 == 0 else "train") for n, g in enumerate(games(200))],
    )
    return path


def test_a_folder_and_a_file_of_the_same_games(records: Path, tmp_path: Path) -> None:
    done = run(records, "--out", tmp_path / "packed")
    assert done.exit_code == 0, done.output
    assert "200 games" in done.stdout
    assert "bytes/ply" in done.stdout
    small = run(tmp_path / "packed", "--out", tmp_path / "slot.xgp")
    assert small.exit_code == 0, small.output
    folder, file = (open_data([tmp_path / name], PackSettings()) for name in ("packed", "slot.xgp"))
    assert (folder.train.games, folder.train.plies) == (file.train.games, file.train.plies)
    assert folder.valid is not None
    assert file.valid is not None
    assert file.valid.games == 10
    again = run(records, "--out", tmp_path / "again.xgp")
    assert again.exit_code == 0, again.output
    assert fingerprint(open_data([tmp_path / "again.xgp"], PackSettings()).train) == fingerprint(file.train)


def test_a_limit_is_kept(records: Path, tmp_path: Path) -> None:
    done = run(records, "--out", tmp_path / "slot.xgp", "--limit-mb", 0.008)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "slot.xgp").stat().st_size <= 0.008 * 2**20
    assert "% of the plies fit" in done.stderr


def test_what_cannot_be_done_is_one_line(records: Path, tmp_path: Path) -> None:
    run(records, "--out", tmp_path / "packed")
    for arguments, words in [
        ((tmp_path / "none.pgn", "--out", tmp_path / "x"), "none.pgn: there is no such file"),
        ((records, "--out", tmp_path / "packed"), "the folder exists already (--force overwrites it)"),
        ((records, "--out", tmp_path / "x", "--limit-mb", 3), "--limit-mb: expected a file named *.xgp as --out"),
        ((tmp_path / "packed", "--out", tmp_path / "x"), "Packed data can only be written to one file"),
        ((records, "--out", tmp_path / "x.xgp", "--limit-mb", 0.001), "limit: expected room for"),
        ((records, "--out", tmp_path / "x.xgp", "--targets", "all"), "targets: expected one of mixed, human, teacher"),
        ((tmp_path / "packed", "--out", tmp_path / "x.xgp", "--extra"), "extra: the run needs data packed with True"),
    ]:  # fmt: skip
        done = run(*arguments)
        assert done.exit_code == 2, arguments
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1 or "left out" in done.stderr, done.stderr
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "x.xgp").exists()
    assert run(records, "--out", tmp_path / "packed", "--force").exit_code == 0
