"""A question before something is lost: a sentence, the act and its cancellation."""

from __future__ import annotations

from xiangqi_gpt.gui.canvas import Act, Canvas
from xiangqi_gpt.gui.dialogs.frame import Foot, draw_foot, open_card
from xiangqi_gpt.gui.view import Dialog, Front
from xiangqi_gpt.gui.window_layout import Layout
from xiangqi_gpt.texts import Message


class ConfirmDialog(Dialog):
    """Asks whether to go on.

    Args:
        question: what is asked.
        yes: the words on the button that goes on.
        act: called then.
    """

    closes_beside = False

    def __init__(self, front: Front, question: Message, yes: Message, act: Act) -> None:
        super().__init__(front)
        self._question = question
        self._yes = yes
        self._act = act

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the card."""
        language = canvas.language
        inner = open_card(canvas, layout, self, canvas.t("dialog.sure"), ems=(30, 11))
        space = draw_foot(
            canvas,
            inner,
            [
                Foot(canvas.t("dialog.cancel"), self.cancel, "confirm:no"),
                Foot(self._yes.text(language), self.confirm, "confirm:yes", is_main=True),
            ],
        )
        canvas.paragraph(space, self._question.text(language), lines=4)

    def confirm(self) -> None:
        """Go on."""
        self.front.close(self)
        self._act()
