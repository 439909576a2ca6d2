"""The position editor: edits, faults in words, and games that begin from it."""

from __future__ import annotations

import pytest

from xiangqi_gpt.play import actions
from xiangqi_gpt.play.editor import PositionEditor, fault_message, start_from_editor
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.opening import show_record
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules import START_FEN, Board, Color, FenError, FenFaultCode, Move, parse_square

KING, ROOK, SOLDIER, BLACK_KING, BLACK_ROOK = 1, 5, 7, 8, 12


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
    assert found.fen == "3k5/9/9/9/9/9/9/9/9/4K4 b - - 0 1"
    assert found.can_start, "kings alone, which do not face"
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
    found.put(parse_square("e9"), BLACK_KING)
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


def test_there_is_one_king_of_each_side() -> None:
    found = editor()
    found.put(parse_square("d1"), KING)
    found.put(parse_square("d1"), KING)
    assert [sq for sq, code in enumerate(found.squares) if code == KING] == [parse_square("d1")]
    assert found.squares.count(BLACK_KING) == 1


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        ("4k4/9/9/9/9/9/9/9/9/9 w", ("There must be one red king", "缺少红方的帅", "缺少紅方的帥")),
        (
            "3kk4/9/9/9/9/9/9/9/9/5K3 w",
            ("There may be only one black king", "黑方的将只能", "黑方的將只能"),
        ),
        ("4k4/9/9/9/9/9/9/9/9/4K4 w", ("The kings must not face each other", "将帅不能照面", "將帥不能照面")),
        (
            "4k4/9/9/9/9/9/9/9/4R4/4K4 w",
            ("Black is in check, but it is Red's turn", "黑方正被将军", "黑方正被將軍"),
        ),
        ("4k4/9/9/9/9/9/P8/P8/9/3K5 w", ("The red soldier", "红方的兵", "紅方的兵")),
        ("4k4/9/9/9/9/A8/9/9/9/3K5 w", ("The red advisor", "红方的仕", "紅方的仕")),
        ("4k4/9/9/9/9/B8/9/9/9/3K5 w", ("The red elephant", "红方的相", "紅方的相")),
        (
            "4k4/9/9/9/9/K8/9/9/9/9 w",
            ("The red king must stand in its", "红方的帅必须", "紅方的帥必須"),
        ),
        (
            "RRR1k4/9/9/9/9/9/9/9/9/3K5 b",
            ("There may be at most 2", "红方的车最多 2 个", "紅方的俥最多 2 個"),
        ),
    ],
)
def test_faults_are_told_as_by_somebody_who_sees_the_board(fen: str, words: tuple[str, ...]) -> None:
    found = PositionEditor([])
    found.read(fen)
    for language, text in zip(("en", "zh", "zh-TW"), words, strict=True):
        told = [fault_message(fault).text(language) for fault in found.faults]  # type: ignore[arg-type]
        assert any(line.startswith(text) for line in told), told
        assert not any("expected" in line or "{" in line for line in told)


def test_in_place_of_an_opened_game_the_person_plays_the_side_to_move() -> None:
    state = GameState(settings=Settings(opponent="greedy"), spec="random")
    show_record(state, GameRecord(moves=(Move.from_iccs("h2e2"),)))
    assert len(state.humans) == 2
    found = PositionEditor.of(state.board)
    start_from_editor(state, found)
    assert (state.humans, state.spec, state.flipped) == ({Color.BLACK}, "greedy", True)
    both = GameState(humans=frozenset(Color))
    start_from_editor(both, PositionEditor.of(both.board))
    assert len(both.humans) == 2, "a person who chose both sides keeps them"


def test_a_position_is_read_as_text() -> None:
    found = editor()
    found.read("4k4/9/9/9/9/9/9/9/9/4K4 b")
    assert (found.squares[4], found.squares[85], found.turn) == (1, 8, Color.BLACK)
    with pytest.raises(FenError):
        found.read("nonsense")
    assert found.squares[4] == 1
