"""Records and collections, read by what takes games."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.library.games import write_pgn
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.evaluation.games import chosen_games
from xiangqi_gpt.library import collect
from xiangqi_gpt.library.all_games import read_all_games
from xiangqi_gpt.records import read_games


def test_a_collection_gives_the_games_of_its_records(tmp_path: Path) -> None:
    pgn, database = write_pgn(tmp_path), tmp_path / "games.db"
    collect([pgn], database)
    games = list(read_games(pgn))
    both = list(read_all_games([database, pgn]))
    assert [game.moves for game in both] == [game.moves for game in games] * 2
    assert [game.result for game in both] == [game.result for game in games] * 2
    splits = {game.split for game in games}
    for split in splits:
        wanted = [game.moves for game in games if game.split == split]
        assert [game.moves for game in read_all_games([database], splits={split})] == wanted
    split = min(splits & {"train", "valid", "test"})
    assert chosen_games([database], split=split)


def test_a_damaged_game_of_a_collection_costs_itself(tmp_path: Path) -> None:
    database = tmp_path / "games.db"
    collect([write_pgn(tmp_path)], database)
    whole = len(list(read_all_games([database])))
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE games SET moves = x'0000' WHERE id = 1")
    connection.close()
    errors: list[RecordError] = []
    assert len(list(read_all_games([database], on_error=errors.append))) == whole - 1
    assert len(errors) == 1
    with pytest.raises(RecordError):
        list(read_all_games([database]))
    with pytest.raises(RecordError):
        read_all_games([tmp_path / "none.db"])


def test_a_game_of_a_collection_is_reviewed(tmp_path: Path) -> None:
    database = tmp_path / "games.db"
    collect([write_pgn(tmp_path)], database)
    found = CliRunner().invoke(cli, ["review", str(database), "--player", "greedy", "--json"])
    assert found.exit_code == 0, found.output
