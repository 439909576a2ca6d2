"""Settings of a training run: frozen, with named presets and ``key=value`` changes to them."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xiangqi_gpt.dataset.packing import TARGETS
from xiangqi_gpt.dataset.sampler import mix_weights
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.players.scores import PIKAFISH, ScoreCurve

SCHEDULES = ("cosine", "linear", "constant", "cooldown")
BUDGETS = ("steps", "time")
OPTIMIZERS = ("adamw", "eg", "eg-adamw")
PRECISIONS = ("auto", "no", "bf16", "fp16")
_TOO_LARGE = 2**63  # of a whole number: neither floats nor torch's seeds take any


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run. ``model`` holds changes to the defaults of XiangqiGPTConfig."""

    model: Mapping[str, Any] = field(default_factory=dict)
    targets: str = (
        "mixed"  # mixed: the teacher's move if there is one, else the human's; or only one of the two
    )
    extra: bool = False  # also train on rows of split "extra" (fragments, analysis)
    mix: str = ""  # passes through a source per epoch, such as human=1,teacher=0.5; others once
    opening_limit: int = 0  # openings shared by more games than this are used less often; 0: no limit
    winner_weight: float = 1.0  # weight, in the move loss, of moves played by the later winner
    loser_weight: float = 1.0  # weight of moves played by the later loser
    draw_weight: float = 1.0  # weight of moves played in drawn games and in games without a known result
    soft_moves: int = 4  # most moves per ply that are learned from a teacher's list; 1: only its best move
    soft_temperature: float = 60.0  # centipawns; a teacher's move has a share of exp(score / temperature)
    score_curve: tuple[float, float] = PIKAFISH  # centipawns: midpoint and scale, see players.scores
    value_result: float = (
        0.0  # share of the game's result in the value of a position that has a teacher's score
    )
    mirror: bool = True  # exchange left and right in every second window
    plies: int = 8  # plies per window; at most the model's context_plies
    batch_windows: int = 32  # windows per optimiser step
    micro_batch_windows: int = 32  # windows per forward pass
    max_steps: int = 20_000  # optimiser steps; the schedule ends there
    learning_rate: float = 1e-3  # peak
    final_learning_rate: float = 0.05  # at the end of the schedule, in units of the peak
    warmup_steps: int = 300  # steps over which the learning rate grows from 0
    schedule: str = (
        "cosine"  # cosine, linear, constant, or cooldown: constant, then decreasing in the last part
    )
    cooldown: float = 0.2  # length of that part as a fraction of the run, for schedule cooldown
    budget: str = "steps"  # the schedule ends after max_steps (steps) or at the time limit (time)
    curriculum: tuple[float, ...] = ()  # lengths of windows, in units of plies, over equal parts of the run
    ema: float = 0.0  # fraction of the running mean of the weights kept per step, such as 0.999; 0: no mean
    # adamw; eg: exponentiated gradient, descent by the mean of the gradients with a learned gain for every weight; or
    # eg-adamw: the steps of AdamW with such gains.
    optimizer: str = "adamw"
    gain_rate: float = 0.001  # learning rate of the logarithms of the gains, for eg and eg-adamw
    weight_decay: float = 0.05  # on matrices
    betas: tuple[float, float] = (0.9, 0.95)  # of the means of the gradients and of their squares
    clip: float = 1.0  # largest norm of the gradient
    value_weight: float = 0.5  # of the value loss relative to the loss per ply
    legal_weight: float = 0.1  # of the legal-set loss per board, for models with a legal head
    legality_weight: float = (
        0.5  # of minus the log of the model's own probability of all legal moves, per board
    )
    final_legality_weight: float = 2.0  # the same in the last tenth of the schedule
    condition_dropout: float = 0.2  # how often a known result or rating is hidden (condition tokens)
    replace_rows: float = 0.0  # fraction of windows in which input tokens are replaced by random ones
    replace_tokens: float = 0.3  # fraction of tokens replaced in such a window
    replace_plies: float = 0.0  # fraction of plies replaced by random legal moves
    sample_plies: float = 0.0  # fraction of plies replaced by the model's own moves
    sample_passes: int = 1  # how often all plies are sampled, each time after those sampled before
    sample_ramp: int = 0  # steps over which sample_plies grows from 0
    # Steps between averages of the weights of all processes, each of which makes its own steps; 0: they exchange the
    # gradients of every step.
    average_every: int = 0
    gradient_penalty: float = 0.0  # twice the weight of the squared gradient with respect to the embeddings
    precision: str = "auto"  # auto: bf16 if the processor is fast at it
    compile: bool = False  # with torch.compile; slow at the start, faster afterwards
    checkpoint_every: int = 500  # steps
    eval_every: int = 0  # steps between measurements on the valid split; 0: none
    eval_windows: int = 256  # windows of it that are measured, always the same ones
    report_every: int = (
        0  # steps between readings of the losses; 0: 1 on a CPU, 20 elsewhere, where a reading waits
    )
    seed: int = 0  # of weights and data order

    def __post_init__(self) -> None:
        choices = {
            "schedule": SCHEDULES,
            "budget": BUDGETS,
            "precision": PRECISIONS,
            "targets": TARGETS,
            "optimizer": OPTIMIZERS,
        }
        for key, known in choices.items():
            if getattr(self, key) not in known:
                raise ConfigError(f"{key}: expected one of {', '.join(known)}, found {getattr(self, key)!r}")
        shares = (
            "condition_dropout",
            "replace_rows",
            "replace_tokens",
            "replace_plies",
            "sample_plies",
            "cooldown",
        )
        for key in shares:
            if not 0 <= getattr(self, key) <= 1:
                raise ConfigError(f"{key}: expected a share from 0 to 1, found {getattr(self, key)!r}")
        weights = (
            "value_weight",
            "legal_weight",
            "legality_weight",
            "final_legality_weight",
            "winner_weight",
            "loser_weight",
            "draw_weight",
        )
        for key in (
            *weights,
            "gradient_penalty",
            "gain_rate",
            "average_every",
            "sample_ramp",
            "opening_limit",
            "warmup_steps",
            "eval_every",
            "report_every",
        ):
            if not 0 <= getattr(self, key) < float("inf"):
                raise ConfigError(f"{key}: expected a number of at least 0, found {getattr(self, key)!r}")
        if not 0 < self.soft_temperature < float("inf"):
            raise ConfigError(
                f"soft_temperature: expected centipawns above 0, found {self.soft_temperature!r}"
            )
        if not 0 <= self.value_result <= 1:
            raise ConfigError(f"value_result: expected a share from 0 to 1, found {self.value_result!r}")
        mix_weights(self.mix)
        windows = ("plies", "batch_windows", "micro_batch_windows", "soft_moves")
        for key in (*windows, "max_steps", "checkpoint_every", "sample_passes", "eval_windows"):
            value = getattr(self, key)
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"{key}: expected a whole number of at least 1, found {value!r}")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"betas: expected two shares from 0 to below 1, found {self.betas!r}")
        if len(self.score_curve) != 2 or not 0 < self.score_curve[1] < float("inf"):
            raise ConfigError(
                f"score_curve: expected centipawns and their scale, above 0, such as (176, 258), "
                f"found {self.score_curve!r}"
            )
        if not 0 <= self.ema < 1:
            raise ConfigError(f"ema: expected a share from 0 to below 1, found {self.ema!r}")
        if not all(0 < share <= 1 for share in self.curriculum):
            raise ConfigError(
                f"curriculum: expected shares above 0, up to 1, such as (0.125, 0.25, 0.5, 1.0), "
                f"found {self.curriculum!r}"
            )
        if not 0 < self.learning_rate < 1:
            raise ConfigError(
                f"learning_rate: expected a number between 0 and 1, found {self.learning_rate!r}"
            )
        if self.batch_windows % self.micro_batch_windows:
            raise ConfigError(
                f"micro_batch_windows: expected a divisor of batch_windows, {self.batch_windows}, "
                f"found {self.micro_batch_windows!r}"
            )

    @property
    def value_options(self) -> dict[str, Any]:
        """How `collate` makes the targets of the value head."""
        return {"curve": ScoreCurve(*self.score_curve), "result_share": self.value_result}


