from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.library.games import PGN, write_pgn
from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.library import Collection, GameQuery, collect, collecting
from xiangqi_gpt.rules.board import Board


def content(path: Path) -> list[object]:
    """All that a collection holds, without the numbers of its games."""
    with Collection(path) as collection:
        games = [(game.moves, game.start_fen, game.result, dict(game.tags)) for game in collection.games()]
        explored = collection.explore(Board())
        return [sorted(games, key=str), explored, collection.count(GameQuery(material="KR-K"))]


def test_every_game_is_counted(tmp_path: Path) -> None:
    broken = PGN + '[Game "x"]\n\n1. c3c4 c3c4 *\n\n[Game "x"]\n\n1. a0a9 *\n'
    done = collect([write_pgn(tmp_path, broken * 2)], tmp_path / "games.db")
    counts = done.summary
    assert (counts.games, counts.kept, counts.cut, counts.duplicates, counts.refused) == (12, 4, 0, 6, 2)
    assert (done.before, done.after) == (0, 4)
    assert "ply 1" in done.errors[0]


def test_games_are_added_once(tmp_path: Path) -> None:
    parts = PGN.split("\n\n[Game")
    first = write_pgn(tmp_path, parts[0] + "\n\n[Game" + parts[1], "first.pgn")
    second = write_pgn(tmp_path, "[Game" + "\n\n[Game".join(parts[1:]), "second.pgn")
    collect([first], tmp_path / "grown.db")
    done = collect([second], tmp_path / "grown.db")
    assert (done.before, done.summary.duplicates, done.after) == (2, 1, 4)
    collect([first, second], tmp_path / "whole.db")
    assert content(tmp_path / "grown.db") == content(tmp_path / "whole.db")


def test_a_longer_game_replaces_its_beginning(tmp_path: Path) -> None:
    out = tmp_path / "games.db"
    collect([write_pgn(tmp_path)], out)
    longer = PGN.replace("3. i0h0 1-0", "3. i0h0 g6g5 1-0").replace("3. e1d1", "3. e1e2")
    done = collect([write_pgn(tmp_path, longer)], out)
    assert (done.summary.kept, done.summary.duplicates, done.replaced, done.after) == (2, 2, 1, 5)
    collect([write_pgn(tmp_path, longer + PGN, "both.pgn")], tmp_path / "both.db")
    assert content(out) == content(tmp_path / "both.db")


def test_a_copy_that_is_held_out_holds_the_game_out(tmp_path: Path) -> None:
    out = tmp_path / "games.db"
    collect([write_pgn(tmp_path)], out)
    with Collection(out) as collection:
        assert collection.game(1).split == "train"
    held_out = PGN.replace('[Opening "C45"]', '[Opening "C45"]\n[Split "test"]')
    collect([write_pgn(tmp_path, held_out)], out)
    with Collection(out) as collection:
        assert [game.split for game in collection.games(GameQuery(split="test"))] == ["test"]
        assert collection.game(1).split == "test"


def test_games_of_other_kinds_are_left_out(tmp_path: Path) -> None:
    engine = PGN.replace('[Opening "C45"]', '[Opening "C45"]\n[Kind "engine"]')
    done = collect([write_pgn(tmp_path, engine)], tmp_path / "games.db", kinds=["engine"])
    assert (done.summary.games, done.after) == (1, 1)
    with pytest.raises(ConfigError, match="kind: expected one of human"):
        collect([tmp_path / "games.pgn"], tmp_path / "games.db", kinds=["robot"])


def test_a_failure_leaves_the_collection_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "games.db"
    collect([write_pgn(tmp_path)], out)
    before = out.read_bytes()
    new = write_pgn(tmp_path, '[Game "x"]\n\n1. a3a4 *\n\n', "new.pgn")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(collecting._Builder, "_insert", fail)
    with pytest.raises(KeyboardInterrupt):
        collect([new], out)
    with pytest.raises(KeyboardInterrupt):
        collect([new], tmp_path / "fresh.db")
    assert out.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["games.db", "games.pgn", "new.pgn"]


KILLED = """
import os, sys
from pathlib import Path
from xiangqi_gpt.library import collecting

collecting._Builder._index = lambda self: os._exit(9)  # dies with the games written and nothing indexed
collecting.collect([Path(sys.argv[1])], Path(sys.argv[2]))
"""


@pytest.mark.parametrize("name", ["games.db", "fresh.db"])
def test_a_killed_program_leaves_the_collection_whole(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    collect([write_pgn(tmp_path)], tmp_path / "games.db")
    before = (tmp_path / "games.db").read_bytes()
    new = write_pgn(tmp_path, '[Game "x"]\n\n1. a3a4 *\n\n', "new.pgn")
    assert subprocess.run([sys.executable, "-c", KILLED, str(new), str(out)]).returncode == 9
    assert (tmp_path / "games.db").read_bytes() == before
    assert out.exists() is (name == "games.db")
    assert collect([new], out).after == (5 if name == "games.db" else 1)


def test_a_collection_that_changes_meanwhile_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "games.db"
    source = write_pgn(tmp_path)
    collect([source], out)
    new = write_pgn(tmp_path, '[Game "x"]\n\n1. a3a4 *\n\n', "new.pgn")
    insert = collecting._Builder._insert

    def insert_slowly(self: collecting._Builder, waiting: list[object]) -> None:
        out.write_bytes(out.read_bytes() + b"\0")
        insert(self, waiting)  # type: ignore[arg-type]

    monkeypatch.setattr(collecting._Builder, "_insert", insert_slowly)
    with pytest.raises(RecordError, match="another program has changed"):
        collect([new], out)


def test_nothing_to_collect_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    empty = write_pgn(tmp_path, '[Game "x"]\n\n1. a0a9 *\n', "empty.pgn")
    with pytest.raises(RecordError, match=r"no game to collect in .*empty.pgn \("):
        collect([empty], tmp_path / "games.db")
    with pytest.raises(RecordError, match="there is no such file"):
        collect([tmp_path / "none.pgn"], tmp_path / "games.db")
    assert [path.name for path in tmp_path.iterdir()] == ["empty.pgn"]
    with pytest.raises(RecordError, match="not a collection"):
        collect([write_pgn(tmp_path)], empty)
