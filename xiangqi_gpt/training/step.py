"""One optimiser step: precision, compilation, micro-batches, exchange between processes, running out of memory."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.model.losses import zlpr
from xiangqi_gpt.training.batches import Batch
from xiangqi_gpt.training.ema import Ema
from xiangqi_gpt.training.exchange import GradientExchange
from xiangqi_gpt.training.exponentiated_gradient import ExponentiatedGradient
from xiangqi_gpt.training.memory import out_of_memory, pieces
from xiangqi_gpt.training.penalty import embeddings_kept, gradient_penalty
from xiangqi_gpt.training.train_config import TrainConfig

_TABLES = ("tokens.weight", "slots.weight", "encoder.squares", "legal_head.squares.weight")


class Losses(NamedTuple):
    """Sums over a batch, float32 scalars."""

    move: Tensor  # cross-entropy, over all tokens of the target moves
    value: Tensor  # cross-entropy of win, draw and loss
    legal: Tensor | None  # ZLPR of the legal sets, if a legal head learns them
    legality: Tensor | None = None  # minus the log of the probability of legal moves, if the batch has it


class Sums(NamedTuple):
    """The figures of a step, summed over its micro-batches and all processes."""

    move: float  # nats
    value: float  # nats
    legal: float  # nats
    legality: float  # nats
    weight: float  # of the target moves
    values: float  # plies with a value target
    boards: float  # boards with legal moves to learn
    plies: float  # plies with a target move
    norm: float  # of the gradient, before clipping


def losses(model: Callable[..., Any], batch: Batch) -> Losses:
    """Run *model* on a batch."""
    if batch.table_moves is not None:
        output = model(**batch.model_inputs(), with_logits=False)
        move = batch.table_loss(output.move_logprobs)
    else:
        output = model(**batch.model_inputs())
        move = batch.move_loss(output.logits)
    log_values = output.value_logits[:, batch.value_index].float().log_softmax(-1)
    legal = legality = None
    if batch.legal_head and batch.legal_targets is not None and batch.legal_known is not None:
        legal = (zlpr(output.legal_logits.float(), batch.legal_targets) * batch.legal_known).sum()
    if batch.legal_tokens is not None or (batch.table_moves is not None and batch.legal_targets is not None):
        legality = batch.legality_loss(output)
    return Losses(move, -(batch.value_targets * log_values).sum(), legal, legality)


def precision_of(wanted: str, device: torch.device) -> str:
    """no, bf16 or fp16: *wanted*, or the precision that is fast on *device*."""
    if wanted != "auto":
        return wanted
    if device.type == "cpu":
        fast = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
        return "bf16" if fast else "no"
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "no"


def make_optimizer(
    model: torch.nn.Module, config: TrainConfig, device: torch.device
) -> torch.optim.Optimizer:
    """The optimiser of a run, AdamW fused if possible; vectors (norms, biases) and tables have no weight decay."""
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    decayed = {n for n, p in named if p.ndim >= 2 and n not in _TABLES}
    groups = [
        {
            "params": [p for n, p in named if (n in decayed) == decay],
            "names": [n for n, _ in named if (n in decayed) == decay],
            "weight_decay": config.weight_decay if decay else 0.0,
        }
        for decay in (True, False)
    ]
    betas = (config.betas[0], config.betas[1])
    if config.optimizer != "adamw":
        return ExponentiatedGradient(
            groups,
            lr=config.learning_rate,
            gain_rate=config.gain_rate,
            betas=betas,
            adaptive=config.optimizer == "eg-adamw",
        )
    return torch.optim.AdamW(
        groups, lr=config.learning_rate, betas=betas, fused=device.type in ("cpu", "cuda")
    )


class Stepper:
    """Makes optimiser steps of *model*, which is the same on *device* in every process.

    Losses are normalised by the counts of all processes together, so that neither the number of processes nor the size
    of the micro-batches changes the result of a step. In a run of one process, nothing here waits for the device.
    *note* is called with a message when the run has to deviate from its settings.
    """

    def __init__(
        self,
        model: Any,
        config: TrainConfig,
        device: torch.device,
        *,
        world: int = 1,
        ema: Ema | None = None,
        note: Callable[[str], None],
    ) -> None:
        self.model, self.config, self.device, self.ema = model, config, device, ema
        self.optimizer = make_optimizer(model, config, device)
        self.precision = precision_of(config.precision, device)
        self.scaler: torch.amp.GradScaler | None = None
        if self.precision == "fp16":
            if device.type == "mps":
                raise ConfigError("precision: expected no or bf16 on a Metal device, found 'fp16'")
            self.scaler = torch.amp.GradScaler(device.type)
        self._note = note
        self._rows: int | None = None  # largest number of rows per forward pass; None: no limit
        self._network: Callable[..., Any] = model
        self._untried = config.compile
        if config.compile:
            self._network = torch.compile(model)
        self._exchange = None
        if world > 1:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, 0)
            if not config.average_every:
                self._exchange = GradientExchange(model.parameters())
        self._world = world
        self._apart = False  # whether this process has made steps that the others do not have

    @property
    def alone(self) -> bool:
        """Whether the processes make independent steps, between two averages of their weights."""
        return self._world > 1 and self._exchange is None

    @torch.no_grad()
    def average(self) -> None:
        """Give all processes the mean of their weights, of the optimiser's moments and of the running means.

        Afterwards all processes are in the same state, so a checkpoint of one is valid for all.
        """
        if not self._apart:
            return
        self._apart = False
        tensors = [p.detach() for p in self.model.parameters()]
        for state in self.optimizer.state.values():
            tensors += [value for value in state.values() if isinstance(value, Tensor) and value.ndim]
        if self.ema is not None:
            tensors += self.ema.means()
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        flat /= self._world
        for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))

    def autocast(self) -> AbstractContextManager[Any]:
        """The precision of the run."""
        if self.precision == "no":
            return nullcontext()
        half = torch.bfloat16 if self.precision == "bf16" else torch.float16
        return torch.autocast(self.device.type, half)

    def _forward(self, **inputs: Any) -> Any:
        with self.autocast():
            return self._network(**inputs)

    def step(self, batches: Sequence[Batch], rate: float, legality_weight: float = 0.0) -> Tensor:
        """Make a step with learning rate *rate*; return :class:`Sums` as a tensor (9,) on the device.

        *legality_weight* is the weight of the legality loss per board relative to the loss per ply.
        """
        counts = torch.tensor(
            [[b.target_weight, b.value_plies, b.legal_plies, b.target_plies] for b in batches],
            dtype=torch.float32,
        ).sum(0)
        counts = self._sum(counts.to(self.device, non_blocking=True))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        sums = self._sum(self._gradients(batches, counts, legality_weight))
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        if self.scaler is not None:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.ema is not None:
            self.ema.update()
        self._apart = self.alone
        return torch.cat([sums, counts, norm.detach().float().reshape(1)])

    def _gradients(self, batches: Sequence[Batch], counts: Tensor, legality_weight: float) -> Tensor:
        """Store the gradients of all processes together in the parameters; return the sums (4,) of this process."""
        scales = 1 / torch.where(counts == 0, 1, counts)
        while True:
            failure: Exception | None = None
            sums = torch.zeros(4, device=self.device)
            try:
                self._accumulate(batches, scales, sums, legality_weight)
            except Exception as error:
                if not (self._untried or out_of_memory(error)):
                    raise
                failure = error.with_traceback(None)  # the traceback would keep the memory of the failed pass
            failed = failure is not None
            if self._exchange is not None:
                failed = self._exchange.finish(failed)
            if not failed:
                self._untried = False
                return sums
            self.optimizer.zero_grad(set_to_none=True)
            self._reduce_batch_size(failure, max(len(batch.input_ids) for batch in batches))
            del failure

    def _accumulate(
        self, batches: Sequence[Batch], scales: Tensor, sums: Tensor, legality_weight: float
    ) -> None:
        parts = [part for batch in batches for part in pieces(batch, self._rows or len(batch.input_ids))]
        config = self.config
        for number, part in enumerate(parts, 1):
            if number == len(parts) and self._exchange is not None:
                self._exchange.arm()
            watch: AbstractContextManager[list[Tensor]] = nullcontext([])
            if config.gradient_penalty:
                watch = embeddings_kept(self.model)
            with watch as embeddings:
                if self._network is not self.model:  # one compiled graph of one size for all steps
                    part = dataclasses.replace(part, board_rows=None)
                found = losses(self._forward, part.to(self.device))
                loss = found.move * scales[0] + config.value_weight * found.value * scales[1]
                if found.legal is not None:
                    loss = loss + config.legal_weight * found.legal * scales[2]
                if found.legality is not None:
                    loss = loss + legality_weight * found.legality * scales[2]
                if embeddings:
                    loss = loss + config.gradient_penalty / 2 * gradient_penalty(loss, embeddings[0])
                (loss if self.scaler is None else self.scaler.scale(loss)).backward()
            sums += torch.stack([sums.new_zeros(()) if x is None else x.detach().float() for x in found])

    def _reduce_batch_size(self, failure: Exception | None, rows: int) -> None:
        """Reduce the size of the next try; in processes other than the one that failed, *failure* is None."""
        if self._untried and (failure is None or not out_of_memory(failure)):
            self._network, self._untried = self.model, False
            reason = (
                "another process could not" if failure is None else f"{type(failure).__name__}: {failure}"
            )
            warnings.warn(
                f"torch.compile failed, the model runs without it ({reason.splitlines()[0]})",
                RuntimeWarning,
                stacklevel=2,
            )
            return
        now = min(rows, self._rows or rows)
        if now <= 1:
            raise ModelError(
                "There is too little memory for a micro-batch of one window; use a smaller model or fewer plies per "
                "window."
            ) from failure
        self._rows = now // 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        self._note(
            f"out of memory with {now} windows a forward pass: {self._rows} from here on, the step is made again"
        )

    def _sum(self, tensor: Tensor) -> Tensor:
        if self._exchange is not None:
            dist.all_reduce(tensor)
        return tensor
