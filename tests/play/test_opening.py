"""Games opened from files and pasted as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.play.test_autosave import played, texts
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.autosave import encode, load
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.opening import open_game
from xiangqi_gpt.play.pasting import paste
from xiangqi_gpt.play.saving import save_game
from xiangqi_gpt.play.sides import recorded_name, side_name
from xiangqi_gpt.records import read_games
from xiangqi_gpt.rules import Color, FenError, Move, RecordError

PGN = """[Game "Chinese Chess"]
[Result "1-0"]
[Format "ICCS"]

1. H2-E2 {中炮} (1. C3-C4 G6-G5) H9-G7 2. H0-G2 1-0

[Game "Chinese Chess"]
[Result "*"]
[Format "ICCS"]

1. B2-E2 *
"""


def test_a_game_of_a_file_takes_the_place_of_the_present_one(tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    path.write_text(PGN, encoding="utf-8")
    state = played("c3c4")
    open_game(state, path)
    assert [ply.move.iccs for ply in state.history] == ["h2e2", "h9g7", "h0g2"]
    assert texts(state) == sorted(["None", "h2e2", "h9g7", "h0g2", "c3c4", "g6g5"])
    assert state.tree.root.children[0].comment == "中炮"
    assert not state.needs_player, "nobody answers in a game that is looked at"
    actions.click_square(state, Move.from_iccs("b9c7").from_square)
    assert state.selected is not None, "a person moves for both sides"
    actions.undo(state)
    assert [ply.move.iccs for ply in state.history] == ["c3c4"]
    open_game(state, path, 2)
    assert [ply.move.iccs for ply in state.history] == ["b2e2"]


@pytest.mark.parametrize("number", [0, 3])
def test_a_game_that_is_not_there(number: int, tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    path.write_text(PGN, encoding="utf-8")
    state = played("c3c4")
    with pytest.raises(RecordError, match=f"no readable game number {number}"):
        open_game(state, path, number)
    with pytest.raises(RecordError):
        open_game(state, tmp_path / "none.pgn")
    with pytest.raises(RecordError):
        open_game(state, tmp_path)
    assert [ply.move.iccs for ply in state.history] == ["c3c4"]


@pytest.mark.parametrize("content", [b"", b"\x00" * 5000, b"\xff" * 999, b"hello\n", PGN.encode()[:40]])
def test_a_file_of_any_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    for name in ("a.pgn", "a.xqf", "a.txt", "a.jsonl", "a.parquet", "a"):
        path = tmp_path / name
        path.write_bytes(content)
        state = played("c3c4")
        with pytest.raises(RecordError):
            open_game(state, path)
        assert len(state.history) == 1


@pytest.mark.parametrize(
    ("moves", "plies", "told"),
    [
        ("1. H2-E2 H9-G7 2. hello *", 2, "Red's move 2 is no legal move: hello"),
        ("1. C2=5 h8+7 2. C5+5 *", 2, "Red's move 2 is no legal move: C5+5"),
        ("1. H2-E2 H9-I8 *", 1, "Black's move 1 (H9-I8) breaks the rules: "),
        ("1. H2-E2 (1. C3-C4) H9-I8 *", 1, "Black's move 1 (H9-I8) breaks the rules: "),
        ("1. H2-E2 H9-G7 ) *", 2, "Line 3: "),
    ],
)
def test_a_game_with_a_fault_is_shown_up_to_there(moves: str, plies: int, told: str, tmp_path: Path) -> None:
    path = tmp_path / "game.pgn"
    path.write_text(f'[Red "A"]\n\n{moves}')
    state = played("c3c4")
    open_game(state, path)
    assert len(state.history) == plies
    assert state.notice is not None
    text = state.notice.text("en")
    assert text.startswith(told), text
    assert text.endswith("The moves before it are shown.")
    assert "rnbakabnr" not in text, "the position is on the board"
    assert "expected" not in state.notice.text("zh")


def test_a_fault_in_the_first_move_or_the_start_leaves_nothing_to_show(tmp_path: Path) -> None:
    path = tmp_path / "game.pgn"
    for text in ('[Red "A"]\n\n1. H2-H2 H9-G7 *', '[FEN "4k4/9/9/9/9/9/9/9/9/4K4 w"]\n\n1. E0-E1 *'):
        path.write_text(text)
        with pytest.raises(RecordError):
            open_game(played("c3c4"), path)


def test_pasted_positions_and_games() -> None:
    state = played("c3c4")
    paste(state, "3k5/9/9/9/9/9/9/9/4R4/4K4  w - - 0 1\n")
    assert state.board.fen() == "3k5/9/9/9/9/9/9/9/4R4/4K4 w - - 0 1"
    paste(state, PGN)
    assert len(state.history) == 3
    for text in ("", "nonsense", "many\nlines of\nnonsense", "1. e4 e5"):
        with pytest.raises(FenError):
            paste(state, text)
    assert len(state.history) == 3
    actions.undo(state)
    actions.undo(state)
    assert [ply.move.iccs for ply in state.history] == ["c3c4"]


TAGGED = """[Event "Sample Cup"]
[Date "1988.??.??"]
[Red "Hu"]
[Black "?"]
[Result "0-1"]
[Format "ICCS"]

1. H2-E2 H9-G7 0-1
"""


def test_an_opened_game_keeps_what_its_record_says(tmp_path: Path) -> None:
    path = tmp_path / "game.pgn"
    path.write_text(TAGGED, encoding="utf-8")
    state = played("c3c4")
    open_game(state, path)
    assert state.result == "0-1"
    assert [side_name(state, side, of_person="you") for side in Color] == ["Hu", "you"]
    (record,) = read_games(save_game(state, tmp_path / "saved.pgn"))
    kept = {"Event": "Sample Cup", "Date": "1988.??.??", "Red": "Hu", "Black": "Human"}
    assert {name: record.tags[name] for name in kept} == kept
    assert record.result == "0-1"
    resumed = load(autosaved(state, tmp_path))
    assert resumed.source is not None
    assert (resumed.source.tags["Event"], resumed.source.result) == ("Sample Cup", "0-1")
    actions.play(state, Move.from_iccs("h0g2"))
    assert state.result == "*", "the game goes on"
    actions.undo(state)
    assert state.result == "0-1"
    actions.undo(state)
    assert state.source is None, "the game before it has no record"
    assert recorded_name(state, Color.RED) == ""


def autosaved(state: GameState, folder: Path) -> Path:
    path = folder / "kept.json"
    path.write_text(encode(state), encoding="utf-8")
    return path
