"""`xiangqi-gpt train`: from game records to a model."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from xiangqi_gpt.rules.errors import ConfigError

CURVES_FILE = "curves.png"


def duration(text: str) -> float:
    """Seconds of ``90s``, ``30m``, ``2h`` or plain seconds; ConfigError otherwise."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None:
        raise ConfigError(f"--time-limit: expected a duration such as 90s, 30m or 2h, found {text!r}")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


@click.command("train")
@click.option(
    "--data",
    "data",
    multiple=True,
    required=True,
    help="Records or packed data to learn from; may be given several times.",
)
@click.option(
    "--cache", type=click.Path(path_type=Path), help="Folder for packed records.  [default: one of the user]"
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--preset", "preset_name", help="tiny, laptop, original, large or slot.  [default: laptop]")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="TOML file of settings: preset, [run] and [model].",
)
@click.option(
    "--init", type=click.Path(path_type=Path), help="Model directory whose weights the run starts from."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one setting; stronger than the file.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in --out.")
@click.option(
    "--max-steps", type=click.IntRange(1), help="Optimiser steps; the learning-rate schedule ends there."
)
@click.option(
    "--time-limit",
    help="Stop after this long, such as 30m, with a checkpoint to resume from; "
    "with --set budget=time the schedule ends there.",
)
@click.option("--seed", type=int, help="Seed of weights and data order.")
@click.option("--threads", type=click.IntRange(1), help="Processor threads; all cores by default.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--tensorboard", is_flag=True, help="Write event files for TensorBoard to OUT/tensorboard.")
def command(
    data: tuple[str, ...],
    cache: Path | None,
    out: Path,
    preset_name: str | None,
    config_file: Path | None,
    init: Path | None,
    settings: tuple[str, ...],
    resume: bool,
    max_steps: int | None,
    time_limit: str | None,
    seed: int | None,
    threads: int | None,
    device: str,
    tensorboard: bool,
) -> None:
    """Train a model on the train split of game records.

    Targets are the teacher's moves where a record has them and the moves that people played elsewhere. The
    run's folder keeps logs, curves and the newest checkpoint; `OUT/model` is the trained model. Ctrl-C saves
    and says where. Under torchrun or accelerate launch all processes train one model.
    """
    import torch

    from xiangqi_gpt.training.config import changed, preset
    from xiangqi_gpt.training.config_file import read_config
    from xiangqi_gpt.training.curves import write_curves
    from xiangqi_gpt.training.loop import Trainer

    file = config_file
    config = preset(preset_name or "laptop") if file is None else read_config(file, preset_name)
    config = changed(config, settings)
    extra = [f"max_steps={max_steps}"] if max_steps is not None else []
    extra += [f"seed={seed}"] if seed is not None else []
    config = changed(config, extra)
    limit = duration(time_limit) if time_limit is not None else None
    if config.budget == "time" and limit is None:
        raise ConfigError("--time-limit: expected one with budget=time, found none")
    if threads is not None:
        torch.set_num_threads(threads)
    speaks = os.environ.get("RANK", "0") == "0"

    def say(line: str) -> None:
        if speaks:
            click.echo(line, err=True)

    games = _open(data, config, say, cache)
    trainer = Trainer(
        games.train,
        out,
        config,
        init=init,
        resume=resume,
        device=device,
        valid=games.valid,
        on_note=lambda text: say(f"note: {text}"),
    )
    model = out / "model"
    with _Progress(config.max_steps, speaks, limit if config.budget == "time" else None) as progress:
        result = trainer.run(
            time_limit=limit,
            on_step=progress.step,
            on_evaluation=progress.evaluation,
            export=model,
            tensorboard=tensorboard,
        )
    if trainer.accelerator.num_processes > 1:
        trainer.accelerator.end_training()
    if not speaks:
        return
    write_curves(out, out / CURVES_FILE)
    done = result.progress
    click.echo(
        f"{result.reason}: step {done.step:,}, {done.plies_seen:,} plies in {done.seconds / 60:.1f} min; "
        f"checkpoint {result.checkpoint}, model {model}, curves {out / CURVES_FILE}"
    )
    if result.reason != "finished":
        click.echo("go on with the same command and --resume")


def _open(data: tuple[str, ...], config: Any, say: Callable[[str], None], cache: Path | None = None) -> Any:
    """The packed games of the files, those to learn from and those to measure on; says what was left out."""
    from xiangqi_gpt.training.packing import PackSettings, open_data

    return open_data(data, PackSettings(targets=config.targets, extra=config.extra), cache=cache, say=say)


def _read(data: tuple[str, ...], config: Any) -> Any:
    """The packed games to learn from."""
    return _open(data, config, lambda line: click.echo(line, err=True)).train


class _Progress:
    """A bar on a terminal, a line every half minute elsewhere; losses are running means."""

    def __init__(self, steps: int, speaks: bool = True, seconds: float | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._steps, self._seconds, self._speaks = steps, seconds, speaks
        self._mean: tuple[float, float] | None = None
        self._said = 0.0
        self._bar: Any = None
        if speaks and sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("step {task.fields[at]}"),
                BarColumn(),
                TextColumn("{task.fields[info]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task("train", total=seconds or steps, info="", at=f"0/{self._last}")

    @property
    def _last(self) -> str:
        return str(self._steps) if self._seconds is None else "?"

    def __enter__(self) -> _Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def step(self, report: Any) -> None:
        """Show a step."""
        new = (report.loss, report.value_loss)
        old = self._mean or new
        self._mean = (0.98 * old[0] + 0.02 * new[0], 0.98 * old[1] + 0.02 * new[1])
        info = f"loss {self._mean[0]:.3f} nats/ply  value {self._mean[1]:.3f}  {report.plies_per_second:.0f} plies/s"
        at = f"{report.step}/{self._last}"
        if self._bar is not None:
            done = report.step if self._seconds is None else min(report.seconds, self._seconds)
            self._bar.update(self._task, completed=done, info=info, at=at)
        elif self._speaks and (report.seconds - self._said >= 30 or report.step == self._steps):
            self._said = report.seconds
            left = (self._steps - report.step) * report.seconds / report.step
            if self._seconds is not None:
                left = max(0.0, self._seconds - report.seconds)
            click.echo(f"step {at}  {info}  {left / 60:.0f} min left", err=True)

    def evaluation(self, found: Any) -> None:
        """Show what was measured on the valid split."""
        if not self._speaks:
            return
        line = (
            f"valid at step {found.step}: loss {found.loss:.3f} nats/ply  value {found.value_loss:.3f}  "
            f"top-1 {100 * found.top1:.1f} %  legal unmasked {100 * found.legality:.1f} %"
        )
        if self._bar is not None:
            self._bar.console.print(line)
        else:
            click.echo(line, err=True)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
