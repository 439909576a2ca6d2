"""Engines over UCI and UCCI by a plain pair of pipes: for a hundred thousand short searches in a row.

A search of a thousand nodes takes about two milliseconds. python-chess's event loop and thread add one to it and
double the wall time of a label, so labelling writes to and reads from the engine's pipes directly.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import subprocess
import time

from xiangqi_gpt.engines.dialects import ANSWERS, UCCI, UCI, dialect_of
from xiangqi_gpt.engines.guard import apart, guard, kill_group
from xiangqi_gpt.engines.info import last_line, without_answer
from xiangqi_gpt.engines.options import EngineOption, check_option, check_value, parse_option, ranks_of
from xiangqi_gpt.engines.process import QUIT_SECONDS, ErrorTail, split_command
from xiangqi_gpt.engines.spec import EngineSpec
from xiangqi_gpt.engines.watchdog import Watchdog
from xiangqi_gpt.errors import PlayerCrashError, PlayerError, PlayerTimeoutError

_CHUNK = 1 << 16
_WAIT_SECONDS = 0.5
_KEPT_BYTES = 1 << 20  # of one answer: its end, which holds the newest lines
_ENDS = {
    word: re.compile(rf"\n(?:{pattern})[^\n]*\n".encode())
    for word, pattern in (("uciok", r"ucc?iok\b"), ("readyok", r"readyok\b"), ("bestmove", ANSWERS))
}
"""What ends an answer, by the word of UCI that it begins with."""


class PipeEngine:
    """A running engine.

    Args:
        spec: how to start it; its limit is the caller's to send.
        name: for messages.
        multipv: the lines that it is to show.

    Attributes:
        identity: what the engine calls itself.
        ranks: how it counts them.

    Raises:
        PlayerError: the program is missing, does not speak the protocol, plays no Xiangqi, or refuses an option.
    """

    def __init__(self, spec: EngineSpec, name: str, *, multipv: int = 1) -> None:
        if spec.protocol == "cecp":
            raise PlayerError(
                f"{name}: labels need a UCI or UCCI engine; the scores of CECP engines have no common unit"
            )
        self.identity = ""
        self._name = name
        self._dialect = UCCI if spec.protocol == "ucci" else UCI
        self._timeout = spec.patience + (spec.limit.time or 0.0)
        argv = split_command(spec.command)
        try:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **apart()
            )
        except OSError as error:
            raise PlayerError(f"The engine {spec.command!r} could not be started: {error}") from error
        guard.watch(self._process.pid)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        self._errors = ErrorTail()
        self._errors.follow(self._process.stderr)
        self._unread = b""
        self._has_been_killed = False
        self._selector: selectors.BaseSelector | None = None
        if os.name == "posix":
            self._selector = selectors.DefaultSelector()
            self._selector.register(self._output, selectors.EVENT_READ)
        self._watchdog = Watchdog(self._kill_process, self._process.poll)
        try:
            self._greet(spec, multipv)
        except BaseException:
            self.kill()
            raise

    def new_game(self) -> None:
        """Have the engine forget earlier games."""
        self.send("ucinewgame")
        self._wait_until_ready()

    def send(self, text: str, where: str = "") -> None:
        """One or more lines of UCI; errors as in `read_until`."""
        if self._dialect is not UCI:
            text = "\n".join(filter(None, map(self._dialect.say, text.split("\n"))))
        data = f"{text}\n".encode()
        self._watchdog.expect_by(time.monotonic() + self._timeout)
        try:
            while data:
                data = data[os.write(self._input.fileno(), data) :]
        except (OSError, ValueError) as error:
            raise self._ended(where, b"", 0) from error
        self._watchdog.rest()

    def read_until(self, word: str, where: str = "") -> list[str]:
        """All lines up to and with the answer that begins with a word of UCI, in the words of UCI.

        Of very long answers the end alone is kept. Behind `bestmove`, a line that wants to be an answer but is none
        of UCI counts as well.

        Args:
            word: uciok, readyok or bestmove.
            where: names the position, for messages.

        Raises:
            PlayerCrashError, PlayerTimeoutError: the engine has died, or was killed because it did not answer.
        """
        self._watchdog.expect_by(time.monotonic() + self._timeout)
        pattern, data, looked, dropped = _ENDS[word], b"\n" + self._unread, 0, 0
        while (end := pattern.search(data, looked)) is None:
            looked = data.rfind(b"\n")
            chunk = self._read_chunk()
            if not chunk:
                raise self._ended(where, data, dropped)
            data += chunk.replace(b"\r", b"")
            if len(data) > 2 * _KEPT_BYTES:
                # A line that never ends is dropped too; what may come of it shall not look like an answer.
                cut = data.find(b"\n", len(data) - _KEPT_BYTES)
                kept = data[cut:] if cut >= 0 else b"\n#"
                dropped += len(data) - len(kept)
                data, looked = kept, max(0, looked - (len(data) - len(kept)))
        self._watchdog.rest()
        self._unread = data[end.end() :]
        lines = data[1 : end.end() - 1].decode("utf-8", "replace").split("\n")
        return lines if self._dialect is UCI else [self._dialect.to_uci(line) for line in lines]

    def kill(self) -> None:
        """End the process and what it has started, at once."""
        self._watchdog.stop()
        self._kill_process()
        self._process.wait()
        if self._selector is not None:
            self._selector.close()
        for pipe in (self._input, self._output):
            with contextlib.suppress(OSError):
                pipe.close()

    def close(self) -> None:
        """End the process; it is killed where it does not leave by itself."""
        with contextlib.suppress(OSError, ValueError, PlayerError, subprocess.TimeoutExpired):
            self.send("quit")
            self._process.wait(timeout=QUIT_SECONDS)
        self.kill()

    def _greet(self, spec: EngineSpec, multipv: int) -> None:
        self.send("uci")
        offered: dict[str, EngineOption] = {}
        for line in self.read_until("uciok"):
            if line.startswith("id name "):
                self.identity = line.removeprefix("id name ").strip()
            if line.startswith("option "):
                option = parse_option(line)
                offered[option.name.lower()] = option
        self._dialect = dialect_of(spec.protocol, offered)
        self.ranks = ranks_of(self._name, offered, spec)
        own = [("UCI_Variant", "xiangqi")] if "uci_variant" in offered else []
        own += [("usemillisec", "true")] if "usemillisec" in offered else []
        own += [("Ranks", self.ranks)] if "ranks" in offered else []
        if multipv > 1:
            check_value(self._name, offered, "MultiPV", str(multipv))
            own += [("MultiPV", str(multipv))]
        for name, value in spec.options.items():
            check_option(self._name, offered, name, value)
        for name, value in (*own, *spec.options.items()):
            self.send(f"setoption name {name} value {value}")
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        self.send("isready")
        self.read_until("readyok")

    def _read_chunk(self) -> bytes:
        try:
            # A daemon that has escaped may hold the pipe, and no end of it would come. Windows cannot wait for pipes.
            while self._selector is not None and not self._selector.select(_WAIT_SECONDS):
                if self._has_been_killed:
                    return b""
            return os.read(self._output.fileno(), _CHUNK)
        except (OSError, ValueError):  # The pipe was closed under us.
            return b""

    def _kill_process(self) -> None:
        if not self._has_been_killed:
            self._has_been_killed = True
            kill_group(self._process.pid)
            self._process.kill()
            guard.release(self._process.pid)

    def _ended(self, where: str, data: bytes, dropped: int) -> PlayerError:
        where = f"in {where!r}" if where else "before its first position"
        self.kill()
        if self._watchdog.has_killed:
            found = without_answer(dropped + len(data.strip()), last_line(data))
            return PlayerTimeoutError(
                f"{self._name} did not answer within {self._timeout:g} s: {found} {where}"
            )
        self._errors.wait()
        return PlayerCrashError(
            f"{self._name} ended (exit code {self._process.returncode}) {where}{self._errors}"
        )
