"""The training loop: one process or many, stopped and resumed at any step."""

from __future__ import annotations

import dataclasses
import math
import signal
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from xiangqi_gpt.dataset.packed import Packed, fingerprint
from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.lock import RunLock
from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.safe_json import round_trip
from xiangqi_gpt.training import run_state as disk
from xiangqi_gpt.training.batches import Batch
from xiangqi_gpt.training.ema import EMA_FILE, Ema, restore_pair
from xiangqi_gpt.training.loader import Loader, default_workers
from xiangqi_gpt.training.processes import join_processes
from xiangqi_gpt.training.run_checks import check_plies, check_same_settings, config_of_new_model, taken
from xiangqi_gpt.training.run_log import Journal
from xiangqi_gpt.training.run_state import Progress
from xiangqi_gpt.training.schedules import learning_rate, legality_weight, stage_of
from xiangqi_gpt.training.step import Stepper, Sums
from xiangqi_gpt.training.train_config import TrainConfig
from xiangqi_gpt.training.validation import Evaluation, Validator, best_so_far, evaluation_of

BEST_FOLDER = "best"
_REPORT_EVERY = 20  # steps between readings of the losses if a reading waits for the device
_MOST_SKIPPED = 50  # steps in a row that a gradient scaler may skip


@dataclass(frozen=True, kw_only=True)
class StepReport:
    """Measurements of one optimiser step; one line of ``log.jsonl``."""

    step: int
    loss: float  # nats/ply: the move loss, summed over a move's tokens
    value_loss: float  # nats
    learning_rate: float
    gradient_norm: float  # before clipping
    plies_seen: int  # plies with a target move, since the run began
    plies_per_second: float
    seconds: float  # since the run began
    legal_loss: float | None = None  # nats/board; None without a legal head
    legality_loss: float | None = None  # nats/board: minus the log of the probability of the legal moves


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """How a session of a run ended."""

    checkpoint: Path
    progress: Progress
    reason: str  # "finished", "time limit" or "interrupted"
    evaluation: Evaluation | None = None  # the last one, if the run measures itself


class _StopRequest:
    """Set by Ctrl-C or a termination signal; the loop ends after the current step. A second Ctrl-C ends it at once."""

    def __init__(self) -> None:
        self.set = False
        self._old: dict[int, Any] = {}

    def __enter__(self) -> _StopRequest:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._old[number] = signal.signal(number, self._on_signal)
            except ValueError:  # not the main thread: then the caller stops us in another way
                break
        return self

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.set:
            raise KeyboardInterrupt
        self.set = True

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class _Made:
    """A completed step, its figures still on the device."""

    step: int
    window: int  # windows before it
    rate: float
    sums: Tensor  # (9,)


