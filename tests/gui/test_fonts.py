"""No character that the window shows may be missing from the bundled fonts: a missing one is an empty box."""

from __future__ import annotations

import pygame
import pytest
from fontTools.ttLib import TTFont

from tools.make_fonts import NUMERALS, PIECES, source_characters
from xiangqi_gpt.gui.ink import FILES, Face, Ink
from xiangqi_gpt.play.wording import BLACK_FILES, PIECE_SETS, RED_FILES, RIVER
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.texts import catalogue


def missing(face: Face, characters: str) -> str:
    # Not asked of pygame, whose metrics answer for the box as well.
    with TTFont(resource_path(f"assets/fonts/{FILES[face]}")) as font:
        known = font.getBestCmap()
    return "".join(sorted({char for char in characters if not char.isspace() and ord(char) not in known}))


ASCII = "".join(map(chr, range(33, 127)))
WORDS = "".join("".join(row) for row in catalogue().values())


def test_a_character_that_no_font_has_is_found_missing() -> None:
    assert missing("sans", "a龘") == "龘"


@pytest.mark.parametrize("face", ["sans", "serif", "pieces"])
def test_latin(face: Face) -> None:
    assert missing(face, ASCII) == ""


@pytest.mark.parametrize("face", ["sans", "serif"])
def test_words_of_the_window(face: Face) -> None:
    assert missing(face, WORDS) == ""


@pytest.mark.parametrize("face", ["sans", "serif"])
def test_every_text_in_the_sources(face: Face) -> None:
    """Rules, players and window: refusals, ends of games, notation. If this fails, run `tools.make_fonts`."""
    assert missing(face, "".join(source_characters())) == ""


def test_comments_in_both_scripts() -> None:
    assert missing("sans", "这里走马比较稳健，会受到威胁") == ""
    assert missing("sans", "這裡走馬比較穩健，會受到威脅") == ""


def test_pieces_river_and_labels() -> None:
    shown = "".join(PIECE_SETS.values()) + "".join(RIVER) + RED_FILES + BLACK_FILES + PIECES + NUMERALS
    assert missing("pieces", shown) == ""


def test_moves_in_chinese_notation() -> None:
    assert missing("sans", "前中后進进退平一二三四五六七八九１２３４５６７８９帅仕相马车炮兵将士象卒") == ""


def test_glyphs_have_ink() -> None:
    ink = Ink()
    for glyph in PIECE_SETS["chinese"][1:]:
        image = ink.ink(glyph, 60, (0, 0, 0), "pieces")
        assert image.get_height() > 30
        assert pygame.mask.from_surface(image).count() > 300


def test_fonts_are_small_and_come_with_their_licence() -> None:
    folder = resource_path("assets/fonts")
    assert sum(path.stat().st_size for path in folder.glob("*.otf")) < 2_000_000
    licence = (folder / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert "Adobe" in licence
    assert "Noto" in (folder / "README.md").read_text(encoding="utf-8")
