"""The teacher's engine: a UCI process that is asked for the best move and its score, position after position.

A search of a thousand nodes takes about three milliseconds, less than an event loop and a second thread would add
to it; so lines are written to and read from the engine's pipes directly.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from xiangqi_gpt.errors import MoveError, PlayerCrashError, PlayerError, PlayerTimeoutError
from xiangqi_gpt.notation import uci
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.players.base import EngineSpec
from xiangqi_gpt.players.engine import DEFAULT_LIMIT, DEFAULT_TIMEOUT, split_command
from xiangqi_gpt.players.engine_board import MATE_SCORE
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

MAX_SCORE = 20_000
"""Centipawns that a score without a mate is clipped to, as stored."""

_MANAGED = ("uci_variant", "multipv", "ponder")
_CHUNK = 1 << 16
_MOST_BYTES = 1 << 24  # of one answer; whoever says more is not answering
_WATCH_SECONDS = 0.5
_QUIT_SECONDS = 2.0


class EngineLieError(PlayerError):
    """An engine whose answer cannot be a label: an illegal best move, none, or no score.

    Attributes:
        engine: its name.
        fen: the position that it was asked about.
        said: its words.
    """

    def __init__(self, message: str, engine: str, fen: str, said: str) -> None:
        super().__init__(message)
        self.engine = engine
        self.fen = fen
        self.said = said

    def __reduce__(self) -> tuple[type[EngineLieError], tuple[str, ...]]:
        # It travels between processes; the default would leave out what is beside the message.
        return type(self), (str(self), self.engine, self.fen, self.said)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the engine thinks of a position.

    Attributes:
        best: its best move.
        cp: centipawns for the side to move; a mate in n moves is 30000 - n or -(30000 - n), other scores lie
            within +-20000.
        lines: its best moves with their scores, best first; one unless more were asked for.
    """

    best: Move
    cp: int
    lines: tuple[tuple[Move, int], ...]


class Game:
    """A game on its way: the board, and what to tell the engine about it.

    The engine is told the position behind the last capture and the moves since: no repetition reaches further
    back, and engines read long lists of moves slowly.
    """

    def __init__(self, board: Board, ranks: RankConvention) -> None:
        self.board = board
        self._ranks: RankConvention = ranks
        self._root = board.fen()
        self._moves = ""

    def push(self, move: Move) -> None:
        """Play a legal move."""
        capture = self.board.is_capture(move)
        self.board.push(move)
        if capture:
            self._root, self._moves = self.board.fen(), ""
        else:
            self._moves += f" {uci.render(self.board, move, ranks=self._ranks)}"

    @property
    def position(self) -> str:
        """The UCI command `position` for the present position."""
        return f"position fen {self._root}" + (f" moves{self._moves}" if self._moves else "")


