"""BERT-of-Theseus: the layers of a model are replaced during training (Xu et al. 2020, arXiv 2002.02925).

The layers of a trained model, the predecessor, are divided into groups, and so are the residual blocks of its encoder.
Every group has one successor. In a training step each group is replaced by its successor with a probability that grows
linearly to 1. The predecessor does not learn, so a successor learns to do the work of its group, alongside groups that
are still in place. Tables, norms and heads are the predecessor's, and do not change until all groups are replaced. Then
the smaller model is trained like any other. There is no loss besides that of the task.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from xiangqi_gpt.compress.successor import Plan, fingerprint_of, make_successor, successor_config
from xiangqi_gpt.dataset.packed import Packed
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPT
from xiangqi_gpt.model.attention import Context
from xiangqi_gpt.model.board_heads import BoardCrossAttention
from xiangqi_gpt.model.encoder import ConvBlock, ConvEncoder
from xiangqi_gpt.model.gpt import Layer, Look
from xiangqi_gpt.training.batches import Batch
from xiangqi_gpt.training.loop import Trainer
from xiangqi_gpt.training.train_config import TrainConfig

_STREAM = 0x7E5E  # separates these random draws from those of the data


@dataclass(frozen=True, kw_only=True)
class TheseusConfig:
    """How quickly successors replace their groups."""

    rate: float = 0.5  # probability that a group is replaced, at the first step
    replacing: float = 0.5  # fraction of the steps after which all groups are replaced

    def __post_init__(self) -> None:
        for key in ("rate", "replacing"):
            if not 0 <= getattr(self, key) <= 1:
                raise ConfigError(f"{key}: expected a share from 0 to 1, found {getattr(self, key)!r}")

    def rate_at(self, share: float) -> float:
        """The probability that a group is replaced when *share* (0..1) of the schedule has passed."""
        if share >= self.replacing:
            return 1.0
        return self.rate + (1 - self.rate) * share / self.replacing


class SuccessorLayer(Layer):
    """A layer that, while ``aside`` is set, runs the predecessor's layers of its group instead."""

    group: tuple[Layer, ...]  # torch does not look inside a tuple: these layers are neither trained nor saved
    group_looks: tuple[BoardCrossAttention, ...]
    aside: bool

    def forward(
        self,
        x: Tensor,
        positions: Tensor,
        visible: Tensor | None,
        state: Any,
        context: Context,
        look: Look | None = None,
    ) -> tuple[Tensor, Any]:
        if not self.aside:
            return super().forward(x, positions, visible, state, context, look)
        for number, layer in enumerate(self.group):
            own: Look | None = None
            if isinstance(look, partial):
                own = partial(self.group_looks[number], **look.keywords)
            x, _ = layer(x, positions, visible, None, context, own)
        return x, None


class SuccessorBlock(ConvBlock):
    """The same for a residual block of the encoder."""

    group: tuple[ConvBlock, ...]
    aside: bool

    def forward(self, x: Tensor) -> Tensor:
        if not self.aside:
            return super().forward(x)
        for block in self.group:
            x = block(x)
        return x


class TheseusModel:
    """A smaller model combined with the larger one whose modules it replaces.

    The smaller model stays an ordinary one: its parameters, its saved form and its inputs do not change.
    Modules that :meth:`replace` leaves to the predecessor run the predecessor's modules instead of themselves.
    """

    def __init__(self, successor: XiangqiGPT, predecessor: XiangqiGPT, plan: Plan) -> None:
        self.successor = successor
        predecessor.eval()
        for parameter in predecessor.parameters():
            parameter.requires_grad_(False)
        self.modules: list[SuccessorLayer | SuccessorBlock] = []
        for layer, group in zip(successor.layers, plan.layers, strict=True):
            # The class is changed, not the module, because optimisers and wrappers keep references to the module.
            layer.__class__ = SuccessorLayer
            assert isinstance(layer, SuccessorLayer)
            layer.group = tuple(old for i in group if isinstance(old := predecessor.layers[i], Layer))
            looks = predecessor.looks
            layer.group_looks = (
                ()
                if looks is None
                else tuple(old for i in group if isinstance(old := looks[i], BoardCrossAttention))
            )
            self.modules.append(layer)
        if plan.blocks:
            assert isinstance(successor.encoder, ConvEncoder)
            assert isinstance(predecessor.encoder, ConvEncoder)
            for block, group in zip(successor.encoder.blocks, plan.blocks, strict=True):
                block.__class__ = SuccessorBlock
                assert isinstance(block, SuccessorBlock)
                block.group = tuple(
                    old for i in group if isinstance(old := predecessor.encoder.blocks[i], ConvBlock)
                )
                self.modules.append(block)
        self._own = {id(p) for module in self.modules for p in module.parameters()}
        self._own |= {id(p) for p in (successor.looks or nn.ModuleList()).parameters()}
        self.replace([True] * len(self.modules))

    def replace(self, choices: list[bool]) -> None:
        """Set which modules are the successor's, layers first, then blocks; the others are the predecessor's."""
        for module, replaced in zip(self.modules, choices, strict=True):
            module.aside = not replaced

    def only_successors_learn(self, only: bool) -> None:
        """Set whether the modules that both models share are frozen."""
        for parameter in self.successor.parameters():
            parameter.requires_grad_(not only or id(parameter) in self._own)


