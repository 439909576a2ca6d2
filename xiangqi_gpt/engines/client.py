"""Engines over UCI, UCCI and CECP through python-chess's client.

Between the engine and python-chess stands a filter. It keeps the `info` lines, which python-chess reads with a
pattern for boards of 8x8; checks each answer against the rules, since python-chess would wait for ever behind an
illegal one; passes on only what the protocol knows; and bounds what is kept in memory.
"""

from __future__ import annotations

import abc
import asyncio
import concurrent.futures
import contextlib
import logging
import math
import re
import shlex
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar, cast

import chess
import chess.engine

from xiangqi_gpt.engines.dialects import UCCI, UCI, Dialect, dialect_of, is_no_answer
from xiangqi_gpt.engines.engine_board import (
    CecpEngineBoard,
    EngineBoard,
    SingleVariantEngineBoard,
    xboard_fen,
)
from xiangqi_gpt.engines.guard import apart, guard, kill_group
from xiangqi_gpt.engines.info import OutputLog
from xiangqi_gpt.engines.options import EngineOption, check_option, parse_option, ranks_of
from xiangqi_gpt.engines.process import QUIT_SECONDS, ErrorTail, split_command
from xiangqi_gpt.engines.spec import EngineSpec, Limit
from xiangqi_gpt.engines.watchdog import Watchdog
from xiangqi_gpt.errors import (
    MoveError,
    PlayerCrashError,
    PlayerError,
    PlayerIllegalMoveError,
    PlayerTimeoutError,
)
from xiangqi_gpt.notation import uci
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import Move

# What python-chess warns of is reported by errors of ours; without a handler it would reach the user's terminal.
chess.engine.LOGGER.addHandler(logging.NullHandler())

_END_SECONDS = 5.0
_DRAIN_SECONDS = 0.5
_LONGEST_LINE = 1 << 16
_MATE_FROM = 90_000  # scores of CECP from which on they count the way to a mate
_THINKING = re.compile(r"\s*(\d+)[.&+]?\s+([-+]?\d+)\s+(\d+)\s+(\d+)\s+(.*)")
_SQUARES = re.compile(r"([a-i]\d+)[-x]?([a-i]\d+)")
_SETBOARD = re.compile(r"\bsetboard=(\d)\s*")
_DONE = re.compile(r"\bdone=1\b")
_DISPENSABLE = re.compile(
    r"Error *\(unk[^)]*\): *(post|nopost|easy|hard|random|computer|name|rating|accepted|rejected)\b"
)
"""Complaints about commands of CECP that change nothing that matters here."""

_RESULTS = ("1-0", "0-1", "1/2-1/2", "resign")
_T = TypeVar("_T")


