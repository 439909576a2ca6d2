"""The loader: the same batches in the same order, however many threads make them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tests.training.games import games
from xiangqi_gpt.dataset.packed import pack
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPTConfig
from xiangqi_gpt.training.batches import Batch
from xiangqi_gpt.training.loader import Loader, default_workers, prefetch
from xiangqi_gpt.training.train_config import changed, preset


def loader(workers: int = 0, rank: int = 0, world: int = 1, **settings: object) -> Loader:
    config = changed(
        preset("tiny"), [f"{key}={value!r}" for key, value in {"max_steps": 60, **settings}.items()]
    )
    model = XiangqiGPTConfig(**config.model)
    return Loader(
        pack(games(12))[0], config, model, model.build_tokenizer(), workers=workers, rank=rank, world=world
    )


def equal(a: Batch, b: Batch) -> bool:
    return all(
        torch.equal(x, y) if isinstance(x, Tensor) else x == y
        for x, y in zip(vars(a).values(), vars(b).values(), strict=True)
    )


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_change_nothing(workers: int) -> None:
    """Over several epochs, with draws in the batches."""
    settings = {"replace_rows": 0.5, "micro_batch_windows": 4, "winner_weight": 2.0}
    alone, threads = loader(**settings).steps(), loader(workers, **settings).steps()
    count = 0
    for (step, mine), (other, its) in zip(alone, threads, strict=True):
        assert (step.number, step.window) == (other.number, other.window)
        assert len(mine) == 2
        assert all(equal(a, b) for a, b in zip(mine, its, strict=True))
        count += 1
    assert count == 60


def test_a_run_goes_on_in_the_middle_of_an_epoch() -> None:
    steps = list(loader().steps())
    assert len({step.window - 8 * step.number for step, _ in steps}) > 2  # epochs with a rest
    for number in (1, 7, 33):
        step, _ = steps[number]
        again, batches = next(loader(2).steps(number, step.window))
        assert again.window == step.window
        assert all(equal(a, b) for a, b in zip(batches, steps[number][1], strict=True))


def test_processes_share_every_micro_batch() -> None:
    _, [whole] = next(loader().steps())
    halves = [next(loader(rank=rank, world=2).steps())[1][0] for rank in range(2)]
    assert torch.equal(torch.cat([half.table_moves for half in halves]), whole.table_moves)
    with pytest.raises(
        ConfigError, match="micro_batch_windows: expected a multiple of the 3 processes, found 8"
    ):
        loader(world=3)


def test_little_is_made_ahead_and_errors_come_in_their_turn() -> None:
    asked: list[int] = []

    def plans() -> Iterator[int]:
        for number in range(100):
            asked.append(number)
            yield number

    def make(number: int) -> int:
        if number == 5:
            raise ValueError("five")
        return number * number

    found = prefetch(plans(), make, 2)
    assert [next(found) for _ in range(5)] == [(n, n * n) for n in range(5)]
    assert len(asked) <= 5 + 2 * 2 + 1
    with pytest.raises(ValueError, match="five"):
        next(found)
    assert not [t for t in threading.enumerate() if t.name.startswith("loader")]


def test_small_steps_are_made_in_a_row() -> None:
    made: list[int] = []

    def make(number: int) -> int:
        made.append(number)
        return -number

    found = prefetch(range(7), make, 0, at_once=3)
    assert next(found) == (0, 0)
    assert made == [0, 1, 2]
    assert list(found) == [(n, -n) for n in range(1, 7)]


def test_closing_ends_the_threads() -> None:
    found = prefetch(range(1000), lambda n: n, 4)
    next(found)
    found.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("loader")]


def test_no_threads_where_the_processor_computes_itself() -> None:
    assert default_workers(on_cpu=True) == 0
    assert default_workers(on_cpu=False) >= 1
    assert loader(4, sample_plies=0.5)._workers == 0  # the model must have learned from the step before
