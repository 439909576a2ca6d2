"""The window's handling of events, on a surface in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pygame
import pytest

from tests.gui.desk import Desk
from tests.play.players import create_any, create_first
from xiangqi_gpt.gui import app as app_module
from xiangqi_gpt.gui.app import App, run
from xiangqi_gpt.gui.dialogs.command_menu import HelpPage
from xiangqi_gpt.gui.display import DisplayError, open_window
from xiangqi_gpt.gui.panel import GAME_COMMANDS, PUZZLE_COMMANDS
from xiangqi_gpt.gui.screenshot import take_screenshot
from xiangqi_gpt.gui.window_layout import DEFAULT_SIZE, SMALLEST_SIZE
from xiangqi_gpt.play import actions, endings, puzzle_book
from xiangqi_gpt.play import saving as save_module
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.opening import start_puzzle
from xiangqi_gpt.play.puzzle_book import classical_puzzles
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.rules import Color, Move, PlayerError, XiangqiError


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_two_clicks_play_and_the_opponent_answers(desk: Desk) -> None:
    desk.squares("h2", "e2")
    assert [ply.move.iccs for ply in desk.state.history] == ["h2e2"]
    desk.app.advance(desk.now + 1)
    assert desk.app.is_moving
    desk.app.advance(desk.now + 100)
    assert len(desk.state.history) == 1, "the answer waits for the end of the animation"
    desk.pass_time()
    assert len(desk.state.history) == 2
    assert not desk.app.is_moving
    assert desk.state.is_human_turn


def test_without_animation_nothing_moves() -> None:
    desk = Desk(GameState(settings=Settings(animation_ms=0)))
    desk.squares("h2", "e2")
    desk.app.advance(desk.now + 1)
    assert not desk.app.is_moving
    desk.pass_time(100)
    assert len(desk.state.history) == 2


def test_a_piece_can_be_carried(desk: Desk) -> None:
    desk.mouse(pygame.MOUSEBUTTONDOWN, *desk.point("h0"))
    x, y = desk.point("g2")
    desk.mouse(pygame.MOUSEMOTION, x + 5, y + 5)
    desk.pass_time(50)
    desk.mouse(pygame.MOUSEBUTTONUP, x + 5, y + 5)
    assert desk.state.history[0].move.iccs == "h0g2"
    desk.app.advance(desk.now + 1)
    assert desk.state.fresh is None


def test_a_piece_carried_to_nowhere_stays(desk: Desk) -> None:
    desk.mouse(pygame.MOUSEBUTTONDOWN, *desk.point("h0"))
    desk.mouse(pygame.MOUSEBUTTONUP, 2, 2)
    assert desk.state.history == []
    desk.squares("g2")
    assert len(desk.state.history) == 1


def test_a_second_click_puts_the_piece_down(desk: Desk) -> None:
    desk.squares("h0", "h0")
    assert desk.state.selected is None


def test_buttons_and_keys_do_the_same(desk: Desk) -> None:
    desk.squares("h2", "e2")
    desk.pass_time()
    desk.button("undo")
    assert desk.state.history == []
    desk.button("flip")
    assert desk.state.flipped
    desk.key(pygame.K_f)
    assert not desk.state.flipped
    desk.button("hint")
    desk.pass_time(200)
    assert desk.state.hint is not None
    desk.key(pygame.K_h)
    assert desk.state.hint is None
    desk.button("new")
    assert desk.state.menu is not None
    desk.key(pygame.K_ESCAPE)
    assert desk.state.menu is None
    assert desk.app.running


def test_taste_is_saved_when_it_changes(desk: Desk) -> None:
    desk.pass_time(100)
    assert desk.saved == []
    desk.key(pygame.K_l)
    desk.key(pygame.K_p)
    desk.pass_time(50)
    desk.button("theme")
    desk.key(pygame.K_c)
    desk.pass_time(50)
    first, last = desk.saved
    assert first.pieces == "simplified"
    assert last == replace(first, theme="dark", labels="iccs")


def test_arrow_keys_walk_through_the_game(desk: Desk) -> None:
    for names in (("h2", "e2"), ("h0", "g2")):
        desk.squares(*names)
        desk.pass_time()
    for key, ply in ((pygame.K_LEFT, 3), (pygame.K_LEFT, 2), (pygame.K_RIGHT, 3), (pygame.K_HOME, 0)):
        desk.key(key)
        assert desk.state.ply == ply
    desk.key(pygame.K_END)
    assert desk.state.is_live


def test_a_click_on_a_move_shows_its_position(desk: Desk) -> None:
    desk.squares("h2", "e2")
    desk.pass_time()
    cell = desk.app.layout.move_cell(0, 0, False)
    assert cell is not None
    desk.click(*cell.center)
    assert desk.state.ply == 1


def test_the_wheel_scrolls_the_moves_within_their_bounds(desk: Desk) -> None:
    for _ in range(3):
        desk.app.handle(pygame.event.Event(pygame.MOUSEWHEEL, y=1, x=0))
        desk.app.handle(pygame.event.Event(pygame.MOUSEWHEEL, y=-40, x=0))
        desk.pass_time(50)


def test_a_new_game_from_the_menu(desk: Desk) -> None:
    desk.squares("h2", "e2")
    desk.pass_time()
    desk.key(pygame.K_n)
    menu = desk.state.menu
    assert menu is not None
    for name in ("menu:side:1", "menu:opponent:2"):
        desk.press(name)
    assert desk.region("menu:style:2") is None, "only the GPT has styles"
    assert menu.style == 0
    desk.press("menu:start")
    desk.pass_time()
    assert desk.state.humans == {Color.BLACK}
    assert desk.state.flipped
    assert desk.state.spec == "greedy"
    assert len(desk.state.history) == 1


def test_clicks_on_the_board_do_not_go_through_the_menu(desk: Desk) -> None:
    desk.key(pygame.K_n)
    x, y = desk.point("e4")
    desk.click(x, y)
    assert desk.state.menu is not None
    desk.click(5, 5)
    assert desk.state.menu is None
    assert desk.state.selected is None


def test_a_position_is_pasted_and_copied(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    clipboard = ["3k5/9/9/9/9/9/9/9/4R4/4K4 w - - 0 1\n"]
    monkeypatch.setattr(pygame.scrap, "get_text", lambda: clipboard[-1])
    monkeypatch.setattr(pygame.scrap, "put_text", clipboard.append)
    desk.key(pygame.K_v, pygame.KMOD_LCTRL)
    desk.pass_time(50)
    assert desk.state.board.fen() == "3k5/9/9/9/9/9/9/9/4R4/4K4 w - - 0 1"
    desk.key(pygame.K_c, pygame.KMOD_LCTRL)
    assert clipboard[-1] == desk.state.board.fen()
    desk.squares("e1", "e5")
    desk.key(pygame.K_c, pygame.KMOD_LCTRL | pygame.KMOD_LSHIFT)
    assert clipboard[-1].startswith("R5+4")
    desk.key(pygame.K_g, pygame.KMOD_LCTRL)
    assert "E1-E5" in clipboard[-1]
    desk.key(pygame.K_u)
    desk.pass_time(50)
    clipboard.append("nothing")
    desk.key(pygame.K_v, pygame.KMOD_LCTRL)
    assert desk.state.status()[1] == "warn"
    assert desk.state.board.fen() == "3k5/9/9/9/9/9/9/9/4R4/4K4 w - - 0 1"


def test_a_game_is_saved_among_the_documents(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "documents"
    monkeypatch.setattr(save_module, "games_folder", lambda: folder)
    desk.squares("h2", "e2")
    desk.pass_time()
    desk.key(pygame.K_l)
    desk.key(pygame.K_s)
    (path,) = folder.glob("xiangqi-*.pgn")
    text = path.read_text(encoding="utf-8")
    assert "炮二平五" in text
    assert '[Black "GPT"]' in text
    assert desk.state.status()[0].startswith(f"已保存：{path.name}，位于 ")
    assert desk.state.status()[1] == "plain"
    monkeypatch.setattr(save_module, "games_folder", lambda: path / "below a file")
    desk.key(pygame.K_s)
    assert desk.state.status()[1] == "warn"


def test_an_unchanged_window_is_not_drawn_again(desk: Desk) -> None:
    desk.pass_time(200)
    assert not desk.app.draw(desk.now)
    desk.key(pygame.K_f)
    assert desk.app.draw(desk.now)


def test_closing_the_window_ends_the_loop(desk: Desk) -> None:
    desk.app.handle(pygame.event.Event(pygame.QUIT))
    assert not desk.app.running


@pytest.fixture
def display() -> Iterator[None]:
    yield
    pygame.quit()


def test_the_whole_window_opens_and_closes(display: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = []
    wait = app_module._wait

    def wait_and_quit(app: App) -> None:
        rounds.append(app.state.player_ready)
        if app.state.player_ready:
            pygame.event.post(pygame.event.Event(pygame.QUIT))
        wait(app)

    monkeypatch.setattr(app_module, "_wait", wait_and_quit)
    state = GameState()
    run(state, create_first, save=lambda settings: None)
    assert rounds[-1]


def test_a_player_that_cannot_be_had_ends_the_program_with_its_error(display: None) -> None:
    with pytest.raises(PlayerError, match="found none"):
        run(GameState(spec="none"), create_any, save=lambda settings: None)
    with pytest.raises(PlayerError, match="out of order"):
        run(GameState(spec="broken"), create_any, save=lambda settings: None)


def test_no_display_is_a_typed_error(display: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pygame.quit()
    monkeypatch.setenv("SDL_VIDEODRIVER", "no-such-driver")
    with pytest.raises(DisplayError, match="The window cannot be opened"):
        open_window()


def test_a_window_that_nobody_sees_is_none(display: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pygame.quit()
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy,offscreen")
    with pytest.raises(DisplayError, match="no display found"):
        open_window()


def test_a_screenshot_needs_no_window(tmp_path: Path) -> None:
    path = tmp_path / "board.png"
    state = GameState()
    take_screenshot(path, state, create_first, plies=7, size=(900, 640), hint=True)
    assert pygame.image.load(path).get_size() == (900, 640)
    assert len(state.history) == 7


@pytest.mark.parametrize(
    ("name", "size", "found"),
    [
        ("board.jpg", DEFAULT_SIZE, "board.jpg"),
        ("board.png", (400, 300), "400x300"),
        ("no/b.png", DEFAULT_SIZE, "no"),
    ],
)
def test_a_screenshot_that_cannot_be_is_refused(
    name: str, size: tuple[int, int], found: str, tmp_path: Path
) -> None:
    with pytest.raises(XiangqiError, match=found):
        take_screenshot(tmp_path / name, GameState(), create_first, size=size)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("unicode", "key"), [("?", pygame.K_QUESTION), ("", pygame.K_SLASH)])
def test_the_question_mark_opens_the_help(unicode: str, key: int, desk: Desk) -> None:
    mod = pygame.KMOD_SHIFT
    desk.app.handle(pygame.event.Event(pygame.KEYDOWN, key=key, unicode=unicode, mod=mod))
    assert isinstance(desk.app.view.dialogs[-1], HelpPage)


@pytest.mark.parametrize("scale", [100, 150, 200])
def test_every_button_of_the_game_can_be_reached(scale: int) -> None:
    desk = Desk(GameState(settings=Settings(scale=scale)), SMALLEST_SIZE)
    actions.play(desk.state, Move.from_iccs("h2e2"))
    desk.press("tab:game")
    found: set[str] = set()
    for _ in range(len(GAME_COMMANDS)):
        found |= {name for name in GAME_COMMANDS if desk.region(f"command:{name}") is not None}
        area = desk.region("game")
        if area is not None:
            desk.mouse(pygame.MOUSEMOTION, *area.rect.center)
            desk.app.handle(pygame.event.Event(pygame.MOUSEWHEEL, y=-1, x=0))
    assert found == set(GAME_COMMANDS)
    assert all(
        region.rect.bottom <= desk.app.layout.content.bottom
        for region in desk.canvas.regions
        if region.name.startswith("command:")
    )


def test_a_puzzle_that_failed_offers_another_try(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(puzzle_book, "progress_path", lambda: tmp_path / "puzzles.json")
    puzzle = classical_puzzles()[0]
    start_puzzle(desk.state, puzzle)
    desk.state.work = "load"  # nobody answers
    actions.play(desk.state, desk.state.board.legal_moves()[0])
    endings.resign(desk.state)
    desk.pass_time(100)
    for name in PUZZLE_COMMANDS:
        assert desk.region(f"command:{name}") is not None
    assert desk.region("command:rematch") is None
    desk.press("command:retry")
    assert desk.state.puzzle == puzzle
    assert desk.state.outcome is None
