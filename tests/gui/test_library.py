"""The library tab, the dialogs of the collection, lines that are played out and surprise marks, by mouse and keys."""

from __future__ import annotations

from pathlib import Path

import pygame
import pytest

from tests.gui.desk import Desk
from tests.library.games import write_pgn
from xiangqi_gpt.gui import app as app_module
from xiangqi_gpt.gui.dialogs import file_dialogs
from xiangqi_gpt.gui.dialogs.library_dialogs import CollectDialog, LibraryGames
from xiangqi_gpt.library import collect
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.rules import Color, Move

CTRL, SHIFT = pygame.KMOD_LCTRL, pygame.KMOD_LSHIFT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    collect([write_pgn(tmp_path)], tmp_path / "games.db")
    return tmp_path / "games.db"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(file_dialogs, "games_folder", lambda: tmp_path)
    monkeypatch.setattr(app_module, "games_folder", lambda: tmp_path)
    return Desk()


def explored(desk: Desk) -> None:
    desk.wait_until(lambda: desk.app.library.explore(desk.state.shown_board) is not None)


def rows(desk: Desk) -> list[str]:
    return [r.name.removeprefix("library:") for r in desk.canvas.regions if r.name.startswith("library:")]


def test_a_collection_is_dropped_and_a_row_is_played(desk: Desk, path: Path) -> None:
    desk.app.handle(pygame.event.Event(pygame.DROPFILE, file=str(path)))
    assert desk.app.view.tab == "library"
    explored(desk)
    assert len(rows(desk)) == 2
    desk.press(f"library:{rows(desk)[0]}")
    assert len(desk.state.history) == 1
    desk.pass_time(50)
    assert desk.saved[-1].collection == str(path)
    desk.app.library.close()


def test_the_collection_of_the_settings_is_read_when_its_tab_is_opened(path: Path) -> None:
    desk = Desk(GameState(settings=Settings(collection=str(path))))
    assert desk.app.library.count is None
    desk.key(pygame.K_l, CTRL)
    explored(desk)
    assert any("4 games" in text.text for text in desk.canvas.texts)
    desk.app.library.close()


def test_a_row_beside_the_game_is_a_variation(desk: Desk, path: Path) -> None:
    desk.squares("g3", "g4")
    desk.pass_time()
    played = list(desk.state.board.move_stack)
    desk.app.open_collection(path)
    desk.key(pygame.K_HOME)
    explored(desk)
    wanted = next(name for name in rows(desk) if name in ("b2e2", "h2e2"))
    desk.press(f"library:{wanted}")
    assert desk.state.board.move_stack == played
    assert actions.is_variation(desk.state)
    assert str(desk.state.last_move) == wanted
    desk.key(pygame.K_ESCAPE)
    assert desk.state.is_live
    desk.app.library.close()


def test_a_row_has_the_probability_of_the_model_where_the_position_is_analysed(
    desk: Desk, path: Path
) -> None:
    desk.app.press("analysis")
    desk.pass_time(100)
    desk.app.open_collection(path)
    explored(desk)
    first = next(line for line in desk.state.thought.analysis.lines)  # type: ignore[union-attr]
    assert desk.state.shares[first.move] == first.prob
    tips = [region.tip for region in desk.canvas.regions if region.name.startswith("library:")]
    assert all("the model gives it" in tip for tip in tips)
    assert any("Red won 50 %" in tip and "year 1999 on average" in tip for tip in tips)
    desk.app.library.close()


def test_a_game_is_searched_by_words_result_and_position(desk: Desk, path: Path) -> None:
    desk.app.open_collection(path)
    desk.squares("h2", "e2")
    desk.pass_time(50)
    desk.key(pygame.K_f, CTRL)
    dialog = desk.app.view.dialogs[-1]
    assert isinstance(dialog, LibraryGames)
    library = desk.app.library

    def found() -> list[int]:
        def is_there() -> bool:
            return library.found is not None and library.found.search == dialog.search

        desk.wait_until(is_there)
        assert library.found is not None
        return [game.id for game in library.found.games]

    assert found() == [1, 2, 3, 4]
    desk.press("library:position:1")
    assert found() == [1, 3]
    desk.press("library:result:3")
    assert found() == [3]
    desk.press("library:result:0")
    desk.type("胡")
    assert found() == [1]
    desk.key(pygame.K_RETURN)
    assert desk.app.view.dialogs == []
    desk.wait_until(lambda: len(desk.state.history) == 5)
    assert desk.state.ply == 1, "the position that was searched for"
    assert desk.state.humans == frozenset(Color)
    desk.key(pygame.K_u)
    assert len(desk.state.history) < 5, "the game before comes back"
    desk.app.library.close()


