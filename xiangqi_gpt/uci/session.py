"""A UCI session: reads lines, writes lines, and works with any player.

The player thinks in its own thread, so that `isready` and `stop` are answered in the meantime. Moves have ranks 0-9. A
session that begins with `ucci` instead of `uci` follows that protocol where the two differ.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from xiangqi_gpt import __version__
from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.players.base import Player, PlayResult, stop_event_of
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.uci.protocol import GoCommand, info_lines, parse_go, parse_position

_QUIT_WAIT = 5.0


class UciSession:
    """One UCI session.

    Args:
        make_player: called once, when the player is first needed, so that the greeting is not delayed.
        write: takes one line without its line end, and must deliver it immediately. It is called from two threads,
            never at the same time.
        name: shown in the greeting.
    """

    def __init__(
        self, make_player: Callable[[], Player], write: Callable[[str], None], *, name: str = "gpt"
    ) -> None:
        self._make_player = make_player
        self._write_line = write
        self._name = name
        self._write_lock = threading.Lock()
        self._player: Player | None = None
        self._board: Board | None = Board()
        self._thinking: threading.Thread | None = None
        self._released = threading.Event()
        self._ucci = False
        self._ucci_milliseconds = False
        self._commands: dict[str, Callable[[Sequence[str]], None]] = {
            "uci": self._uci,
            "ucci": self._hello_ucci,
            "isready": self._isready,
            "ucinewgame": self._new_game,
            "setoption": self._setoption,
            "position": self._position,
            "go": self._go,
            "stop": self._stop,
            "ponderhit": self._stop,
        }

    def run(self, lines: Iterable[str]) -> None:
        """Serve until `quit` or the end of the input; the player is always closed.

        Raises:
            XiangqiError: the player cannot be created.
        """
        try:
            for line in lines:
                if not self.handle(line):
                    break
        finally:
            self._end()

    def handle(self, line: str) -> bool:
        """Execute one line; False after `quit`. Words before the first known command are ignored."""
        words = line.split()
        for at, word in enumerate(words):
            if word == "quit":
                return False
            if word in self._commands:
                self._commands[word](words[at + 1 :])
                break
        return True

    def _uci(self, words: Sequence[str]) -> None:
        self._ucci = False
        self._identify()
        # Programs that support several games recognise Xiangqi by this option.
        self._write("option name UCI_Variant type combo default xiangqi var xiangqi")
        self._write("uciok")

    def _hello_ucci(self, words: Sequence[str]) -> None:
        self._ucci = True
        self._identify()
        self._write("option usemillisec type check default false")
        self._write("ucciok")

    def _identify(self) -> None:
        self._write(f"id name xiangqi-gpt {__version__} ({self._name})")
        self._write("id author the xiangqi-gpt authors")

    def _isready(self, words: Sequence[str]) -> None:
        self._ready_player()
        self._write("readyok")

    def _new_game(self, words: Sequence[str]) -> None:
        self._finish()
        self._board = Board()
        self._ready_player().new_game()

    def _setoption(self, words: Sequence[str]) -> None:
        rest = list(words)
        if rest and rest[0] == "name":
            at = rest.index("value") if "value" in rest else len(rest)
            name, value = " ".join(rest[1:at]), " ".join(rest[at + 1 :])
        else:
            name, value = (rest[0] if rest else ""), " ".join(rest[1:])
        if name.lower() == "uci_variant":
            if value != "xiangqi":
                self._write(f"info string expected UCI_Variant xiangqi, found {value!r}")
        elif name.lower() == "usemillisec":
            self._ucci_milliseconds = value == "true"
        else:
            self._write(f"info string no option {name!r}")

    def _position(self, words: Sequence[str]) -> None:
        self._finish()
        try:
            self._board = parse_position(words)
        except XiangqiError as error:
            # Otherwise the answer would be for the old position and make no sense for the intended one.
            self._board = None
            self._write(f"info string {_one_line(error)}")

    def _go(self, words: Sequence[str]) -> None:
        self._finish()
        board = self._board
        if board is None:
            self._write("info string no position to search, the last one was refused")
            self._best_move(None)
            return
        if not board.legal_moves():
            self._best_move(None)
            return
        unit = 0.001 if self._ucci_milliseconds or not self._ucci else 1.0
        command = parse_go(words, board.turn, unit=unit)
        player = self._ready_player()
        self._released = threading.Event()
        stop = stop_event_of(self._player)
        if stop is not None:
            stop.clear()
        self._thinking = threading.Thread(
            target=self._think, args=(player, board.copy(), command, self._released), daemon=True
        )
        self._thinking.start()

    def _stop(self, words: Sequence[str]) -> None:
        self._released.set()
        stop = stop_event_of(self._player)
        if stop is not None:
            stop.set()

    def _think(self, player: Player, board: Board, command: GoCommand, released: threading.Event) -> None:
        result: PlayResult | None = None
        try:
            result = player.play(board.copy(), command.limit)
            if not board.is_legal(result.move):
                raise XiangqiError(f"the player chose {result.move.iccs!r}, which is illegal")
        except Exception as error:  # The other side waits for an answer, whatever went wrong.
            result = None
            self._write(f"info string {type(error).__name__}: {_one_line(error)}")
        try:
            for line in (
                info_lines(result.analysis) if result is not None and result.analysis is not None else ()
            ):
                self._write(line)
        except Exception as error:  # The move is good, whatever cannot be said about it.
            self._write(f"info string {type(error).__name__}: {_one_line(error)}")
        if command.hold:
            released.wait()
        self._best_move(result)

    def _best_move(self, result: PlayResult | None) -> None:
        if result is not None:
            self._write(f"bestmove {result.move.iccs}")
        else:
            self._write("nobestmove" if self._ucci else "bestmove (none)")

    def _ready_player(self) -> Player:
        if self._player is None:
            self._player = self._make_player()
        return self._player

    def _finish(self, timeout: float | None = None) -> None:
        """Let a search in progress answer, and wait for it."""
        self._stop(())
        if self._thinking is not None:
            self._thinking.join(timeout)
            self._thinking = None

    def _end(self) -> None:
        self._finish(_QUIT_WAIT)
        if self._player is not None:
            self._player.close()
        if self._ucci:
            self._write("bye")

    def _write(self, line: str) -> None:
        with self._write_lock:
            self._write_line(line)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
