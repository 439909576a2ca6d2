"""`xiangqi-gpt train`: from game records to a model."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from xiangqi_gpt.rules.errors import ConfigError, RecordError


def duration(text: str) -> float:
    """Seconds of ``90s``, ``30m``, ``2h`` or plain seconds; ConfigError otherwise."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None:
        raise ConfigError(f"--time-limit: expected a duration such as 90s, 30m or 2h, found {text!r}")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


@click.command("train")
@click.option(
    "--data", "data", multiple=True, required=True, help="Records to learn from; may be given several times."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option(
    "--preset", "preset_name", default="laptop", show_default=True, help="tiny, laptop, original or large."
)
@click.option(
    "--init", type=click.Path(path_type=Path), help="Model directory whose weights the run starts from."
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one setting of the preset."
)
@click.option("--resume", is_flag=True, help="Go on with the run in --out.")
@click.option(
    "--max-steps", type=click.IntRange(1), help="Optimiser steps; the learning-rate schedule ends there."
)
@click.option("--time-limit", help="Stop after this long, such as 30m, with a checkpoint to resume from.")
@click.option("--seed", type=int, help="Seed of weights and data order.")
@click.option("--threads", type=click.IntRange(1), help="Processor threads; all cores by default.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
def command(
    data: tuple[str, ...],
    out: Path,
    preset_name: str,
    init: Path | None,
    settings: tuple[str, ...],
    resume: bool,
    max_steps: int | None,
    time_limit: str | None,
    seed: int | None,
    threads: int | None,
    device: str,
) -> None:
    """Train a model on the train split of game records.

    Targets are the teacher's moves where a record has them and the moves that people played elsewhere. The
    run's folder keeps a log and the newest checkpoint; `OUT/model` is the trained model. Ctrl-C saves and
    says where.
    """
    import torch

    from xiangqi_gpt.training.config import changed, preset
    from xiangqi_gpt.training.loop import Trainer

    config = changed(preset(preset_name), settings)
    extra = [f"max_steps={max_steps}"] if max_steps is not None else []
    extra += [f"seed={seed}"] if seed is not None else []
    config = changed(config, extra)
    limit = duration(time_limit) if time_limit is not None else None
    if threads is not None:
        torch.set_num_threads(threads)
    packed = _read(data, config)
    trainer = Trainer(packed, out, config, init=init, resume=resume, device=device)
    with _Progress(config.max_steps) as progress:
        result = trainer.run(time_limit=limit, on_step=progress.step)
    model = out / "model"
    draft = out / ".draft-model"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(result.checkpoint, draft, ignore=shutil.ignore_patterns("optimizer*", "training.json"))
    shutil.rmtree(model, ignore_errors=True)
    draft.rename(model)
    done = result.progress
    click.echo(
        f"{result.reason}: step {done.step:,}, {done.plies_seen:,} plies in {done.seconds / 60:.1f} min; "
        f"checkpoint {result.checkpoint}, model {model}"
    )
    if result.reason != "finished":
        click.echo("go on with the same command and --resume")


def _read(data: tuple[str, ...], config: Any) -> Any:
    """The packed games of the files; says what was left out and what was refused."""
    from xiangqi_gpt.records import read_games
    from xiangqi_gpt.training.packed import pack

    refused: list[RecordError] = []
    splits = ("train", "extra") if config.extra else ("train",)
    packed, report = pack(
        read_games(data, on_error=refused.append),
        splits,
        human=config.targets != "teacher",
        teacher=config.targets != "human",
    )
    for error in refused[:5]:
        click.echo(f"left out: {error}", err=True)
    if len(refused) > 5:
        click.echo(f"left out: {len(refused) - 5} more games that break the rules", err=True)
    click.echo(str(report), err=True)
    return packed


class _Progress:
    """A bar on a terminal, a line every half minute elsewhere; losses are running means."""

    def __init__(self, steps: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._steps = steps
        self._mean: tuple[float, float] | None = None
        self._said = 0.0
        self._bar: Any = None
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("step {task.completed}/{task.total}"),
                BarColumn(),
                TextColumn("{task.fields[info]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task("train", total=steps, info="")

    def __enter__(self) -> _Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def step(self, report: Any) -> None:
        new = (report.loss, report.value_loss)
        old = self._mean or new
        self._mean = (0.98 * old[0] + 0.02 * new[0], 0.98 * old[1] + 0.02 * new[1])
        info = f"loss {self._mean[0]:.3f} nats/ply  value {self._mean[1]:.3f}  {report.plies_per_second:.0f} plies/s"
        if self._bar is not None:
            self._bar.update(self._task, completed=report.step, info=info)
        elif report.seconds - self._said >= 30 or report.step == self._steps:
            self._said = report.seconds
            left = (self._steps - report.step) * report.seconds / report.step
            click.echo(f"step {report.step}/{self._steps}  {info}  {left / 60:.0f} min left", err=True)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
