"""The engines that the person has added, and who gives hints, evaluations and reviews."""

from __future__ import annotations

from dataclasses import replace

from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.dialogs.frame import FieldDialog, Foot, draw_foot, open_card
from xiangqi_gpt.gui.view import Front
from xiangqi_gpt.gui.widgets import Item, ListBox
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.settings import ANALYST
from xiangqi_gpt.play.wording import player_name


class EngineList(FieldDialog):
    """Adds and removes engines and chooses the analyst."""

    def __init__(self, front: Front) -> None:
        super().__init__(front)
        self._list = ListBox()
        self._chosen = 0

    @property
    def _specs(self) -> tuple[str, ...]:
        """The analysts on offer: the GPT, then the engines."""
        return (ANALYST, *self.front.state.settings.engines)

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the field for a new engine, the list and the buttons."""
        t, state, scale = canvas.t, self.front.state, canvas.scale
        inner = open_card(canvas, layout, self, t("engines.title"), ems=(46, 32))
        is_engine = 0 < self._chosen < len(self._specs)
        space = draw_foot(
            canvas,
            inner,
            [
                Foot(t("engines.remove"), self._remove, "engines:remove", is_enabled=is_engine),
                Foot(t("engines.use"), self._use, "engines:use"),
                Foot(t("dialog.done"), self.cancel, "engines:done", is_main=True),
            ],
        )
        words = Rect(space.x, space.y, space.w, 2 * scale.row)
        canvas.paragraph(
            words, t("engines.how"), color=canvas.theme.secondary_text, size=scale.small, lines=2
        )
        line = Rect(space.x, words.bottom, space.w, scale.button)
        add = round(6 * scale.text)
        field = line.left_part(line.w - add - scale.text // 2)
        self.field.draw(canvas, field, is_focused=True, hint=t("engines.hint"))
        place = Rect(line.right - add, line.y, add, line.h)
        widgets.button(canvas, place, t("engines.add"), self.confirm, name="engines:add")
        items = [
            Item(
                player_name(spec, canvas.language),
                t("engines.analyst") if spec == state.settings.analyst else "",
                "tick" if spec == state.settings.analyst else "ring",
            )
            for spec in self._specs
        ]
        rest = space.below(words.h + scale.button + scale.text // 2)
        if state.notice is not None and state.notice.tone == "warn":
            problem = rest.top(2 * scale.row)
            text = state.notice.text(canvas.language)
            canvas.paragraph(problem, text, color=canvas.theme.warn, size=scale.small, lines=2)
            rest = rest.below(problem.h)
        self._list.draw(canvas, rest, items, self._chosen, self._choose, name="engines")

    def _choose(self, number: int) -> None:
        self._chosen = number

    def _use(self) -> None:
        state = self.front.state
        if self._chosen < len(self._specs):
            state.settings = replace(state.settings, analyst=self._specs[self._chosen])

    def _remove(self) -> None:
        if 0 < self._chosen < len(self._specs):
            actions.remove_engine(self.front.state, self._specs[self._chosen])
            self._chosen = 0

    def confirm(self) -> None:
        """Add the engine that is named."""
        text = self.field.text.strip()
        if not text:
            self.cancel()
            return
        self.front.state.notice = None
        if actions.add_engine(self.front.state, text):
            self.field.set("")
            self._chosen = len(self._specs) - 1