def draw(rate: float, modules: int, seed: int, step: int) -> list[bool]:
    """Which of *modules* are replaced in a step, each with probability *rate*: a function of seed and step only.

    At least one is replaced, since otherwise the step would teach nothing.
    """
    rng = np.random.default_rng((_STREAM, seed, step))
    choices = rng.random(modules) < rate
    if not choices.any():
        choices[rng.integers(modules)] = True
    return [bool(choice) for choice in choices]


class TheseusTrainer(Trainer):
    """A training run whose model is the successor of *predecessor*; everything else is as in :class:`Trainer`."""

    def __init__(
        self,
        packed: Packed,
        out: Path,
        config: TrainConfig,
        theseus: TheseusConfig,
        *,
        predecessor: XiangqiGPT,
        plan: Plan,
        **options: Any,
    ) -> None:
        """*options* are the remaining options of :class:`Trainer`."""
        if config.model:
            raise ConfigError(
                f"--set {sorted(config.model)[0]}: the model is given and cannot be changed; set only the run"
            )
        if config.compile:
            raise ConfigError("compile=true does not work here, because modules change from step to step")
        self.theseus, self.plan = theseus, plan
        self._predecessor = predecessor
        self._fingerprint = fingerprint_of(predecessor)
        super().__init__(packed, out, config, **options)

    def _build(self, *arguments: Any) -> None:
        if self._world > 1:
            raise ConfigError(
                f"Compression runs in one process, not in {self._world}: idle modules have no gradients to exchange."
            )
        super()._build(*arguments)
        self._predecessor.to(self.processes.device)
        self.ship = TheseusModel(self.model, self._predecessor, self.plan)

    def _new_model(self, init: Path | None) -> XiangqiGPT:
        return make_successor(self._predecessor, self.plan)

    def _step(self, batches: list[Batch]) -> None:
        step = self.progress.step
        share = step / self.config.max_steps if self._budget is None else self._now / self._budget
        rate = self.theseus.rate_at(share)
        self.ship.only_successors_learn(rate < 1)
        self.ship.replace(draw(rate, len(self.ship.modules), self.config.seed, step))
        try:
            super()._step(batches)
        finally:
            self.ship.replace([True] * len(self.ship.modules))
            self.ship.only_successors_learn(False)

    def _settings(self) -> dict[str, Any]:
        own = {
            **dataclasses.asdict(self.theseus),
            "layers": len(self.plan.layers),
            "encoder_blocks": len(self.plan.blocks),
            "attention": successor_config(self._predecessor.config, self.plan).attention,
            "predecessor": self._fingerprint,
        }
        return {**super()._settings(), "theseus": own}

    def _check_same_run(self, checkpoint: Path, saved: dict[str, Any]) -> None:
        super()._check_same_run(checkpoint, saved)
        old = saved.get("theseus")
        if not isinstance(old, dict):
            raise ConfigError(f"{checkpoint}: this is a run of training, not of compression")
        for key, value in self._settings()["theseus"].items():
            if old.get(key) != value:
                raise ConfigError(
                    f"{checkpoint}: {key}: expected {old.get(key)!r} as in the run so far, found {value!r}"
                )
