"""Puzzles at the board: the compositions of the package, files of one's own, and the results that are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from xiangqi_gpt.play import actions, endings, opening
from xiangqi_gpt.play import puzzle_book as puzzles
from xiangqi_gpt.play.autosave import Autosave
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.puzzle_book import (
    Puzzle,
    classical_puzzles,
    load_progress,
    next_puzzle,
    progress_path,
    puzzles_of_file,
    record_result,
)
from xiangqi_gpt.play.settings import ANALYST
from xiangqi_gpt.resources import user_folder
from xiangqi_gpt.rules import Color, Move, RecordError
from xiangqi_gpt.rules.lenient import lenient_board
from xiangqi_gpt.texts import LANGUAGES, Message

MATE_IN_ONE = "3k5/R8/9/9/9/9/9/9/4R4/4K4 w - - 0 1"


def test_results_lie_in_the_folder_of_the_user() -> None:
    assert progress_path() == user_folder("data") / "puzzles.json"


@pytest.fixture(autouse=True)
def progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "data" / "puzzles.json"
    monkeypatch.setattr(puzzles, "progress_path", lambda: path)
    return path


def puzzle(name: str = "one", fen: str = MATE_IN_ONE, plies: int | None = 1) -> Puzzle:
    return Puzzle(id=name, fen=fen, title=Message.of("puzzle.jianghu", number=1), plies=plies)


def test_the_compositions_of_the_package_can_be_played() -> None:
    found = classical_puzzles()
    assert len(found) == len({each.id for each in found}) == 119
    for each in found:
        board, _ = lenient_board(each.fen)
        assert board.legal_moves()
        assert board.turn is Color.RED
        assert each.plies is not None
        assert each.plies % 2 == 1
    assert [found[0].title.text(language) for language in LANGUAGES] == [
        "Shi Qing Ya Qu (1570), 14",
        "《适情雅趣》第 14 局",
        "《適情雅趣》第 14 局",
    ]


def test_a_solved_puzzle_is_kept(progress: Path) -> None:
    state = GameState(spec="random")
    opening.start_puzzle(state, puzzle())
    assert (state.humans, state.spec, state.clock) == ({Color.RED}, ANALYST, None)
    assert state.status()[0] == "Street endgames, 1: Red to move and mate in 1"
    actions.play(state, Move.from_iccs("e1d1"))
    assert state.outcome is not None
    assert load_progress() == {"one": "solved"}
    opening.retry_puzzle(state)
    assert state.outcome is None
    assert state.puzzle is not None
    actions.play(state, Move.from_iccs("a8a7"))
    endings.resign(state)
    assert load_progress() == {"one": "solved"}, "once solved, it stays solved"
    assert progress.is_file()


def test_a_puzzle_that_is_given_up_has_failed() -> None:
    state = GameState()
    opening.start_puzzle(state, puzzle())
    actions.play(state, Move.from_iccs("a8a7"))
    endings.resign(state)
    assert load_progress() == {"one": "failed"}
    actions.new_game(state)
    assert state.puzzle is None
    actions.undo(state)
    assert state.puzzle is not None


def test_the_next_puzzle_is_one_that_is_not_solved() -> None:
    found = [puzzle(name) for name in "abc"]
    assert next_puzzle(found).id == "a"
    assert next_puzzle(found, found[0]).id == "b"
    assert next_puzzle(found, found[2]).id == "a"
    record_result(found[1], is_solved=True)
    record_result(found[2], is_solved=False)
    assert next_puzzle(found, found[0]).id == "c"
    for each in found:
        record_result(each, is_solved=True)
    assert next_puzzle(found, found[0]).id == "b"
    with pytest.raises(ValueError, match="no puzzles"):
        next_puzzle([])


def test_the_command_goes_through_the_compositions() -> None:
    state = GameState()
    opening.start_next_puzzle(state)
    opening.start_next_puzzle(state)
    assert state.puzzle is not None
    assert state.puzzle.id == classical_puzzles()[1].id


@pytest.mark.parametrize("content", ["", "[]", '{"one": "maybe", "two": 3}', "{" * 10])
def test_broken_results_count_as_none(content: str, progress: Path) -> None:
    progress.parent.mkdir(parents=True)
    progress.write_text(content)
    assert load_progress() == {}


def test_results_that_cannot_be_kept_do_not_stop_the_game(progress: Path) -> None:
    progress.parent.parent.joinpath("data").write_text("a file where the folder should be")
    record_result(puzzle(), is_solved=True)
    assert load_progress() == {}


def test_a_puzzle_goes_on_after_a_crash(tmp_path: Path) -> None:
    state = GameState()
    opening.start_puzzle(state, classical_puzzles()[7])
    actions.play(state, state.board.legal_moves()[0])
    keeper = Autosave(tmp_path / "games")
    keeper.keep(state)
    fresh = GameState(offer=keeper.find_unfinished())
    actions.resume(fresh)
    assert fresh.puzzle == classical_puzzles()[7]
    opening.start_puzzle(state, puzzle("mine"))
    actions.play(state, Move.from_iccs("a8a7"))
    keeper.keep(state)
    fresh = GameState(offer=keeper.find_unfinished())
    actions.resume(fresh)
    assert (fresh.puzzle, fresh.board.fen()) == (None, state.board.fen())


def test_the_next_puzzle_comes_from_the_file_opened_last(tmp_path: Path) -> None:
    path = tmp_path / "mine.pgn"
    fens = (MATE_IN_ONE, MATE_IN_ONE.replace("R8", "1R7"))
    path.write_text("\n\n".join(f'[FEN "{fen}"]\n\n*' for fen in fens), encoding="utf-8")
    state = GameState()
    opening.open_puzzles(state, path)
    opening.start_next_puzzle(state)
    assert state.board.fen() == fens[1]
    path.write_text("1. h2e2 *", encoding="utf-8")
    with pytest.raises(RecordError, match="no game that starts from a position"):
        opening.open_puzzles(state, path)
    assert state.board.fen() == fens[1]


def test_positions_of_a_file_are_puzzles(tmp_path: Path) -> None:
    path = tmp_path / "mine.pgn"
    path.write_text(f'[FEN "{MATE_IN_ONE}"]\n\n1. e1d1 *\n\n[Red "A"]\n\n1. h2e2 *\n', encoding="utf-8")
    (found,) = puzzles_of_file(path)
    assert found.fen == MATE_IN_ONE
    assert found.plies is None
    assert found.title.text("en") == "Puzzle 1 of mine.pgn"
    state = GameState()
    opening.start_puzzle(state, found)
    assert state.status()[0] == "Puzzle 1 of mine.pgn: Red to move and win"
    with pytest.raises(RecordError):
        puzzles_of_file(tmp_path / "none.pgn")


def test_the_task_of_a_puzzle_stays_in_sight() -> None:
    state = GameState()
    opening.start_puzzle(state, puzzle(plies=5))
    assert state.status()[0] == "Street endgames, 1: Red to move and mate in 3"
    actions.click_square(state, 89)
    assert state.status()[0] == "Street endgames, 1: Red to move and mate in 3"
    actions.play(state, Move.from_iccs("a8a7"))
    actions.play(state, state.board.legal_moves()[0])
    assert state.status()[0] == "Street endgames, 1: Red to move and mate in 3. Moves played: 1"


def test_a_game_that_was_given_up_tells_how_it_comes_back() -> None:
    state = GameState(player_ready=True)
    actions.play(state, Move.from_iccs("h2e2"))
    endings.resign(state)
    assert state.status()[0] == "You have resigned; undo takes it back"
    actions.undo(state)
    assert state.outcome is None
