"""The collection at the board: explored, searched and added to beside the window."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.library.games import write_pgn
from xiangqi_gpt.library import collect
from xiangqi_gpt.library.collection_file import is_database
from xiangqi_gpt.play import library_desk
from xiangqi_gpt.play.library_desk import LibraryDesk, Search
from xiangqi_gpt.rules import Board, Move


def until(desk: LibraryDesk, condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
        desk.advance()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    collect([write_pgn(tmp_path)], tmp_path / "games.db")
    return tmp_path / "games.db"


def test_a_position_is_explored_once(path: Path) -> None:
    desk, board = LibraryDesk(), Board()
    desk.open(path)
    assert desk.explore(board) is None
    assert desk.is_busy
    until(desk, lambda: desk.explore(board))
    found = desk.explore(board)
    assert found is not None
    assert [(row.move.iccs[1::2], row.games) for row in found.rows] == [("22", 2), ("34", 1)]
    assert found.symmetric
    assert desk.count == 4
    assert not desk.is_busy
    desk.close()


def test_only_the_newest_position_counts(path: Path) -> None:
    desk, other = LibraryDesk(), Board()
    other.push(Move.from_iccs("c3c4"))
    desk.open(path)
    desk.explore(Board())
    desk.explore(other)
    until(desk, lambda: desk.explore(other))
    found = desk.explore(other)
    assert found is not None
    assert [row.move.iccs for row in found.rows] == ["g6g5"]
    assert not found.symmetric
    desk.close()


def test_games_are_found_and_loaded(path: Path) -> None:
    desk = LibraryDesk()
    desk.open(path)
    desk.search(Search(words=("吕",)))
    desk.search(Search(words=("许",), result="1-0"))
    until(desk, lambda: desk.found)
    assert desk.found is not None
    (game,) = desk.found.games
    assert (game.red, desk.found.count) == ("许银川", 1)
    desk.load(game.id, 2)
    until(desk, lambda: desk.loaded)
    assert desk.loaded is not None
    assert desk.loaded.ply == 2
    assert [move.iccs for move in desk.loaded.record.moves][:2] == ["h2e2", "h9g7"]
    desk.close()


def test_more_games_than_are_listed_are_counted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_desk, "MOST_FOUND", 2)
    desk = LibraryDesk()
    desk.open(path)
    desk.search(Search())
    until(desk, lambda: desk.found)
    assert desk.found is not None
    assert (len(desk.found.games), desk.found.count) == (2, 4)
    desk.close()


@pytest.mark.parametrize("content", [b"", b"PGN", b"SQLite format 3\x00" + bytes(200), None])
def test_a_file_that_is_no_collection_is_a_problem_in_words(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.db"
    if content is not None:
        path.write_bytes(content)
    assert is_database(path) == (content is not None and content.startswith(b"SQLite"))
    desk = LibraryDesk()
    desk.open(path)
    desk.explore(Board())
    until(desk, lambda: desk.problem)
    assert desk.problem is not None
    assert desk.problem.text("en")
    assert "棋库" in desk.problem.text("zh")
    assert not desk.is_busy
    assert desk.explore(Board()) is None
    assert not desk.is_busy, "it is not asked again"
    desk.close()


def test_games_are_added_by_a_process(path: Path, tmp_path: Path) -> None:
    more = write_pgn(tmp_path, '[Red "新"]\n\n1. g3g4 c6c5 2. h2e2 *\n', "more.pgn")
    desk = LibraryDesk()
    desk.open(path)
    desk.explore(Board())
    desk.collect([more], path)
    until(desk, lambda: desk.collector is not None and desk.collector.is_done)
    assert desk.collector is not None
    assert desk.collector.error is None
    assert desk.collector.result is not None
    assert (desk.collector.result.new, desk.collector.result.after) == (1, 5)
    desk.collector = None
    desk.open(path)
    desk.search(Search(words=("新",)))
    until(desk, lambda: desk.found)
    assert desk.found is not None
    assert desk.found.count == 1
    desk.close()


def test_files_without_games_leave_the_collection(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    desk = LibraryDesk()
    for sources, out in (([tmp_path / "none.pgn"], path), ([tmp_path], tmp_path / "notes.txt" / "x.db")):
        (tmp_path / "notes.txt").touch()
        desk.collect(sources, out)
        until(desk, lambda: desk.collector is not None and desk.collector.is_done)
        assert desk.collector is not None
        assert desk.collector.result is None
        assert desk.collector.error is not None
        assert "棋谱" in desk.collector.error.text("zh")
    assert path.read_bytes() == before


def test_adding_is_stopped(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    write_pgn(tmp_path, "".join(f'[Event "{n}"]\n\n1. h2e2 h9g7 *\n\n' for n in range(20_000)), "many.pgn")
    desk = LibraryDesk()
    desk.collect([tmp_path / "many.pgn"], path)
    assert desk.collector is not None
    desk.collector.stop()
    until(desk, lambda: desk.collector is not None and desk.collector.is_done)
    assert (desk.collector.result, desk.collector.error) == (None, None)
    assert path.read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} == {"games.db", "games.pgn", "many.pgn"}
