"""Every view in every language at every size: no text is cut, leaves its box, covers another or lacks a glyph."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from tests.gui.test_fonts import missing
from tools.screenshots import SIZES, VIEWS, make_view
from xiangqi_gpt.gui.canvas import Canvas, DrawnText
from xiangqi_gpt.gui.ink import FILES
from xiangqi_gpt.gui.window_layout import Rect
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.texts import LANGUAGES, Language

CASES = [
    pytest.param(size, percent, marks=() if size[0] < 1500 and percent == 100 else pytest.mark.slow)
    for size in SIZES
    for percent in (100, 200)
]


def overlap(a: Rect, b: Rect) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


def faults(canvas: Canvas) -> list[str]:
    window = Rect(0, 0, *canvas.surface.get_size())
    found = [f"cut: {text.text!r} in {text.box}" for text in canvas.texts if text.is_cut]
    found += [
        f"outside: {text.text!r} at {text.rect}, box {text.box}"
        for text in canvas.texts
        if not (text.box.x <= text.rect.x and text.rect.right <= text.box.right and window.holds(text.rect))
    ]
    for number, layer in enumerate(layers(canvas.texts)):
        found += [
            f"layer {number}: {a.text!r} covers {b.text!r}"
            for a, b in combinations(layer, 2)
            if overlap(a.rect, b.rect)
        ]
    for face in FILES:
        shown = "".join(text.text for text in canvas.texts if text.face == face)
        found += [f"box for {lost!r}" for lost in missing(face, shown)]
    return found


def layers(texts: list[DrawnText]) -> list[list[DrawnText]]:
    depth = max(text.layer for text in texts)
    return [[text for text in texts if text.layer == number] for number in range(depth + 1)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("size", "percent"), CASES)
def test_texts(size: tuple[int, int], percent: int, language: Language, tmp_path: Path) -> None:
    found = {}
    for view in VIEWS:
        app = make_view(view, size, Settings(language=language, animation_ms=0, scale=percent), tmp_path)
        assert app.canvas.texts
        if wrong := faults(app.canvas):
            found[view] = wrong
    assert found == {}


def test_a_text_that_is_cut_is_found(tmp_path: Path) -> None:
    canvas = make_view("moves", SIZES[0], Settings(), tmp_path).canvas
    canvas.text(Rect(10, 10, 40, 20), "much too long for its box")
    canvas.text(Rect(200, 10, 400, 20), "one")
    canvas.text(Rect(200, 12, 400, 20), "two")
    canvas.text(Rect(400, 300, 400, 20), "龘")
    canvas.text(Rect(790, 590, 400, 20), "outside")
    wrong = " ".join(faults(canvas))
    for word in ("cut: ", "'one' covers 'two'", "box for '龘'", "outside: 'outside'"):
        assert word in wrong