PRESETS: dict[str, TrainConfig] = {
    # A model that trains in seconds, for tests and for trying things out.
    "tiny": TrainConfig(
        model={
            "width": 32,
            "layers": 2,
            "heads": 2,
            "encoder_width": 16,
            "encoder_blocks": 1,
            "pointer_width": 16,
        },
        batch_windows=8,
        micro_batch_windows=8,
        max_steps=200,
        warmup_steps=10,
        checkpoint_every=50,
    ),
    # The best use of a few hours on two cores.
    "laptop": TrainConfig(model={"styles": "auto"}),
    # The 2020 original: characters of moves as the only input. It needs whole games from the standard start.
    "original": TrainConfig(
        model={
            "tokenizer": "iccs",
            "view": "red",
            "board": "none",
            "width": 256,
            "layers": 6,
            "heads": 8,
            "context_plies": 300,
        },
        plies=100,
        batch_windows=16,
        micro_batch_windows=16,
        targets="human",
        mirror=False,
        legality_weight=0.0,
        final_legality_weight=0.0,
    ),
    # For a GPU.
    "large": TrainConfig(
        model={
            "styles": "auto",
            "width": 384,
            "layers": 6,
            "heads": 6,
            "encoder_width": 160,
            "encoder_blocks": 10,
            "pointer_width": 128,
        },
        batch_windows=256,
        micro_batch_windows=256,
        max_steps=30_000,
    ),
    # For minutes on a GPU, from the weights of another model: the schedule follows the time.
    "slot": TrainConfig(
        batch_windows=512,
        micro_batch_windows=512,
        max_steps=1_000_000,
        warmup_steps=100,
        schedule="cooldown",
        cooldown=0.3,
        budget="time",
        ema=0.999,
        eval_windows=2048,
        checkpoint_every=1_000_000,
    ),
}