class Trainer:
    """One run in the folder *out*.

    *init* is a model directory to start from. *resume* continues from the newest checkpoint in *out* (or starts afresh
    if there is none yet). Without *resume* a folder that holds a run is refused, and so is one in which another run is
    active. *valid* are the games that ``eval_every`` measures. *workers* threads make batches ahead of time, by default
    none on a CPU; the result does not depend on it. *on_note* is called with a message when the run has to deviate from
    its settings; by default it issues a warning.
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
        valid: Packed | None = None,
        on_note: Callable[[str], None] | None = None,
    ) -> None:
        if config.eval_every and valid is None:
            raise ConfigError(
                "eval_every: there are no games of split 'valid' to measure on; add games or set eval_every=0"
            )
        self.out, self.config, self.packed = out, config, packed
        self.processes = join_processes(device)
        self._on_note = on_note or _warn
        self._rank, self._world = self.processes.rank, self.processes.world
        self._lock: RunLock | None = None
        if out.is_dir():
            self._hold()
        try:
            self._build(init, resume, workers, valid, self._on_note)
        except BaseException:
            self._let_go()
            raise

    def _build(
        self,
        init: Path | None,
        resume: bool,
        workers: int | None,
        valid: Packed | None,
        on_note: Callable[[str], None],
    ) -> None:
        config, out, device = self.config, self.out, self.processes.device
        if self.processes.is_first:
            disk.remove_partial(out)
        self.processes.wait()
        found = disk.checkpoints(out)
        self._fresh = not found
        if found and not resume:
            raise ConfigError(taken(out, found[-1]))
        torch.manual_seed(config.seed)
        self.progress = Progress()
        if found:
            saved = disk.read_state(found[-1])
            self._check_same_run(found[-1], saved["settings"])
            self.progress = Progress(**saved["progress"])
            model = load_model(found[-1])
        else:
            model = self._new_model(init)
        check_plies(config, model.config.context_plies)
        self.model_config: XiangqiGPTConfig = model.config
        self.tokenizer = model.tokenizer
        self.model = model.to(device)
        self.ema = Ema(model, config.ema) if config.ema else None
        self.stepper = Stepper(model, config, device, world=self._world, ema=self.ema, note=on_note)
        self.optimizer = self.stepper.optimizer
        if found:
            disk.load_optimizer(found[-1], model, self.optimizer)
            if self.ema is not None and not disk.load_ema(found[-1], self.ema, saved.get("ema_steps", 0)):
                raise ModelError(
                    f"{found[-1]}: {EMA_FILE} is missing, and the run averages its weights (ema)"
                )
            if self.stepper.scaler is not None and saved.get("scaler"):
                self.stepper.scaler.load_state_dict(saved["scaler"])
        elif init is not None and self.ema is not None:
            restore_pair(init, model, self.ema)
        if self.processes.is_first:
            for log in (disk.LOG_FILE, disk.EVALUATIONS_FILE):
                disk.cut_log(out, self.progress.step, log)
        self.loader = Loader(
            self.packed,
            config,
            model.config,
            model.tokenizer,
            model=model,
            rank=self._rank,
            world=self._world,
            workers=default_workers(device.type == "cpu", self._world) if workers is None else workers,
            pin=device.type == "cuda",
        )
        self.sampler = self.loader.sampler
        self._learns_legality = bool(config.legality_weight or config.final_legality_weight)
        self._valid = valid
        self._validator: Validator | None = None

    def run(
        self,
        *,
        time_limit: float | None = None,
        on_step: Callable[[StepReport], None] | None = None,
        on_evaluation: Callable[[Evaluation], None] | None = None,
        export: Path | None = None,
        tensorboard: bool = False,
    ) -> TrainResult:
        """Train until the schedule ends, *time_limit* seconds of this call have passed, or a signal arrives.

        In all cases a checkpoint of the last step and the model in *export* are on disk afterwards. With time as the
        budget, *time_limit* is that of all sessions of the run together, and the schedule ends with it.
        """
        config, by_time = self.config, self.config.budget == "time"
        if by_time and time_limit is None:
            raise ConfigError("budget=time needs a time limit")
        self._budget = time_limit if by_time else None
        self.out.mkdir(parents=True, exist_ok=True)
        if self._lock is None:
            self._hold()
        if self._fresh and disk.checkpoints(self.out):
            raise ConfigError(f"{self.out}: another run has begun in this folder; choose another --out")
        self._fresh = False
        if by_time and config.curriculum and self._world > 1:
            raise ConfigError(f"curriculum: {self._world} processes need budget=steps, not budget=time")
        self._began, self._before, self._on_step = time.monotonic(), self.progress.seconds, on_step
        self._made: list[_Made] = []
        self._looked, self._now, self._skipped = time.monotonic(), self.progress.seconds, 0
        try:
            with self._journal(tensorboard) as self.journal, _StopRequest() as stop:
                return self._run(stop, time_limit, on_evaluation, export)
        finally:
            self._let_go()

    def _run(
        self,
        stop: _StopRequest,
        time_limit: float | None,
        on_evaluation: Callable[[Evaluation], None] | None,
        export: Path | None,
    ) -> TrainResult:
        config, reason = self.config, "finished"
        evaluation: Evaluation | None = None
        on_cpu, first = self.processes.device.type == "cpu", self.progress.step
        every = config.report_every or (1 if on_cpu else _REPORT_EVERY)
        if self.stepper.alone:
            every = config.average_every  # between averages, processes do not communicate
        self.model.train()
        steps = self.loader.steps(
            self.progress.step,
            self.progress.window,
            stage=self.progress.stage,
            stage_window=self.progress.stage_window,
            stage_at=self._stage_at,
        )
        try:
            while True:
                with self.stepper.autocast():  # the loader may sample moves from the model
                    step, batches = next(steps, (None, []))
                if step is None:
                    break
                # The rest of an epoch that does not fill a batch is skipped.
                self.progress = dataclasses.replace(
                    self.progress, window=step.window, stage=step.stage, stage_window=step.stage_window
                )
                self._step(batches)
                due = self._due(config.checkpoint_every), self._due(config.eval_every)
                looks = any(due) or self._due(every)
                if self.stepper.alone and looks:
                    self.stepper.average()
                over = ""
                if looks or self._world == 1:  # processes agree whenever they communicate anyway
                    over = self._agree(stop.set, time_limit)
                    reason = over or reason
                if looks or over:
                    self._look()
                if due[1]:
                    evaluation = self._evaluate(on_evaluation)
                if over:
                    break
                if due[0]:
                    self.save()
        finally:
            steps.close()
        self._look()
        if config.eval_every and first < self.progress.step != getattr(evaluation, "step", None):
            evaluation = self._evaluate(on_evaluation)
        checkpoint = self.save()
        if export is not None:
            self.export(export)
        return TrainResult(
            checkpoint=checkpoint, progress=self.progress, reason=reason, evaluation=evaluation
        )

    def _step(self, batches: list[Batch]) -> None:
        """Make one step, without reading its figures yet."""
        done = self.progress
        share = None if self._budget is None else self._now / self._budget
        rate = learning_rate(self.config, done.step, share)
        # Random numbers within a step, such as dropout, depend only on its number, not on where the session began.
        torch.manual_seed(hash((self.config.seed, done.step, self._rank)) & 0xFFFF_FFFF_FFFF)
        sums = self.stepper.step(batches, rate, legality_weight(self.config, done.step, share))
        self._made.append(_Made(done.step + 1, done.window, rate, sums))
        self.progress = dataclasses.replace(
            done,
            step=done.step + 1,
            window=done.window + sum(len(batch.input_ids) for batch in batches) * self._world,
            seconds=self._before + time.monotonic() - self._began,
        )

    def _look(self) -> None:
        """Fetch the figures of the steps since the last call, log them and check them."""
        if not self._made:
            return
        made, self._made = self._made, []
        sums = torch.stack([step.sums for step in made])
        if self.stepper.alone:
            dist.all_reduce(sums)
        rows = [Sums(*row) for row in sums.tolist()]
        now = time.monotonic()
        speed = sum(row.plies for row in rows) / max(now - self._looked, 1e-9)
        self._looked = now
        for step, row in zip(made, rows, strict=True):
            self.progress = dataclasses.replace(
                self.progress, plies_seen=self.progress.plies_seen + round(row.plies)
            )
            report = StepReport(
                step=step.step,
                loss=row.move / (row.weight or 1.0),
                value_loss=row.value / (row.values or 1.0),
                learning_rate=step.rate,
                gradient_norm=row.norm,
                plies_seen=self.progress.plies_seen,
                plies_per_second=speed,
                seconds=self._before + now - self._began,
                legal_loss=row.legal / (row.boards or 1.0) if self.model_config.legal_head else None,
                legality_loss=row.legality / row.boards if row.boards and self._learns_legality else None,
            )
            if self.journal is not None:
                self.journal.step(dataclasses.asdict(report))
            if self._on_step is not None:
                self._on_step(report)
            self._check_finite(report, step.window)

    def _check_finite(self, report: StepReport, first: int) -> None:
        """Raise ModelError, which names step, batch and last good checkpoint, if the step has corrupted the weights."""
        numbers = [report.loss, report.value_loss, report.legal_loss or 0.0, report.legality_loss or 0.0]
        if self.stepper.scaler is None:
            numbers.append(report.gradient_norm)
        elif math.isfinite(report.gradient_norm):
            self._skipped = 0
        else:  # float16 steps with a scale that is too large are skipped
            self._skipped += 1
        if all(map(math.isfinite, numbers)) and self._skipped <= _MOST_SKIPPED:
            return
        last = disk.checkpoints(self.out)
        raise ModelError(
            f"step {report.step}: expected a finite loss, found {report.loss} (value {report.value_loss}, "
            f"gradient norm {report.gradient_norm}) in the batch of windows {first} to "
            f"{first + self.config.batch_windows - 1}; "
            f"the last good checkpoint is {last[-1] if last else 'none'}"
        )

    def measure(self) -> Evaluation:
        """Measure the weights that :meth:`export` writes on the valid split."""
        self.stepper.average()
        if self._validator is None:
            if self._valid is None:
                raise ConfigError("There are no games of split 'valid' to measure on.")
            self._validator = Validator(
                self._valid,
                self.config,
                self.model_config,
                self.tokenizer,
                rank=self._rank,
                world=self._world,
            )
        with self._exported_weights():
            sums = self._validator.sums(self.model, self.processes.device, self.stepper.autocast)
        total = self.processes.sum(sums)
        return evaluation_of(total, self.progress.step, self.progress.seconds, self.model_config.style_names)

    def _evaluate(self, on_evaluation: Callable[[Evaluation], None] | None) -> Evaluation:
        """Measure, log the result, and keep the weights if they are the best so far."""
        evaluation = self.measure()
        if self.journal is not None:
            self.journal.evaluation(dataclasses.asdict(evaluation))
            best = self.out / BEST_FOLDER
            if evaluation.loss < best_so_far(best):
                with self._exported_weights():
                    disk.write_model(self.model, best, dataclasses.asdict(evaluation))
        if on_evaluation is not None:
            on_evaluation(evaluation)
        self._looked = time.monotonic()  # the time for measuring does not count for the speed of training
        return evaluation

    def save(self) -> Path:
        """Write a checkpoint of the current step."""
        self.stepper.average()
        path = self.out / f"checkpoint-{self.progress.step:07d}"
        if self.processes.is_first:
            scaler = self.stepper.scaler
            path = disk.save(
                self.out,
                self.model,
                self.optimizer,
                self.progress,
                self._settings(),
                ema=self.ema,
                scaler=None if scaler is None else scaler.state_dict(),
            )
        self.processes.wait()
        return path

    def export(self, path: Path) -> None:
        """Write the model directory *path*: the running mean of the weights if one is kept, otherwise the weights."""
        if self.processes.is_first:
            with self._exported_weights():
                disk.write_model(self.model, path)
        self.processes.wait()

    def _exported_weights(self) -> AbstractContextManager[None]:
        return nullcontext() if self.ema is None else self.ema.applied()

    def _due(self, every: int) -> bool:
        return bool(every) and self.progress.step % every == 0

    def _stage_at(self, step: int) -> int:
        """The stage of the curriculum at step *step*, or now if time is the budget."""
        if self._budget is not None:
            return stage_of(self.config, self._now / max(self._budget, 1e-9))
        return stage_of(self.config, step / self.config.max_steps)

    def _agree(self, wish: bool, time_limit: float | None) -> str:
        """The reason to stop now, or nothing: the same in all processes, and so is the time that the schedule uses."""
        now = self._before + time.monotonic() - self._began
        passed = now if self._budget is not None else now - self._before
        code = 2.0 if wish else float(time_limit is not None and passed >= time_limit)
        if self._world > 1:
            clock = now if self.processes.is_first else 0.0
            both = torch.tensor([code, clock], device=self.processes.device)
            dist.all_reduce(both, dist.ReduceOp.MAX)
            code, now = both.tolist()
        self._now = now
        if code == 1 and self._budget is not None:
            return "finished"
        return ("", "time limit", "interrupted")[int(code)]

    def _journal(self, tensorboard: bool) -> AbstractContextManager[Journal | None]:
        if not self.processes.is_first:
            return nullcontext()
        return Journal(self.out, tensorboard=tensorboard, step=self.progress.step)

    def _hold(self) -> None:
        if self.processes.is_first:
            self._lock = RunLock(self.out)

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _new_model(self, init: Path | None) -> XiangqiGPT:
        config = config_of_new_model(self.config, init)
        return XiangqiGPT(config) if init is None else load_model(init)

    def _settings(self) -> dict[str, Any]:
        config = dataclasses.asdict(self.config)
        return {"config": round_trip(config), "data": fingerprint(self.packed)}

    def _check_same_run(self, checkpoint: Path, saved: dict[str, Any]) -> None:
        mine = self._settings()
        if saved.get("data") != mine["data"]:
            raise ConfigError(
                f"{checkpoint}: the run began with other games; give the same data to resume it"
            )
        check_same_settings(checkpoint, saved, self.config, self._on_note)


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=2)
