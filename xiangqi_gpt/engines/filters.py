"""What stands between an engine and python-chess, one filter for each protocol.

A filter keeps the `info` lines, which python-chess reads with a pattern for boards of 8x8; checks each answer against
the rules, since python-chess would wait for ever behind an illegal one; passes on only what the protocol knows; and
bounds what is kept in memory.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import logging
import math
import os
import re

import chess
import chess.engine

from xiangqi_gpt.engines.dialects import UCCI, UCI, Dialect, is_no_answer
from xiangqi_gpt.engines.engine_board import xboard_fen
from xiangqi_gpt.engines.guard import guard, kill_group
from xiangqi_gpt.engines.info import OutputLog
from xiangqi_gpt.engines.options import EngineOption, parse_option
from xiangqi_gpt.engines.process import DRAIN_SECONDS, ErrorTail
from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.notation import uci
from xiangqi_gpt.notation.uci import RankConvention
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN

# What python-chess warns of is reported by errors of ours; without a handler it would reach the user's terminal.
chess.engine.LOGGER.addHandler(logging.NullHandler())

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


class EngineFilter(chess.engine.Protocol):
    """What stands between an engine and python-chess's protocol.

    Attributes:
        log: the output of the search at hand.
        errors: the end of what was written to stderr.
        bad_answer: the last answer that cannot be played, and why; None where the answer can be.
        claim: the engine's text if it claims that the game is over, else "".
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
            # Elsewhere the group has it. To kill it once more would look whether it has ended, and so take its exit
            # code away from asyncio, which complains of that on the terminal.
            if os.name == "nt":
                with contextlib.suppress(ProcessLookupError):
                    self.transport.kill()

    def process_exited(self) -> None:
        # What it has started may live on, and hold its pipes open.
        if self.transport is not None:
            kill_group(self.transport.get_pid())
            guard.release(self.transport.get_pid())
            # A daemon may have escaped and hold the pipes; the last words have come through by then.
            self.loop.call_later(DRAIN_SECONDS, self.transport.close)
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


class UciFilter(EngineFilter, chess.engine.UciProtocol):
    dialect: Dialect = UCI

    def __init__(self) -> None:
        super().__init__()
        self.offered: dict[str, EngineOption] = {}

    def send_line(self, line: str) -> None:
        if said := self.dialect.say(line):
            super().send_line(said)

    def translated(self, line: str) -> str:
        line = self.dialect.to_uci(line)
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


class UcciFilter(UciFilter):
    dialect = UCCI


class CecpFilter(EngineFilter, chess.engine.XBoardProtocol):
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


FILTERS: dict[str, type[EngineFilter]] = {"uci": UciFilter, "ucci": UcciFilter, "cecp": CecpFilter}
