"""An external engine as a player: over UCI, UCCI or CECP, through the client in `engines/`.

There are two conventions of UCI. An engine for many games offers `UCI_Variant` with several values; the client
sets it to xiangqi, and ranks run 1-10 (Fairy-Stockfish). An engine for Xiangqi alone offers no such option,
or one with a single value, and counts 0-9 (Pikafish, this package). `ranks` overrules the guess.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from xiangqi_gpt.engines.client import EngineClient
from xiangqi_gpt.engines.info import InfoLine, parse_info
from xiangqi_gpt.engines.spec import DEFAULT_TIMEOUT, EngineSpec, engine_name
from xiangqi_gpt.errors import MoveError, PlayerCrashError, PlayerIllegalMoveError
from xiangqi_gpt.notation import uci
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.players.base import NO_LIMIT, Analysis, Limit, Line, PlayResult, Value, legal_moves_or_error
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

_REPORT = 0.25  # seconds between two reports of progress


class _StopEvent(threading.Event):
    """Tells the engine each time it is set: an engine that has not begun to think ignores it."""

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__()
        self._tell = tell

    def set(self) -> None:
        """Set the event and have the engine answer."""
        super().set()
        self._tell()


class EnginePlayer:
    """An engine in a process of its own.

    `stop_event` has it answer at once; set it again where it had not begun to think. `own_name` is what the engine
    calls itself, "" where it does not say.

    Args:
        command: program and arguments as one line; the program is looked for on PATH and in /usr/games.
        limit: for every move; where empty, the limit of the caller counts, else 1,000 nodes (CECP: depth 4).
        options: the engine's options by name; `UCI_Variant`, `MultiPV`, `Ponder` are managed and refused.
        ranks: "0-9", "1-10" or None to decide by the engine's options.
        timeout: seconds beyond the limit's time before an answer counts as never coming.
        protocol: "uci", "ucci" or "cecp".
        name: shown in tables; None for the program's name with limit and options.

    Raises:
        PlayerError: the program is missing, does not speak the protocol, or refuses an option.
    """

    def __init__(
        self,
        command: str,
        *,
        limit: Limit | None = None,
        options: Mapping[str, str] | None = None,
        ranks: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        protocol: str = "uci",
        name: str | None = None,
    ) -> None:
        self._spec = EngineSpec(
            command=command,
            limit=limit if limit is not None else Limit(),
            options=dict(options or {}),
            ranks=ranks,
            timeout=timeout,
            protocol=protocol,
        )
        self.name = name if name is not None else engine_name(self._spec)
        self._game = object()
        self._engine: EngineClient | None = None
        self.own_name = ""
        self.stop_event: threading.Event = _StopEvent(self._stop)
        self._running()

    @property
    def deterministic(self) -> bool:
        """False where a clock decides how deep the engine looks."""
        return self._spec.limit.time is None

    @property
    def info_lines(self) -> tuple[str, ...]:
        """The engine's output on the way to its last answer, in the words of UCI; the analysis leaves bounds out."""
        return self._engine.lines if self._engine is not None else ()

    def play(self, board: Board, limit: Limit = NO_LIMIT) -> PlayResult:
        """The engine's move.

        Raises:
            PlayerCrashError, PlayerTimeoutError, PlayerIllegalMoveError: as they say; after a crash or a timeout
                the next call starts a fresh process.
            PlayerError: the engine cannot keep the limit, or cannot set up the position.
        """
        legal_moves_or_error(board)
        with self._asked() as engine:
            move = self._move_of(engine, board, self._effective(limit))
            return PlayResult(move, self._analysis(engine, board))

    def analyse(
        self,
        board: Board,
        limit: Limit = NO_LIMIT,
        multipv: int | None = None,
        root_moves: Sequence[Move] | None = None,
        on_progress: Callable[[Analysis], None] | None = None,
    ) -> Analysis:
        """The engine's best lines; at most as many as its option MultiPV allows. Errors as in `play`.

        With `root_moves` only those moves are searched; an engine behind CECP always searches all.
        `on_progress` is called on another thread with the lines so far.
        """
        moves = legal_moves_or_error(board)
        if root_moves is not None:
            moves = list(root_moves)
        with self._asked() as engine, self._reported(engine, board, on_progress):
            if engine.protocol == "cecp":
                # Its analysis knows no limit; thinking about a move tells the same.
                self._move_of(engine, board, self._effective(limit))
            else:
                wanted = multipv if multipv is not None else len(moves)
                count = max(1, min(wanted, len(moves), engine.max_multipv))
                engine.analyse(board, self._effective(limit), self._game, count, root_moves)
            return self._analysis(engine, board)

    def new_game(self) -> None:
        """The engine is told of a new game before its next move, and restarted where it has died.

        Returns when the engine is ready, so that its clock does not pay for what it loads.

        Raises:
            PlayerCrashError, PlayerTimeoutError: it does not become ready.
        """
        self._game = object()
        self._running().wait_until_ready()

    def close(self) -> None:
        """End the process; it is killed where it does not leave by itself."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    def _effective(self, limit: Limit) -> Limit:
        for candidate in (self._spec.limit, limit):
            if not candidate.is_empty:
                return candidate
        return self._spec.default_limit

    @contextlib.contextmanager
    def _asked(self) -> Iterator[EngineClient]:
        """The engine for one question; it is let go where the question has ended it."""
        engine = self._running()
        try:
            yield engine
        finally:
            if engine.has_ended:
                self._discard()

    def _stop(self) -> None:
        engine = self._engine
        if engine is not None:
            engine.stop()

    @contextlib.contextmanager
    def _reported(
        self, engine: EngineClient, board: Board, on_progress: Callable[[Analysis], None] | None
    ) -> Iterator[None]:
        """Report what the engine has found so far while the block runs."""
        if on_progress is None:
            yield
            return
        done = threading.Event()

        def report() -> None:
            while not done.wait(_REPORT):
                analysis = self._analysis(engine, board)
                if analysis.lines and not done.is_set():
                    on_progress(analysis)

        thread = threading.Thread(target=report, name="engine progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _move_of(self, engine: EngineClient, board: Board, limit: Limit) -> Move:
        try:
            return engine.play(board, limit, self._game)
        except (PlayerCrashError, PlayerIllegalMoveError):
            # Engines behind CECP end games by rules of their own, such as a draw at the third repetition. The
            # arena decides that; the bare position, without a history, is one that they play on from.
            if not engine.claims_end or not engine.can_set_board:
                raise
        engine.restart()
        return engine.play(Board(board.fen(), strict=False), limit, self._game)

    def _running(self) -> EngineClient:
        if self._engine is None or self._engine.has_ended:
            self._discard()
            self._engine = EngineClient(self._spec, self.name)
            self.own_name = self._engine.own_name
        return self._engine

    def _discard(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.kill()

    def _analysis(self, engine: EngineClient, board: Board) -> Analysis:
        lines: dict[int, Line] = {}
        value: Value | None = None
        depth: int | None = None
        # The newest line of each number counts, so they are read backwards.
        for text in reversed(engine.lines):
            info = parse_info(text)
            if info is None or info.is_bound or info.number in lines:
                continue
            line = line_of(info, board, engine.ranks)
            if line is not None:
                lines[info.number] = line
                if info.number == 1:
                    value, depth = value_of(info), info.depth
        return Analysis(tuple(lines[number] for number in sorted(lines)), value, depth=depth)


def line_of(info: InfoLine, board: Board, ranks: RankConvention) -> Line | None:
    """The line of an `info` line of a search of `board`, up to its first illegal move; None where that is the first."""
    walk = board.copy()
    pv: list[Move] = []
    for text in info.pv:
        try:
            move = uci.parse(walk, text, ranks=ranks)
        except MoveError:
            break
        walk.push(move)
        pv.append(move)
    return Line(tuple(pv), score_cp=info.cp) if pv else None


def value_of(info: InfoLine) -> Value | None:
    """The expected outcome that an `info` line states, None where it does not."""
    if info.wdl is None:
        return None
    win, draw, loss = info.wdl
    total = win + draw + loss
    return Value(win / total, draw / total, loss / total)
