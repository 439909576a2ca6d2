"""Engine processes: where programs are, and what they write to stderr."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from typing import IO

from xiangqi_gpt.engines.spec import command_words
from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.texts import Message

QUIT_SECONDS = 2.0
"""How long an engine may take to leave after `quit`; then it is killed."""
DRAIN_SECONDS = 0.5
"""How long the last words of an engine that has ended may take."""

_GAMES_FOLDERS = os.pathsep.join(("/usr/games", "/usr/local/games"))
_TAIL_BYTES = 2000


def find_engine(program: str) -> str | None:
    """Full path of a program on PATH or in Debian's folder for games, None if there is none."""
    return shutil.which(program) or shutil.which(program, path=_GAMES_FOLDERS)


def split_command(command: str) -> tuple[str, ...]:
    """Program, with its full path, and arguments; PlayerError where there is no such program."""
    argv = command_words(command)
    if not argv:
        raise PlayerError("The engine's command line is empty.")
    program = find_engine(argv[0])
    if program is None:
        raise PlayerError(
            f"There is no program {argv[0]!r} on PATH or in /usr/games; install the engine or give its full path.",
            message=Message.of("error.no_program", program=argv[0]),
        )
    return (program, *argv[1:])


class ErrorTail:
    """The last words that an engine wrote to stderr: for messages only, never for the user's terminal."""

    def __init__(self) -> None:
        self._data = b""
        self._reader: threading.Thread | None = None

    def add(self, data: bytes) -> None:
        """Keep the end of what was written."""
        self._data = (self._data + data[-_TAIL_BYTES:])[-_TAIL_BYTES:]

    def follow(self, stream: IO[bytes]) -> None:
        """Read a stream to its end on a thread; an engine would block on a full pipe."""
        self._reader = threading.Thread(target=self._read, args=(stream,), name="engine errors", daemon=True)
        self._reader.start()

    def wait(self) -> None:
        """Wait for what an engine that has ended may have written last; a child of it may hold the stream open."""
        if self._reader is not None:
            self._reader.join(DRAIN_SECONDS)

    def _read(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError), stream:
            while data := os.read(stream.fileno(), 1 << 16):
                self.add(data)

    def __str__(self) -> str:
        """The last line in quotes, with what leads up to it in a message; empty where nothing was written."""
        lines = [line for line in self._data.decode("utf-8", "replace").splitlines() if line.strip()]
        return f"; its last words: {lines[-1].strip()[:300]!r}" if lines else ""
