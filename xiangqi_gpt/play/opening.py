"""Games from files and from the clipboard: they take the place of the present one, which `undo` brings back."""

from __future__ import annotations

import tempfile
from pathlib import Path

from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.records.game_tree import GameTree
from xiangqi_gpt.rules import Color, FenError, RecordError
from xiangqi_gpt.texts import Message

MAX_PASTE = 2_000_000  # characters


class OpenError(RecordError):
    """A text or file that holds no game.

    Attributes:
        message: why, for the person at the board.
    """

    def __init__(self, message: Message, *, file: str = "") -> None:
        super().__init__(message.text("en"), file=file)
        self.message = message


def open_game(state: GameState, path: Path, number: int = 1) -> None:
    """Show a game of a file in any format of `records`, at its end. A person moves for both sides of it.

    Args:
        number: which of the readable games in the file, from 1.

    Raises:
        RecordError: the file cannot be read or holds fewer games; the state is unchanged.
    """
    # Imported here because readers come with arrays, which the window does not need until somebody opens a file.
    from xiangqi_gpt.records import read_games

    errors: list[RecordError] = []
    games = read_games(path, on_error=errors.append)
    record = next((game for count, game in enumerate(games, 1) if count == number), None)
    if record is None:
        raise OpenError(Message.of("error.no_game", file=path, number=number), file=str(path))
    tree = GameTree.from_record(record)
    actions.start_game(state, tree, frozenset(Color), state.flipped, state.spec, state.rules)
    state.announce = False


def paste(state: GameState, text: str) -> None:
    """Begin from a pasted position (FEN), or show a pasted game (PGN or a list of moves).

    Raises:
        FenError: the text is neither; the state is unchanged.
    """
    try:
        actions.new_game(state, fen=" ".join(text.split()))
    except FenError:
        if "\n" not in text.strip() and "." not in text:
            raise
        try:
            _paste_game(state, text)
        except RecordError:
            pass
        else:
            return
        raise


def _paste_game(state: GameState, text: str) -> None:
    if len(text) > MAX_PASTE:
        raise RecordError(f"expected at most {MAX_PASTE:,} characters, found {len(text):,}")
    with tempfile.TemporaryDirectory(prefix="xiangqi-gpt-") as folder:
        path = Path(folder) / "pasted.pgn"
        path.write_text(text, encoding="utf-8", errors="replace")
        open_game(state, path)
