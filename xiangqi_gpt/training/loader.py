"""From packed games to the batches of every step, made ahead of time where there are cores for it.

What a step reads is a function of the data, the settings and the number of windows seen before it, so any thread may
make the batches of any step, and a run that was stopped goes on with the very batches it would have had. Threads serve:
the replay of boards and the rules are compiled code that holds no lock on the interpreter.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.model import XiangqiGPTConfig
from xiangqi_gpt.rules.errors import ConfigError
from xiangqi_gpt.tokens import Tokenizer
from xiangqi_gpt.training.batches import Batch, collate, condition_ids, ply_weights
from xiangqi_gpt.training.config import TrainConfig
from xiangqi_gpt.training.exposure import expose, replace_tokens
from xiangqi_gpt.training.packed import I64, Packed
from xiangqi_gpt.training.sampling import Sampler
from xiangqi_gpt.training.windows import Windows, cut

MAX_WORKERS = 8  # more were never of use: see benchmarks/training_data.py

_Plan = TypeVar("_Plan")
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Step:
    """What one optimiser step reads, over all processes."""

    number: int  # 0-based
    window: int  # windows seen before it, over all epochs
    games: I64  # (batch_windows,)
    first: I64  # (batch_windows,) plies
    mirrored: npt.NDArray[np.bool_]  # (batch_windows,)


def ahead(
    plans: Iterable[_Plan], make: Callable[[_Plan], _Made], workers: int
) -> Iterator[tuple[_Plan, _Made]]:
    """Each plan with what *make* makes of it, in order; *workers* threads work on those to come, 0: none does.

    At most two a worker are made and waiting. An error of *make* is raised where its plan's turn comes. Closing the
    iterator ends the threads.
    """
    if not workers:
        for plan in plans:
            yield plan, make(plan)
        return
    waiting: deque[tuple[_Plan, Future[_Made]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="loader")
    try:
        for plan in plans:
            waiting.append((plan, pool.submit(make, plan)))
            if len(waiting) > 2 * workers:
                due, made = waiting.popleft()
                yield due, made.result()
        while waiting:
            due, made = waiting.popleft()
            yield due, made.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def default_workers(on_cpu: bool, processes: int = 1) -> int:
    """How many threads load: none where the processor computes itself, else some of its cores."""
    return 0 if on_cpu else max(1, min(MAX_WORKERS, (os.cpu_count() or 1) // (2 * processes)))


class Loader:
    """The batches of a run, for the process *rank* of *world*.

    *model* is asked for plies where the settings have the model play (``sample_plies``); then no batch can be made
    before the step ahead of it is done. With *pin* batches lie in page-locked memory.
    """

    def __init__(
        self,
        packed: Packed,
        config: TrainConfig,
        model_config: XiangqiGPTConfig,
        tokenizer: Tokenizer,
        *,
        model: Any = None,
        rank: int = 0,
        world: int = 1,
        workers: int = 0,
        pin: bool = False,
    ) -> None:
        if config.micro_batch_windows % world:
            raise ConfigError(
                f"micro_batch_windows: expected a multiple of the {world} processes, "
                f"found {config.micro_batch_windows}"
            )
        self.packed, self.config, self.model_config, self.tokenizer = packed, config, model_config, tokenizer
        self._model, self._rank, self._world, self._pin = model, rank, world, pin
        self._workers = 0 if config.sample_plies else workers
        self.sampler = Sampler(
            packed=packed,
            plies=config.plies,
            seed=config.seed,
            mirror=config.mirror,
            from_start=model_config.board == "none",
            mix=config.mix,
            opening_limit=config.opening_limit,
        )

    def steps(self, step: int = 0, window: int = 0) -> Iterator[tuple[Step, list[Batch]]]:
        """Every step from number *step* on, before which *window* windows were seen, with its micro-batches."""
        return ahead(self.plans(step, window), self.batches, self._workers)

    def plans(self, step: int, window: int) -> Iterator[Step]:
        """What the steps from number *step* on read."""
        size = self.config.batch_windows
        epoch, start = 0, 0
        order = self.sampler.epoch(0)
        if len(order[0]) < size:
            raise ConfigError(
                f"batch_windows: expected at most the {len(order[0])} windows of the data, found {size}"
            )
        for number in range(step, self.config.max_steps):
            while window + size > start + len(order[0]):
                start += len(order[0])
                window = max(window, start)  # the rest of an epoch that fills no batch is dropped
                epoch += 1
                order = self.sampler.epoch(epoch)
            rows = slice(window - start, window - start + size)
            yield Step(number, window, order[0][rows], order[1][rows], order[2][rows])
            window += size

    def batches(self, step: Step) -> list[Batch]:
        """The micro-batches of this process."""
        config, micro = self.config, self.config.micro_batch_windows
        batches = []
        for first in range(0, config.batch_windows, micro):
            rows = slice(
                first + self._rank * micro // self._world, first + (self._rank + 1) * micro // self._world
            )
            windows = cut(
                self.packed,
                step.games[rows],
                step.first[rows],
                config.plies,
                step.mirrored[rows],
                soft_moves=config.soft_moves,
            )
            rng = np.random.default_rng((config.seed, step.window, first, self._rank))
            batch = self.batch(windows, rng, step.number)
            batches.append(batch.pin() if self._pin else batch)
        return batches

    def batch(self, windows: Windows, rng: np.random.Generator, step: int) -> Batch:
        """A micro-batch, with whatever the run replaces in it at step *step*."""
        config, tokenizer = self.config, self.tokenizer
        prefix = condition_ids(windows, tokenizer, config.condition_dropout, rng)
        weights = ply_weights(
            windows, winner=config.winner_weight, loser=config.loser_weight, draw=config.draw_weight
        )
        windows = expose(
            windows, config, rng, step=step, model=self._model, tokenizer=tokenizer, prefix=prefix
        )
        batch = collate(
            windows,
            tokenizer,
            self.model_config.board != "none",
            prefix=prefix,
            legal_sets=self.model_config.legal_head,
            weights=weights,
            soft_temperature=config.soft_temperature,
        )
        return replace_tokens(batch, tokenizer, config.replace_rows, config.replace_tokens, rng)
