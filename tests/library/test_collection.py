"""Searching a collection, compared with replaying all of its games in plain Python."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.library.games import write_pgn
from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.library import Collection, ExplorerRow, GameQuery, collect
from xiangqi_gpt.records import GameRecord, read_games, write_games
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color

ROOT = Path(__file__).parents[2]


def board_after(text: str) -> Board:
    board = Board()
    for word in text.split():
        board.push(Move.from_iccs(word))
    return board


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Collection]:
    collect([write_pgn(tmp_path)], tmp_path / "games.db")
    with Collection(tmp_path / "games.db") as collection:
        yield collection


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (GameQuery(), [1, 2, 3, 4]),
        (GameQuery(player="许银川"), [1, 3]),
        (GameQuery(red="许"), [1]),
        (GameQuery(black="许"), [3]),
        (GameQuery(player="lee_"), [2]),
        (GameQuery(player="lee100"), []),
        (GameQuery(player="%"), [2]),
        (GameQuery(event="spring"), [1, 3]),
        (GameQuery(event="spring", result="0-1"), [3]),
        (GameQuery(result="*"), [4]),
        (GameQuery(years=(1999, 2004)), [1]),
        (GameQuery(ecco="C4"), [1]),
        (GameQuery(ecco="A10"), [2]),
        (GameQuery(ecco="10"), []),
        (GameQuery(kind="human"), [1, 2, 3, 4]),
        (GameQuery(kind="engine"), []),
        (GameQuery(tag=("Round", "7")), [2]),
        (GameQuery(words=("许银川",)), [1, 3]),
        (GameQuery(words=("许", "c4")), [1]),
        (GameQuery(words=("open", "lee")), [2]),
        (GameQuery(words=("100%",)), [2]),
        (GameQuery(words=("许", "lee")), []),
        (GameQuery(position=Board()), [1, 2, 3]),
        (GameQuery(position=board_after("h2e2 h9g7")), [1, 3]),
        (GameQuery(position=board_after("h2e2 h9g7 h0g2 i9h9 i0h0")), [1]),
        (GameQuery(material="KR-K"), [4]),
        (GameQuery(material="RRNNCCPPPPP-RRNNCCPPPPP"), [1, 2, 3]),
    ],
)
def test_games_are_found(small: Collection, query: GameQuery, ids: list[int]) -> None:
    assert [game.id for game in small.find(query)] == ids
    assert small.count(query) == len(ids)
    assert [game.number for game in small.games(query)] == ids


def test_found_games_say_what_they_are(small: Collection) -> None:
    game = small.find(GameQuery(position=board_after("c3c4 g6g5")))[0]
    assert (game.red, game.black, game.result, game.date, game.event) == (
        "胡荣华",
        "Lee_100%",
        "1/2-1/2",
        "2005.07.02",
        "Summer Open",
    )
    assert (game.ecco, game.plies, game.ply) == ("A10", 3, 2)
    assert small.find(GameQuery(player="Lee"))[0].ply is None
    assert [game.id for game in small.find(limit=2, offset=1)] == [2, 3]


def test_records_come_back_as_they_were_read(small: Collection, tmp_path: Path) -> None:
    for collected, read in zip(small.games(), read_games(tmp_path / "games.pgn"), strict=True):
        for field in ("moves", "start_fen", "result", "split", "kind", "subtype", "id"):
            assert getattr(collected, field) == getattr(read, field)
        assert dict(collected.tags) == {tag: value for tag, value in read.tags.items() if value}


def test_the_explorer_joins_mirror_images(small: Collection) -> None:
    rows = small.explore(Board())
    assert [(row.move.iccs, row.games, row.red_wins, row.draws, row.black_wins) for row in rows] == [
        ("h2e2", 2, 1, 0, 1),
        ("c3c4" if rows[1].move.iccs == "c3c4" else "g3g4", 1, 0, 1, 0),
    ]
    assert (rows[0].score, rows[0].year) == (0.5, 1999)
    (reply,) = small.explore(board_after("b2e2"))
    assert (reply.move.iccs, reply.games, reply.score) == ("b9c7", 2, 0.5)
    assert small.explore(board_after("h2e2 h9g7 h0g2 i9h9 i0h0")) == []
    (won,) = small.explore(board_after("h2e2"), GameQuery(player="胡荣华"))
    assert (won.games, won.score) == (1, 0.0)


def test_a_repeated_position_counts_once_per_game(small: Collection) -> None:
    (row,) = small.explore(Board("3k5/9/9/9/9/9/9/9/4R4/5K3 w - - 0 1"))
    assert (row.games, row.unknown, row.score, row.year) == (1, 1, None, None)


def brute_force(games: list[GameRecord], board: Board) -> list[ExplorerRow]:
    """The rows of the explorer, counted by replaying the games on `Board`."""
    positions = {mirror: squares_of(board, mirror) for mirror in (False, True)}
    symmetric = positions[False] == positions[True]
    played: Counter[tuple[str, int]] = Counter()
    for game in games:
        replayed = Board(game.start_fen)
        found = set()
        for move in game.moves:
            if replayed.turn is board.turn:
                for mirror in (False, True):
                    if squares_of(replayed, False) == positions[mirror]:
                        shown = move.mirrored() if mirror else move
                        if symmetric:
                            shown = max(
                                shown, shown.mirrored(), key=lambda m: (m.from_square % 9, m.to_square)
                            )
                        found.add(shown.iccs)
            replayed.push(move)
        played.update((text, ("1-0", "1/2-1/2", "0-1", "*").index(game.result)) for text in found)
    rows = []
    for text in {text for text, _ in played}:
        red_wins, draws, black_wins, unknown = (played[text, index] for index in range(4))
        wins = red_wins if board.turn is Color.RED else black_wins
        known = red_wins + draws + black_wins
        score = (wins + draws / 2) / known if known else None
        rows.append(
            ExplorerRow(
                Move.from_iccs(text), known + unknown, red_wins, draws, black_wins, unknown, score, None
            )
        )
    return sorted(rows, key=lambda row: row.move)


def squares_of(board: Board, mirror: bool) -> list[int]:
    squares = list(board.squares)
    return [squares[rank * 9 + (8 - file if mirror else file)] for rank in range(10) for file in range(9)]


def test_counts_are_those_of_a_replay(tmp_path: Path) -> None:
    games = [game for _, game in zip(range(60), read_games(ROOT / "data" / "sample.parquet"), strict=False)]
    write_games(tmp_path / "cut.parquet", games)
    collect([tmp_path / "cut.parquet"], tmp_path / "cut.db")
    boards = [Board()]
    for game in games[:6]:
        board = Board(game.start_fen)
        for move in game.moves[:4]:
            board.push(move)
            boards.append(board.copy())
    with Collection(tmp_path / "cut.db") as collection:
        assert len(collection) == len(games)
        for board in boards:
            found = collection.explore(board)
            assert [row.games for row in found] == sorted((row.games for row in found), reverse=True)
            assert sorted(found, key=lambda row: row.move) == brute_force(games, board)


def test_wrong_values_of_a_query_are_refused() -> None:
    with pytest.raises(ConfigError, match="result: expected one of 1-0"):
        GameQuery(result="2-0")
    with pytest.raises(ConfigError, match="material: expected"):
        GameQuery(material="X")


def test_what_is_no_collection_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is no such file"):
        Collection(tmp_path / "none.db")
    with pytest.raises(RecordError, match="not a collection"):
        Collection(write_pgn(tmp_path))
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("CREATE TABLE games (id)")
    database.close()
    with pytest.raises(RecordError, match="not a collection of xiangqi-gpt"):
        Collection(tmp_path / "other.db")


def test_a_collection_of_another_version_is_refused(small: Collection) -> None:
    small.close()
    with sqlite3.connect(small.path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(RecordError, match="version 1, found version 99; make it again"):
        Collection(small.path)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TRIGGER t AFTER INSERT ON games BEGIN DELETE FROM games; END",
        "ALTER TABLE games ADD COLUMN more TEXT",
        "DROP TABLE tags",
    ],
)
def test_a_collection_with_other_tables_is_refused(small: Collection, change: str) -> None:
    small.close()
    with sqlite3.connect(small.path) as database:
        database.execute(change)
    database.close()
    with pytest.raises(RecordError, match="its tables have been changed"):
        Collection(small.path)
    with pytest.raises(RecordError, match="its tables have been changed"):
        collect([small.path.with_suffix(".pgn")], small.path)


def test_values_of_another_type_cannot_be_stored(small: Collection) -> None:
    small.close()
    with sqlite3.connect(small.path) as database, pytest.raises(sqlite3.IntegrityError):
        database.execute("UPDATE games SET moves = 'text'")
    database.close()


def test_a_damaged_collection_is_an_error(small: Collection) -> None:
    small.close()
    with sqlite3.connect(small.path) as database:
        database.execute("UPDATE games SET moves = x'FFFF' WHERE id = 1")
        database.execute("UPDATE games SET moves = x'0100' WHERE id = 2")
        database.execute("UPDATE positions SET move = move + 9000")
        database.execute("UPDATE games SET result = 7 WHERE id = 3")
    database.close()
    with Collection(small.path) as damaged:
        for number in (1, 2, 3):
            with pytest.raises(RecordError):
                damaged.game(number)
        with pytest.raises(RecordError, match="damaged"):
            damaged.explore(Board())
        with pytest.raises(RecordError, match="damaged"):
            damaged.find()
        with pytest.raises(RecordError, match="no game 77"):
            damaged.game(77)
    cut = small.path.read_bytes()[:5000]
    small.path.write_bytes(cut)
    with pytest.raises(RecordError), Collection(small.path) as damaged:
        damaged.count(GameQuery(player="许"))
