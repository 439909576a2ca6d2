"""Text fields: selecting, copying and replacing; the key that opens a dialog is no text for its field."""

from __future__ import annotations

import pygame
import pytest

from tests.gui.desk import Desk
from xiangqi_gpt.gui.dialogs.frame import FieldDialog
from xiangqi_gpt.gui.widgets import TextField

CTRL, SHIFT = pygame.KMOD_LCTRL, pygame.KMOD_LSHIFT


@pytest.fixture
def clipboard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    held = [""]
    monkeypatch.setattr(pygame.scrap, "put_text", lambda text: held.__setitem__(0, text))
    monkeypatch.setattr(pygame.scrap, "get_text", lambda: held[0])
    return held


def press(field: TextField, key: int, mod: int = 0) -> bool:
    return field.key(pygame.event.Event(pygame.KEYDOWN, key=key, mod=mod, unicode=""))


def test_all_is_selected_and_replaced_by_what_is_typed() -> None:
    field = TextField("Documents")
    assert press(field, pygame.K_a, CTRL)
    assert field.selected == "Documents"
    field.insert("a")
    field.insert("b")
    assert (field.text, field.selected) == ("ab", "")


@pytest.mark.parametrize("key", [pygame.K_BACKSPACE, pygame.K_DELETE])
def test_a_selection_is_removed(key: int) -> None:
    field = TextField("abcdef")
    press(field, pygame.K_LEFT)
    for _ in range(2):
        press(field, pygame.K_LEFT, SHIFT)
    assert field.selected == "de"
    press(field, key)
    assert (field.text, field.caret) == ("abcf", 3)


def test_home_and_end_select_with_shift_and_arrows_leave_the_selection() -> None:
    field = TextField("abcdef")
    press(field, pygame.K_LEFT)
    press(field, pygame.K_HOME, SHIFT)
    assert field.selected == "abcde"
    press(field, pygame.K_RIGHT)
    assert (field.selected, field.caret) == ("", 5)
    press(field, pygame.K_HOME)
    press(field, pygame.K_END, SHIFT)
    assert field.selected == "abcdef"
    press(field, pygame.K_LEFT)
    assert (field.selected, field.caret) == ("", 0)


def test_a_selection_is_copied_cut_and_pasted_over(clipboard: list[str]) -> None:
    field = TextField("one two")
    press(field, pygame.K_c, CTRL)
    assert clipboard == ["one two"], "without a selection the whole text"
    for _ in range(3):
        press(field, pygame.K_LEFT, SHIFT)
    press(field, pygame.K_x, CTRL)
    assert (field.text, clipboard) == ("one ", ["two"])
    press(field, pygame.K_x, CTRL)
    assert (field.text, clipboard) == ("one ", ["two"]), "nothing is selected"
    press(field, pygame.K_a, CTRL)
    press(field, pygame.K_v, CTRL)
    assert field.text == "two"


def test_a_click_puts_the_caret_there() -> None:
    desk = Desk()
    desk.key(pygame.K_o, CTRL)
    dialog = desk.app.view.dialogs[-1]
    assert isinstance(dialog, FieldDialog)
    dialog.field.set("Documents")
    shown = next(text for text in desk.canvas.texts if text.text == "Documents")
    x, y = shown.rect.center
    desk.click(x, y)
    assert 3 <= dialog.field.caret <= 6
    desk.click(shown.rect.x, y)
    assert dialog.field.caret == 0


@pytest.mark.parametrize(
    ("key", "mod", "letter"), [(pygame.K_o, CTRL, "o"), (pygame.K_s, CTRL | SHIFT, "S"), (pygame.K_e, 0, "e")]
)
def test_the_letter_of_the_shortcut_is_no_text_while_it_is_held(key: int, mod: int, letter: str) -> None:
    desk = Desk()

    def repeat() -> None:
        desk.key(key, mod)
        desk.type(letter)

    repeat()
    dialog = desk.app.view.dialogs[-1]
    assert isinstance(dialog, FieldDialog)
    text = dialog.field.text
    desk.app.handle(pygame.event.Event(pygame.KEYUP, key=pygame.K_LCTRL, mod=0))
    repeat()
    assert (dialog.field.text, desk.app.view.dialogs) == (text, [dialog])
    desk.app.handle(pygame.event.Event(pygame.KEYUP, key=key, mod=0))
    desk.key(key)
    desk.type(letter)
    assert letter in dialog.field.text
    assert dialog.field.text != text
