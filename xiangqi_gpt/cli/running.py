"""Shared by the commands that train: data, progress, and the report at the end of a run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from xiangqi_gpt.cli.output import ProgressLine
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


class RunProgress(ProgressLine):
    """Steps of a run; losses are running means."""

    def __init__(self, steps: int, is_shown: bool = True, seconds: float | None = None) -> None:
        super().__init__(is_shown=is_shown)
        self._steps, self._seconds = steps, seconds
        self._mean: tuple[float, float] | None = None

    def step(self, report: Any) -> None:
        """Show a step."""
        new = (report.loss, report.value_loss)
        old = self._mean or new
        self._mean = (0.98 * old[0] + 0.02 * new[0], 0.98 * old[1] + 0.02 * new[1])
        info = f"loss {self._mean[0]:.3f} nats/ply  value {self._mean[1]:.3f}  {report.plies_per_second:.0f} plies/s"
        is_timed = self._seconds is not None
        self.show(
            f"step {report.step}/{'?' if is_timed else self._steps}",
            info,
            min(report.seconds, self._seconds) if is_timed else report.step,
            total=self._seconds if is_timed else self._steps,
            seconds=report.seconds,
            is_last=report.step == self._steps,
        )

    def evaluation(self, found: Any) -> None:
        """Show a measurement on the valid split."""
        self.note(
            f"valid at step {found.step}: loss {found.loss:.3f} nats/ply  value {found.value_loss:.3f}  "
            f"top-1 {100 * found.top1:.1f} %  legal unmasked {100 * found.legality:.1f} %"
        )
