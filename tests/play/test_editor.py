"""The position editor: edits, faults in words, and games that begin from it."""

from __future__ import annotations

import pytest

from xiangqi_gpt.play import actions
from xiangqi_gpt.play.editor import PositionEditor, start_from_editor
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.rules import START_FEN, Board, Color, FenError, FenFaultCode, Move, parse_square

ROOK, SOLDIER, BLACK_ROOK = 5, 7, 12


def editor(fen: str = START_FEN) -> PositionEditor:
    return PositionEditor.of(Board(fen))


def codes(found: PositionEditor) -> list[FenFaultCode]:
    return [fault.code for fault in found.faults]


def test_pieces_are_set_moved_and_taken_away() -> None:
    found = editor()
    assert found.can_start
    found.move(parse_square("h2"), parse_square("e2"))
    found.put(parse_square("a0"), 0)
    found.turn = Color.BLACK
    assert found.fen == "rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C2C4/9/1NBAKABNR b - - 0 1"
    found.move(parse_square("e2"), parse_square("e2"))
    assert found.squares[parse_square("e2")] != 0
    with pytest.raises(ValueError, match="0-14"):
        found.put(0, 15)
    found.clear()
    assert found.fen == "4k4/9/9/9/9/9/9/9/9/4K4 b - - 0 1"
    found.reset()
    assert found.fen == START_FEN


def test_colours_are_swapped_with_the_sides_of_the_board() -> None:
    found = editor("3k5/9/9/9/9/9/9/9/R8/4K4 w - - 0 1")
    found.swap_colors()
    assert found.fen == "4k4/8r/9/9/9/9/9/9/9/5K3 b - - 0 1"
    found.swap_colors()
    assert found.fen == "3k5/9/9/9/9/9/9/9/R8/4K4 w - - 0 1"


def test_faults_are_told_and_kept_from_beginning() -> None:
    found = editor()
    found.clear()
    assert codes(found) == [FenFaultCode.KINGS_FACING]
    state = GameState()
    with pytest.raises(FenError) as caught:
        start_from_editor(state, found)
    assert caught.value.faults[0].message.text("zh") == "两将照面：e0 与 e9 之间没有棋子"
    assert state.board.fen() == START_FEN
    found.put(parse_square("e4"), ROOK)
    assert codes(found) == [FenFaultCode.OPPONENT_IN_CHECK]
    found.turn = Color.BLACK
    assert found.can_start


def test_odd_positions_are_taken_where_the_editor_is_lenient() -> None:
    found = editor("3k5/9/9/9/9/9/9/9/9/4K4 w")
    found.put(parse_square("e1"), SOLDIER)
    assert FenFaultCode.PAWN_BEHIND_START in codes(found)
    assert not found.can_start
    found.is_lenient = True
    assert found.can_start
    state = GameState()
    start_from_editor(state, found)
    assert state.board.fen() == found.fen
    found.put(parse_square("d8"), BLACK_ROOK)
    found.put(parse_square("d9"), 0)
    assert not found.can_start, "without a king there is nothing to play"
    with pytest.raises(FenError):
        start_from_editor(state, found)


def test_a_game_begins_from_the_editor_and_can_be_undone() -> None:
    state = GameState(player_ready=True)
    actions.play(state, Move.from_iccs("h2e2"))
    found = PositionEditor.of(state.board)
    found.put(parse_square("b9"), 0)
    start_from_editor(state, found)
    assert (state.history, state.board.turn) == ([], Color.BLACK)
    assert actions.undo(state)
    assert len(state.history) == 1


def test_a_position_is_read_as_text() -> None:
    found = editor()
    found.read("4k4/9/9/9/9/9/9/9/9/4K4 b")
    assert (found.squares[4], found.squares[85], found.turn) == (1, 8, Color.BLACK)
    with pytest.raises(FenError):
        found.read("nonsense")
    assert found.squares[4] == 1