class _Filter(chess.engine.Protocol):
    """What stands between an engine and python-chess's protocol.

    Attributes:
        log: the output of the search at hand.
        errors: the end of what was written to stderr.
        bad_answer: the last answer that cannot be played, and why; None where the answer can be.
        claim: the engine's words where it says that the game is over, else "".
        asked: the board of the question at hand.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log = OutputLog()
        self.errors = ErrorTail()
        self.bad_answer: tuple[str, str] | None = None
        self.claim = ""
        self.asked: Board | None = None
        self.ranks: RankConvention = "0-9"
        self._rest = b""

    async def initialize(self) -> None:
        try:
            await super().initialize()  # type: ignore[safe-super]
        except BaseException as error:
            self.kill()
            await self.returncode
            if isinstance(error, chess.engine.EngineError):
                raise chess.engine.EngineError(f"{error}{self.errors}") from error
            raise

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        guard.watch(self.transport.get_pid())

    def ask(self, board: Board | None) -> None:
        """A question about a position begins, or, with None, has ended."""
        self.log.clear()
        self.bad_answer, self.claim, self.asked = None, "", board

    def kill(self) -> None:
        """End the process and what it has started; in the loop's thread only."""
        if self.transport is not None and self.transport.get_returncode() is None:
            kill_group(self.transport.get_pid())
            with contextlib.suppress(ProcessLookupError):
                self.transport.kill()

    def process_exited(self) -> None:
        # What it has started may live on, and hold its pipes open.
        if self.transport is not None:
            kill_group(self.transport.get_pid())
            guard.release(self.transport.get_pid())
            # A daemon may have escaped and hold the pipes; the last words have come through by then.
            self.loop.call_later(_DRAIN_SECONDS, self.transport.close)
        super().process_exited()

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        data = data if isinstance(data, bytes) else data.encode()
        if fd == 2:
            self.errors.add(data)
            return
        *lines, rest = (self._rest + data).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            self.log.skip(len(rest) - _LONGEST_LINE)
        self._rest = rest[:_LONGEST_LINE]
        for line in lines:
            text = self.translated(line[:_LONGEST_LINE].decode("utf-8", "replace").strip())
            if text:
                try:
                    super().pipe_data_received(1, text.encode() + b"\n")
                except Exception as error:  # Whatever python-chess does not expect is the engine's fault.
                    self.errors.add(f"{type(error).__name__}: {error} in {text!r}\n".encode())
                    self.kill()

    def info_lines(self) -> tuple[str, ...]:
        """The newest `info` lines of the search, in the words of UCI."""
        return self.log.lines

    @abc.abstractmethod
    def translated(self, line: str) -> str:
        """A line of the engine as python-chess is to see it, "" where it is not to see it."""

    def checked(self, text: str, line: str) -> str | None:
        """The move of an answer as python-chess reads it; None, with `bad_answer` set, where it cannot be played.

        What comes behind the answer belongs to no question.
        """
        board, self.asked = self.asked, None
        assert board is not None
        try:
            return uci.render(board, uci.parse(board, text, ranks=self.ranks), ranks=self.ranks)
        except MoveError as error:
            self.bad_answer = (line, str(error))
            return None


class _UciFilter(_Filter, chess.engine.UciProtocol):
    dialect: Dialect = UCI

    def __init__(self) -> None:
        super().__init__()
        self.offered: dict[str, EngineOption] = {}

    def send_line(self, line: str) -> None:
        if said := self.dialect.say(line):
            super().send_line(said)

    def translated(self, line: str) -> str:
        line = self.dialect.hear(line)
        if line.startswith("info "):
            self.log.add(line, is_thinking=" pv " in line or " score " in line)
            return ""
        word, _, rest = line.partition(" ")
        if word in ("uciok", "readyok", "id"):
            return line
        if word == "option":
            option = parse_option(line)
            self.offered[option.name.lower()] = option
            return _option_for_python_chess(option, line)
        self.log.add(line)
        if self.asked is None:
            return ""
        if word == "bestmove":
            # The move alone: behind it engines offer draws, and moves to ponder on that are not legal.
            move = self.checked((rest.split() or [""])[0], line)
            return f"bestmove {move or '(none)'}"
        if is_no_answer(line):
            self.asked = None
            self.bad_answer = (line, f"an answer of {self.dialect.name.upper()} begins with bestmove")
            return "bestmove (none)"
        return ""


def _option_for_python_chess(option: EngineOption, line: str) -> str:
    """python-chess refuses an engine for one option without a default that fits; values are checked by us anyway."""
    if option.kind not in ("spin", "combo") or (option.default is not None and option.takes(option.default)):
        return line
    if option.name.lower() == "multipv":
        return f"option name {option.name} type spin default 1 min 1 max {max(1, option.most or 1)}"
    return f"option name {option.name} type string"


class _UcciFilter(_UciFilter):
    dialect = UCCI


