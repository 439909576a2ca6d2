"""Shared by the commands that train: data, progress, and the report at the end of a run."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from xiangqi_gpt.errors import ConfigError

CURVES_FILE = "curves.png"


def duration(text: str) -> float:
    """Seconds of ``90s``, ``30m``, ``2h`` or plain seconds; ConfigError otherwise."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None:
        raise ConfigError(f"--time-limit: expected a duration such as 90s, 30m or 2h, found {text!r}")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def open_games(
    data: tuple[str, ...], config: Any, print_line: Callable[[str], None], cache: Path | None = None
) -> Any:
    """The packed games of the files, for training and for validation; prints what was left out."""
    from xiangqi_gpt.dataset.packing import PackSettings, open_data

    return open_data(
        data, PackSettings(targets=config.targets, extra=config.extra), cache=cache, print_line=print_line
    )


def finish(out: Path, model: Path, result: Any) -> None:
    """Plot the curves of the run in *out*, and print how it ended and what it wrote."""
    from xiangqi_gpt.experiments.curves import write_curves

    done, curves = result.progress, f", curves {out / CURVES_FILE}"
    try:
        write_curves(out, out / CURVES_FILE)
    except ConfigError as error:
        click.echo(f"note: no curves: {error}", err=True)
        curves = ""
    click.echo(
        f"{result.reason}: step {done.step:,}, {done.plies_seen:,} plies in {done.seconds / 60:.1f} min; "
        f"checkpoint {result.checkpoint}, model {model}{curves}"
    )
    if result.reason != "finished":
        click.echo("To resume, run the same command with --resume.")


class RunProgress:
    """A bar on a terminal, one line every half minute elsewhere; losses are running means."""

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

    def __enter__(self) -> RunProgress:
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
