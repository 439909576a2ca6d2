"""What a worker is, and what a pool of them does, wherever they run."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")
TaskT_contra = TypeVar("TaskT_contra", contravariant=True)
ResultT_co = TypeVar("ResultT_co", covariant=True)


class Worker(Protocol[TaskT_contra, ResultT_co]):
    """Does one task after the other. Tasks and results travel between processes: they can be pickled."""

    def run(self, task: TaskT_contra, /) -> ResultT_co:
        """Do a task."""

    def close(self) -> None:
        """Give back processes and memory."""


WorkerFactory = Callable[[], Worker[TaskT, ResultT]]
"""Builds a worker in its process; it can be pickled, such as a `functools.partial` of a class."""


class Pool(Protocol[TaskT_contra, ResultT_co]):
    """Workers, here or elsewhere."""

    def results(self, tasks: Iterator[TaskT_contra], /) -> Iterator[ResultT_co]:
        """The result of every task, in the order in which they are finished."""

    def close(self) -> None:
        """End all workers; tasks under way are lost."""


class InlinePool(Pool[TaskT, ResultT]):
    """One worker in this process: nothing is started, and tasks are done in order."""

    def __init__(self, build: WorkerFactory[TaskT, ResultT]) -> None:
        self._worker = build()

    def results(self, tasks: Iterator[TaskT], /) -> Iterator[ResultT]:
        """The result of every task, in their order."""
        return map(self._worker.run, tasks)

    def close(self) -> None:
        """End the worker."""
        with contextlib.suppress(OSError):
            self._worker.close()


def core_count() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def end_with_parent() -> None:
    """Send this process SIGTERM when the process that spawned it is gone, even by a kill."""
    threading.Thread(target=_watch_parent, name="parent watch", daemon=True).start()


def _watch_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