def test_a_collection_that_is_none_is_told_and_the_game_goes_on(desk: Desk, tmp_path: Path) -> None:
    for content in (b"SQLite format 3\x00" + bytes(100), b""):
        bad = tmp_path / "bad.db"
        bad.write_bytes(content)
        desk.app.open_collection(bad)
        desk.wait_until(lambda: desk.app.library.problem is not None)
        assert any("bad.db cannot be opened" in text.text for text in desk.canvas.texts)
        desk.press("command:open")
        desk.key(pygame.K_ESCAPE)
    desk.app.view.tab = "moves"
    desk.squares("h2", "e2")
    desk.pass_time()
    assert len(desk.state.history) == 2
    desk.key(pygame.K_f, CTRL)
    assert desk.app.view.dialogs == [], "there is nothing to search"


def test_a_collection_is_made_from_a_folder_and_added_to(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    write_pgn(folder)
    desk.key(pygame.K_o, CTRL | SHIFT)
    assert isinstance(desk.app.view.dialogs[-1], CollectDialog)
    desk.type("/records")
    desk.key(pygame.K_RETURN)
    desk.press("files:folder")
    assert desk.region("library:stop") is not None
    desk.wait_until(lambda: desk.app.library.collector is None)
    assert desk.state.status() == ("4 games added; 0 were there already, 0 refused", "good")
    assert desk.app.library.path == tmp_path / "xiangqi-gpt.db"
    explored(desk)
    more = write_pgn(tmp_path, "1. g3g4 *\n", "more.pgn")
    desk.key(pygame.K_o, CTRL | SHIFT)
    desk.app.handle(pygame.event.Event(pygame.DROPFILE, file=str(more)))
    desk.wait_until(lambda: desk.app.library.collector is None)
    explored(desk)
    assert desk.app.library.count == 5
    desk.app.library.close()


def test_files_without_a_game_are_told(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "empty.pgn").touch()
    desk.app.collect([tmp_path / "empty.pgn"])
    desk.app.collect([tmp_path])  # while one is under way, another one waits for the person
    desk.wait_until(lambda: desk.app.library.collector is None)
    assert desk.state.status()[1] == "warn"
    assert desk.app.library.path is None


def test_a_candidate_is_played_out_and_left(desk: Desk) -> None:
    desk.squares("h2", "e2")
    desk.pass_time()
    game = list(desk.state.board.move_stack)
    desk.press("tab:analysis")
    thought = desk.state.thought
    assert thought is not None
    line = thought.analysis.lines[3]
    desk.press(f"candidate:{line.move.iccs}")
    assert desk.state.last_move == line.move
    assert desk.state.ply == 2, "beside the answer that was played"
    assert desk.state.board.move_stack == game
    desk.key(pygame.K_ESCAPE)
    assert desk.state.is_live
    desk.key(pygame.K_u)
    assert [len(node.children) for node in desk.state.tree.live.path] == [1, 0]


def test_a_line_is_stepped_through_until_something_else_is_looked_at(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "milliseconds", lambda: desk.now)
    moves = [Move.from_iccs(text) for text in ("h2e2", "h9g7", "h0g2", "h0g2")]
    desk.app.play_out(desk.state.tree.root, moves)
    assert desk.state.ply == 1
    desk.pass_time(50)
    assert desk.app.is_moving
    desk.pass_time(1000)
    assert desk.state.ply == 2
    desk.pass_time(3000)
    assert desk.state.ply == 3, "what is illegal ends the line"
    desk.app.play_out(desk.state.tree.root, moves)
    desk.key(pygame.K_ESCAPE)
    desk.pass_time(3000)
    assert desk.state.ply == 0
    assert desk.state.board.move_stack == []
    desk.key(pygame.K_u)
    assert desk.state.tree.root.children == []


def test_a_surprising_move_is_marked_unless_that_is_off(desk: Desk) -> None:
    desk.squares("h2", "e2")
    desk.pass_time()
    node = desk.state.tree.live.path[0]
    plain = pygame.image.tobytes(desk.canvas.surface, "RGB")
    desk.state.probs[node] = 0.3
    assert pygame.image.tobytes(desk.canvas.surface, "RGB") == plain
    assert any("People play this move here in 30 %" in region.tip for region in desk.canvas.regions)
    pictures = {plain}
    for prob in (0.04, 0.001):
        desk.state.probs[node] = prob
        pictures.add(pygame.image.tobytes(desk.canvas.surface, "RGB"))
    assert len(pictures) == 3
    desk.state.settings = Settings(surprise=False)
    assert pygame.image.tobytes(desk.canvas.surface, "RGB") == plain
    assert not any("People play" in region.tip for region in desk.canvas.regions)
