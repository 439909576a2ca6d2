"""Values that change during a run: the learning rate, and the length of the windows."""

from __future__ import annotations

import math

from xiangqi_gpt.training.train_config import TrainConfig


def learning_rate(config: TrainConfig, step: int, share: float | None = None) -> float:
    """The learning rate of step *step* (0-based): linear warm-up, then the schedule down to its final value.

    *share* (0..1) is the fraction of the run that is over; by default it is computed from the step.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    if share is None:
        share = (step - config.warmup_steps) / max(1, config.max_steps - config.warmup_steps)
    share = min(1.0, max(0.0, share))
    low = config.final_learning_rate
    if config.schedule == "cosine":
        factor = low + (1 - low) * 0.5 * (1 + math.cos(math.pi * share))
    elif config.schedule == "linear":
        factor = 1 - (1 - low) * share
    elif config.schedule == "cooldown" and config.cooldown:
        factor = 1 - (1 - low) * max(0.0, share - (1 - config.cooldown)) / config.cooldown
    else:
        factor = 1.0
    return config.learning_rate * factor


_LAST_PART = 0.1  # of the schedule, in which the legality loss has its final weight


def legality_weight(config: TrainConfig, step: int, share: float | None = None) -> float:
    """The weight of the legality loss in step *step* (0-based); *share* as in :func:`learning_rate`."""
    if share is None:
        share = step / config.max_steps
    return config.final_legality_weight if share >= 1 - _LAST_PART else config.legality_weight


def stage_of(config: TrainConfig, share: float) -> int:
    """The stage of the curriculum when *share* (0..1) of the run is over: all stages are equally long."""
    stages = len(config.curriculum)
    return max(0, min(stages - 1, int(share * stages)))


def window_plies(config: TrainConfig, stage: int) -> int:
    """The plies of a window in a stage of the curriculum."""
    return max(1, round(config.plies * config.curriculum[stage])) if config.curriculum else config.plies
