"""Workers on this machine, each in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic

from xiangqi_gpt.errors import WorkerError
from xiangqi_gpt.workers.pool import Pool, ResultT, TaskT, WorkerFactory, end_with_parent

_DEATHS = 3
"""How many workers may end unexpectedly without a result in between."""

_END_SECONDS = 10.0


@dataclass
class _Member(Generic[TaskT]):
    process: BaseProcess
    pipe: Connection
    tasks: deque[TaskT] = field(default_factory=deque)


class LocalPool(Pool[TaskT, ResultT]):
    """Processes that do one kind of work. They are spawned, never forked: the caller may have threads.

    A worker ends with the process that started it, however that one ends.

    Args:
        build: builds the worker of each process.
        workers: most processes at a time.
        ahead: tasks that a worker holds; with 2 it never waits for the next one.
    """

    def __init__(self, build: WorkerFactory[TaskT, ResultT], workers: int, *, ahead: int = 2) -> None:
        self._build = build
        self._ahead = ahead
        self._context = multiprocessing.get_context("spawn")
        self._members: list[_Member[TaskT]] = []
        self._workers = workers
        self._deaths = 0

    def results(self, tasks: Iterator[TaskT], /) -> Iterator[ResultT]:
        """The result of every task, in order of completion.

        Raises WorkerError if workers keep ending unexpectedly.
        """
        waiting: deque[TaskT] = deque()

        def taken() -> TaskT | None:
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
                    result: ResultT = member.pipe.recv()
                except (EOFError, OSError):
                    waiting.extend(self._lost(member))
                    continue
                self._deaths = 0
                member.tasks.popleft()
                yield result

    def close(self) -> None:
        """End all workers; tasks in progress are lost."""
        for member in self._members:
            with contextlib.suppress(OSError):
                member.pipe.close()
            # The worker's own handler closes it, and with it its engines.
            member.process.terminate()
        for member in self._members:
            member.process.join(_END_SECONDS)
            if member.process.is_alive():
                member.process.kill()
                member.process.join()
        self._members = []

    def _has_room(self) -> bool:
        return len(self._members) < self._workers or any(
            len(member.tasks) < self._ahead for member in self._members
        )

    def _chosen(self) -> _Member[TaskT]:
        """The worker for the next task: an idle one, else a new one, else the one with the fewest tasks."""
        least = min(self._members, key=lambda member: len(member.tasks), default=None)
        if least is None or (least.tasks and len(self._members) < self._workers):
            return self._hired()
        return least

    def _hired(self) -> _Member[TaskT]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._build), name="worker", daemon=True)
        process.start()
        # Only the worker may hold its end of the pipe; otherwise its death would not be detected.
        theirs.close()
        member: _Member[TaskT] = _Member(process, ours)
        self._members.append(member)
        return member

    def _give(self, member: _Member[TaskT], task: TaskT) -> None:
        member.tasks.append(task)
        # A worker that has ended is noticed when its result is read.
        with contextlib.suppress(OSError):
            member.pipe.send(task)

    def _lost(self, member: _Member[TaskT]) -> list[TaskT]:
        """Remove a worker that has ended unexpectedly, and return the tasks that it still had."""
        self._members.remove(member)
        member.pipe.close()
        member.process.join(_END_SECONDS)
        self._deaths += 1
        if self._deaths >= _DEATHS:
            raise WorkerError(
                f"{self._deaths} worker processes ended in a row, the last with exit code {member.process.exitcode} "
                "(out of memory?)"
            )
        return list(member.tasks)


def _serve(pipe: Connection, build: WorkerFactory[Any, Any]) -> None:
    """The main loop of a worker process; it ends when the other end of the pipe is gone."""
    # Ctrl-C is sent to the whole group; the parent decides which processes end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    end_with_parent()
    worker = build()
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
