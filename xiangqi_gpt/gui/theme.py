"""Colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from xiangqi_gpt.play.settings import ThemeName

Rgb: TypeAlias = tuple[int, int, int]


def _hex(text: str) -> Rgb:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


@dataclass(frozen=True, kw_only=True)
class Theme:
    """One colour a meaning."""

    table: Rgb  # behind everything
    board: Rgb  # the paper of the board
    line: Rgb  # grid, frame, river, labels
    face: Rgb  # of a piece
    rim: Rgb
    red: Rgb  # Red's glyphs
    black: Rgb  # Black's glyphs
    text: Rgb
    secondary_text: Rgb
    divider: Rgb  # lines between the parts of the panel, outlines of buttons
    raised: Rgb  # buttons, menu
    side_red: Rgb  # Red's share of bars, legible on the table
    side_black: Rgb
    side_draw: Rgb
    last: Rgb  # corners on both points of the last move
    select: Rgb  # ring round the selected piece
    target: Rgb  # dots and rings where it may go
    check: Rgb  # halo
    arrow: Rgb  # candidates
    arrow_text: Rgb  # numbers on them
    warn: Rgb  # refusals, failures, what takes care
    leak: Rgb  # probability outside the rules
    premove: Rgb  # a move waiting for its turn
    glow: Rgb  # round the plate of the side to move


THEMES: dict[ThemeName, Theme] = {
    "light": Theme(
        table=_hex("#EFE7DA"),
        board=_hex("#F3DDB3"),
        line=_hex("#5B3A1E"),
        face=_hex("#FCF4E3"),
        rim=_hex("#8A5A2B"),
        red=_hex("#B3261E"),
        black=_hex("#22262B"),
        text=_hex("#2B2B2B"),
        secondary_text=_hex("#786B5B"),
        divider=_hex("#CDBFA8"),
        raised=_hex("#F8F2E7"),
        side_red=_hex("#B3261E"),
        side_black=_hex("#33383E"),
        side_draw=_hex("#D9CBB2"),
        last=_hex("#D99A00"),
        select=_hex("#2E7D32"),
        target=_hex("#2E7D32"),
        check=_hex("#D3302A"),
        arrow=_hex("#2A6F97"),
        arrow_text=_hex("#FFFFFF"),
        warn=_hex("#8F5900"),
        leak=_hex("#7A3E9D"),
        premove=_hex("#1F5FBF"),
        glow=_hex("#D99A00"),
    ),
    "dark": Theme(
        table=_hex("#1E1F22"),
        board=_hex("#39322A"),
        line=_hex("#C9B48C"),
        face=_hex("#EFE3C8"),
        rim=_hex("#8A5A2B"),
        red=_hex("#B3261E"),
        black=_hex("#22262B"),
        text=_hex("#E8E3DA"),
        secondary_text=_hex("#A39B8E"),
        divider=_hex("#45423D"),
        raised=_hex("#2A2B2E"),
        side_red=_hex("#C9483F"),
        side_black=_hex("#0B0C0D"),
        side_draw=_hex("#6B6459"),
        last=_hex("#E5AC1A"),
        select=_hex("#7CC47F"),
        target=_hex("#6DBB71"),
        check=_hex("#E5524A"),
        arrow=_hex("#6FB1D6"),
        arrow_text=_hex("#101214"),
        warn=_hex("#F0B347"),
        leak=_hex("#B58AD6"),
        premove=_hex("#7FA8EE"),
        glow=_hex("#E5AC1A"),
    ),
    "contrast": Theme(
        table=_hex("#FFFFFF"),
        board=_hex("#FFFFFF"),
        line=_hex("#000000"),
        face=_hex("#FFFFFF"),
        rim=_hex("#000000"),
        red=_hex("#D00000"),
        black=_hex("#000000"),
        text=_hex("#000000"),
        secondary_text=_hex("#333333"),
        divider=_hex("#000000"),
        raised=_hex("#FFFFFF"),
        side_red=_hex("#D00000"),
        side_black=_hex("#000000"),
        side_draw=_hex("#BBBBBB"),
        last=_hex("#B87800"),
        select=_hex("#006B1B"),
        target=_hex("#006B1B"),
        check=_hex("#D00000"),
        arrow=_hex("#00508C"),
        arrow_text=_hex("#FFFFFF"),
        warn=_hex("#8A5200"),
        leak=_hex("#5B1E86"),
        premove=_hex("#0037B3"),
        glow=_hex("#000000"),
    ),
}
