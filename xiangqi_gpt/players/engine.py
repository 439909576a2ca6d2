"""External engines over UCI, through python-chess's client.

Two conventions are told apart. An engine for many games offers `UCI_Variant` with several values; the client
sets it to xiangqi, and ranks run 1-10 (Fairy-Stockfish). An engine for Xiangqi alone offers no such option,
or one with a single value, and counts 0-9 (Pikafish, this package). `ranks` overrules the guess.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import shlex
import shutil
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import chess
import chess.engine

from xiangqi_gpt.errors import (
    MoveError,
    PlayerCrashError,
    PlayerError,
    PlayerIllegalMoveError,
    PlayerTimeoutError,
)
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.players.base import Analysis, Limit, Line, PlayResult, Value, legal_moves_or_error
from xiangqi_gpt.players.engine_board import EngineBoard, SingleVariantEngineBoard, parse_info
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

DEFAULT_LIMIT = Limit(nodes=1000)
"""What an engine gets where neither its spec nor the match limits it; shown in its name."""

DEFAULT_TIMEOUT = 30.0
"""Seconds beyond the time limit after which a silent engine has lost."""

_END_TIMEOUT = 5.0
_GAMES_FOLDERS = os.pathsep.join(("/usr/games", "/usr/local/games"))
_T = TypeVar("_T")


def find_engine(program: str) -> str | None:
    """Full path of a program on PATH or in Debian's folder for games, None if there is none."""
    return shutil.which(program) or shutil.which(program, path=_GAMES_FOLDERS)


class _Protocol(chess.engine.UciProtocol):
    """The client's protocol with two additions.

    It keeps the `info` lines, since the client reads variations with a pattern made for 8x8 boards, and it
    ends a process that does not get through the greeting.
    """

    def __init__(self) -> None:
        super().__init__()
        self.info_lines: list[str] = []

    async def initialize(self) -> None:
        try:
            await super().initialize()
        except BaseException:
            _kill_transport(self.transport)
            await self.returncode
            raise

    def line_received(self, line: str) -> None:
        if line.startswith("info "):
            self.info_lines.append(line)


class _Engine(chess.engine.SimpleEngine):
    """A client that never waits for ever: the original does so where a limit holds no time."""

    def _timeout_for(self, limit: chess.engine.Limit | None) -> float | None:
        seconds = limit.time if limit is not None and limit.time is not None else 0.0
        return (self.timeout or DEFAULT_TIMEOUT) + seconds

    def kill(self) -> None:
        """End the process at once; the client's thread then ends by itself."""
        # A closed loop means that the process has ended and been waited for.
        with contextlib.suppress(RuntimeError):
            self.protocol.loop.call_soon_threadsafe(_kill_transport, self.transport)


class _BlankLineFilter(logging.Filter):
    """Drops the client's warnings about empty lines, of which Fairy-Stockfish prints many."""

    def filter(self, record: logging.LogRecord) -> bool:
        args = record.args
        return not (
            isinstance(args, tuple) and len(args) == 2 and isinstance(args[0], _Protocol) and not args[1]
        )


chess.engine.LOGGER.addFilter(_BlankLineFilter())


def _kill_transport(transport: asyncio.SubprocessTransport | None) -> None:
    with contextlib.suppress(ProcessLookupError):
        if transport is not None:
            transport.kill()


class _Reaper:
    """Ends forgotten engines: the client's thread is no daemon and would keep the interpreter alive."""

    def __init__(self) -> None:
        self._engines: weakref.WeakSet[_Engine] = weakref.WeakSet()
        self._thread: threading.Thread | None = None

    def watch(self, engine: _Engine) -> None:
        self._engines.add(engine)
        if self._thread is None:
            self._thread = threading.Thread(target=self._wait, name="engine reaper", daemon=True)
            self._thread.start()

    def _wait(self) -> None:
        threading.main_thread().join()
        for engine in list(self._engines):
            engine.kill()


_reaper = _Reaper()


