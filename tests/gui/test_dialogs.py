"""Dialogs by mouse and keys: settings, files, editor, menu, help, tabs and tooltips."""

from __future__ import annotations

import itertools
from pathlib import Path

import pygame
import pytest

from tests.gui.desk import Desk
from xiangqi_gpt.gui.dialogs import engine_list, file_dialogs
from xiangqi_gpt.gui.dialogs.command_menu import CommandMenu, HelpPage
from xiangqi_gpt.gui.dialogs.editor_dialog import EditorDialog
from xiangqi_gpt.gui.dialogs.file_dialogs import GameListDialog, OpenDialog
from xiangqi_gpt.gui.dialogs.save_dialog import SaveDialog
from xiangqi_gpt.gui.display import fitting_place
from xiangqi_gpt.gui.window_layout import Rect
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.commands import COMMANDS
from xiangqi_gpt.play.game_files import list_folder
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.records import read_games
from xiangqi_gpt.rules import START_FEN, Color, Move, parse_square
from xiangqi_gpt.texts import Language, Message

CTRL, SHIFT = pygame.KMOD_LCTRL, pygame.KMOD_LSHIFT
TWO_GAMES = '[Red "甲"]\n[Black "B"]\n\n1. C3-C4 *\n\n[Red "C"]\n[Black "丁"]\n\n1. H2-E2 H9-G7 *\n'


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(file_dialogs, "games_folder", lambda: tmp_path)
    return Desk()


def test_every_command_of_the_window_stands_in_the_menu_and_in_the_help(desk: Desk) -> None:
    desk.key(pygame.K_F10)
    assert isinstance(desk.app.view.dialogs[-1], CommandMenu)
    shown = {region.name.removeprefix("menu:") for region in desk.canvas.regions if "menu:" in region.name}
    wanted = {command.id for command in COMMANDS.values() if command.in_window and command.group != "dialog"}
    assert wanted <= shown
    desk.key(pygame.K_ESCAPE)
    desk.key(pygame.K_SLASH, SHIFT, "?")
    assert isinstance(desk.app.view.dialogs[-1], HelpPage)
    desk.key(pygame.K_PAGEDOWN)
    desk.press("dialog:close")
    assert desk.app.view.dialogs == []


def test_a_dialog_keeps_keys_and_clicks_from_the_board(desk: Desk) -> None:
    desk.key(pygame.K_F10)
    desk.key(pygame.K_f)
    assert not desk.state.flipped
    desk.click(5, 5)
    assert desk.app.view.dialogs == []
    desk.key(pygame.K_f)
    assert desk.state.flipped


def test_the_keyboard_alone_reaches_every_control(desk: Desk) -> None:
    desk.app.press("settings")
    for _ in range(3):
        desk.key(pygame.K_TAB)
    names = [r.name for r in desk.canvas.regions if r.name and r.press is not None]
    assert desk.app.view.focus in names
    while desk.app.view.focus != "settings:theme:1":
        desk.key(pygame.K_TAB)
    desk.key(pygame.K_RETURN)
    assert desk.state.settings.theme == "dark"


def test_settings_take_effect_at_once(desk: Desk) -> None:
    desk.app.press("settings")
    text = desk.app.layout.text
    for name in ("settings:language:1", "settings:look:1", "settings:sound:1", "settings:labels:1"):
        desk.press(name)
    slider = desk.region("settings:scale")
    assert slider is not None
    desk.mouse(pygame.MOUSEBUTTONDOWN, *slider.rect.center)
    desk.mouse(pygame.MOUSEMOTION, slider.rect.right + 50, slider.rect.y + 3)
    desk.mouse(pygame.MOUSEBUTTONUP, slider.rect.right + 50, slider.rect.y + 3)
    desk.mouse(pygame.MOUSEMOTION, slider.rect.x, slider.rect.y + 3)
    settings = desk.state.settings
    assert (settings.language, settings.look, settings.sound, settings.labels) == (
        "zh",
        "wood",
        False,
        "iccs",
    )
    assert settings.scale == 200
    assert desk.app.layout.text > text
    desk.key(pygame.K_RETURN)
    assert desk.app.view.dialogs == []
    desk.pass_time(50)
    assert desk.saved[-1] == settings