class TeacherEngine:
    """A running engine.

    Args:
        spec: how to start it; without a limit it searches `DEFAULT_LIMIT`.
        multipv: how many of the best moves it names.

    Attributes:
        name: the program with its limit and options.
        identity: what the engine calls itself.
        ranks: how it counts them.
        searches: positions judged so far.
        seconds: time between questions and answers so far.

    Raises:
        PlayerError: the program is missing, does not speak UCI, plays no Xiangqi, or refuses an option.
    """

    def __init__(self, spec: EngineSpec, *, multipv: int = 1) -> None:
        self.name = engine_name(spec)
        self.identity = ""
        self.searches = 0
        self.seconds = 0.0
        self._multipv = multipv
        limit = DEFAULT_LIMIT if spec.limit.is_empty else spec.limit
        self._go = "go" + "".join(
            f" {key} {value}"
            for key, value in (
                ("nodes", limit.nodes),
                ("depth", limit.depth),
                ("movetime", round(1000 * limit.time) if limit.time is not None else None),
            )
            if value is not None
        )
        timeout = DEFAULT_TIMEOUT if spec.timeout is None else spec.timeout
        if not 0 < timeout < float("inf"):
            raise PlayerError(f"expected a timeout above 0 s for {spec.command!r}, found {timeout!r}")
        self._timeout = timeout + (limit.time or 0.0)
        argv = split_command(spec.command)
        try:
            # A session of its own, so that Ctrl-C reaches us first and we end it in order.
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=os.name == "posix",
            )
        except OSError as error:
            raise PlayerError(f"expected an engine to start with {spec.command!r}: {error}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        self._heard = b""
        self._watchdog = _Watchdog(self._process)
        try:
            self.ranks = self._greet(spec)
        except BaseException:
            self.kill()
            raise

    def new_game(self) -> None:
        """The engine forgets what it has seen, so that a game's labels depend on that game alone."""
        self._say("ucinewgame")
        self._await_ready()

    def judge(self, game: Game) -> Judgement:
        """Best move and score of the present position, which must have a legal move.

        Raises:
            EngineLieError: the answer cannot be a label.
            PlayerCrashError, PlayerTimeoutError: the engine has died, or was killed because it did not answer.
        """
        started = time.perf_counter()
        board = game.board
        self._say(f"{game.position}\n{self._go}", board)
        said = self._hear(b"bestmove", board)
        self.seconds += time.perf_counter() - started
        self.searches += 1
        return self._judgement(board, said[-1], said[:-1])

    def kill(self) -> None:
        """End the process at once."""
        self._watchdog.stop()
        self._process.kill()
        self._process.wait()
        for pipe in (self._input, self._output):
            with contextlib.suppress(OSError):
                pipe.close()

    def close(self) -> None:
        """End the process; it is killed where it does not leave by itself."""
        with contextlib.suppress(OSError, ValueError, PlayerError):
            self._say("quit")
            self._process.wait(timeout=_QUIT_SECONDS)
        self.kill()

    def _greet(self, spec: EngineSpec) -> RankConvention:
        self._say("uci")
        options: dict[str, dict[str, list[str]]] = {}
        for line in self._hear(b"uciok"):
            if line.startswith("id name "):
                self.identity = line.removeprefix("id name ").strip()
            if line.startswith("option "):
                name, facts = _option(line)
                options[name.lower()] = facts
        variants = options.get("uci_variant", {}).get("var", [])
        if "uci_variant" in options:
            if "xiangqi" not in variants:
                offered = ", ".join(variants) or "none"
                raise PlayerError(f"expected UCI_Variant xiangqi from {self.name}, found {offered}")
            self._say("setoption name UCI_Variant value xiangqi")
        if self._multipv > 1:
            _check_option(self.name, options, "MultiPV", str(self._multipv))
            self._say(f"setoption name MultiPV value {self._multipv}")
        for name, value in spec.options.items():
            if name.lower() in _MANAGED:
                raise PlayerError(f"option refused for {self.name}: {name} is managed and cannot be set")
            _check_option(self.name, options, name, value)
            self._say(f"setoption name {name} value {value}")
        self._await_ready()
        if spec.ranks is None:
            return "1-10" if len(variants) > 1 else "0-9"
        if spec.ranks not in ("0-9", "1-10"):
            raise PlayerError(f"expected ranks=0-9 or ranks=1-10 for {self.name}, found {spec.ranks!r}")
        return "0-9" if spec.ranks == "0-9" else "1-10"

    def _await_ready(self) -> None:
        self._say("isready")
        self._hear(b"readyok")

    def _say(self, text: str, board: Board | None = None) -> None:
        try:
            os.write(self._input.fileno(), f"{text}\n".encode())
        except (OSError, ValueError) as error:
            raise self._ended(board) from error

    def _hear(self, word: bytes, board: Board | None = None) -> list[str]:
        """All lines up to and with the first one that begins with a word."""
        self._watchdog.expect_by(time.monotonic() + self._timeout)
        mark, data, end = b"\n" + word, b"\n" + self._heard, -1
        looked = 0
        while True:
            if (at := data.find(mark, looked)) >= 0 and (end := data.find(b"\n", at + 1)) >= 0:
                break
            looked = at if at >= 0 else max(0, len(data) - len(mark))
            chunk = os.read(self._output.fileno(), _CHUNK)
            if not chunk or len(data) > _MOST_BYTES:
                raise self._ended(board)
            data += chunk.replace(b"\r", b"")
        self._watchdog.rest()
        self._heard = data[end + 1 :]
        return data[1:end].decode("utf-8", "replace").split("\n")

    def _ended(self, board: Board | None) -> PlayerError:
        where = f"in {board.fen()!r}" if board is not None else "before its first position"
        self.kill()
        if self._watchdog.has_killed:
            return PlayerTimeoutError(
                f"expected an answer from {self.name} within {self._timeout:g} s, found silence {where}"
            )
        return PlayerCrashError(
            f"expected an answer from {self.name}, found its process ended "
            f"(exit code {self._process.returncode}) {where}"
        )

    def _judgement(self, board: Board, answer: str, said: list[str]) -> Judgement:
        words = answer.split()
        best = self._legal(board, words[1] if len(words) > 1 else "", "a legal best move", answer)
        if self._multipv == 1:
            cp = score_of(said, uci.render(board, best, ranks=self.ranks))
            if cp is None:
                raise self._lie("a score for the best move", board, _last_words(said, answer))
            return Judgement(best, cp, ((best, cp),))
        lines: dict[Move, int] = {}
        for line in newest_lines(said):
            move = self._legal(board, line.move, "legal moves in its lines", line.text)
            lines.setdefault(move, line.cp)
        if best not in lines:
            raise self._lie("a score for the best move", board, _last_words(said, answer))
        first = lines.pop(best)
        return Judgement(best, first, ((best, first), *lines.items()))

    def _legal(self, board: Board, text: str, expected: str, said: str) -> Move:
        try:
            return uci.parse(board, text, ranks=self.ranks)
        except MoveError as error:
            raise self._lie(expected, board, said, str(error)) from error

    def _lie(self, expected: str, board: Board, said: str, why: str = "") -> EngineLieError:
        fen, because = board.fen(), f" ({why})" if why else ""
        message = f"{self.name}: expected {expected} in {fen!r}, found {said!r}{because}"
        return EngineLieError(message, self.name, fen, said)


class _Watchdog:
    """Kills a process whose answer is overdue: a blocking read has no time limit of its own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.has_killed = False
        self._process = process
        self._deadline = float("inf")
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, name="engine watchdog", daemon=True).start()

    def expect_by(self, deadline: float) -> None:
        """The time (monotonic) at which an answer is overdue."""
        self._deadline = deadline

    def rest(self) -> None:
        """Nothing is expected."""
        self._deadline = float("inf")

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(_WATCH_SECONDS):
            if time.monotonic() > self._deadline:
                self.has_killed = True
                self._process.kill()
                return


def engine_name(spec: EngineSpec) -> str:
    """The program with its limit and options, as shown."""
    limit = DEFAULT_LIMIT if spec.limit.is_empty else spec.limit
    parts = [
        f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in (("nodes", limit.nodes), ("time", limit.time), ("depth", limit.depth))
        if value is not None
    ]
    parts += [f"{key}={value}" for key, value in spec.options.items()]
    program = os.path.basename(spec.command.split()[0]) if spec.command.split() else spec.command
    return f"{program}[{','.join(parts)}]"


def _option(line: str) -> tuple[str, dict[str, list[str]]]:
    """Name and facts (type, default, min, max, var) of a line `option name ... type ...`."""
    head, _, rest = line.partition(" type ")
    facts: dict[str, list[str]] = {}
    words = rest.split()
    facts["type"] = words[:1]
    key = ""
    for word in words[1:]:
        if word in ("default", "min", "max", "var"):
            key = word
        elif key:
            facts.setdefault(key, []).append(word)
    return head.removeprefix("option name ").strip(), facts


def _check_option(engine: str, options: Mapping[str, dict[str, list[str]]], name: str, value: str) -> None:
    facts = options.get(name.lower())
    if facts is None:
        raise PlayerError(f"option refused for {engine}: expected one that it offers, found {name!r}")
    kind = "".join(facts["type"])
    if kind == "spin":
        least, most = ("".join(facts.get(key, [])) for key in ("min", "max"))
        try:
            fits = (not least or int(least) <= int(value)) and (not most or int(value) <= int(most))
        except ValueError:
            fits = False
        if not fits:
            raise PlayerError(
                f"option refused for {engine}: expected {name} of {least} to {most}, found {value!r}"
            )
    elif kind == "check" and value not in ("true", "false"):
        raise PlayerError(f"option refused for {engine}: expected true or false for {name}, found {value!r}")
    elif kind == "combo" and value not in facts.get("var", []):
        known = ", ".join(facts.get("var", []))
        raise PlayerError(f"option refused for {engine}: expected {name} of {known}, found {value!r}")


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    cp: int
    is_bound: bool
    move: str
    text: str


def _parse(text: str) -> _Line | None:
    """An `info` line with a score and a variation; None for what does not parse."""
    words = text.split()
    try:
        at = words.index("score")
        kind, number = words[at + 1], int(words[at + 2])
        move = words[words.index("pv") + 1]
        multipv = int(words[words.index("multipv") + 1]) if "multipv" in words else 1
    except (ValueError, IndexError):
        return None
    if kind == "mate":
        cp = MATE_SCORE - number if number > 0 else -MATE_SCORE - number
    elif kind == "cp":
        cp = max(-MAX_SCORE, min(MAX_SCORE, number))
    else:
        return None
    return _Line(multipv, cp, "lowerbound" in words or "upperbound" in words, move, text)


def _last_words(said: list[str], answer: str) -> str:
    return "; ".join([*[line for line in said if line.strip()][-1:], answer])


def score_of(said: list[str], best: str) -> int | None:
    """The score of the best move; None where there is none.

    The newest line counts, a bound too where the search stopped on one: it tells more than the line before it.
    """
    fallback = None
    for text in reversed(said):
        line = _parse(text)
        if line is not None and line.number == 1:
            if line.move == best:
                return line.cp
            if fallback is None:
                fallback = line.cp
    return fallback


def newest_lines(said: Iterable[str]) -> list[_Line]:
    """The newest line of each number, in their order.

    Where the search stopped on a bound, the move's last exact score stands in its place: it comes from the depth of
    the other lines, and only scores of one depth can be set against each other.
    """
    newest: dict[int, _Line] = {}
    exact: dict[str, int] = {}
    for line in map(_parse, said):
        if line is not None:
            newest[line.number] = line
            if not line.is_bound:
                exact[line.move] = line.cp
    lines = [newest[number] for number in sorted(newest)]
    return [replace(line, cp=exact.get(line.move, line.cp)) if line.is_bound else line for line in lines]
