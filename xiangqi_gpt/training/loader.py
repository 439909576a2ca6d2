"""From packed games to the batches of every step, made ahead of time if there are free cores.

The data of a step is a function of the data, the settings and the number of windows before it. So any thread can make
the batches of any step, and a resumed run gets exactly the batches that it would have had. Threads are enough: the
replay of boards and the rules are compiled code that releases the interpreter lock.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.dataset.packed import I64, Packed
from xiangqi_gpt.dataset.sampler import Sampler
from xiangqi_gpt.dataset.windows import Windows, gather_windows
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPTConfig
from xiangqi_gpt.tokens import Tokenizer
from xiangqi_gpt.training.batches import Batch, collate, collate_table, condition_ids, ply_weights
from xiangqi_gpt.training.exposure import expose, replace_tokens
from xiangqi_gpt.training.schedules import window_plies
from xiangqi_gpt.training.train_config import TrainConfig

MAX_WORKERS = 8
_PLIES_AT_ONCE = 2048

_Plan = TypeVar("_Plan")
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Step:
    """The data of one optimiser step, over all processes."""

    number: int  # 0-based
    window: int  # windows before it, over all epochs
    games: I64  # (batch_windows,), or more in a stage of a curriculum with shorter windows
    first: I64  # (batch_windows,) plies
    mirrored: npt.NDArray[np.bool_]  # (batch_windows,)
    plies: int  # per window
    stage: int = 0  # of the curriculum
    stage_window: int = 0  # windows before the stage began


def prefetch(
    plans: Iterable[_Plan], make: Callable[[_Plan], _Made], workers: int, at_once: int = 1
) -> Generator[tuple[_Plan, _Made], None, None]:
    """Each plan with the result of *make*, in order; *workers* threads prepare later ones, 0: no threads.

    At most two results per worker are waiting. An error of *make* is raised when its plan's turn comes. Closing the
    iterator ends the threads. Without threads, *at_once* plans are made at a time.
    """
    if not workers:
        rest = iter(plans)
        while due := list(itertools.islice(rest, at_once)):
            yield from [(plan, make(plan)) for plan in due]
        return
    waiting: deque[tuple[_Plan, Future[_Made]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="loader")
    try:
        for plan in plans:
            waiting.append((plan, pool.submit(make, plan)))
            if len(waiting) > 2 * workers:
                first, made = waiting.popleft()
                yield first, made.result()
        while waiting:
            first, made = waiting.popleft()
            yield first, made.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def default_workers(on_cpu: bool, processes: int = 1) -> int:
    """Number of loader threads: none if the processor does the computing itself, otherwise some of its cores."""
    return 0 if on_cpu else max(1, min(MAX_WORKERS, (os.cpu_count() or 1) // (2 * processes)))


class Loader:
    """The batches of a run, for the process *rank* of *world*.

    *model* samples plies if the settings require it (``sample_plies``); then the batches of a step can only be made
    after the previous step. With *pin*, batches are in page-locked memory.
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
        # Small steps are made several at a time: alternating between them and the model leaves the caches cold.
        step_plies = config.batch_windows * config.plies
        self._at_once = 1 if config.sample_plies else max(1, _PLIES_AT_ONCE // step_plies)
        self._with_boards, self._legal_sets = model_config.board != "none", model_config.legal_head
        self._legality = config.legality_weight > 0 or config.final_legality_weight > 0
        self.sampler = Sampler(
            packed=packed,
            plies=config.plies,
            seed=config.seed,
            mirror=config.mirror,
            from_start=model_config.board == "none",
            mix=config.mix,
            opening_limit=config.opening_limit,
        )

    def steps(
        self,
        step: int = 0,
        window: int = 0,
        *,
        stage: int = 0,
        stage_window: int = 0,
        stage_at: Callable[[int], int] = lambda step: 0,
    ) -> Generator[tuple[Step, list[Batch]], None, None]:
        """Every step from number *step* on, which comes after *window* windows, with its micro-batches.

        *stage_at* gives the stage of the curriculum of a step; the current one began after *stage_window* windows.
        """
        plans = self.plans(step, window, stage=stage, stage_window=stage_window, stage_at=stage_at)
        return prefetch(plans, self.batches, self._workers, self._at_once)

    def plans(
        self,
        step: int,
        window: int,
        *,
        stage: int = 0,
        stage_window: int = 0,
        stage_at: Callable[[int], int] = lambda step: 0,
    ) -> Iterator[Step]:
        """The data of the steps from number *step* on. Every stage of a curriculum begins with its own epochs."""
        sampler, order = self.sampler, None
        epoch = start = size = 0
        for number in range(step, self.config.max_steps):
            now = max(stage, stage_at(number))
            if now != stage:
                stage, stage_window, order = now, window, None
            if order is None:
                plies = window_plies(self.config, stage)
                sampler = self.sampler
                if plies != self.config.plies:
                    sampler = dataclasses.replace(self.sampler, plies=plies)
                epoch, start = 0, stage_window
                order = sampler.epoch(_epoch_key(stage, epoch))
                size = self.config.batch_windows * self._shorter(plies, len(order[0]))
            while window + size > start + len(order[0]):
                start += len(order[0])
                window = max(window, start)  # the rest of an epoch that does not fill a batch is dropped
                epoch += 1
                order = sampler.epoch(_epoch_key(stage, epoch))
            rows = slice(window - start, window - start + size)
            columns = order[0][rows], order[1][rows], order[2][rows]
            yield Step(number, window, *columns, sampler.plies, stage, stage_window)
            window += size

    def _shorter(self, plies: int, windows: int) -> int:
        """Number of windows of *plies* plies that replace one of full length, so that steps are about equally large."""
        size = self.config.batch_windows
        if windows < size:
            raise ConfigError(
                f"batch_windows: expected at most the {windows} windows of the data, found {size}"
            )
        return max(1, min(self.config.plies // plies, windows // size))

    def batches(self, step: Step) -> list[Batch]:
        """The micro-batches of this process."""
        config = self.config
        micro = config.micro_batch_windows * (len(step.games) // config.batch_windows)
        batches = []
        for first in range(0, len(step.games), micro):
            rows = slice(
                first + self._rank * micro // self._world, first + (self._rank + 1) * micro // self._world
            )
            windows = gather_windows(
                self.packed,
                step.games[rows],
                step.first[rows],
                step.plies,
                step.mirrored[rows],
                soft_moves=config.soft_moves,
            )
            rng = np.random.default_rng((config.seed, step.window, first, self._rank))
            batch = self.batch(windows, rng, step.number)
            batches.append(batch.pin() if self._pin else batch)
        return batches

    def batch(self, windows: Windows, rng: np.random.Generator, step: int) -> Batch:
        """A micro-batch, with the replacements that the run makes in it at step *step*."""
        config, tokenizer = self.config, self.tokenizer
        prefix = condition_ids(windows, tokenizer, config.condition_dropout, rng)
        windows = expose(
            windows, config, rng, step=step, model=self._model, tokenizer=tokenizer, prefix=prefix
        )
        by_result: dict[str, Any] = {
            "winner": config.winner_weight,
            "loser": config.loser_weight,
            "draw": config.draw_weight,
        }
        common: dict[str, Any] = {
            "prefix": prefix,
            "legal_sets": self._legal_sets,
            "legality": self._legality,
            "soft_temperature": config.soft_temperature,
            **config.value_options,
        }
        if self.model_config.move_head == "table":
            batch = collate_table(
                windows,
                tokenizer,
                styles=self.model_config.style_names,
                targets=config.targets,
                **by_result,
                **common,
            )
        else:
            weights = ply_weights(windows, **by_result)
            batch = collate(windows, tokenizer, self._with_boards, weights=weights, **common)
        return replace_tokens(batch, tokenizer, config.replace_rows, config.replace_tokens, rng)


def _epoch_key(stage: int, epoch: int) -> int:
    """The sampler's key for an epoch: the epoch itself in the first stage, a unique number in the other stages."""
    return (stage << 32) + epoch