def test_a_game_is_chosen_by_folder_file_and_name(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "古谱").mkdir()
    (tmp_path / "古谱" / "two.pgn").write_text(TWO_GAMES, encoding="utf-8")
    (tmp_path / "notes.doc").write_text("no game")
    assert [entry.path.name for entry in list_folder(tmp_path)] == ["古谱"]
    desk.key(pygame.K_o, CTRL)
    dialog = desk.app.view.dialogs[-1]
    assert isinstance(dialog, OpenDialog)
    desk.double("files:0")
    desk.double("files:0")
    games = desk.app.view.dialogs[-1]
    assert isinstance(games, GameListDialog)
    desk.wait_until(lambda: games.lister.is_done)
    desk.type("丁")
    desk.key(pygame.K_RETURN)
    assert [ply.move.iccs for ply in desk.state.history] == ["h2e2", "h9g7"]
    assert desk.app.view.dialogs == []
    desk.key(pygame.K_u)
    assert desk.state.history == []


def test_a_folder_is_typed_and_one_that_is_not_there_is_told(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    desk.key(pygame.K_o, CTRL)
    desk.type("/sub")
    desk.key(pygame.K_RETURN)
    dialog = desk.app.view.dialogs[-1]
    assert isinstance(dialog, OpenDialog)
    assert dialog._view.folder == tmp_path / "sub"
    desk.press("files:up")
    assert dialog._view.folder == tmp_path
    desk.type("/none.pgn")
    desk.key(pygame.K_RETURN)
    assert desk.app.view.dialogs == [dialog]
    assert dialog.field.text == f"{tmp_path}/none.pgn"
    assert any(text.text == "There is no file none.pgn" for text in desk.canvas.texts)


def test_a_file_without_a_game_is_told_and_the_game_stays(desk: Desk, tmp_path: Path) -> None:
    desk.squares("h2", "e2")
    desk.pass_time()
    for name, content in (
        ("a.pgn", b"\x00\xff" * 500),
        ("b.xqf", b"XQ"),
        ("c.parquet", b"PAR1"),
        ("d.txt", b""),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        desk.state.notice = None
        desk.app.handle(pygame.event.Event(pygame.DROPFILE, file=str(path)))
        desk.wait_until(lambda: not desk.app.view.dialogs)
        assert desk.state.status()[1] == "warn", name
        assert len(desk.state.history) == 2


@pytest.mark.parametrize(("number", "suffix"), [(0, ".pgn"), (1, ".xqf"), (2, ".ubb"), (3, ".jsonl")])
def test_a_game_is_saved_under_a_name_in_a_format(
    desk: Desk, tmp_path: Path, number: int, suffix: str
) -> None:
    desk.squares("h2", "e2")
    desk.pass_time()
    played = [ply.move for ply in desk.state.history]
    desk.key(pygame.K_s, CTRL | SHIFT)
    dialog = desk.app.view.dialogs[-1]
    assert isinstance(dialog, SaveDialog)
    desk.key(pygame.K_BACKSPACE, CTRL)
    desk.type("我的棋")
    desk.press(f"save:format:{number}")
    desk.key(pygame.K_RETURN)
    assert desk.app.view.dialogs == [], dialog._problem
    (record,) = read_games(tmp_path / f"我的棋{suffix}")
    assert list(record.moves) == played
    desk.key(pygame.K_s, CTRL | SHIFT)
    desk.key(pygame.K_BACKSPACE, CTRL)
    desk.type(f"我的棋{suffix}")
    desk.key(pygame.K_RETURN)
    assert desk.app.view.dialogs != [], "a file is not overwritten"


def test_a_game_is_saved_again_under_its_name(desk: Desk, tmp_path: Path) -> None:
    desk.squares("h2", "e2")
    desk.pass_time()
    folder = tmp_path / "a folder with a rather long name that does not fit"
    folder.mkdir()
    desk.key(pygame.K_s, CTRL | SHIFT)
    desk.double("files:0")
    desk.key(pygame.K_a, CTRL)
    desk.type("my game.xqf")
    desk.key(pygame.K_RETURN)
    assert desk.state.status()[0].startswith("Saved: my game.xqf, in ")
    assert len(desk.state.status()[0]) < 80
    desk.squares("h0", "g2")
    desk.pass_time()
    desk.key(pygame.K_s, CTRL | SHIFT)
    dialog = desk.app.view.dialogs[-1]
    assert isinstance(dialog, SaveDialog)
    assert (dialog.field.text, dialog._view.folder) == ("my game.xqf", folder)
    desk.key(pygame.K_RETURN)
    assert any(text.text.endswith("Replace the file?") for text in desk.canvas.texts)
    (record,) = read_games(folder / "my game.xqf")
    assert record.plies == 2
    desk.key(pygame.K_RETURN)
    (record,) = read_games(folder / "my game.xqf")
    assert record.plies == 4
    desk.key(pygame.K_n)
    desk.press("menu:start")
    desk.key(pygame.K_s, CTRL | SHIFT)
    dialog = desk.app.view.dialogs[-1]
    assert isinstance(dialog, SaveDialog)
    assert dialog.field.text.startswith("xiangqi-"), "another game"


@pytest.mark.parametrize("size", [(800, 600), (1280, 800)])
def test_a_tooltip_covers_no_control_where_there_is_room(size: tuple[int, int]) -> None:
    desk = Desk(size=size)
    desk.key(pygame.K_n)
    controls = [r for r in desk.canvas.regions if r.name.startswith("menu:") and r.press is not None]
    levels = [region for region in controls if region.tip]
    assert len(levels) == 11
    for region in levels:
        desk.mouse(pygame.MOUSEMOTION, *region.rect.center)
        tips = [text.rect for text in desk.canvas.texts if text.layer == 2]
        assert tips
        for tip, other in itertools.product(tips, controls):
            assert not pygame.Rect(tip).colliderect(pygame.Rect(other.rect)), (region.name, other.name)


def test_a_tooltip_stands_below_its_control_where_nothing_is_covered(desk: Desk) -> None:
    desk.key(pygame.K_n)
    region = desk.region("menu:level:4")
    assert region is not None
    desk.mouse(pygame.MOUSEMOTION, *region.rect.center)
    (tip,) = (text for text in desk.canvas.texts if text.layer == 2)
    assert tip.rect.y > region.rect.bottom


def test_text_is_edited_as_everywhere(desk: Desk) -> None:
    desk.key(pygame.K_s, CTRL | SHIFT)
    dialog = desk.app.view.dialogs[-1]
    assert isinstance(dialog, SaveDialog)
    field = dialog.field
    desk.key(pygame.K_BACKSPACE, CTRL)
    desk.type("ab")
    desk.key(pygame.K_LEFT)
    desk.app.handle(pygame.event.Event(pygame.TEXTEDITING, text="che", start=0, length=3))
    assert (field.text, field.composing) == ("ab", "che")
    desk.pass_time(50)
    desk.type("车")
    assert (field.text, field.composing) == ("a车b", "")
    desk.key(pygame.K_HOME)
    desk.key(pygame.K_DELETE)
    desk.key(pygame.K_END)
    desk.key(pygame.K_BACKSPACE)
    assert field.text == "车"


def test_a_position_is_set_up_and_played(desk: Desk) -> None:
    desk.squares("h2", "e2")
    desk.pass_time()
    desk.key(pygame.K_e)
    dialog = desk.app.view.dialogs[-1]
    assert isinstance(dialog, EditorDialog)
    desk.press("editor:clear")
    desk.press("brush:8")
    desk.squares("e9", "e9")
    desk.press("brush:5")
    desk.squares("a5")
    assert desk.region("editor:play") is None, "the kings face each other"
    assert not dialog.editor.can_start
    assert any(text.text.startswith("The kings must not face") for text in desk.canvas.texts)
    desk.squares("e4", "b4")
    desk.app.handle(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=desk.point("b4"), button=3))
    assert dialog.editor.squares[parse_square("b4")] == 0, "the right button erases"
    assert any(text.text.startswith("4k4/9") for text in desk.canvas.texts), "the beginning of the FEN"
    desk.press("editor:turn:1")
    assert dialog.editor.turn is Color.BLACK
    desk.press("editor:turn:0")
    desk.press("brush:0")
    desk.squares("e4")
    desk.press("brush:7")
    desk.squares("e6")
    assert [fault.code for fault in dialog.editor.faults] == []
    desk.press("editor:play")
    assert desk.app.view.dialogs == []
    assert desk.state.board.fen().startswith("4k4/9/9/4P4/R8/9/9/9/9/4K4 w")
    desk.key(pygame.K_u)
    assert len(desk.state.history) == 2, "the game before comes back"


def test_a_position_is_typed_swapped_and_checked_leniently(desk: Desk) -> None:
    desk.key(pygame.K_e)
    dialog = desk.app.view.dialogs[-1]
    assert isinstance(dialog, EditorDialog)
    desk.key(pygame.K_BACKSPACE, CTRL)
    desk.type("3k5/9/9/9/9/9/9/9/4R4/4K4 w")
    assert dialog.editor.squares[parse_square("e1")] == 5
    desk.press("editor:swap")
    assert dialog.editor.fen.startswith("4k4/4r4/9/9/9/9/9/9/9/5K3 b")
    desk.press("editor:start")
    assert dialog.editor.fen.split()[0] == START_FEN.split()[0]
    desk.press("brush:5")
    desk.squares("e4")
    assert not dialog.editor.can_start, "a third rook"
    desk.press("editor:lenient")
    assert dialog.editor.can_start
    desk.press("editor:play")
    assert desk.state.board.piece_at(parse_square("e4")) is not None


def test_a_puzzle_is_chosen_from_the_list(desk: Desk) -> None:
    desk.key(pygame.K_z, SHIFT)
    desk.key(pygame.K_DOWN)
    desk.key(pygame.K_RETURN)
    assert desk.state.puzzle is not None
    assert desk.app.view.dialogs == []
    assert desk.state.humans == {desk.state.board.turn}


class AnsweringCheck:
    """An engine that answers at once and gives no name."""

    def __init__(self, spec: str) -> None:
        self.spec = spec
        self.problem: Message | None = None

    def advance(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing to stop."""


def test_an_engine_is_added_used_as_analyst_and_removed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_list, "EngineCheck", AnsweringCheck)
    usual = desk.state.settings.analyst
    desk.key(pygame.K_e, CTRL)
    desk.type("fairy-stockfish,nodes=100")
    desk.press("engines:add")
    assert any(text.text == "Checking fairy-stockfish, nodes=100 …" for text in desk.canvas.texts)
    desk.pass_time(50)
    (spec,) = desk.state.settings.engines
    assert spec == "engine:fairy-stockfish,nodes=100"
    assert spec in desk.state.specs
    desk.press("engines:use")
    assert desk.state.settings.analyst == spec
    desk.press("engines:0")
    desk.press("engines:use")
    assert desk.state.settings.analyst == usual
    desk.press("engines:1")
    desk.press("engines:remove")
    assert desk.state.settings.engines == ()
    desk.press("engines:done")
    assert desk.app.view.dialogs == []


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("en", "There is no program /usr/games/nope"),
        ("zh", "找不到程序 /usr/games/nope"),
        ("zh-TW", "找不到程式 /usr/games/nope"),
    ],
)
def test_a_program_that_is_not_there_is_told_in_the_dialog_and_not_added(
    desk: Desk, language: Language, reason: str
) -> None:
    desk.key(pygame.K_e, CTRL)
    desk.state.settings = Settings(language=language)
    desk.type("/usr/games/nope")
    desk.press("engines:add")
    assert desk.state.settings.engines == ()
    assert any(text.text.startswith(reason) for text in desk.canvas.texts)
    desk.type("x")
    assert not any(text.text.startswith(reason) for text in desk.canvas.texts)


def test_an_engine_that_does_not_answer_is_not_added(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Message.of("error.no_xiangqi", program="chess")

    class Refusing(AnsweringCheck):
        def advance(self) -> bool:
            self.problem = problem
            return True

    monkeypatch.setattr(engine_list, "EngineCheck", Refusing)
    desk.key(pygame.K_e, CTRL)
    desk.type("chess")
    desk.key(pygame.K_RETURN)
    desk.pass_time(50)
    assert desk.state.settings.engines == ()
    assert any(text.text == "Chess does not play Xiangqi" for text in desk.canvas.texts)


@pytest.mark.parametrize("size", [(800, 600), (1280, 800)])
@pytest.mark.parametrize("count", [1, 5])
def test_names_of_engines_have_room_in_the_new_game(size: tuple[int, int], count: int) -> None:
    names = [f"Fairy-Stockfish 14.0.{number} LB" for number in range(count)]
    specs = tuple(f"engine:program{number},name={name}" for number, name in enumerate(names))
    desk = Desk(GameState(specs=("gpt", "gpt:lookahead=0.5s", "greedy", "random", *specs)), size)
    desk.key(pygame.K_n)
    seen = set()
    for _ in range(4):
        for text in desk.canvas.texts:
            if text.text in names:
                seen.add(text.text)
                assert text.rect.h == round(desk.app.layout.text * 0.96), "not made smaller"
        box = next(region for region in reversed(desk.canvas.regions) if region.wheel is not None)
        desk.mouse(pygame.MOUSEMOTION, *box.rect.center)
        desk.app.handle(pygame.event.Event(pygame.MOUSEWHEEL, y=-1, x=0))
    assert seen == set(names)
    desk.press(f"menu:opponent:{4 + count}")
    desk.press("menu:start")
    assert desk.state.spec == specs[-1]


def test_tabs_curve_and_candidates(desk: Desk) -> None:
    for _ in range(2):
        desk.squares(*("h2", "e2") if not desk.state.history else ("h0", "g2"))
        desk.pass_time()
    desk.press("tab:analysis")
    assert any("leak" in text.text for text in desk.canvas.texts)
    desk.press("tab:game")
    desk.press("command:new")
    assert desk.state.menu is not None
    desk.press("menu:side:2")
    desk.press("menu:start")
    assert desk.state.humans == frozenset(Color)


def test_a_level_is_chosen_for_a_new_game(desk: Desk) -> None:
    desk.key(pygame.K_n)
    desk.press("menu:level:3")
    assert any("1020" in text.text for text in desk.canvas.texts)
    desk.press("menu:rules:1")
    desk.press("menu:start")
    assert desk.state.spec == "gpt:level=improver"
    assert desk.state.rules == "asian"
    desk.key(pygame.K_n)
    desk.press("menu:adaptive")
    desk.press("menu:start")
    assert desk.state.spec == "gpt:level=adaptive"


def test_a_clock_and_odds_are_chosen_and_the_time_runs(desk: Desk) -> None:
    desk.key(pygame.K_n)
    desk.press("menu:clock:2")
    desk.press("menu:handicap:1")
    desk.press("menu:side:1")
    desk.press("menu:start")
    assert desk.state.clock is not None
    assert desk.state.board.piece_at(parse_square("b0")) is None
    desk.pass_time(100)
    assert sum(text.text == "5:00" for text in desk.canvas.texts) >= 1
    desk.state.clock.set_left((9.46, 4000.0))
    shown = [text.text for text in desk.canvas.texts]
    assert "0:09.4" in shown
    assert "1:06:40" in shown


def test_two_machines_play_each_other(desk: Desk) -> None:
    desk.key(pygame.K_n)
    desk.press("menu:side:3")
    desk.press("menu:start")
    desk.pass_time(2000)
    assert len(desk.state.history) > 2


def test_a_step_back_in_the_middle_of_an_animation(desk: Desk) -> None:
    desk.squares("h2", "e2")
    desk.app.advance(desk.now + 1)
    desk.app.draw(desk.now + 20)
    assert desk.app.view.slide is not None
    desk.key(pygame.K_LEFT)
    desk.click(5, 5)
    assert desk.app.view.slide is None
    assert desk.state.ply == 0


def test_a_premove_is_marked(desk: Desk) -> None:
    actions.play(desk.state, Move.from_iccs("h2e2"))
    before = pygame.image.tobytes(desk.canvas.surface, "RGB")
    desk.state.premove = Move.from_iccs("h0g2")
    assert pygame.image.tobytes(desk.canvas.surface, "RGB") != before


def test_a_tooltip_tells_the_key(desk: Desk) -> None:
    region = desk.region("toolbar:flip")
    assert region is not None
    desk.mouse(pygame.MOUSEMOTION, *region.rect.center)
    assert any(text.text == "Flip (F)" for text in desk.canvas.texts)


def test_the_right_button_clears_the_marks(desk: Desk) -> None:
    desk.squares("h0")
    assert desk.state.selected is not None
    desk.app.handle(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(400, 400), button=3))
    assert desk.state.selected is None


def test_the_wheel_over_the_board_steps_through_the_game(desk: Desk) -> None:
    desk.squares("h2", "e2")
    desk.pass_time()
    desk.mouse(pygame.MOUSEMOTION, *desk.point("e4"))
    for up, ply in ((1, 1), (1, 0), (-1, 1)):
        desk.app.handle(pygame.event.Event(pygame.MOUSEWHEEL, y=up, x=0))
        assert desk.state.ply == ply


def test_a_click_on_the_curve_goes_there(desk: Desk) -> None:
    for text in ("h2e2", "h9g7", "h0g2", "i9h9"):
        actions.play(desk.state, Move.from_iccs(text))
    for node, points in zip(desk.state.line, (0.5, 0.4, 0.6, 0.7), strict=True):
        desk.state.points[node] = points
    curve = desk.region("curve")
    assert curve is not None
    desk.click(curve.rect.center[0], curve.rect.center[1])
    assert desk.state.ply == 2
    desk.click(curve.rect.x + 1, curve.rect.center[1])
    assert desk.state.ply == 0


def test_the_window_opens_where_it_was_if_that_can_be_seen() -> None:
    screens = [(1920, 1080)]
    assert fitting_place((100, 50, 1200, 800), screens) == Rect(100, 50, 1200, 800)
    for place in ((5000, 50, 1200, 800), (100, 1070, 1200, 800), (0, 0, 300, 200), (), (1, 2)):
        assert fitting_place(place, screens) is None
