"""What is checked before a run begins or goes on: settings, the model that it starts from, and its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPTConfig
from xiangqi_gpt.model.checkpoint import load_config
from xiangqi_gpt.safe_json import round_trip
from xiangqi_gpt.training import run_state as disk
from xiangqi_gpt.training.train_config import TrainConfig, check_settings_apply

_BEFORE_THERE_WERE = {"legality_weight": 0.0, "final_legality_weight": 0.0}
OF_THE_SCHEDULE = frozenset(
    (
        "max_steps",
        "final_learning_rate",
        "warmup_steps",
        "schedule",
        "cooldown",
        "checkpoint_every",
        "eval_every",
        "eval_windows",
        "report_every",
    )
)
"""Settings that may change when a run is resumed."""


def config_of_new_model(config: TrainConfig, init: Path | None) -> XiangqiGPTConfig:
    """The configuration of the model that a run begins with: a new one, or the one in *init*.

    Raises:
        ConfigError: a setting that is not one of a model, makes no sense, or differs from the model in *init*.
        ModelError: *init* holds no model.
    """
    check_settings_apply(config.model)
    if init is None:
        return XiangqiGPTConfig(**{"symmetric": config.mirror, **config.model})
    found = load_config(init)
    for key, value in config.model.items():
        if value != "auto" and getattr(found, key) != value:
            raise ConfigError(
                f"{key}: expected {getattr(found, key)!r} as in the model in {init}, found {value!r}"
            )
    return found


def check_before_reading(out: Path, config: TrainConfig, *, init: Path | None, resume: bool) -> None:
    """Everything that can be wrong with a run before its records are read, which can take minutes.

    Raises:
        ConfigError: settings that no model can have, or a folder *out* whose run has others or is not to be resumed.
        ModelError: *init* holds no model.
    """
    found = disk.checkpoints(out)
    if found and not resume:
        raise ConfigError(taken(out, found[-1]))
    if found:
        saved = disk.read_state(found[-1])["settings"]
        check_same_settings(found[-1], saved, config, lambda text: None)
        context = load_config(found[-1]).context_plies
    else:
        context = config_of_new_model(config, init).context_plies
    check_plies(config, context)


def taken(out: Path, checkpoint: Path) -> str:
    """What to say of a folder *out* that holds a run already."""
    return (
        f"{out}: the folder holds a run already ({checkpoint.name}); "
        "resume it with --resume, or choose another --out"
    )


def check_plies(config: TrainConfig, context_plies: int) -> None:
    """ConfigError where the windows of a run are longer than the contexts of its model."""
    if config.plies > context_plies:
        raise ConfigError(f"plies: expected at most {context_plies} (context_plies), found {config.plies}")


def check_same_settings(
    checkpoint: Path, saved: dict[str, Any], config: TrainConfig, on_note: Callable[[str], None]
) -> None:
    """Whether a run may go on with *config*: the schedule may change, which *on_note* reports, and nothing else.

    Raises:
        ConfigError: another setting differs, or the schedule of a run with a curriculum.
    """
    # Settings that are newer than the run have their defaults, or the behaviour from before they existed.
    defaults = round_trip({**dataclasses.asdict(TrainConfig()), **_BEFORE_THERE_WERE})
    mine = round_trip(dataclasses.asdict(config))
    changes = []
    for key, value in mine.items():
        old = saved.get("config", {}).get(key, defaults[key])
        if old == value:
            continue
        if key not in OF_THE_SCHEDULE:
            raise ConfigError(f"{checkpoint}: {key}: expected {old!r} as in the run so far, found {value!r}")
        if config.curriculum:
            raise ConfigError(
                f"{checkpoint}: a run with a curriculum cannot change its schedule: {key} was {old!r}, not {value!r}"
            )
        changes.append(f"{key} is {value!r}, was {old!r}")
    if changes:
        on_note(f"the schedule changes: {'; '.join(changes)}")
