"""The training loop: one process or many, stopped and resumed at any step."""

from __future__ import annotations

import dataclasses
import json
import math
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor

from xiangqi_gpt.model import XiangqiGPTConfig, XiangqiGPTForCausalLM
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.model.losses import zlpr
from xiangqi_gpt.rules.errors import ConfigError, ModelError
from xiangqi_gpt.training import state as disk
from xiangqi_gpt.training.batches import Batch
from xiangqi_gpt.training.config import TrainConfig, check_settings_apply
from xiangqi_gpt.training.loader import Loader, default_workers
from xiangqi_gpt.training.packed import Packed, fingerprint
from xiangqi_gpt.training.penalty import embeddings_kept, gradient_penalty
from xiangqi_gpt.training.state import Progress


@dataclass(frozen=True, kw_only=True)
class StepReport:
    """What one optimiser step measured; one line of ``log.jsonl``."""

    step: int
    loss: float  # nats a ply: the move loss, summed over a move's tokens
    value_loss: float  # nats
    learning_rate: float
    gradient_norm: float  # before clipping
    plies_seen: int  # plies with a move to learn, since the run began
    plies_per_second: float
    seconds: float  # since the run began
    legal_loss: float | None = None  # nats a board; None without a legal head


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """How a session of a run ended."""

    checkpoint: Path
    progress: Progress
    reason: str  # "finished", "time limit" or "interrupted"


