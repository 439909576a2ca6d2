"""A session of UCI or UCCI: lines in, lines out, any player behind it.

The player is built and thinks on a thread of its own, so that no command waits for it. A session that begins with
`ucci` instead of `uci` uses that protocol where the two differ.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from xiangqi_gpt import __version__
from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.players.base import Limit, Player, warm_up
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.uci.engine_search import Answer, Question, searcher_of
from xiangqi_gpt.uci.info_lines import InfoFormat, info_lines
from xiangqi_gpt.uci.offered_options import OfferedOptions
from xiangqi_gpt.uci.player_worker import PlayerWorker
from xiangqi_gpt.uci.protocol import (
    GoCommand,
    decide_ranks,
    parse_go,
    parse_moves,
    parse_position,
    ranks_of_choices,
)

_QUIT_WAIT = 5.0  # seconds for a search to answer
_LOAD_WAIT = 1.0  # seconds that `quit` leaves to a player that is not there yet
_LATE = 0.5  # seconds of loading that count as time used
_NODES_PER_MB = 300  # descents of a search that fit into a megabyte
_PONDER_TIME = 0.5  # seconds after `ponderhit` where no limit is given
_WORSE = 0.0  # win less loss at which a draw that is offered is accepted


@dataclass
class _Search:
    """One `go`."""

    board: Board
    command: GoCommand
    question: Question
    style: InfoFormat
    began: float = field(default_factory=time.monotonic)
    released: threading.Event = field(default_factory=threading.Event)
    latest: Answer | None = None


class UciSession:
    """One UCI session.

    Args:
        make_player: called in the background, when the session begins.
        write: takes one line without its end, and must deliver it at once. It is called from several threads,
            never at the same time.
        name: shown in the greeting.
        options: builds the player in place of *make_player*, from options that the other program may set.
        seed: of the random numbers by which games differ.
        ucci: the protocol until the other program names one.
    """

    def __init__(
        self,
        make_player: Callable[[], Player] | None,
        write: Callable[[str], None],
        *,
        name: str = "gpt",
        options: OfferedOptions | None = None,
        seed: int | None = None,
        ucci: bool = False,
    ) -> None:
        if options is None:
            assert make_player is not None
            build = make_player
            options = OfferedOptions(lambda values: build())
        self._options = options
        self._write_line = write
        self._name = name
        self._rng = random.Random(seed)
        self._write_lock = threading.Lock()
        self._events: queue.SimpleQueue[str | Exception | None] = queue.SimpleQueue()
        self._failure: Exception | None = None
        self._worker = PlayerWorker(self._build, on_failure=self._fail, on_refused=self._refuse_settings)
        self._board: Board | None = Board()
        self._banned: Sequence[str] = ()
        self._search: _Search | None = None
        self._new_game_due = False
        self._ucci = ucci
        self._ucci_milliseconds = False
        self._ranks: RankConvention = "0-9"
        self._commands: dict[str, Callable[[Sequence[str]], None]] = {
            "uci": self._uci,
            "ucci": self._hello_ucci,
            "isready": self._isready,
            "ucinewgame": self._new_game,
            "setoption": self._setoption,
            "position": self._position,
            "fen": self._cyclone_position,
            "banmoves": self._banmoves,
            "go": self._go,
            "stop": self._stop,
            "ponderhit": self._ponderhit,
        }

    @property
    def is_busy(self) -> bool:
        """Whether a thread still builds the player, or thinks; it ends with the process."""
        return self._worker.is_alive

    def run(self, lines: Iterable[str]) -> None:
        """Serve until `quit` or the end of the input.

        Nothing keeps `quit` waiting for long; at the end of the input what was asked before is answered first.

        Raises:
            XiangqiError: the player cannot be created.
        """
        self._worker.prepare()
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()
        asked_to_quit = False
        try:
            while (event := self._events.get()) is not None:
                if isinstance(event, Exception):
                    break
                if not self.handle(event):
                    asked_to_quit = True
                    break
        finally:
            self._end(asked_to_quit=asked_to_quit)
        if self._failure is not None:
            raise self._failure

    def _read(self, lines: Iterable[str]) -> None:
        try:
            for line in lines:
                self._events.put(line)
        except (OSError, ValueError):
            pass  # The input is gone.
        self._events.put(None)

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
        # Programs for Chinese chess know their engines by this word, those for several games by UCI_Variant.
        self._write("ucciok")
        self._write("uciok")

    def _hello_ucci(self, words: Sequence[str]) -> None:
        self._ucci = True
        self._identify()
        self._write("option usemillisec type check default false")
        self._write("ucciok")

    def _identify(self) -> None:
        self._write(f"id name xiangqi-gpt {__version__} ({self._name})")
        self._write("id author the xiangqi-gpt authors")
        for line in self._options.declarations(ucci=self._ucci):
            self._write(line)

    def _isready(self, words: Sequence[str]) -> None:
        self._worker.when_ready(lambda: self._write("readyok"))

    def _new_game(self, words: Sequence[str]) -> None:
        self._release()
        self._board, self._banned = Board(), ()
        self._new_game_due = True

    def _setoption(self, words: Sequence[str]) -> None:
        rest = list(words)
        if rest and rest[0] == "name":
            at = rest.index("value") if "value" in rest else len(rest)
            name, value = " ".join(rest[1:at]), " ".join(rest[at + 1 :])
        else:
            name, value = (rest[0] if rest else ""), " ".join(rest[1:])
        if name.lower() == "usemillisec":
            self._ucci_milliseconds = value == "true"
        elif name.lower() == "newgame":
            self._new_game(())
        elif name.lower() == "uci_variant" and value != "xiangqi":
            self._notice(f"expected UCI_Variant xiangqi, found {value!r}")
        else:
            try:
                changed = self._options.set(name, value)
            except XiangqiError as error:
                self._notice(_one_line(error))
                return
            if changed:
                self._worker.renew()
            if name.lower() == "uci_variant":
                # Whoever chooses among games counts as Fairy-Stockfish does, until a move shows otherwise.
                self._ranks = "1-10"
            if self._options["Ranks"] != "auto":
                self._ranks = cast(RankConvention, self._options["Ranks"])

    def _position(self, words: Sequence[str]) -> None:
        self._release()
        self._banned = ()
        try:
            if self._options["Ranks"] == "auto":
                self._ranks = decide_ranks(words, self._ranks)
            self._board = parse_position(words, ranks=self._ranks)
        except XiangqiError as error:
            # Otherwise the answer would be for the old position and make no sense for the intended one.
            self._board = None
            self._notice(_one_line(error))

    def _cyclone_position(self, words: Sequence[str]) -> None:
        # The dialect of Cyclone, which uci2wb uses under XBoard: no `position` before `fen`, and ranks from 0 on.
        if self._options["Ranks"] == "auto":
            self._ranks = "0-9"
        self._position(["fen", *words])

    def _banmoves(self, words: Sequence[str]) -> None:
        self._banned = tuple(words)

    def _go(self, words: Sequence[str]) -> None:
        self._release()
        board = self._board
        if board is None:
            self._notice("no position to search, the last one was refused")
            self._best_move(None, None)
            return
        unit = 0.001 if self._ucci_milliseconds or not self._ucci else 1.0
        overhead = self._options.number("Move Overhead", 0) / 1000
        command = parse_go(words, board.turn, unit=unit, overhead=overhead)
        root_moves = self._root_moves(board, command)
        if not board.legal_moves() or (root_moves is not None and not root_moves):
            self._best_move(None, None)
            return
        style = InfoFormat(
            ucci=self._ucci,
            ranks=self._ranks,
            multipv=self._options.number("MultiPV", 1),
            wdl=self._options["UCI_ShowWDL"] == "true",
        )
        limit = replace(command.limit, time=None) if command.ponder else command.limit
        memory = self._options.number("Hash", 0)
        question = Question(
            limit=limit,
            endless=command.hold,
            root_moves=root_moves,
            mate=command.mate,
            most_nodes=memory * _NODES_PER_MB or None,
            variety=0 if style.multipv > 1 else self._options.number("Opening Variety", 0),
        )
        search = self._search = _Search(board.copy(), command, question, style)
        fresh, self._new_game_due = self._new_game_due, False
        self._worker.submit(
            lambda player: self._think(player, search, fresh=fresh),
            lambda error: self._give_up(search, error),
        )

    def _root_moves(self, board: Board, command: GoCommand) -> tuple[Move, ...] | None:
        """The moves to look at, None for all; empty where none is left."""
        if command.moves is None and not self._banned:
            return None
        if self._options["Ranks"] == "auto":
            self._ranks = ranks_of_choices(board, (*(command.moves or ()), *self._banned), self._ranks)
        moves = board.legal_moves()
        if command.moves is not None:
            wanted = parse_moves(board, command.moves, self._ranks)
            moves = [move for move in moves if move in wanted]
            if not moves:
                self._notice(f"none of the searchmoves is legal: {' '.join(command.moves)}")
        banned = parse_moves(board, self._banned, self._ranks)
        return tuple(move for move in moves if move not in banned)

    def _stop(self, words: Sequence[str]) -> None:
        self._release()

    def _ponderhit(self, words: Sequence[str]) -> None:
        search = self._search
        if search is None:
            return
        limit = search.command.limit
        if search.command.ponder and (limit.time is not None or limit == Limit()):
            used = time.monotonic() - search.began
            left = (limit.time or _PONDER_TIME) - used
            if left > 0:
                timer = threading.Timer(left, search.question.stop.set)
                timer.daemon = True
                timer.start()
            else:
                search.question.stop.set()
        elif search.question.endless and limit == Limit():
            search.question.stop.set()
        search.released.set()

    def _release(self) -> None:
        """Let a search that is under way answer."""
        if self._search is not None:
            self._search.question.stop.set()
            self._search.released.set()

    def _think(self, player: Player, search: _Search, *, fresh: bool) -> None:
        """Answer a `go`, whatever goes wrong on the way."""
        answer: Answer | None = None
        try:
            if fresh:
                player.new_game()
            question = search.question
            late = time.monotonic() - search.began
            if question.limit.time is not None and late > _LATE and not question.stop.is_set():
                left = max(0.01, question.limit.time - late)
                question = replace(question, limit=replace(question.limit, time=left))

            def report(found: Answer) -> None:
                search.latest = found
                self._show(found, search)

            answer = searcher_of(player, self._rng).answer(search.board.copy(), question, report)
            if not search.board.is_legal(answer.move):
                raise XiangqiError(f"the player chose {answer.move.iccs!r}, which is illegal")
            if answer is not search.latest:
                self._show(answer, search)
        except Exception as error:  # The other side waits for an answer, whatever went wrong.
            answer = search.latest
            self._notice(f"{type(error).__name__}: {_one_line(error)}")
        finally:
            if search.command.hold:
                search.released.wait()
            self._best_move(answer, search)

    def _show(self, answer: Answer, search: _Search) -> None:
        if answer.analysis is None:
            return
        try:
            for line in info_lines(answer.analysis, answer.progress, search.style):
                self._write(line)
        except Exception as error:  # The move is valid even if its description fails.
            self._notice(f"{type(error).__name__}: {_one_line(error)}")

    def _give_up(self, search: _Search, error: Exception) -> None:
        self._notice(_one_line(error))
        self._best_move(None, search)

    def _best_move(self, answer: Answer | None, search: _Search | None) -> None:
        if answer is None or search is None:
            self._write("nobestmove" if self._ucci else "bestmove (none)")
            return
        text = f"bestmove {search.style.move(answer.move)}"
        if answer.reply is not None:
            text += f" ponder {search.style.move(answer.reply)}"
        value = answer.analysis.value if answer.analysis is not None else None
        if search.command.draw and value is not None and value.win - value.loss <= _WORSE:
            text += " draw"
        self._write(text)

    def _build(self) -> Player:
        """The player; the one without settings if what was set before there was one cannot be met."""
        try:
            player = self._options.make_player()
            warm_up(player)
            return player
        except Exception as error:
            if self._worker.has_player or self._options.are_defaults:
                raise
            player = self._options.make_default_player()
            warm_up(player)
            self._refuse_settings(error)
            return player

    def _refuse_settings(self, error: Exception) -> None:
        self._notice(f"the settings stay as they were: {_one_line(error)}")

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self._events.put(error)

    def _end(self, *, asked_to_quit: bool) -> None:
        self._release()
        wait: float | None = None
        if asked_to_quit:
            wait = _QUIT_WAIT if self._worker.is_ready else _LOAD_WAIT
        self._worker.finish(wait)
        if self._ucci:
            self._write("bye")

    def _notice(self, text: str) -> None:
        self._write(f"info {'message' if self._ucci else 'string'} {text}")

    def _write(self, line: str) -> None:
        with self._write_lock:
            self._write_line(line)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
