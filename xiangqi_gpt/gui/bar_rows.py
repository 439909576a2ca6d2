"""Rows with a bar: a share, what it is the share of, and its value."""

from __future__ import annotations

from dataclasses import dataclass

from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.ink import mix
from xiangqi_gpt.gui.theme import Rgb
from xiangqi_gpt.gui.window_layout import Rect


@dataclass(frozen=True)
class _Columns:
    """Where the parts of a row stand; `detail` is None where there is no room for one."""

    track: Rect
    name: Rect
    detail: Rect | None
    value: Rect


def _columns(canvas: Canvas, rect: Rect, *, with_detail: bool) -> _Columns:
    size = canvas.scale.text
    track_w, track_h = round(rect.w * 0.22), max(6, size // 2)
    track = Rect(rect.x, rect.center[1] - track_h // 2, track_w, track_h)
    rest = rect.right_of(track_w + size // 2)
    value_w = canvas.width("<0.1 %")
    value = Rect(rest.right - value_w, rect.y, value_w, rect.h)
    name = Rect(rest.x, rest.y, rest.w - value_w - size // 2, rest.h)
    detail_w = canvas.width("<0.1 %", canvas.scale.small)
    if not with_detail or name.w - detail_w - size // 3 < round(size * 5.8):
        return _Columns(track, name, None, value)
    detail = Rect(name.right - detail_w, name.y, detail_w, name.h)
    return _Columns(track, Rect(name.x, name.y, name.w - detail_w - size // 3, name.h), detail, value)


def bar_header(canvas: Canvas, rect: Rect, title: str, detail: str, value: str) -> None:
    """The heads of the columns: over the bar and the name, over the details, over the values."""
    places = _columns(canvas, rect, with_detail=bool(detail))
    small, color = canvas.scale.small, canvas.theme.secondary_text
    right = places.value if places.detail is None else places.detail
    canvas.text(Rect(rect.x, rect.y, right.x - rect.x - small // 2, rect.h), title, size=small, color=color)
    if places.detail is not None:
        canvas.text(places.detail, detail, size=small, color=color, align=1)
    canvas.text(places.value, value, size=small, color=color, align=1)


def bar_row(
    canvas: Canvas, rect: Rect, share: float | None, color: Rgb, value: str, name: str, detail: str
) -> None:
    """One row: bar, name, detail and value."""
    theme, places = canvas.theme, _columns(canvas, rect, with_detail=bool(detail))
    if share is not None:
        track = places.track
        canvas.fill(track, mix(theme.table, theme.side_draw, 0.6))
        filled = max(1 if share > 0 else 0, round(track.w * min(1.0, share)))
        canvas.fill(Rect(track.x, track.y, filled, track.h), color)
    canvas.text(places.value, value, align=1)
    if places.detail is not None:
        canvas.text(places.detail, detail, size=canvas.scale.small, color=theme.secondary_text, align=1)
    canvas.text(places.name, name)
