"""Engines over UCI, UCCI and CECP through python-chess's client, with a filter of ours between the two."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import shlex
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import chess
import chess.engine

from xiangqi_gpt.engines.dialects import dialect_of
from xiangqi_gpt.engines.engine_board import (
    CecpEngineBoard,
    EngineBoard,
    SingleVariantEngineBoard,
    xboard_fen,
)
from xiangqi_gpt.engines.filters import FILTERS, CecpFilter, EngineFilter, UciFilter
from xiangqi_gpt.engines.guard import apart
from xiangqi_gpt.engines.options import EngineOption, check_option, ranks_of
from xiangqi_gpt.engines.process import QUIT_SECONDS, split_command
from xiangqi_gpt.engines.spec import EngineSpec, Limit
from xiangqi_gpt.engines.watchdog import Watchdog
from xiangqi_gpt.errors import (
    PlayerCrashError,
    PlayerError,
    PlayerHandshakeError,
    PlayerIllegalMoveError,
    PlayerTimeoutError,
)
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.texts import Message

_END_SECONDS = 5.0
_T = TypeVar("_T")


class _Engine(chess.engine.SimpleEngine):
    """python-chess's client with our filter."""

    protocol: EngineFilter

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
            engine = _Engine.popen(FILTERS[spec.protocol], list(argv), timeout=self._timeout, **apart())
        except (chess.engine.EngineError, asyncio.TimeoutError, TimeoutError) as error:
            hello = {"cecp": "xboard"}.get(spec.protocol, spec.protocol)
            detail = str(error) or f"no answer to {hello!r} within {self._timeout:g} s"
            raise PlayerHandshakeError(
                f"{shown!r} did not start as a {protocol} engine: {detail}",
                message=Message.of(
                    "error.no_handshake", program=os.path.basename(argv[0]), protocol=protocol
                ),
            ) from error
        except OSError as error:
            raise PlayerError(f"The engine {shown!r} could not be started: {error}") from error
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
    def own_name(self) -> str:
        """The name that the engine gives, "" where it gives none."""
        return str(self._engine.id.get("name", ""))

    @property
    def lines(self) -> tuple[str, ...]:
        """The `info` lines of the last search in the words of UCI, oldest first: the newest few thousand."""
        return self._filter.info_lines()

    @property
    def can_set_board(self) -> bool:
        """Whether it can be given any position, not only games from the standard start."""
        return not isinstance(self._filter, CecpFilter) or self._filter.can_set_board

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

    def wait_until_ready(self) -> None:
        """Wait while the engine loads what it needs: no clock is to pay for that. CECP has no words for it.

        Raises:
            PlayerCrashError, PlayerTimeoutError: the process is gone, or was killed because it did not answer.
        """
        if self.protocol == "cecp":
            return
        try:
            self._engine.ping()
        except (asyncio.TimeoutError, TimeoutError) as error:
            self.kill()
            raise PlayerTimeoutError(f"{self._name} was not ready within {self._timeout:g} s.") from error
        except chess.engine.EngineError as error:
            self.kill()
            raise PlayerCrashError(
                f"{self._name} died before the game: {error}{self._filter.errors}"
            ) from error

    def play(self, board: Board, limit: Limit, game: object) -> Move:
        """The engine's move; another `game` than the last time begins a new one.

        Raises:
            PlayerCrashError, PlayerTimeoutError: the process is gone, or was killed because it did not answer.
            PlayerIllegalMoveError: an illegal move, or no move.
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
                f"{self._name} gave no move but {self._filter.claim!r} in {board.fen()!r}"
            )
        return cast(Move, cast(Any, result.move).move)

    def analyse(
        self,
        board: Board,
        limit: Limit,
        game: object,
        multipv: int,
        root_moves: Sequence[Move] | None = None,
    ) -> None:
        """Search for the best lines, afterwards in `lines`, of `root_moves` alone where they are given.

        Errors as in `play`. Not with CECP.
        """
        wanted = self._limit(board, limit)
        adapted = self._board_type(board, self.ranks)
        roots = None if root_moves is None else [adapted.engine_move(move) for move in root_moves]
        self._ask(
            lambda: self._engine.analyse(
                self._adapt(board),
                wanted,
                multipv=multipv,
                game=game,
                info=chess.engine.INFO_NONE,
                root_moves=cast("list[chess.Move] | None", roots),
            ),
            board,
            limit,
        )

    def stop(self) -> None:
        """Have the engine answer at once; from any thread. One that has not begun, or has answered, ignores it."""
        word = "?" if self.protocol == "cecp" else "stop"
        # A closed loop means that the process has ended.
        with contextlib.suppress(RuntimeError):
            self._filter.loop.call_soon_threadsafe(self._filter.send_line, word)

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
    def _filter(self) -> EngineFilter:
        return self._engine.protocol

    def _set_up(self, spec: EngineSpec, shown: str) -> None:
        known = self._engine.options
        if isinstance(self._filter, UciFilter):
            offered = dict(self._filter.offered)
            self._filter.dialect = dialect_of(spec.protocol, offered)
            self.ranks = ranks_of(repr(shown), offered, spec)
            if "uci_variant" not in offered:
                self._board_type = SingleVariantEngineBoard
            self.max_multipv = offered["multipv"].most or 1 if "multipv" in offered else 1
        else:
            variants = str(cast(chess.engine.XBoardProtocol, self._filter).features.get("variants", ""))
            if "xiangqi" not in variants.split(","):
                raise PlayerError(
                    f"The engine {shown!r} does not play Xiangqi; its variants: {variants or 'none'}.",
                    message=Message.of("error.no_xiangqi", program=shown),
                )
            offered = {name.lower(): _offered(option) for name, option in known.items()}
            self.ranks = ranks_of(repr(shown), offered, spec)
            self._board_type = CecpEngineBoard
        self._filter.ranks = self.ranks
        for name, value in spec.options.items():
            check_option(repr(shown), offered, name, value)
        options: dict[str, chess.engine.ConfigValue] = dict(spec.options)
        if spec.protocol == "ucci" and "usemillisec" in offered:
            options["usemillisec"] = True
        if "ranks" in offered and "ranks" not in map(str.lower, options):
            options["Ranks"] = self.ranks
        try:
            self._engine.configure(options)
        except (chess.engine.EngineError, asyncio.TimeoutError, TimeoutError) as error:
            raise PlayerError(f"The engine {shown!r} refused its options: {error}") from error

    def _adapt(self, board: Board) -> chess.Board:
        # The client only uses what EngineBoard offers.
        return cast(chess.Board, self._board_type(board, self.ranks))

    def _limit(self, board: Board, limit: Limit) -> chess.engine.Limit:
        """The limit as python-chess's class; PlayerError where the engine cannot keep it or set up the position."""
        if self.protocol == "cecp":
            features = cast(chess.engine.XBoardProtocol, self._filter).features
            if limit.nodes is not None and (not features.get("nps") or limit.time is not None):
                raise PlayerError(
                    f"{self._name} cannot count nodes (its feature nps is missing, or a time is set too): "
                    "limit it by depth=D or time=S"
                )
            if not self.can_set_board and xboard_fen(board.root_fen) != xboard_fen(START_FEN):
                raise PlayerError(
                    f"{self._name} plays only from the standard start (its feature setboard is missing), "
                    f"not from {board.root_fen!r}"
                )
        if limit.clock is None or self.protocol != "uci":  # the other dialects get a time for each move
            return chess.engine.Limit(time=limit.time, nodes=limit.nodes, depth=limit.depth)
        clock = limit.clock
        return chess.engine.Limit(
            white_clock=clock.red,
            black_clock=clock.black,
            white_inc=clock.increment,
            black_inc=clock.increment,
            nodes=limit.nodes,
            depth=limit.depth,
        )

    def _ask(self, call: Callable[[], _T], board: Board, limit: Limit) -> _T:
        fen = board.fen()
        self._filter.ask(board.copy())
        longest = limit.time or 0.0
        if limit.clock is not None:
            longest = max(longest, limit.clock.red, limit.clock.black)
        self._watchdog.expect_by(time.monotonic() + self._timeout + longest)
        try:
            answer = call()
        except chess.engine.EngineTerminatedError as error:
            self.kill()
            if self._watchdog.has_killed:
                raise PlayerTimeoutError(
                    f"{self._name} gave no move within {self._timeout:g} s of its limit: "
                    f"{self._filter.log.summary} in {fen!r}"
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
            where = "" if fen in why else f" in {fen!r}"
            raise PlayerIllegalMoveError(
                f"{self._name} answered {line[:200]!r}{where}, which is not a legal move ({why})"
            )


def _offered(option: chess.engine.Option) -> EngineOption:
    return EngineOption(
        name=option.name,
        kind=option.type,
        least=option.min,
        most=option.max,
        choices=tuple(option.var or ()),
    )
