"""The settings: language, looks, sound, animation, size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.dialogs.frame import Foot, Rows, draw_foot, open_card
from xiangqi_gpt.gui.view import Dialog
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.play.settings import LABELS, LOOKS, SCALES, THEME_NAMES
from xiangqi_gpt.play.wording import PIECE_SETS
from xiangqi_gpt.texts import LANGUAGES

LANGUAGE_NAMES = ("English", "简体中文", "繁體中文")
"""Each language in its own words, in the order of `LANGUAGES`."""
LONGEST_ANIMATION = 500  # milliseconds


class SettingsDialog(Dialog):
    """Changes take effect at once; Escape keeps them."""

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw all rows."""
        t = canvas.t
        inner = open_card(canvas, layout, self, t("command.settings"), ems=(46, 37))
        space = draw_foot(
            canvas, inner, [Foot(t("dialog.done"), self.confirm, "settings:done", is_main=True)]
        )
        rows = Rows(canvas, space, round(8 * layout.text), step=min(round(2.75 * layout.text), space.h // 10))
        settings = self.front.state.settings
        names = LANGUAGE_NAMES
        self._choice(canvas, rows.next(t("setting.language")), "language", LANGUAGES, names)
        looks = [t(f"look.{name}") for name in LOOKS]
        self._choice(canvas, rows.next(t("setting.look")), "look", LOOKS, looks)
        sets = [t(f"menu.{name}") for name in PIECE_SETS]
        self._choice(canvas, rows.next(t("menu.pieces")), "pieces", tuple(PIECE_SETS), sets)
        themes = [t(f"theme.{name}") for name in THEME_NAMES]
        self._choice(canvas, rows.next(t("setting.theme")), "theme", THEME_NAMES, themes)
        labels = [t(f"labels.{name}") for name in LABELS]
        self._choice(canvas, rows.next(t("setting.labels")), "labels", LABELS, labels)
        on_off = [t("setting.on"), t("setting.off")]
        self._choice(canvas, rows.next(t("command.sound")), "sound", (True, False), on_off)
        self._choice(canvas, rows.next(t("setting.surprise")), "surprise", (True, False), on_off)
        least, most = SCALES
        self._slider(
            canvas,
            rows.next(t("setting.scale")),
            "scale",
            (settings.scale - least) / (most - least),
            lambda share: least + 5 * round(share * (most - least) / 5),
            f"{settings.scale} %",
        )
        ms = settings.animation_ms
        self._slider(
            canvas,
            rows.next(t("setting.animation")),
            "animation_ms",
            ms / LONGEST_ANIMATION,
            lambda share: 20 * round(share * LONGEST_ANIMATION / 20),
            t("setting.milliseconds", count=ms) if ms else t("setting.off"),
        )

    def _set(self, **values: object) -> None:
        state = self.front.state
        state.settings = replace(state.settings, **values)  # type: ignore[arg-type]

    def _choice(
        self, canvas: Canvas, rect: Rect, name: str, values: Sequence[object], texts: Sequence[str]
    ) -> None:
        chosen = list(values).index(getattr(self.front.state.settings, name))
        widgets.choice(
            canvas,
            rect,
            texts,
            chosen,
            lambda i: self._set(**{name: values[i]}),
            name=f"settings:{name}",
        )

    def _slider(
        self,
        canvas: Canvas,
        rect: Rect,
        name: str,
        value: float,
        to_setting: Callable[[float], int],
        shown: str,
    ) -> None:
        width = round(5 * canvas.scale.text)
        track = Rect(rect.x, rect.y, rect.w - width, rect.h)
        widgets.slider(
            canvas,
            track,
            value,
            lambda share: self._set(**{name: to_setting(share)}),
            name=f"settings:{name}",
        )
        canvas.text(rect.right_of(rect.w - width), shown, align=1)
