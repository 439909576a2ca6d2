from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.teacher.scripted import scripted
from xiangqi_gpt.records import read_games, split_of
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.teacher.labelling import Labelling, labels_of
from xiangqi_gpt.teacher.playout import PlayOut
from xiangqi_gpt.teacher.schema import TEACHER_SCHEMA, write_play_outs
from xiangqi_gpt.teacher.teacher_engine import TeacherEngine
from xiangqi_gpt.teacher.work import Row, Task

GIVEN = tuple(Move.from_iccs(text).index for text in ("h2e2", "h9g7"))
MATE_IN_ONE = "3k5/9/9/9/9/9/9/9/R8/R3K4 w - - 0 1"


@pytest.fixture(scope="module")
def engine() -> Iterator[TeacherEngine]:
    engine = TeacherEngine(scripted())
    yield engine
    engine.close()


def play(engine: TeacherEngine, task: Task, **settings: object) -> Row:
    return PlayOut(engine=scripted(), **settings).do(engine, task)  # type: ignore[arg-type]


def test_a_game_is_labelled_from_where_the_engine_takes_over(engine: TeacherEngine, tmp_path: Path) -> None:
    task = Task(number=3, start_fen=START_FEN, moves=GIVEN, noise=0.3)
    row = play(engine, task, max_plies=40)
    assert row == play(engine, task, max_plies=40)
    other = play(engine, Task(number=4, start_fen=START_FEN, moves=GIVEN, noise=0.3), max_plies=40)
    assert other["moves"] != row["moves"]
    assert write_play_outs(tmp_path / "t.parquet", [row, other], about={"seed": 0}) == 2
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.schema.equals(TEACHER_SCHEMA)
    about = pq.read_metadata(tmp_path / "t.parquet").metadata
    assert (about[b"teacher"], about[b"engines"]) == (b'{"seed": 0}', b'["Script 1"]')
    game, _ = read_games(tmp_path / "t.parquet")
    assert (game.kind, game.plies, game.split) == ("teacher", row["plies"], split_of("", game.moves))
    assert game.tags == {"End": row["end"], "Noise": "0.3"}
    assert game.labels is not None
    assert game.labels.first == 2
    played = game.moves[2:]
    assert len(game.labels.best) == len(played)
    differ = sum(best != move for best, move in zip(game.labels.best, played, strict=True))
    assert 0 < differ < len(played) / 2


def test_without_noise_every_move_is_the_engines(engine: TeacherEngine) -> None:
    row = play(engine, Task(number=0, start_fen=START_FEN, moves=()), max_plies=12)
    assert row["moves"] == row["teacher_best"]
    assert (row["end"], row["first_label"], len(row["teacher_cp"])) == ("adjudicated", 0, 12)


def test_mate_ends_the_game_and_names_the_winner(engine: TeacherEngine) -> None:
    row = play(engine, Task(number=0, start_fen=MATE_IN_ONE, moves=()), max_plies=9)
    board = Board(MATE_IN_ONE)
    for text in row["moves"].split():
        board.push(Move.from_iccs(text))
    assert not board.legal_moves()
    assert (row["end"], row["result"], row["teacher_cp"][-1]) == ("mate", "1-0", 29_999)


@pytest.mark.parametrize(
    ("fen", "result"),
    [
        ("3k5/9/9/9/9/9/9/9/RC7/R4K3 w - - 0 1", "1-0"),
        ("r3k4/r8/9/9/9/9/9/9/9/3K5 b - - 0 1", "0-1"),
        ("3k5/9/9/9/9/9/P8/9/9/4K4 w - - 0 1", "1/2-1/2"),
    ],
)
@pytest.mark.parametrize("plies", [1, 2])
def test_the_last_score_decides_a_game_that_is_cut(
    engine: TeacherEngine, fen: str, result: str, plies: int
) -> None:
    row = play(engine, Task(number=0, start_fen=fen, moves=()), max_plies=plies)
    assert (row["end"], row["result"], row["plies"]) == ("adjudicated", result, plies)


def test_repetition_is_drawn_or_lost_as_the_rules_say(engine: TeacherEngine) -> None:
    # Both sides shuffle: the scripted engine's move depends on the position alone.
    row = play(engine, Task(number=0, start_fen="4k4/9/9/9/9/9/9/9/9/3K2B2 w - - 0 1", moves=()))
    assert (row["end"], row["result"]) == ("drawn", "1/2-1/2")


def test_labels_of_a_game_that_exists(engine: TeacherEngine) -> None:
    task = Task(number=1, start_fen=START_FEN, moves=GIVEN)
    labels = labels_of(Labelling(engine=scripted()).do(engine, task))
    assert [str(move) for move in labels.best] == ["h2h9", "b7b0"]
    assert labels.lines == ()
    every_second = labels_of(Labelling(engine=scripted(), every=2).do(engine, task))
    assert every_second.best == (None, labels.best[1])
    assert every_second.cp == (None, labels.cp[1])


def test_soft_targets(tmp_path: Path) -> None:
    engine = TeacherEngine(scripted(), multipv=3)
    try:
        task = Task(number=0, start_fen=START_FEN, moves=GIVEN)
        row = PlayOut(engine=scripted(), multipv=3, max_plies=4).do(engine, task)
        labels = labels_of(Labelling(engine=scripted(), every=2, multipv=3).do(engine, task))
    finally:
        engine.close()
    write_play_outs(tmp_path / "t.parquet", [row], multipv=3)
    [game] = read_games(tmp_path / "t.parquet")
    assert game.labels is not None
    assert [len(line) for line in game.labels.lines] == [3, 3]
    assert game.labels.lines[0][0] == (game.labels.best[0], game.labels.cp[0])
    assert [len(line) for line in labels.lines] == [3, 0]