class _CecpFilter(_Filter, chess.engine.XBoardProtocol):
    can_set_board = False

    def send_line(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "setboard" and rest == xboard_fen(START_FEN):
            return  # It is there behind `new` and `variant`, and not every engine has the command.
        if line == "rejected sigterm":
            return  # No signal is sent that an engine would be asked to heed.
        if word == "st":
            # Whole seconds are what every engine reads.
            line = f"st {max(1, math.ceil(float(rest)))}"
        super().send_line(line)

    def translated(self, line: str) -> str:
        word, _, rest = line.partition(" ")
        is_thinking = line[:1].isdigit() and word not in _RESULTS
        self.log.add(line, is_thinking=is_thinking)
        if is_thinking:
            return ""  # It is put into the words of UCI when somebody asks for it.
        if word == "feature":
            for found in _SETBOARD.findall(line):
                self.can_set_board = found != "0"
            # python-chess takes no engine without it; whether a position can be set up is checked by us.
            return _DONE.sub("setboard=1 done=1", _SETBOARD.sub("", line))
        if word == "tellusererror":
            # Complaints of all kinds; where one is serious the engine leaves, and this is why.
            self.errors.add(f"{rest}\n".encode())
            return ""
        if _DISPENSABLE.match(line):
            return ""
        if word == "pong" or word.startswith(("Error", "Illegal")):
            return line
        if self.asked is None:
            return ""
        if word == "move":
            move = self.checked(rest.strip(), line)
            # An illegal move ends the question too; its text is left to python-chess.
            return line if move is None else f"move {move}"
        if word in _RESULTS:
            self.claim = self.claim or line
            return line
        return ""

    def info_lines(self) -> tuple[str, ...]:
        return tuple(filter(None, map(_thinking_as_info, self.log.lines)))


def _thinking_as_info(line: str) -> str:
    """A line `depth score time nodes moves` of CECP in the words of UCI, "" for another line."""
    thought = _THINKING.match(line)
    if thought is None:
        return ""
    depth, score, time, nodes, moves = thought.groups()
    cp = int(score[:9])
    if abs(cp) > 100_000:
        said = f"mate {cp - 100_000 if cp > 0 else cp + 100_000}"
    elif abs(cp) >= _MATE_FROM:
        # Older engines count plies down from 100,000.
        distance = max(1, (100_001 - abs(cp)) // 2)
        said = f"mate {distance if cp > 0 else -distance}"
    else:
        said = f"cp {cp}"
    pv = " ".join(start + end for start, end in _SQUARES.findall(moves))
    return f"info depth {depth} score {said} time {int(time[:9]) * 10} nodes {nodes} pv {pv}"


_FILTERS: dict[str, type[_Filter]] = {"uci": _UciFilter, "ucci": _UcciFilter, "cecp": _CecpFilter}


class _Engine(chess.engine.SimpleEngine):
    """python-chess's client with our filter."""

    protocol: _Filter

    def kill(self) -> None:
        """End the process at once; the client's thread then ends by itself."""
        # A closed loop means that the process has ended and been waited for.
        with contextlib.suppress(RuntimeError):
            self.protocol.loop.call_soon_threadsafe(self.protocol.kill)

    def exit_code(self) -> int | None:
        """The exit code, None while the process runs."""
        return self.returncode.result() if self.returncode.done() else None


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


class EngineClient:
    """A running engine.

    Args:
        spec: how to start it.
        name: for messages.

    Attributes:
        ranks: how it counts them.
        max_multipv: the most lines that it can be asked for.

    Raises:
        PlayerError: the program is missing, does not speak the protocol, plays no Xiangqi, or refuses an option.
    """

    def __init__(self, spec: EngineSpec, name: str) -> None:
        self.ranks: RankConvention = "0-9"
        self.max_multipv = 1
        self._name = name
        self._spec = spec
        self._timeout = spec.patience
        self._board_type: type[EngineBoard] = EngineBoard
        self._start(spec)

    def _start(self, spec: EngineSpec) -> None:
        argv = split_command(spec.command)
        shown, protocol = shlex.join(argv), spec.protocol.upper()
        try:
            engine = _Engine.popen(_FILTERS[spec.protocol], list(argv), timeout=self._timeout, **apart())
        except (chess.engine.EngineError, asyncio.TimeoutError, TimeoutError) as error:
            hello = {"cecp": "xboard"}.get(spec.protocol, spec.protocol)
            detail = str(error) or f"no answer to {hello!r} within {self._timeout:g} s"
            raise PlayerError(f"expected a {protocol} engine behind {shown!r}: {detail}") from error
        except OSError as error:
            raise PlayerError(f"expected an engine to start with {shown!r}: {error}") from error
        self._engine = cast(_Engine, engine)
        self._watchdog = Watchdog(self._engine.kill, self._engine.exit_code)
        _reaper.watch(self._engine)
        # The reaper serves the end of the interpreter; this one a client that nobody closed.
        weakref.finalize(self, self._engine.kill).atexit = False
        try:
            self._set_up(spec, shown)
        except BaseException:
            self.kill()
            raise

    @property
    def returncode(self) -> concurrent.futures.Future[int]:
        """The exit code of the process, once it has ended."""
        return self._engine.returncode

    @property
    def lines(self) -> tuple[str, ...]:
        """The `info` lines of the last search in the words of UCI, oldest first: the newest few thousand."""
        return self._filter.info_lines()

    @property
    def can_set_board(self) -> bool:
        """Whether it can be given any position, not only games from the standard start."""
        return not isinstance(self._filter, _CecpFilter) or self._filter.can_set_board

    @property
    def claims_end(self) -> bool:
        """Whether it gave no move to the last question because it took the game to be over (CECP)."""
        return self._filter.claim not in ("", "resign")

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self.returncode.done()

    @property
    def protocol(self) -> str:
        """Its protocol: uci, ucci or cecp."""
        return self._spec.protocol

    def play(self, board: Board, limit: Limit, game: object) -> Move:
        """The engine's move; another `game` than the last time begins a new one.

        Raises:
            PlayerCrashError, PlayerTimeoutError: the process is gone, or was killed because it did not answer.
            PlayerIllegalMoveError: as it says.
            PlayerError: the engine cannot be asked this.
        """
        wanted = self._limit(board, limit)
        result = self._ask(
            lambda: self._engine.play(
                self._adapt(board), wanted, game=game, info=chess.engine.INFO_BASIC, ponder=False
            ),
            board,
            limit,
        )
        if result.move is None:
            raise PlayerIllegalMoveError(
                f"expected a move from {self._name}, found {self._filter.claim!r} in {board.fen()!r}"
            )
        return cast(Move, cast(Any, result.move).move)

    def analyse(self, board: Board, limit: Limit, game: object, multipv: int) -> None:
        """Search for the best lines, afterwards in `lines`; errors as in `play`. Not with CECP."""
        wanted = self._limit(board, limit)
        self._ask(
            lambda: self._engine.analyse(
                self._adapt(board), wanted, multipv=multipv, game=game, info=chess.engine.INFO_NONE
            ),
            board,
            limit,
        )

    def kill(self) -> None:
        """End the process at once, and wait until it is gone."""
        self._watchdog.stop()
        self._engine.kill()
        with contextlib.suppress(concurrent.futures.TimeoutError):
            self.returncode.result(timeout=_END_SECONDS)
        self._engine.close()

    def restart(self) -> None:
        """End the process and start another one; errors as when it is made."""
        self.kill()
        self._start(self._spec)

    def close(self) -> None:
        """End the process; it is killed where it does not leave by itself."""
        self._engine.timeout = QUIT_SECONDS
        try:
            self._engine.quit()
        except (chess.engine.EngineError, asyncio.TimeoutError, TimeoutError):
            pass  # Dead already, or it ignores the command.
        finally:
            self.kill()

    @property
    def _filter(self) -> _Filter:
        return self._engine.protocol

    def _set_up(self, spec: EngineSpec, shown: str) -> None:
        known = self._engine.options
        if isinstance(self._filter, _UciFilter):
            offered = dict(self._filter.offered)
            self._filter.dialect = dialect_of(spec.protocol, offered)
            self.ranks = ranks_of(repr(shown), offered, spec)
            if "uci_variant" not in offered:
                self._board_type = SingleVariantEngineBoard
            self.max_multipv = offered["multipv"].most or 1 if "multipv" in offered else 1
        else:
            variants = str(cast(chess.engine.XBoardProtocol, self._filter).features.get("variants", ""))
            if "xiangqi" not in variants.split(","):
                raise PlayerError(f"expected the variant xiangqi from {shown!r}, found {variants or 'none'}")
            offered = {name.lower(): _offered(option) for name, option in known.items()}
            self.ranks = ranks_of(repr(shown), offered, spec)
            self._board_type = CecpEngineBoard
        self._filter.ranks = self.ranks
        for name, value in spec.options.items():
            check_option(repr(shown), offered, name, value)
        options: dict[str, chess.engine.ConfigValue] = dict(spec.options)
        if spec.protocol == "ucci" and "usemillisec" in offered:
            options["usemillisec"] = True
        try:
            self._engine.configure(options)
        except (chess.engine.EngineError, asyncio.TimeoutError, TimeoutError) as error:
            raise PlayerError(f"option refused for {shown!r}: {error}") from error

    def _adapt(self, board: Board) -> chess.Board:
        # The client only uses what EngineBoard offers.
        return cast(chess.Board, self._board_type(board, self.ranks))

    def _limit(self, board: Board, limit: Limit) -> chess.engine.Limit:
        """The limit in python-chess's words; PlayerError where the engine cannot keep it or set up the position."""
        if self.protocol == "cecp":
            features = cast(chess.engine.XBoardProtocol, self._filter).features
            if limit.nodes is not None and (not features.get("nps") or limit.time is not None):
                raise PlayerError(
                    f"{self._name} cannot count nodes (its feature nps is missing, or a time is set too): "
                    "limit it by depth=D or time=S"
                )
            if not self.can_set_board and xboard_fen(board.root_fen) != xboard_fen(START_FEN):
                raise PlayerError(
                    f"{self._name} plays from the standard start only (its feature setboard is missing), "
                    f"found {board.root_fen!r}"
                )
        return chess.engine.Limit(time=limit.time, nodes=limit.nodes, depth=limit.depth)

    def _ask(self, call: Callable[[], _T], board: Board, limit: Limit) -> _T:
        fen = board.fen()
        self._filter.ask(board.copy())
        self._watchdog.expect_by(time.monotonic() + self._timeout + (limit.time or 0.0))
        try:
            answer = call()
        except chess.engine.EngineTerminatedError as error:
            self.kill()
            if self._watchdog.has_killed:
                raise PlayerTimeoutError(
                    f"expected a move from {self._name} within {self._timeout:g} s of its limit, "
                    f"found {self._filter.log.summary} in {fen!r}"
                ) from error
            raise PlayerCrashError(f"{self._name} died in {fen!r}: {error}{self._filter.errors}") from error
        except chess.engine.EngineError as error:
            # Engine and client may no longer agree on the position.
            self.kill()
            self._raise_bad_answer(fen)
            raise PlayerCrashError(f"{self._name} failed in {fen!r}: {error}") from error
        except BaseException:
            self.kill()
            raise
        finally:
            self._watchdog.rest()
            self._filter.asked = None
        self._raise_bad_answer(fen)
        return answer

    def _raise_bad_answer(self, fen: str) -> None:
        if self._filter.bad_answer is not None:
            line, why = self._filter.bad_answer
            raise PlayerIllegalMoveError(
                f"expected a move from {self._name} that is legal in {fen!r}, found {line[:200]!r} ({why})"
            )


def _offered(option: chess.engine.Option) -> EngineOption:
    return EngineOption(
        name=option.name,
        kind=option.type,
        least=option.min,
        most=option.max,
        choices=tuple(option.var or ()),
    )
