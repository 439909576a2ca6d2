"""The evaluate commands: processes, and what each option adds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.model.tiny import tiny
from tests.training.games import games
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.records.formats.parquet import write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evaluate")
    tiny(initializer_range=0.5).save_pretrained(path / "model")
    write(path / "games.parquet", games(5))
    return path


def call(folder: Path, name: str, *arguments: object, data: bool = True) -> Any:
    words = ["evaluate", name, "--model", folder / "model", "--threads", 1, "--split", "train"]
    words += ["--data", folder / "games.parquet"] if data else []
    done = CliRunner().invoke(cli, [str(word) for word in (*words, *arguments)])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout) if "--json" in arguments else done.output


def test_two_processes_measure_what_one_does(folder: Path) -> None:
    one = call(folder, "legality", "--off-book", 2, "--seed", 3, "--json")
    assert one == call(folder, "legality", "--off-book", 2, "--seed", 3, "--jobs", 2, "--json")
    assert one["intervals"]["leak"]["mean"] == pytest.approx(one["leak"])
    assert {group["name"] for group in one["groups"]} >= {"not in check", "off book"}
    assert one["free_running"] is None


def test_free_running_and_tree(folder: Path) -> None:
    free = call(folder, "legality", "--games", 1, "--free-running", 3, "--json")["free_running"]
    assert free["games"] == 3
    assert call(folder, "legality", "--tree", 90, "--json", data=False) == {"moves": 90, "illegal": 0}
    assert "0 of 90 moves" in call(folder, "legality", "--tree", 90, data=False)


def test_tables_show_intervals_and_groups(folder: Path) -> None:
    shown = call(folder, "accuracy")
    for words in ("opening", "0-19", "not in check", "game won", "teacher_nats"):
        assert words in shown
    shown = call(folder, "legality", "--why")
    assert "off book" in shown
    assert "broken rule" in shown


def test_each_style_is_measured(folder: Path, tmp_path: Path) -> None:
    tiny(move_head="table", styles="human+teacher").save_pretrained(tmp_path / "model")
    found = call(folder, "accuracy", "--model", tmp_path / "model", "--json")
    assert set(found) == {"human", "teacher"}
    one = call(folder, "accuracy", "--model", tmp_path / "model", "--style", "human", "--json")
    assert one["plies"] == found["human"]["plies"]
