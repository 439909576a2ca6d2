"""Adding games to a collection in a process of its own, with progress, so that the window never waits."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.play.process_end import end_process
from xiangqi_gpt.texts import Details, Message

QUIT_SECONDS = 1.0
"""How long the process has to stop by itself when the window closes."""
_STEP = 0.1  # seconds between two reports of progress


@dataclass(frozen=True)
class Progress:
    """How far it is: "read" so many of all bytes, or "compare" or "index" so many games."""

    what: str
    count: int
    of: int = 0


@dataclass(frozen=True)
class Result:
    """What has come of it: games that are new, copies of others, and refused; the games that there are now."""

    new: int
    duplicates: int
    refused: int
    after: int


@dataclass(frozen=True)
class _Failure:
    reason: str


_Report: TypeAlias = Progress | Result | _Failure | None


class Collector:
    """Adds the games of files and folders to a collection, which is made if there is none.

    Args:
        sources: record files and folders.
        out: the file of the collection. Nobody may hold it open.
        wake: called on another thread after each report.

    Attributes:
        out: the file of the collection.
        progress: how far it is.
        result: what has come of it, once it is done.
        error: why nothing has been added.
        is_done: whether it has ended. Without a result and an error it was stopped.
    """

    def __init__(self, sources: Sequence[Path], out: Path, wake: Callable[[], None] = lambda: None) -> None:
        self.out = out
        self.progress = Progress("read", 0)
        self.result: Result | None = None
        self.error: Message | Details | None = None
        self.is_done = False
        self._wake = wake
        self._is_stopped = False
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, tuple(sources), out), name="xiangqi-gpt-collect", daemon=True
        )
        self._process.start()
        theirs.close()  # so that its end tells that the process is gone
        self._listener = threading.Thread(target=self._listen, name="xiangqi-gpt-collecting", daemon=True)
        self._listener.start()

    def stop(self) -> None:
        """Have it stop; the collection is then as it was."""
        self._is_stopped = True
        with suppress(OSError):
            self._connection.send("stop")

    def close(self) -> None:
        """Stop, and see to it that the process is gone."""
        self.stop()
        end_process(self._process, self._listener, QUIT_SECONDS)

    def _listen(self) -> None:
        report: _Report = None
        while True:
            try:
                report = self._connection.recv()
            except (EOFError, OSError):
                break
            if isinstance(report, Progress):
                self.progress = report
                self._wake()
        self._connection.close()
        self._process.join()
        if isinstance(report, Result):
            self.result = report
        elif isinstance(report, _Failure):
            self.error = Details(report.reason, Message.of("error.collect"))
        elif not self._is_stopped:
            self.error = Message.of("error.collect")
        self.is_done = True
        self._wake()


class _StoppedError(Exception):
    """The person does not want it any more."""


def serve(connection: Connection, sources: tuple[Path, ...], out: Path) -> None:
    """Add the games and report; the main function of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the program, which then stops this process
    from xiangqi_gpt.library.collecting import collect
    from xiangqi_gpt.records.convert import source_files

    total, counts, told = 0, {"read": 0, "compare": 0, "index": 0}, 0.0

    def on_progress(what: str, count: int) -> None:
        nonlocal told
        counts[what] += count
        if connection.poll():  # "stop", or the window is gone
            raise _StoppedError
        if time.monotonic() - told >= _STEP:
            told = time.monotonic()
            connection.send(Progress(what, counts[what], total if what == "read" else 0))

    report: _Report = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        total = sum(path.stat().st_size for path in source_files(sources))
        done = collect(sources, out, on_progress=on_progress)
        summary = done.summary
        report = Result(
            summary.kept + summary.cut, summary.duplicates, summary.refused + summary.unreadable, done.after
        )
    except _StoppedError:
        pass
    except Exception as error:
        # Whatever is wrong with the files is told in the window.
        reason = error.reason if isinstance(error, RecordError) else f"{type(error).__name__}: {error}"
        report = _Failure(" ".join(reason.split()))
    with suppress(OSError):
        connection.send(report)
    connection.close()
