"""Workers on this machine: one process per core, each with its own engine."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from xiangqi_gpt.errors import WorkerError
from xiangqi_gpt.teacher.work import Result, Task, Work, Worker

_AHEAD = 2
"""Tasks assigned to one worker, so that it never waits for the next one."""

_DEATHS = 3
"""How many workers may end unexpectedly without a result in between."""

_END_SECONDS = 10.0


def core_count() -> int:
    """Number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


@dataclass
class _Member:
    process: BaseProcess
    pipe: Connection
    tasks: deque[Task] = field(default_factory=deque)


class LocalPool:
    """Processes that do one kind of work. They are spawned, not forked: the caller may have threads."""

    def __init__(self, work: Work, workers: int) -> None:
        self._work = work
        self._context = multiprocessing.get_context("spawn")
        self._members: list[_Member] = []
        self._workers = workers
        self._deaths = 0

    def results(self, tasks: Iterator[Task]) -> Iterator[Result]:
        """The result of every task, in order of completion.

        Raises WorkerError if workers keep ending unexpectedly.
        """
        waiting: deque[Task] = deque()

        def taken() -> Task | None:
            return waiting.popleft() if waiting else next(tasks, None)

        while True:
            while self._has_room() and (task := taken()) is not None:
                self._give(self._chosen(), task)
            busy = [member for member in self._members if member.tasks]
            if not busy:
                return
            for ready in wait([member.pipe for member in busy]):
                member = next(member for member in busy if member.pipe is ready)
                try:
                    result: Result = member.pipe.recv()
                except (EOFError, OSError):
                    waiting.extend(self._lost(member))
                    continue
                self._deaths = 0
                member.tasks.popleft()
                yield result

    def close(self) -> None:
        """End all workers and their engines; games in progress are lost."""
        for member in self._members:
            with contextlib.suppress(OSError):
                member.pipe.close()
            # The worker's own signal handler ends its engine.
            member.process.terminate()
        for member in self._members:
            member.process.join(_END_SECONDS)
            if member.process.is_alive():
                member.process.kill()
                member.process.join()
        self._members = []

    def _has_room(self) -> bool:
        return len(self._members) < self._workers or any(
            len(member.tasks) < _AHEAD for member in self._members
        )

    def _chosen(self) -> _Member:
        """The worker for the next task: an idle one, else a new one, else the one with the fewest tasks."""
        least = min(self._members, key=lambda member: len(member.tasks), default=None)
        if least is None or (least.tasks and len(self._members) < self._workers):
            return self._hired()
        return least

    def _hired(self) -> _Member:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._work), name="teacher", daemon=True)
        process.start()
        # Only the worker may hold its end of the pipe; otherwise its death would not be detected.
        theirs.close()
        member = _Member(process, ours)
        self._members.append(member)
        return member

    def _give(self, member: _Member, task: Task) -> None:
        member.tasks.append(task)
        # A worker that has ended is detected when its pipe is read.
        with contextlib.suppress(OSError):
            member.pipe.send(task)

    def _lost(self, member: _Member) -> list[Task]:
        """Remove a worker that has ended unexpectedly, and return the tasks it still had."""
        self._members.remove(member)
        member.pipe.close()
        member.process.join(_END_SECONDS)
        self._deaths += 1
        if self._deaths >= _DEATHS:
            raise WorkerError(
                f"expected workers that stay, found {self._deaths} ended in a row, the last with exit code "
                f"{member.process.exitcode} (out of memory?)"
            )
        return list(member.tasks)


def _serve(pipe: Connection, work: Work) -> None:
    """The main loop of a worker process; it ends when the other end of the pipe is closed."""
    # Ctrl-C is sent to the whole group; the parent decides which processes end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    worker = Worker(work)
    try:
        while True:
            pipe.send(worker.run(pipe.recv()))
    except (EOFError, OSError):
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        worker.close()


def _leave(number: int, frame: object) -> None:
    raise SystemExit