def learning_rate(config: TrainConfig, step: int) -> float:
    """The learning rate of step *step* (0-based): linear warm-up, then the schedule down to its end at max_steps."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    share = min(1.0, (step - config.warmup_steps) / max(1, config.max_steps - config.warmup_steps))
    low = config.final_learning_rate
    if config.schedule == "cosine":
        factor = low + (1 - low) * 0.5 * (1 + math.cos(math.pi * share))
    elif config.schedule == "linear":
        factor = 1 - (1 - low) * share
    else:
        factor = 1.0
    return config.learning_rate * factor


class Losses(NamedTuple):
    """Sums over a batch, float32 scalars."""

    move: Tensor  # cross-entropy, over all tokens of the moves to learn
    value: Tensor  # cross-entropy of win, draw and loss
    legal: Tensor | None  # ZLPR of the legal sets, if the batch has any


def losses(model: Any, batch: Batch) -> Losses:
    """Run *model* on a batch."""
    output = model(**batch.model_inputs())
    move = batch.move_loss(output.logits)
    log_values = output.value_logits[:, batch.value_index].float().log_softmax(-1)
    legal = None
    if batch.legal_targets is not None and batch.legal_known is not None:
        legal = (zlpr(output.legal_logits, batch.legal_targets) * batch.legal_known).sum()
    return Losses(move, -(batch.value_targets * log_values).sum(), legal)


class _StopRequest:
    """Set by Ctrl-C or a termination signal; the loop ends after the step at hand. A second Ctrl-C ends it at once."""

    def __init__(self) -> None:
        self.set = False
        self._old: dict[int, Any] = {}

    def __enter__(self) -> _StopRequest:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._old[number] = signal.signal(number, self._on_signal)
            except ValueError:  # not the main thread: whoever runs us there stops us otherwise
                break
        return self

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.set:
            raise KeyboardInterrupt
        self.set = True

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)


class Trainer:
    """One run in the folder *out*.

    *init* is a model directory to start from; *resume* goes on from the newest checkpoint in *out* (a fresh start where
    there is none yet). Without *resume* a folder that holds a run is refused. *workers* threads make batches ahead of
    time, by default none on a CPU; what is learned does not depend on it.
    """

    def __init__(
        self,
        packed: Packed,
        out: Path,
        config: TrainConfig,
        *,
        init: Path | None = None,
        resume: bool = False,
        device: str = "auto",
        workers: int | None = None,
    ) -> None:
        if device not in ("auto", "cpu", "cuda", "mps"):
            raise ConfigError(f"device: expected auto, cpu, cuda or mps, found {device!r}")
        if device == "cuda" and not torch.cuda.is_available():
            raise ConfigError("device: expected one that is there, found 'cuda' without a CUDA device")
        if device == "mps" and not torch.backends.mps.is_available():
            raise ConfigError("device: expected one that is there, found 'mps' without a Metal device")
        self.out = out
        self.config = config
        self.packed = packed
        found = disk.checkpoints(out)
        if found and not resume:
            raise ConfigError(
                f"{out}: expected an empty folder for a new run, found {found[-1].name}; --resume goes on with it"
            )
        on_cpu = device == "cpu" or (
            device == "auto" and not torch.cuda.is_available() and not torch.backends.mps.is_available()
        )
        # Accelerate keeps one precision for the whole process; a second run in it may want another.
        AcceleratorState._reset_state()
        self.accelerator = Accelerator(cpu=on_cpu, mixed_precision=_precision(config.precision, on_cpu))
        torch.manual_seed(config.seed)
        self.progress = Progress()
        if found:
            saved = disk.read_state(found[-1])
            self._check_same_run(found[-1], saved["settings"])
            self.progress = Progress(**saved["progress"])
            model = load_model(found[-1])
        else:
            model = self._new_model(init)
        if config.plies > model.config.context_plies:
            raise ConfigError(
                f"plies: expected at most context_plies, {model.config.context_plies}, found {config.plies}"
            )
        if config.gradient_penalty and self.accelerator.num_processes > 1:
            raise ConfigError(
                f"gradient_penalty: expected 0 with {self.accelerator.num_processes} processes, whose gradients are "
                f"exchanged as they are computed once, found {config.gradient_penalty!r}"
            )
        self.model_config: XiangqiGPTConfig = model.config
        self.tokenizer = model.tokenizer
        optimizer = _optimizer(model, config, self.accelerator.device)
        if found:
            model.to(self.accelerator.device)
            disk.load_optimizer(found[-1], model, optimizer)
            torch.set_rng_state(torch.tensor(saved["torch_rng"], dtype=torch.uint8))
        disk.cut_log(out, self.progress.step)
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.loader = Loader(
            packed,
            config,
            model.config,
            model.tokenizer,
            model=model,
            rank=self.accelerator.process_index,
            world=self.accelerator.num_processes,
            workers=default_workers(on_cpu, self.accelerator.num_processes) if workers is None else workers,
            pin=self.accelerator.device.type == "cuda",
        )

    def run(
        self, *, time_limit: float | None = None, on_step: Callable[[StepReport], None] | None = None
    ) -> TrainResult:
        """Train until the schedule ends, *time_limit* seconds of this call have passed, or a signal arrives.

        Whatever ends it, a checkpoint of the last step is on disk afterwards.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        began, before = time.monotonic(), self.progress.seconds
        reason = "finished"
        self.model.train()
        with _StopRequest() as stop, open(self.out / disk.LOG_FILE, "a", encoding="utf-8") as log:
            for step, micro_batches in self.loader.steps(self.progress.step, self.progress.window):
                # The rest of an epoch that fills no batch is passed over.
                self.progress = dataclasses.replace(self.progress, window=step.window)
                report = self._step(micro_batches, before + time.monotonic() - began)
                if self.accelerator.is_main_process:
                    log.write(json.dumps(dataclasses.asdict(report)) + "\n")
                    log.flush()
                if on_step is not None:
                    on_step(report)
                self._check_finite(report)
                self.progress = dataclasses.replace(self.progress, seconds=before + time.monotonic() - began)
                if self._agreed(stop.set):
                    reason = "interrupted"
                elif self._agreed(time_limit is not None and time.monotonic() - began >= time_limit):
                    reason = "time limit"
                if reason != "finished":
                    break
                if self.progress.step % self.config.checkpoint_every == 0:
                    self.save()
        return TrainResult(checkpoint=self.save(), progress=self.progress, reason=reason)

    def _check_finite(self, report: StepReport) -> None:
        """ModelError naming step, batch and last good checkpoint where the step has spoilt the weights."""
        numbers = [report.loss, report.value_loss, report.legal_loss or 0.0]
        # Steps in float16 with too large a scale are passed over.
        if not self.accelerator.optimizer_step_was_skipped:
            numbers.append(report.gradient_norm)
        if all(map(math.isfinite, numbers)):
            return
        last = disk.checkpoints(self.out)
        first = self.progress.window - self.config.batch_windows
        raise ModelError(
            f"step {report.step}: expected a finite loss, found {report.loss} (value {report.value_loss}, "
            f"gradient norm {report.gradient_norm}) in the batch of windows {first} to {self.progress.window - 1}; "
            f"the last good checkpoint is {last[-1] if last else 'none'}"
        )

    def save(self) -> Path:
        """Write a checkpoint of the present step."""
        path = self.out / f"checkpoint-{self.progress.step:07d}"
        if self.accelerator.is_main_process:
            model = self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
            raw = getattr(self.optimizer, "optimizer", self.optimizer)
            path = disk.save(self.out, model, raw, self.progress, self._settings())
        self.accelerator.wait_for_everyone()
        return path

    def _step(self, batches: list[Batch], seconds: float) -> StepReport:
        config, device = self.config, self.accelerator.device
        began = time.monotonic()
        counts = torch.tensor(
            [[b.target_weight, b.value_plies, b.legal_plies, b.target_plies] for b in batches], device=device
        ).sum(0)
        moves_total, values_total, legal_total, plies = (n or 1.0 for n in self._sum(counts).tolist())
        rate = learning_rate(config, self.progress.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        totals = torch.zeros(3, device=device)
        world = (
            self.accelerator.num_processes
        )  # gradients are averaged over processes, the loss is a global mean
        for number, batch in enumerate(batches, 1):
            watch: AbstractContextManager[list[Tensor]] = nullcontext([])
            if config.gradient_penalty:
                watch = embeddings_kept(self.model)
            last = number == len(batches)
            with nullcontext() if last else self.accelerator.no_sync(self.model), watch as embeddings:
                move, value, legal = losses(self.model, batch.to(device))
                loss = move / moves_total + config.value_weight * value / values_total
                if legal is not None:
                    loss = loss + config.legal_weight * legal / legal_total
                if embeddings:
                    loss = loss + config.gradient_penalty / 2 * gradient_penalty(loss, embeddings[0])
                self.accelerator.backward(loss * world)
            totals[:2] += torch.stack([move.detach(), value.detach()])
            if legal is not None:
                totals[2] += legal.detach()
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        move_sum, value_sum, legal_sum = self._sum(totals).tolist()
        done = self.progress
        self.progress = dataclasses.replace(
            done,
            step=done.step + 1,
            window=done.window + config.batch_windows,
            plies_seen=done.plies_seen + int(plies),
        )
        return StepReport(
            step=self.progress.step,
            loss=move_sum / moves_total,
            value_loss=value_sum / values_total,
            learning_rate=rate,
            gradient_norm=float(norm),
            plies_seen=self.progress.plies_seen,
            plies_per_second=plies / (time.monotonic() - began),
            seconds=seconds + time.monotonic() - began,
            legal_loss=legal_sum / legal_total if self.model_config.legal_head else None,
        )

    def _sum(self, tensor: Tensor) -> Tensor:
        total: Tensor = self.accelerator.reduce(tensor, "sum")
        return total

    def _agreed(self, wish: bool) -> bool:
        """Whether any process wishes to stop: all must stop at the same step."""
        if self.accelerator.num_processes == 1:
            return wish
        return bool(self._sum(torch.tensor(int(wish), device=self.accelerator.device)) > 0)

    def _new_model(self, init: Path | None) -> XiangqiGPTForCausalLM:
        check_settings_apply(self.config.model)
        if init is None:
            return XiangqiGPTForCausalLM(XiangqiGPTConfig(**self.config.model))
        model = load_model(init)
        for key, value in self.config.model.items():
            if getattr(model.config, key) != value:
                raise ConfigError(
                    f"{key}: expected {getattr(model.config, key)!r}, that of the model in {init}, found {value!r}"
                )
        return model

    def _settings(self) -> dict[str, Any]:
        config = dataclasses.asdict(self.config)
        return {"config": json.loads(json.dumps(config)), "data": fingerprint(self.packed)}

    def _check_same_run(self, checkpoint: Path, saved: dict[str, Any]) -> None:
        mine = self._settings()
        if saved.get("data") != mine["data"]:
            raise ConfigError(f"{checkpoint}: expected the data the run began with, found other games")
        # Settings younger than the run stood at their defaults.
        defaults = json.loads(json.dumps(dataclasses.asdict(TrainConfig())))
        for key, value in mine["config"].items():
            old = saved.get("config", {}).get(key, defaults[key])
            if old != value:
                raise ConfigError(
                    f"{checkpoint}: {key}: expected {old!r} as in the run so far, found {value!r}"
                )


def _precision(wanted: str, on_cpu: bool) -> str:
    if wanted != "auto":
        return wanted
    if on_cpu:
        fast = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
        return "bf16" if fast else "no"
    return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "no"


def _optimizer(model: torch.nn.Module, config: TrainConfig, device: torch.device) -> torch.optim.AdamW:
    """AdamW; vectors (norms, biases) and tables are not decayed."""
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    tables = ("tokens.weight", "slots.weight", "encoder.squares", "legal_head.squares.weight")
    decayed = {n for n, p in named if p.ndim >= 2 and n not in tables}
    groups = [
        {
            "params": [p for n, p in named if (n in decayed) == decay],
            "names": [n for n, _ in named if (n in decayed) == decay],
            "weight_decay": config.weight_decay if decay else 0.0,
        }
        for decay in (True, False)
    ]
    return torch.optim.AdamW(
        groups, lr=config.learning_rate, betas=config.betas, fused=device.type in ("cpu", "cuda")
    )
