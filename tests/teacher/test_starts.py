from __future__ import annotations

import pytest

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.teacher.starts import Openings, StartConfig, play_out_tasks

OPENING = "h2e2 h9g7 h0g2 i9h9 g3g4 g6g5 g4g5 b9c7"
PLAYED = tuple(Move.from_iccs(text) for text in OPENING.split())
END = "3k5/9/9/9/9/9/9/4R4/9/R3K4 w - - 0 1"


def test_no_two_begin_alike_and_a_longer_run_begins_as_a_shorter_one() -> None:
    config = StartConfig(seed=5, random_plies=(0, 1))
    tasks = list(play_out_tasks(120, config))
    assert len({task.moves for task in tasks}) == 120  # one start of no plies, 44 of one
    assert {len(task.moves) for task in tasks} == {0, 1, 2}
    assert {task.noise for task in tasks} == set(config.noise)
    assert list(play_out_tasks(40, config)) == tasks[:40]
    assert list(play_out_tasks(40, StartConfig(seed=6, random_plies=(0, 1)))) != tasks[:40]
    for task in tasks:
        board = Board()
        for index in task.moves:
            assert board.is_legal(MOVES[index])
            board.push(MOVES[index])


def test_pieces_of_recorded_games() -> None:
    openings = Openings([GameRecord(moves=PLAYED), GameRecord(moves=(), start_fen=END)], 6)
    config = StartConfig(cut=(2, 6), random_plies=(1, 2), records_share=0.8)
    tasks = list(play_out_tasks(60, config, openings))
    from_end = [task for task in tasks if task.start_fen == END]
    cut = [task for task in tasks if task.moves[:2] == tuple(move.index for move in PLAYED[:2])]
    assert from_end
    assert all(1 <= len(task.moves) <= 8 for task in tasks)
    assert {4, 5, 6, 7, 8} <= {len(task.moves) for task in cut} <= set(range(3, 9))
    assert len(from_end) + len(cut) < 60  # the rest begins at the standard start
    assert openings.fingerprint != Openings([GameRecord(moves=PLAYED)], 6).fingerprint


def test_games_that_are_over_are_no_starts() -> None:
    mated = GameRecord(moves=(Move.from_iccs("a0d0"),), start_fen=END)
    openings = Openings([mated], 9)
    for task in play_out_tasks(10, StartConfig(cut=(1, 1), random_plies=(0, 1), records_share=0.5), openings):
        assert task.start_fen == START_FEN
    with pytest.raises(ConfigError, match="only 0 different starts, and 10 are wanted"):
        list(play_out_tasks(10, StartConfig(cut=(1, 1)), openings))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"noise": ()}, "shares of random moves"),
        ({"noise": (0.1, 1.5)}, "shares of random moves"),
        ({"noise": (float("nan"),)}, "shares of random moves"),
        ({"random_plies": (4, 3)}, "random plies"),
        ({"cut": (0, 3000)}, "plies of a record"),
        ({"max_plies": 0}, "max_plies from 1"),
        ({"rules": "house"}, "rule set of simple"),
        ({"records_share": -0.1}, "share of recorded games"),
    ],
)
def test_settings_are_checked(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        StartConfig(**settings)  # type: ignore[arg-type]
