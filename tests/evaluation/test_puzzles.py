"""Puzzles: which are read, what counts as solved."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.evaluation.puzzle_making import as_records, puzzles_of_game
from xiangqi_gpt.evaluation.puzzles import Puzzle, drawn, read_puzzles, solve
from xiangqi_gpt.players.base import Analysis, Limit, Line, PlayResult
from xiangqi_gpt.records import GameRecord, TeacherLabels
from xiangqi_gpt.records.formats import parquet
from xiangqi_gpt.records.formats.pgn.pgnwrite import write
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

TWO_ROOKS = "4k4/R8/9/9/9/9/9/9/9/1R1K5 w - - 0 1"  # b0b9 mates
OTHER = "3k5/9/9/9/9/9/9/9/4A4/R3K4 w - - 0 1"


class Fixed:
    """Plays the same move, whatever stands on the board."""

    name = "fixed"

    def __init__(self, move: str) -> None:
        self.move = Move.from_iccs(move)
        self.games = 0

    def play(self, board: Board, limit: Limit) -> PlayResult:
        return PlayResult(self.move)

    def new_game(self) -> None:
        self.games += 1


def puzzle(fen: str, solution: str) -> Puzzle:
    return Puzzle(fen=fen, solution=tuple(map(Move.from_iccs, solution.split())))


@pytest.mark.parametrize(
    ("played", "solution", "found"),
    [
        ("b0b9", "b0b9", 1),
        ("b0b9", "a8a9 e9e8 b0b8", 1),  # another way, but it mates
        ("a8a9", "b0b9", 0),  # check only
    ],
)
def test_what_counts_as_found(played: str, solution: str, found: int) -> None:
    player = Fixed(played)
    (row, total) = solve(player, [puzzle(TWO_ROOKS, solution)])  # type: ignore[arg-type]
    assert (row.length, row.found, total.found, total.puzzles) == (
        str((len(solution.split()) + 1) // 2),
        found,
        found,
        1,
    )
    assert player.games == 1


def test_tables_are_read_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "puzzles.parquet"
    rows = [
        (TWO_ROOKS, "b0b9", True),
        (TWO_ROOKS, "a8a9", True),  # the position was there before
        (OTHER, "a0a9 d9d8", True),
        (OTHER.replace("R3K4", "4K3R"), "i0i9", False),
        (OTHER.replace("R3K4", "1R2K4"), "", True),
        (OTHER.replace("R3K4", "2R1K4"), "c0d9", True),
        ("nonsense", "a0a1", True),
    ]
    columns = ("fen", "solution", "solution_complete")
    pq.write_table(pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))), path)
    errors: list[RecordError] = []
    assert list(read_puzzles([path], errors.append)) == [
        puzzle(TWO_ROOKS, "b0b9"),
        puzzle(OTHER, "a0a9 d9d8"),
    ]
    assert [(e.game, e.ply) for e in errors] == [(6, 0), (7, 0)]
    assert "expected a legal move, found 'c0d9'" in str(errors[0])


def test_games_from_a_position_are_puzzles(tmp_path: Path) -> None:
    path = tmp_path / "puzzles.pgn"
    solved = GameRecord(moves=(Move.from_iccs("b0b9"),), start_fen=TWO_ROOKS, result="1-0")
    whole = GameRecord(moves=(Move.from_iccs("h2e2"),), result="*")
    write(path, [whole, solved])
    (found,) = read_puzzles([path], pytest.fail)
    assert found.solution == solved.moves
    assert Board(found.fen).fen() == Board(TWO_ROOKS).fen()


def test_a_draw_is_the_same_with_the_same_seed() -> None:
    many = [puzzle(TWO_ROOKS, f"a8{file}8") for file in "bcdfghi"]
    assert drawn(many, None) == drawn(many, 99) == many
    few = drawn(many, 3, seed=4)
    assert few == drawn(many, 3, seed=4)
    assert len(few) == 3
    assert len({tuple(p.solution for p in drawn(many, 3, seed=s)) for s in range(9)}) > 1


def test_command(tmp_path: Path) -> None:
    path = tmp_path / "puzzles.pgn"
    write(path, [GameRecord(moves=(Move.from_iccs("b0b9"),), start_fen=TWO_ROOKS, result="1-0")])
    done = CliRunner().invoke(cli, ["evaluate", "puzzles", "--data", str(path), "--player", "greedy"])
    assert done.exit_code == 0, done.output
    assert "all" in done.output
    write(path, [GameRecord(moves=(Move.from_iccs("h2e2"),), result="*")], force=True)
    refused = CliRunner().invoke(cli, ["evaluate", "puzzles", "--data", str(path)])
    assert refused.exit_code == 2
    assert "No puzzles in" in refused.output


def test_puzzles_of_a_teachers_games() -> None:
    opening = ("h2e2", "h9g7", "h0g2", "i9h9")
    moves = tuple(map(Move.from_iccs, opening))
    good, other, poor = (Move.from_iccs(text) for text in ("h9g7", "b9c7", "a9a8"))
    near = Move.from_iccs("b0c2")
    lines = (
        ((Move.from_iccs("h2e2"), 900), (near, -900)),  # the start itself is no puzzle
        ((other, -300), (good, 300), (poor, -300)),
        ((Move.from_iccs("h0g2"), 20), (near, 10)),  # two moves do
        ((Move.from_iccs("i9h9"), -700), (Move.from_iccs("c6c5"), -2000)),  # lost anyway
    )
    labels = TeacherLabels(first=0, best=moves, cp=(900, 300, 20, -700), lines=lines)
    (found,) = puzzles_of_game(GameRecord(moves=moves, labels=labels))
    board = Board()
    board.push(moves[0])
    assert (found.fen, found.solution) == (board.fen(), (good,))
    assert len(puzzles_of_game(GameRecord(moves=moves, labels=labels), margin=0.01)) == 2
    assert puzzles_of_game(GameRecord(moves=moves)) == []


def test_puzzles_by_an_engine() -> None:
    class Engine:
        """Sees a mate in one, and of other positions that two moves are alike."""

        name = "engine"

        def analyse(self, board: Board, limit: Limit, multipv: int) -> Analysis:
            assert multipv == 2
            moves = board.legal_moves()
            mates = [move for move in moves if board.gives_mate(move)]
            first = Line((mates[0],), score_cp=29_999) if mates else Line((moves[0],), score_cp=100)
            return Analysis((first, Line((moves[1],), score_cp=100)))

    record = GameRecord(moves=tuple(map(Move.from_iccs, ("d0d1", "e9f9", "b0b1"))), start_fen=TWO_ROOKS)
    found = puzzles_of_game(record, engine=Engine())  # type: ignore[arg-type]
    assert [one.solution[0].iccs for one in found] == ["b0b9", "b0b9"]
    (again, other) = as_records([found[0], *found])
    assert again.start_fen == found[0].fen != other.start_fen


def test_the_command_makes_puzzles_that_it_reads(tmp_path: Path) -> None:
    moves = tuple(map(Move.from_iccs, ("h2e2", "h9g7")))
    line = ((moves[1], 300), (Move.from_iccs("a9a8"), -300))
    labels = TeacherLabels(first=0, best=(None, moves[1]), cp=(None, 300), lines=((), line))
    games, out = tmp_path / "games.parquet", tmp_path / "puzzles.pgn"
    parquet.write(games, [GameRecord(moves=moves, labels=labels, kind="teacher", split="test")])
    call = ["evaluate", "make-puzzles", "--data", str(games), "--out", str(out)]
    done = CliRunner().invoke(cli, call)
    assert done.exit_code == 0, done.output
    assert "1 puzzles of 1 games" in done.output
    (found,) = read_puzzles([out], pytest.fail)
    assert found.solution == moves[1:]
    assert "the file exists already" in CliRunner().invoke(cli, call).output
    none = CliRunner().invoke(cli, [*call, "--force", "--margin", "0.9"])
    assert none.exit_code == 2
    assert "has one best move by 0.9 points" in none.output
