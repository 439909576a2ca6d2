"""The dialogs in which a file and one of its games are chosen."""

from __future__ import annotations

import threading
from pathlib import Path

import pygame
import pytest

from tests.gui.desk import Desk
from tests.gui.test_dialogs import TWO_GAMES
from xiangqi_gpt.gui.dialogs import file_dialogs
from xiangqi_gpt.gui.dialogs.file_dialogs import GameListDialog, OpenDialog
from xiangqi_gpt.play import game_files
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.texts import Language

CTRL, ALT = pygame.KMOD_LCTRL, pygame.KMOD_LALT
BROKEN = '[Red "A"]\n\n1. H2-E2 H9-G7 2. hello *\n'


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    (tmp_path / "two.pgn").write_text(TWO_GAMES, encoding="utf-8")
    (tmp_path / "sub").mkdir()
    monkeypatch.setattr(file_dialogs, "games_folder", lambda: tmp_path)
    return Desk()


def opened(desk: Desk) -> OpenDialog:
    desk.key(pygame.K_o, CTRL)
    dialog = desk.app.view.dialogs[-1]
    assert isinstance(dialog, OpenDialog)
    return dialog


def words(desk: Desk) -> list[str]:
    return [text.text for text in desk.canvas.texts]


def test_a_click_chooses_and_two_or_enter_open(desk: Desk, tmp_path: Path) -> None:
    dialog = opened(desk)
    desk.press("files:0")
    assert (dialog.folder, dialog.field.text) == (tmp_path, str(tmp_path / "sub"))
    desk.pass_time(1000)
    desk.press("files:0")
    assert dialog.folder == tmp_path, "two slow clicks are no double click"
    desk.press("files:0")
    assert dialog.folder == tmp_path / "sub"
    desk.key(pygame.K_UP, ALT)
    assert dialog.folder == tmp_path
    desk.key(pygame.K_DOWN)
    desk.key(pygame.K_DOWN)
    assert dialog.field.text == str(tmp_path / "two.pgn")
    desk.key(pygame.K_RETURN)
    games = desk.app.view.dialogs[-1]
    assert isinstance(games, GameListDialog)
    desk.wait_until(lambda: games.lister.is_done)
    desk.press("games:0")
    assert desk.app.view.dialogs == [dialog, games], "the first game is chosen, not opened"
    desk.double("games:1")
    assert desk.app.view.dialogs == []
    assert [ply.move.iccs for ply in desk.state.history] == ["h2e2", "h9g7"]


def test_the_choice_of_a_file_comes_back_when_no_game_of_it_is_taken(desk: Desk) -> None:
    dialog = opened(desk)
    desk.double("files:1")
    desk.key(pygame.K_ESCAPE)
    assert desk.app.view.dialogs == [dialog]


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("en", "The file is empty (empty.pgn)"),
        ("zh", "文件 empty.pgn 中没有能读取的棋谱"),
        ("zh-TW", "檔案 empty.pgn 中沒有能讀取的棋譜"),
    ],
)
def test_a_file_that_cannot_be_read_leaves_the_dialog_open_with_the_reason(
    desk: Desk, tmp_path: Path, language: Language, reason: str
) -> None:
    desk.state.settings = Settings(language=language)
    path = tmp_path / "empty.pgn"
    path.write_text("")
    dialog = opened(desk)
    dialog.field.set(str(path))
    desk.key(pygame.K_RETURN)
    desk.wait_until(lambda: desk.app.view.dialogs == [dialog] and dialog.field.is_error)
    assert reason in words(desk)
    assert dialog.field.text == str(path)
    desk.type("x")
    assert reason not in words(desk)


def test_the_length_of_a_game_has_its_unit(desk: Desk) -> None:
    opened(desk)
    desk.double("files:1")
    games = desk.app.view.dialogs[-1]
    assert isinstance(games, GameListDialog)
    desk.wait_until(lambda: games.lister.is_done)
    for language, unit in (("en", "*  2 plies"), ("zh", "*  2 步"), ("zh-TW", "*  2 步")):
        desk.state.settings = Settings(language=language)  # type: ignore[arg-type]
        assert unit in words(desk)


def test_no_count_stands_there_before_the_first_game_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    games_of = game_files.games_of

    def slow(*arguments: object) -> object:
        go_on.wait()
        return games_of(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(game_files, "games_of", slow)
    opened(desk)
    desk.double("files:1")
    assert "Reading two.pgn …" in words(desk)
    assert not any("0 games" in text for text in words(desk))
    go_on.set()
    desk.wait_until(lambda: "two.pgn: 2 games" in words(desk))


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "Red's move 2 is no legal move: hello. The moves before it are shown."),
        ("zh", "第 2 回合红方的着法有误：hello。已显示此前的着法。"),
        ("zh-TW", "第 2 回合紅方的著法有誤：hello。已顯示此前的著法。"),
    ],
)
def test_a_broken_game_is_shown_up_to_its_fault(
    desk: Desk, tmp_path: Path, language: Language, told: str
) -> None:
    path = tmp_path / "broken.pgn"
    path.write_text(BROKEN)
    desk.state.settings = Settings(language=language)
    desk.app.handle(pygame.event.Event(pygame.DROPFILE, file=str(path)))
    desk.wait_until(lambda: not desk.app.view.dialogs)
    assert [ply.move.iccs for ply in desk.state.history] == ["h2e2", "h9g7"]
    assert desk.state.status() == (told, "warn")
