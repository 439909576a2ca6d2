"""Work for many items in several processes."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from xiangqi_gpt.errors import ConfigError, WorkerError
from xiangqi_gpt.evaluation.jobs import run_jobs


def test_two_processes_find_the_same() -> None:
    items = list(range(7))
    done: list[int] = []
    assert run_jobs(squares, items, jobs=2, on_done=done.append) == [i * i for i in items]
    assert done == [1, 2, 3, 4, 5, 6, 7]
    assert run_jobs(squares, items) == [i * i for i in items]
    with pytest.raises(ZeroDivisionError):
        run_jobs(inverse, [1, 0, 2], jobs=2)
    with pytest.raises(WorkerError, match="has died after"):
        run_jobs(deadly, [1, 2], jobs=2)
    with pytest.raises(ConfigError, match="no such model"):
        run_jobs(unready, [1, 2], jobs=2)


def squares() -> Callable[[int], int]:
    return square


def square(number: int) -> int:
    return number * number


def inverse() -> Callable[[int], float]:
    return invert


def invert(number: int) -> float:
    return 1 / number


def deadly() -> Callable[[int], float]:
    return die


def die(number: int) -> float:
    os._exit(3)


def unready() -> Callable[[int], float]:
    raise ConfigError("no such model")
