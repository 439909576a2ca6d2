"""Rows with a bar: a share, what it is the share of, and its value."""

from __future__ import annotations

from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.ink import mix
from xiangqi_gpt.gui.theme import Rgb
from xiangqi_gpt.gui.window_layout import Rect


def bar_row(
    canvas: Canvas, rect: Rect, share: float | None, color: Rgb, value: str, name: str, detail: str
) -> None:
    """One row: bar, name, detail and value."""
    theme, size = canvas.theme, canvas.scale.text
    track_w, track_h = round(rect.w * 0.22), max(6, size // 2)
    if share is not None:
        track = Rect(rect.x, rect.center[1] - track_h // 2, track_w, track_h)
        canvas.fill(track, mix(theme.table, theme.side_draw, 0.6))
        filled = max(1 if share > 0 else 0, round(track_w * min(1.0, share)))
        canvas.fill(Rect(track.x, track.y, filled, track_h), color)
    right = rect.right_of(track_w + size // 2)
    value_w = canvas.width("<0.1 %")
    canvas.text(Rect(right.right - value_w, rect.y, value_w, rect.h), value, align=1)
    right = Rect(right.x, right.y, right.w - value_w - size // 2, right.h)
    detail_w = canvas.width("h2h9", canvas.scale.small)
    if detail and right.w - detail_w - size // 3 >= round(size * 6.2):
        box = Rect(right.right - detail_w, right.y, detail_w, right.h)
        canvas.text(box, detail, size=canvas.scale.small, color=theme.secondary_text)
        right = Rect(right.x, right.y, right.w - detail_w - size // 3, right.h)
    canvas.text(right, name)