class EnginePlayer:
    """A UCI engine in a process of its own.

    Args:
        command: program and arguments as one line; the program is looked for on PATH and in /usr/games.
        limit: for every move; where empty, the limit of the caller counts, else `DEFAULT_LIMIT`.
        options: UCI options by name; `UCI_Variant`, `MultiPV`, `Ponder` are managed and refused.
        ranks: "0-9", "1-10" or None to tell by the engine's options.
        timeout: seconds beyond the limit's time before an answer counts as never coming.
        name: shown in tables; None for the program's name with limit and options.

    Raises:
        PlayerError: the program is missing, does not speak UCI, or refuses an option.
    """

    def __init__(
        self,
        command: str,
        *,
        limit: Limit | None = None,
        options: Mapping[str, str] | None = None,
        ranks: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        name: str | None = None,
    ) -> None:
        self._argv = split_command(command)
        self._limit = limit if limit is not None else Limit()
        self._options = dict(options or {})
        if ranks not in (None, "0-9", "1-10"):
            raise PlayerError(f"expected ranks=0-9 or ranks=1-10 for {command!r}, found {ranks!r}")
        self._wanted_ranks = cast("RankConvention | None", ranks)
        if not 0 < timeout < float("inf"):
            raise PlayerError(f"expected a timeout above 0 s for {command!r}, found {timeout!r}")
        self._timeout = timeout
        self.name = name if name is not None else self._default_name()
        self._game = object()
        self._engine: _Engine | None = None
        self._board_type: type[EngineBoard] = EngineBoard
        self._ranks: RankConvention = "1-10"
        self._max_multipv = 1
        self._start()

    @property
    def deterministic(self) -> bool:
        """False where a clock decides how deep the engine looks."""
        return self._limit.time is None

    @property
    def info_lines(self) -> tuple[str, ...]:
        """What the engine said on the way to its last answer, as it said it; the analysis leaves bounds out."""
        return tuple(self._lines()) if self._engine is not None else ()

    def play(self, board: Board, limit: Limit) -> PlayResult:
        """The engine's move.

        Raises:
            PlayerCrashError, PlayerTimeoutError, PlayerIllegalMoveError: as they say; after the first two the
                next call starts a fresh process.
        """
        legal_moves_or_error(board)
        engine, wanted = self._running(), self._effective(limit)
        result = self._ask(
            lambda: engine.play(self._adapt(board), _to_client(wanted), game=self._game, ponder=False), board
        )
        if result.move is None:
            raise PlayerIllegalMoveError(f"expected a move from {self.name}, found none in {board.fen()!r}")
        return PlayResult(cast(Any, result.move).move, self._analysis(board))

    def analyse(
        self,
        board: Board,
        limit: Limit,
        multipv: int | None = None,
        root_moves: Sequence[Move] | None = None,
    ) -> Analysis:
        """The engine's best lines, of `root_moves` alone where they are given; at most as many as its option
        MultiPV allows. Errors as in `play`.
        """
        moves = legal_moves_or_error(board) if root_moves is None else list(root_moves)
        count = max(1, min(multipv if multipv is not None else len(moves), len(moves), self._max_multipv))
        engine, wanted = self._running(), self._effective(limit)
        self._ask(
            lambda: engine.analyse(
                self._adapt(board),
                _to_client(wanted),
                multipv=count,
                game=self._game,
                info=chess.engine.INFO_NONE,
                root_moves=None if root_moves is None else self._root_moves(board, root_moves),
            ),
            board,
        )
        return self._analysis(board)

    def new_game(self) -> None:
        """The engine is told `ucinewgame` before its next move, and restarted where it has died."""
        self._game = object()
        self._running()

    def close(self) -> None:
        """End the process; it is killed where it does not leave by itself."""
        engine, self._engine = self._engine, None
        if engine is None:
            return
        try:
            engine.quit()
        except (chess.engine.EngineError, asyncio.TimeoutError, TimeoutError):
            pass  # Dead or deaf already.
        finally:
            _end(engine)

    def _default_name(self) -> str:
        limit = self._limit
        parts = [f"nodes={limit.nodes}"] if limit.nodes is not None else []
        parts += [f"time={limit.time:g}"] if limit.time is not None else []
        parts += [f"depth={limit.depth}"] if limit.depth is not None else []
        parts += [f"{key}={value}" for key, value in self._options.items()]
        program = os.path.basename(self._argv[0])
        return f"{program}[{','.join(parts)}]" if parts else program

    def _effective(self, limit: Limit) -> Limit:
        for candidate in (self._limit, limit):
            if not candidate.is_empty:
                return candidate
        return DEFAULT_LIMIT

    def _adapt(self, board: Board) -> chess.Board:
        # The client only uses what EngineBoard offers.
        return cast(chess.Board, self._board_type(board, self._ranks))

    def _root_moves(self, board: Board, moves: Sequence[Move]) -> list[chess.Move]:
        adapted = self._board_type(board, self._ranks)
        return [cast(chess.Move, adapted.engine_move(move)) for move in moves]

    def _running(self) -> _Engine:
        if self._engine is None or self._engine.returncode.done():
            self._discard()
            self._start()
        assert self._engine is not None
        return self._engine

    def _discard(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            _end(engine)

    def _start(self) -> None:
        shown = shlex.join(self._argv)
        try:
            # A process group of its own, so that Ctrl-C reaches us first and we end it in order.
            engine = _Engine.popen(_Protocol, list(self._argv), timeout=self._timeout, setpgrp=True)
        except (chess.engine.EngineError, asyncio.TimeoutError, TimeoutError) as error:
            detail = str(error) or f"no answer to 'uci' within {self._timeout:g} s"
            raise PlayerError(f"expected a UCI engine behind {shown!r}: {detail}") from error
        except OSError as error:
            raise PlayerError(f"expected an engine to start with {shown!r}: {error}") from error
        self._engine = cast(_Engine, engine)
        _reaper.watch(self._engine)
        # The reaper serves the end of the interpreter; this one a player that nobody closed.
        weakref.finalize(self, self._engine.kill).atexit = False
        try:
            self._set_up(self._engine, shown)
        except BaseException:
            self._discard()
            raise

    def _set_up(self, engine: _Engine, shown: str) -> None:
        known = engine.options
        variants: list[str] = []
        if "UCI_Variant" in known:
            variants = list(known["UCI_Variant"].var or [])
            if "xiangqi" not in variants:
                offered = ", ".join(variants) or "none"
                raise PlayerError(f"expected UCI_Variant xiangqi from {shown!r}, found {offered}")
            self._board_type = EngineBoard
        else:
            self._board_type = SingleVariantEngineBoard
        self._ranks = self._wanted_ranks or ("1-10" if len(variants) > 1 else "0-9")
        self._max_multipv = (known["MultiPV"].max or 1) if "MultiPV" in known else 1
        try:
            engine.configure(self._options)
        except chess.engine.EngineError as error:
            raise PlayerError(f"option refused for {shown!r}: {error}") from error

    def _ask(self, call: Callable[[], _T], board: Board) -> _T:
        assert self._engine is not None
        self._lines().clear()
        try:
            return call()
        except (asyncio.TimeoutError, TimeoutError) as error:
            self._discard()
            raise PlayerTimeoutError(
                f"expected a move from {self.name} within {self._timeout:g} s of its limit, "
                f"found silence in {board.fen()!r}"
            ) from error
        except chess.engine.EngineTerminatedError as error:
            self._discard()
            raise PlayerCrashError(f"{self.name} died in {board.fen()!r}: {error}") from error
        except chess.engine.EngineError as error:
            if error.args and isinstance(error.args[0], MoveError):
                raise PlayerIllegalMoveError(f"{self.name}: {error}") from error
            self._discard()
            raise PlayerCrashError(f"{self.name} failed in {board.fen()!r}: {error}") from error
        except BaseException:
            self._discard()
            raise

    def _lines(self) -> list[str]:
        assert self._engine is not None
        return cast(_Protocol, self._engine.protocol).info_lines

    def _analysis(self, board: Board) -> Analysis:
        lines: dict[int, Line] = {}
        value: Value | None = None
        # The newest line of each number counts, so they are read backwards.
        for text in reversed(self._lines()):
            parsed = parse_info(text, board, self._ranks)
            if parsed is not None and parsed[0] not in lines:
                lines[parsed[0]] = parsed[1]
                value = parsed[2] if parsed[0] == 1 else value
        return Analysis(tuple(lines[number] for number in sorted(lines)), value)


def _end(engine: _Engine) -> None:
    """Kill and wait until the process is gone."""
    engine.kill()
    with contextlib.suppress(concurrent.futures.TimeoutError):
        engine.returncode.result(timeout=_END_TIMEOUT)
    engine.close()


def split_command(command: str) -> tuple[str, ...]:
    """Program, with its full path, and arguments; PlayerError where there is no such program."""
    try:
        argv = shlex.split(command, posix=os.name != "nt")
    except ValueError as error:
        raise PlayerError(f"expected an engine's command line, found {command!r}: {error}") from error
    if not argv:
        raise PlayerError(f"expected an engine's command line, found {command!r}")
    program = find_engine(argv[0])
    if program is None:
        raise PlayerError(
            f"expected an engine program, found none named {argv[0]!r} on PATH or in /usr/games"
        )
    return (program, *argv[1:])


def _to_client(limit: Limit) -> chess.engine.Limit:
    return chess.engine.Limit(time=limit.time, nodes=limit.nodes, depth=limit.depth)
