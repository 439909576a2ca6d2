"""The game at the board as a PGN file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import platformdirs

from xiangqi_gpt.gui.state import GameState
from xiangqi_gpt.gui.texts import player_label, say
from xiangqi_gpt.rules import Color, RecordError


def games_folder() -> Path:
    """Where games are saved unless a file is named: the person's documents."""
    return platformdirs.user_documents_path()


def save_game(state: GameState, path: Path | None = None, *, now: datetime | None = None) -> Path:
    """Write the game so far and return the file: moves in Chinese for readers of Chinese, in ICCS for others.

    Args:
        path: the file; without one, a name with date and time in the documents folder.
        now: the time of saving, for name and date.

    Raises:
        RecordError: the file exists, or nothing can be written there.
    """
    # Imported here because records come with arrays, which the window does not need until somebody saves.
    from xiangqi_gpt.records.formats.pgn.pgnwrite import write
    from xiangqi_gpt.records.record import GameRecord

    now = datetime.now() if now is None else now
    if path is None:
        folder = games_folder()
        path = folder / f"xiangqi-{now:%Y%m%d-%H%M%S}.pgn"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"expected a folder to write to, found {error.strerror!r}"
            raise RecordError(reason, file=str(folder)) from error
    elif path.exists():  # no board has a --force, of which the writer would speak
        raise RecordError("expected a name that is free, found a file", file=str(path))
    names = {
        side: say(state.language, "player_person") if side in state.humans else player_label(state.spec)
        for side in Color
    }
    record = GameRecord(
        moves=tuple(ply.move for ply in state.history),
        start_fen=state.board.root_fen,
        result="*" if state.outcome is None else state.outcome.result,
        tags={
            "Date": f"{now:%Y.%m.%d}",
            "Red": names[Color.RED],
            "Black": names[Color.BLACK],
            "Rules": state.rules,
        },
        kind="unknown",
    )
    write(path, [record], notation="chinese" if state.language == "zh" else "iccs")
    return path
