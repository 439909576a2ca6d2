"""The other side's view and the mirror image: by the text of a FEN, by single moves, and by the rules."""

from __future__ import annotations

import random

import numpy as np
import pytest

from xiangqi_gpt.rules import MOVES, Board
from xiangqi_gpt.rules.outcome import RED_SCORES, mate_score, result_of_winner
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.rules.views import mirrored_board, mirrored_moves, other_side, rotated_moves


def boards(count: int) -> list[Board]:
    found = []
    for seed in range(count):
        board = Board()
        choose = random.Random(seed)
        while board.ply < 5 * seed and board.legal_moves():
            board.push(choose.choice(board.legal_moves()))
        found.append(board)
    return found


def seen_by_the_other(board: Board) -> Board:
    """By the text: ranks and files in reverse, upper and lower case exchanged."""
    placement, turn = board.fen().split()[:2]
    return Board(f"{placement[::-1].swapcase()} {'w' if turn == 'b' else 'b'}", strict=False)


@pytest.mark.parametrize("board", boards(12), ids=lambda board: board.fen().split()[0])
def test_the_other_side_sees_the_text_in_reverse(board: Board) -> None:
    squares = np.array(board.squares, np.int8)
    other = seen_by_the_other(board)
    assert other_side(squares).tolist() == list(other.squares)
    assert other_side(np.stack([squares, other_side(squares)]))[1].tolist() == list(board.squares)
    assert {move.rotated() for move in board.legal_moves()} == set(other.legal_moves())


def test_moves_are_turned_for_black_alone() -> None:
    index = np.array([[5, 8099], [4321, 17]], np.uint16)
    turns = np.array([[Color.RED, Color.BLACK], [Color.BLACK, Color.RED]])
    found = rotated_moves(index, turns)
    assert found.tolist() == [[5, MOVES[8099].rotated().index], [MOVES[4321].rotated().index, 17]]
    assert rotated_moves(found, turns).tolist() == index.tolist()


def test_every_move_has_its_mirror_image() -> None:
    assert mirrored_moves(np.arange(8100)).tolist() == [move.mirrored().index for move in MOVES]
    assert MOVES[mirrored_moves(np.array(MOVES[79 * 90].index))].iccs == "b8i0"


@pytest.mark.parametrize("board", boards(6), ids=lambda board: board.fen().split()[0])
def test_a_mirrored_board_has_the_mirrored_moves(board: Board) -> None:
    image = mirrored_board(board)
    assert image.ply == board.ply
    assert {move.mirrored() for move in image.legal_moves()} == set(board.legal_moves())


def test_results_as_numbers() -> None:
    found = [RED_SCORES[result_of_winner(winner)] for winner in (Color.RED, None, Color.BLACK)]
    assert found == [1, 0, -1]


def test_mates_as_centipawns() -> None:
    assert [mate_score(moves) for moves in (1, 3, 0, -2)] == [29_999, 29_997, -30_000, -29_998]
