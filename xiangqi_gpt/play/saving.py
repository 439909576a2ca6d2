"""The game at the board as a file, PGN unless its name says otherwise."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import platformdirs

from xiangqi_gpt.errors import FileError, XiangqiError
from xiangqi_gpt.play.game_state import GameState, Notice
from xiangqi_gpt.play.sides import side_name
from xiangqi_gpt.rules import Color
from xiangqi_gpt.texts import Details, Language, Message, t


class SaveError(XiangqiError):
    """A game that cannot be saved.

    Attributes:
        message: why, for the person at the board.
    """

    def __init__(self, message: Message) -> None:
        super().__init__(message.text("en"))
        self.message = message


_NOTATIONS: dict[Language, str] = {"en": "iccs", "zh": "chinese", "zh-TW": "traditional"}
_LONGEST_FOLDER = 40  # columns of a folder in a message


def saved_message(path: Path) -> Message:
    """Where a game was saved: the name of the file, then its folder, without its middle where that is long."""
    folder = path.parent
    with suppress(ValueError, RuntimeError):  # not in the home folder, or there is none
        folder = Path("~") / folder.relative_to(Path.home())
    text = str(folder)
    if len(text) > _LONGEST_FOLDER:
        half = _LONGEST_FOLDER // 2
        text = f"{text[:half]}…{text[-half:]}"
    return Message.of("game.saved", name=path.name, folder=text)


def games_folder() -> Path:
    """Where games are saved unless a file is named: the person's documents."""
    return platformdirs.user_documents_path()


def save_and_tell(state: GameState, path: Path | None = None, *, force: bool = False) -> None:
    """As `save_game`; the state remembers the file and tells its name."""
    saved = save_game(state, path, force=force)
    state.saved_as = (state.tree.uid, saved)
    state.notice = Notice(saved_message(saved))


def save_game(
    state: GameState, path: Path | None = None, *, now: datetime | None = None, force: bool = False
) -> Path:
    """Write the game with its variations and return the file.

    The moves of a PGN file are in Chinese for its readers, in their script, else in ICCS.

    Args:
        path: the file, whose suffix names the format; without one, a PGN file in the documents
            folder, named by date and time.
        now: the time of saving, for name and date.
        force: replace the file if it exists.

    Raises:
        SaveError: the file exists, or nothing can be written there.
        RecordError: the suffix of `path` names no format that is written, or the format cannot hold the game.
    """
    # Imported here because records come with arrays, which the window does not need until somebody saves.
    from xiangqi_gpt.records.formats import format_of
    from xiangqi_gpt.records.formats.pgn.pgnwrite import write
    from xiangqi_gpt.records.record import GameRecord

    now = datetime.now() if now is None else now
    if path is None:
        folder = games_folder()
        path = folder / f"xiangqi-{now:%Y%m%d-%H%M%S}.pgn"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = Details(str(error.strerror), Message.of("error.system"))
            raise SaveError(Message.of("error.no_folder", folder=folder, reason=reason)) from error
    elif path.exists() and not force:
        raise SaveError(Message.of("error.file_exists", file=path))
    human = t("game.human", state.language)
    tags = {side.name.title(): side_name(state, side, of_person=human) for side in Color}
    # The record that the game was opened from knows better what it says, also that it has no date.
    known = (
        {"Date": f"{now:%Y.%m.%d}"} if state.source is None or not state.source.tags else state.source.tags
    )
    moves, notes = state.tree.moves_and_notes()
    record = GameRecord(
        moves=moves,
        notes=notes,
        start_fen=state.board.root_fen,
        result=state.result,
        tags={**known, **tags, "Rules": state.rules},
        kind="unknown",
    )
    try:
        if path.suffix.lower() == ".pgn":
            write(path, [record], notation=_NOTATIONS[state.language], force=force)
        else:
            format_of(path).write(path, [record], force=force)
    except FileError as error:
        reason = Details(error.reason, Message.of("error.system"))
        raise SaveError(Message.of("error.cannot_write", file=path, reason=reason)) from error
    return path
