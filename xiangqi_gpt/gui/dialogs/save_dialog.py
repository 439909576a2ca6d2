"""Saving the game: folder, name and format."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.gui import widgets
from xiangqi_gpt.gui.canvas import Canvas
from xiangqi_gpt.gui.dialogs.file_dialogs import FolderView, start_folder
from xiangqi_gpt.gui.dialogs.frame import FieldDialog, confirm_buttons, draw_foot, draw_problem, open_card
from xiangqi_gpt.gui.view import Front
from xiangqi_gpt.gui.window_layout import Layout, Rect
from xiangqi_gpt.play.game_files import SAVE_FORMATS
from xiangqi_gpt.play.saving import save_and_tell
from xiangqi_gpt.play.wording import error_text
from xiangqi_gpt.texts import Details, Message

_SUFFIXES = {"pgn": ".pgn", "xqf": ".xqf", "dhtmlxq": ".ubb", "jsonl": ".jsonl", "parquet": ".parquet"}


class SaveDialog(FieldDialog):
    """Chooses folder, name and format."""

    closes_beside = False

    def __init__(self, front: Front, folder: Path | None = None) -> None:
        self._last = self._last_file(front)
        name = f"xiangqi-{datetime.now():%Y%m%d-%H%M%S}.pgn" if self._last is None else self._last.name
        super().__init__(front, name)
        if folder is None:
            folder = start_folder() if self._last is None else self._last.parent
        self._view = FolderView(folder)
        self._format = next(
            (i for i, fmt in enumerate(SAVE_FORMATS) if _SUFFIXES[fmt] == Path(name).suffix.lower()), 0
        )
        self._may_replace: Path | None = None
        self._problem: Message | Details | None = None

    @staticmethod
    def _last_file(front: Front) -> Path | None:
        """The file in which this game was saved last."""
        saved = front.state.saved_as
        return saved[1] if saved is not None and saved[0] == front.state.tree.uid else None

    def draw(self, canvas: Canvas, layout: Layout) -> None:
        """Draw the folder, the name, the formats and the buttons."""
        t = canvas.t
        inner = open_card(canvas, layout, self, t("command.save_as"), ems=(52, 40))
        save = t("files.replace" if self._may_replace is not None else "command.save")
        space = draw_foot(canvas, inner, confirm_buttons(canvas, self, save, "save:save"))
        scale = canvas.scale
        step = scale.button + scale.text // 2
        line = space.top(scale.button)
        widgets.icon_button(
            canvas, line.left_part(line.h), "up", self._view.up, tip=t("files.up"), name="files:up"
        )
        canvas.text(line.right_of(line.h + scale.text // 2), str(self._view.folder), is_given=True)
        formats = Rect(space.x, space.bottom - scale.button, space.w, scale.button)
        field = Rect(space.x, formats.y - step, space.w, scale.button)
        message_h = 2 * scale.row if self._problem is not None else 0
        files = Rect(space.x, space.y + step, space.w, field.y - scale.text // 2 - space.y - step - message_h)
        self._view.draw(canvas, files, self._choose, self._open_folder)
        problem = self._problem or self._view.problem
        if problem is not None:
            place = Rect(space.x, files.bottom, space.w, 2 * scale.row)
            draw_problem(canvas, place, problem)
        self.field.is_error = self._problem is not None
        self.field.draw(canvas, field, is_focused=True)
        names = ["PGN", "XQF", "UBB", "JSON", "Parquet"]
        widgets.choice(canvas, formats, names, self._format, self._choose_format, name="save:format")

    def _choose(self, number: int) -> None:
        self._view.list.chosen = number
        entry = self._view.entries[number]
        if not entry.is_folder:
            self.field.set(entry.path.name)
            self.edited()

    def _open_folder(self) -> None:
        entry = self._view.chosen
        if entry is not None and entry.is_folder:
            self._view.go(entry.path)
            self.edited()

    def _choose_format(self, number: int) -> None:
        self._format = number
        name = self.field.text
        stem = Path(name).stem if Path(name).suffix in _SUFFIXES.values() else name
        self.field.set(stem + _SUFFIXES[SAVE_FORMATS[number]])
        self.edited()

    def edited(self) -> None:
        """Another name is another try."""
        self._problem = self._may_replace = None

    def confirm(self) -> None:
        """Write the file; what is wrong stands above the name."""
        name = self.field.text.strip()
        if not name:
            return
        path = self._view.folder / name
        if not path.suffix:
            path = path.with_name(path.name + _SUFFIXES[SAVE_FORMATS[self._format]])
        if path == self._last and path.exists() and path != self._may_replace:
            self._may_replace, self._problem = path, Message.of("files.may_replace", file=path.name)
            return
        try:
            save_and_tell(self.front.state, path, force=path == self._may_replace)
        except (XiangqiError, OSError) as error:
            self._problem = error_text(error)
        else:
            self.front.close(self)
