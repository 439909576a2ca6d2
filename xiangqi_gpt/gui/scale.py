"""How large everything is drawn: one `Scale` from the size of the window, the screen's density and the person's taste.

Board and pieces follow `u`, texts and controls follow `text`, and hairlines follow `dp`. All of them grow with the
window without a limit.
"""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST_TEXT = 12  # pixels
PERCENTS = (80, 200)  # least and most that a person can choose
_PANEL_SHARE = (0.28, 0.30)  # of the width: usual, and where texts are large or the window is small
_EMS = 18  # of plain text that must fit the width of the panel
_LINES = 50  # of plain text in the height of a window at 100 %
PAPER_MARGIN = 1.15  # u from the outer lines to the edge of the paper
FREE_MARGIN = 0.3  # u round the paper


@dataclass(frozen=True)
class Scale:
    """Sizes in pixels.

    Attributes:
        u: distance between two lines of the grid.
        text: height of plain text (an em).
        dp: what one pixel of an ordinary screen takes here, at least 1.
        panel: width of the panel.
    """

    u: int
    text: int
    dp: float
    panel: int

    @property
    def small(self) -> int:
        """Height of secondary text."""
        return max(SMALLEST_TEXT, round(self.text * 0.86))

    @property
    def title(self) -> int:
        """Height of headings."""
        return round(self.text * 1.3)

    @property
    def row(self) -> int:
        """Height of a line of text with its air."""
        return round(self.text * 1.6)

    @property
    def button(self) -> int:
        """Height of a button, a field, a tab."""
        return round(self.text * 2.1)

    @property
    def gap(self) -> int:
        """Space between parts."""
        return max(8, round(self.text * 0.7))

    @property
    def radius(self) -> int:
        """Radius of round corners."""
        return max(4, round(self.text * 0.35))

    @property
    def hair(self) -> int:
        """Width of a dividing line."""
        return max(1, round(self.dp))

    @property
    def bar(self) -> int:
        """Width of the evaluation bar."""
        return max(14, round(self.text * 1.1))

    @property
    def plate(self) -> int:
        """Height of a player's plate."""
        return round(self.text * 2.4)


def make_scale(width: int, height: int, *, percent: int = 100, ratio: float = 1.0) -> Scale:
    """The sizes for a window.

    Args:
        width, height: of the window in pixels.
        percent: how large texts and controls are to be, 80-200; as far as the panel holds them.
        ratio: pixels of the screen in one pixel of the window system, 2 on many dense screens.
    """
    percent = max(PERCENTS[0], min(PERCENTS[1], percent))
    wide = percent > 100 or width < 1000
    panel = round(width * _PANEL_SHARE[wide])
    wanted = min(height / _LINES, panel / _EMS) * percent / 100
    largest = panel / (_EMS * 0.9)
    text = max(SMALLEST_TEXT + 1, round(min(wanted, largest)))
    dp = max(1.0, ratio, text / 22)
    small = Scale(0, text, dp, panel)
    beside = small.bar + panel + 4 * small.gap
    around = 2 * (small.plate + small.gap)
    columns, rows = 8 + 2 * (PAPER_MARGIN + FREE_MARGIN), 9 + 2 * (PAPER_MARGIN + FREE_MARGIN)
    u = int(min((width - beside) / columns, (height - around) / rows))
    return Scale(max(20, u), text, dp, panel)