def preset(name: str) -> TrainConfig:
    """The preset called *name*; ConfigError, which lists the known names, if there is none."""
    if name not in PRESETS:
        raise ConfigError(f"preset: expected one of {', '.join(PRESETS)}, found {name!r}")
    return PRESETS[name]


def model_keys() -> set[str]:
    """The settings of the model."""
    from xiangqi_gpt.model.config import XiangqiGPTConfig

    return {
        key
        for key in XiangqiGPTConfig.__annotations__
        if key not in ("model_type", "attribute_map", "vocab_size")
    }


def changed(config: TrainConfig, settings: Iterable[str]) -> TrainConfig:
    """*config* with ``key=value`` settings applied; a key names a field of the run or of the model."""
    run_keys = {f.name for f in dataclasses.fields(TrainConfig)} - {"model"}
    of_model = model_keys()
    run: dict[str, Any] = {}
    model = dict(config.model)
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals:
            raise ConfigError(f"--set: expected key=value, found {setting!r}")
        if key not in run_keys | of_model:
            raise ConfigError(
                f"--set: expected one of {', '.join(sorted(run_keys | of_model))}; found {key!r}"
            )
        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError):
            value = {"true": True, "false": False}.get(text.strip().lower(), text.strip())
        if key in run_keys:
            run[key] = typed(key, getattr(config, key), value)
        else:
            model[key] = value
    return dataclasses.replace(config, model=model, **run)


def typed(key: str, old: object, value: object) -> object:
    """*value* of the setting *key* as the type of *old*, or ConfigError."""
    parts = value if isinstance(value, (tuple, list)) else (value,)
    if any(isinstance(part, int) and abs(part) >= _TOO_LARGE for part in parts):
        raise ConfigError(f"{key}: expected a number below 2^63, found a larger one")
    if isinstance(old, bool) or isinstance(value, bool):
        fits = isinstance(old, bool) and isinstance(value, bool)
    elif isinstance(old, float):
        value = float(value) if isinstance(value, int) else value
        fits = isinstance(value, float)
    elif isinstance(old, tuple):
        fits = all(isinstance(part, (int, float)) and not isinstance(part, bool) for part in parts)
        value = tuple(map(float, parts)) if fits else value
    else:
        fits = isinstance(value, type(old))
    if not fits:
        raise ConfigError(f"{key}: expected a {type(old).__name__} such as {old!r}, found {value!r}")
    return value


def check_settings_apply(keys: Iterable[str]) -> None:
    """Raise ConfigError if a key is not a setting of the model."""
    unknown = sorted(set(keys) - model_keys())
    if unknown:
        raise ConfigError(f"model: expected some of {', '.join(sorted(model_keys()))}; found {unknown[0]!r}")
