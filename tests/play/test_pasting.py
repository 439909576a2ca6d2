"""Texts of the clipboard, recognised by what they are."""

from __future__ import annotations

import pytest

from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.pasting import copy_game, copy_moves, paste, read_moves
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.rules import START_FEN, Board, Color, FenError, Move

LINE = ["h2e2", "h9g7", "h0g2", "i9h9"]
ENDGAME = "3k5/9/9/9/9/9/9/9/4R4/4K4 w - - 0 1"
PGN = '[Red "A"]\n[Black "B"]\n\n1. C2=5 H8+7 2. H2+3 R9=8 1-0\n'
DHTMLXQ = "[DhtmlXQ]\n[DhtmlXQ_title]test[/DhtmlXQ_title]\n[DhtmlXQ_movelist]77477062[/DhtmlXQ_movelist]\n[/DhtmlXQ]\n"


def moves(state: GameState) -> list[str]:
    return [ply.move.iccs for ply in state.shown_plies]


def both() -> GameState:
    return GameState(player_ready=True, humans=frozenset(Color))


def test_a_position_begins_a_game() -> None:
    state = both()
    assert paste(state, f"  {ENDGAME}\n") == "position"
    assert state.board.fen() == ENDGAME


@pytest.mark.parametrize(
    "text",
    [
        "h2e2 h9g7 h0g2 i9h9",
        "1. h2e2 h9g7\n2. h0g2 i9h9",
        "1.H2-E2 H9-G7 2.H0-G2 I9-H9",
        "C2=5 H8+7 H2+3 R9=8",
        "炮二平五 马8进7 马二进三 车9平8",
        "1. 炮二平五　马８进７\n2. 马二进三　车９平８",
        "炮二平五马8进7马二进三车9平8",
        "砲二平五 馬8進7 傌二進三 車9平8",
    ],
)
def test_moves_in_any_notation_are_played(text: str) -> None:
    state = both()
    assert paste(state, text) == "moves"
    assert moves(state) == LINE
    assert state.is_live


def test_moves_beside_a_game_against_a_machine_are_a_variation() -> None:
    state = GameState(player_ready=True)
    actions.play(state, Move.from_iccs("b2e2"))
    actions.go_to(state, 0)
    assert paste(state, "h2e2 h9g7") == "moves"
    assert moves(state) == LINE[:2]
    assert [ply.move.iccs for ply in state.history] == ["b2e2"]


@pytest.mark.parametrize(("text", "expected"), [(PGN, LINE), (DHTMLXQ, LINE[:2])])
def test_games_are_shown(text: str, expected: list[str]) -> None:
    state = GameState(player_ready=True)
    assert paste(state, text) == "game"
    assert moves(state) == expected
    assert state.humans == frozenset(Color)


@pytest.mark.parametrize("text", ["", "nothing", "h2e2 e5e6", "h2e2 nonsense", "a\nb\nc", "x" * 2_000_001])
def test_other_texts_change_nothing(text: str) -> None:
    state = both()
    actions.play(state, Move.from_iccs("b2e2"))
    with pytest.raises(FenError):
        paste(state, text)
    assert moves(state) == ["b2e2"]


def test_moves_are_read_from_the_position_shown() -> None:
    board = Board()
    assert read_moves(board, "h9g7") == []
    board.push(Move.from_iccs("h2e2"))
    assert read_moves(board, "h9g7") == [Move.from_iccs("h9g7")]
    assert board.fen() != START_FEN, "the board is not changed"


def test_what_is_copied_can_be_pasted() -> None:
    for language in ("en", "zh", "zh-TW"):
        state = GameState(
            player_ready=True,
            humans=frozenset(Color),
            settings=Settings(language=language),  # type: ignore[arg-type]
        )
        for text in LINE:
            actions.play(state, Move.from_iccs(text))
        for copy in (copy_moves(state), copy_game(state)):
            other = both()
            paste(other, copy)
            assert moves(other) == LINE
