"""The same work for many items, here or in several processes; results come in the order of the items."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any, TypeVar

from xiangqi_gpt.errors import WorkerError

T = TypeVar("T")
R = TypeVar("R")

_work: Callable[[Any], Any] | None = None


def run_jobs(
    make: Callable[[], Callable[[T], R]],
    items: Sequence[T],
    *,
    jobs: int = 1,
    on_done: Callable[[int], None] | None = None,
    known: Mapping[int, R] | None = None,
    on_result: Callable[[int, R], None] | None = None,
) -> list[R]:
    """The result of the work for every item.

    Args:
        make: loads what the work needs and returns the work; called once per process, so it must be picklable.
        items: each independent of the others.
        jobs: processes; with 1 the work is done here.
        on_done: called with the number of finished items.
        known: results of an earlier call, by the number of the item; these items are left out.
        on_result: called with number and result of each item that is done now, in their order.

    Raises:
        WorkerError: a process has died, for instance for want of memory.
    """
    results = dict(known or {})
    missing = [number for number in range(len(items)) if number not in results]

    def take(number: int, result: R) -> None:
        results[number] = result
        if on_result is not None:
            on_result(number, result)
        if on_done is not None:
            on_done(len(results))

    if not missing:
        return [results[number] for number in range(len(items))]
    if jobs <= 1 or len(missing) <= 1:
        work = make()
        for number in missing:
            take(number, work(items[number]))
        return [results[number] for number in range(len(items))]
    context = multiprocessing.get_context("spawn")
    workers = min(jobs, len(missing))
    with ProcessPoolExecutor(workers, context, initializer=_start, initargs=(make,)) as pool:
        try:
            for number, result in zip(missing, pool.map(_do, [items[n] for n in missing]), strict=True):
                take(number, result)
        except BrokenProcessPool as error:
            raise WorkerError(
                f"A process of --jobs {jobs} has died after {len(results)} of {len(items)}. "
                "Use fewer jobs if memory is short."
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [results[number] for number in range(len(items))]


def _start(make: Callable[[], Callable[[Any], Any]]) -> None:
    global _work
    try:
        _work = make()
    except Exception as error:  # raised with the first item: from here it would only be a dead process
        _work = partial(_fail, error)


def _fail(error: Exception, item: object) -> Any:
    raise error


def _do(item: Any) -> Any:
    assert _work is not None
    return _work(item)
