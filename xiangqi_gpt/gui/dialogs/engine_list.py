"""The engines that the person has added, and who gives hints, evaluations and reviews."""

from __future__ import annotations

from dataclasses import replace

from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.dialogs.frame import FieldDialog, Foot, draw_foot, draw_problem, open_card
from xiangqi_gpt.gui.view import Front
from xiangqi_gpt.gui.widgets import Item, ListBox
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.engine_check import EngineCheck
from xiangqi_gpt.play.settings import ANALYST
from xiangqi_gpt.play.wording import error_text, player_name
from xiangqi_gpt.texts import Details, Message


class EngineList(FieldDialog):
    """Adds and removes engines and chooses the analyst."""

    def __init__(self, front: Front) -> None:
        super().__init__(front)
        self._list = ListBox()
        self._chosen = 0
        self._check: EngineCheck | None = None
        self._problem: Message | Details | None = None

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
        widgets.button(
            canvas, place, t("engines.add"), self.confirm, name="engines:add", is_enabled=self._check is None
        )
        items = [
            Item(
                player_name(spec, canvas.language),
                t("engines.analyst") if spec == state.settings.analyst else "",
                "tick" if spec == state.settings.analyst else "ring",
            )
            for spec in self._specs
        ]
        rest = space.below(words.h + scale.button + scale.text // 2)
        if self._check is not None:
            text = t("engines.checking", program=player_name(self._check.spec, canvas.language))
            canvas.text(rest.top(scale.row), text, color=canvas.theme.secondary_text, is_given=True)
            rest = rest.below(scale.row)
        elif self._problem is not None:
            rest = draw_problem(canvas, rest, self._problem)
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
        """Ask the engine that is named whether it can play; it is added when it has answered."""
        text = self.field.text.strip()
        if not text:
            self.cancel()
        elif self._check is None:
            self._problem = None
            try:
                self._check = EngineCheck(actions.engine_spec(text))
            except PlayerError as error:
                self._refuse(error_text(error))

    def _refuse(self, problem: Message | Details) -> None:
        self._problem = problem
        self.field.is_error = True

    @property
    def is_busy(self) -> bool:
        """Whether an engine is being asked."""
        return self._check is not None

    def advance(self) -> bool:
        """Add the engine once it has answered, or tell why it cannot be used."""
        check = self._check
        if check is None or not check.advance():
            return False
        self._check = None
        if check.problem is not None:
            self._refuse(check.problem)
        else:
            actions.add_engine(self.front.state, check.spec)
            self.field.set("")
            self._chosen = self._specs.index(check.spec)
        return True

    def edited(self) -> None:
        """Another text is another try."""
        self._problem = None
        self.field.is_error = False

    def cancel(self) -> None:
        """Close it; an engine that has not answered yet is not added."""
        if self._check is not None:
            self._check.close()
        super().cancel()
