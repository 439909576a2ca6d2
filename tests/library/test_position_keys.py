from __future__ import annotations

import numpy as np
import pytest

from xiangqi_gpt.library.position_keys import NO_MOVE, board_key, game_positions, position_keys
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.views import mirrored_board


def board_after(text: str, fen: str | None = None) -> Board:
    board = Board(fen) if fen else Board()
    for word in text.split():
        board.push(Move.from_iccs(word))
    return board


def test_keys_are_the_same_in_every_version() -> None:
    # Files of earlier versions hold these numbers.
    assert board_key(Board()).key == START_KEY
    assert board_key(board_after("h2e2 h9g7")).key == LATER_KEY


START_KEY, LATER_KEY = 108140932409477204, 4898065163786377951


def test_a_position_and_its_mirror_image_share_a_key_and_its_moves() -> None:
    own, other = board_after("h2e2 h9g7"), board_after("b2e2 b9c7")
    assert board_key(own).key == board_key(other).key
    assert board_key(own).mirrored is not board_key(other).mirrored
    for text in ("h0g2", "e2e6", "a0a1"):
        move = Move.from_iccs(text)
        stored = [
            int(
                position_keys(np.array([b.squares], np.int8), np.array([0])).stored_moves(
                    np.array([m.index])
                )[0]
            )
            for b, m in ((own, move), (other, move.mirrored()))
        ]
        assert stored[0] == stored[1]
        assert board_key(own).shown(stored[0]) == move
        assert board_key(other).shown(stored[0]) == move.mirrored()


def test_other_positions_have_other_keys() -> None:
    boards = [
        Board(),
        board_after("h2e2"),
        board_after("h2d2"),
        board_after("h2e2 h9g7"),
        board_after("h2e2 b9c7"),
    ]
    boards.append(Board(Board().fen().replace(" w ", " b ")))
    assert len({board_key(board).key for board in boards}) == len(boards)


def test_transpositions_share_a_key() -> None:
    assert board_key(board_after("h2e2 h9g7 b0c2")).key == board_key(board_after("b0c2 h9g7 h2e2")).key


@pytest.mark.parametrize(
    ("fen", "move", "stored"),
    [
        (None, "b2e2", "h2e2"),
        (None, "h2e2", "h2e2"),
        (None, "e3e4", "e3e4"),
        ("3k1k3/9/9/9/9/9/9/9/9/4K4 w - - 0 1", "e0d0", "e0f0"),
    ],
)
def test_on_a_symmetric_board_a_move_and_its_mirror_image_are_one(
    fen: str | None, move: str, stored: str
) -> None:
    squares = Board(fen, strict=False).squares if fen else Board().squares
    keys = position_keys(np.array([squares], np.int8), np.array([0]))
    assert keys.symmetric.tolist() == [True]
    found = keys.stored_moves(np.array([Move.from_iccs(move).index]))
    assert MOVES[int(found[0])].iccs == stored


def test_positions_of_games_are_those_of_a_replay() -> None:
    lines = ["h2e2 h9g7 h0g2", "c3c4"]
    moves = np.array([Move.from_iccs(word).index for line in lines for word in line.split()], np.uint16)
    starts = np.array([Board().squares] * 2, np.int8)
    found = game_positions(starts, np.zeros(2, np.int8), moves, np.array([0, 3, 4]))
    assert found.games.tolist() == [0, 0, 0, 0, 1, 1]
    assert found.plies.tolist() == [0, 1, 2, 3, 0, 1]
    assert found.turns.tolist() == [0, 1, 0, 1, 0, 1]
    assert found.moves.tolist()[3] == found.moves.tolist()[5] == NO_MOVE
    assert found.illegal.tolist() == [-1, -1]
    words = [line.split()[:ply] for line in lines for ply in range(len(line.split()) + 1)]
    assert found.boards.tolist() == [board_after(" ".join(word)).squares for word in words]


def test_an_illegal_move_is_reported() -> None:
    moves = np.array([Move.from_iccs(word).index for word in ("h2e2", "h9h8", "c3c4")], np.uint16)
    starts = np.array([Board().squares] * 2, np.int8)
    found = game_positions(starts, np.zeros(2, np.int8), moves, np.array([0, 2, 3]))
    assert found.illegal.tolist() == [1, -1]


def test_a_mirrored_game_has_the_keys_of_the_game() -> None:
    board = board_after("h2e2 h9g7 h0g2 i9h9 i0h0 g6g5")
    mirrored = mirrored_board(board)
    while board.move_stack:
        assert board_key(board).key == board_key(mirrored).key
        board.pop()
        mirrored.pop()
