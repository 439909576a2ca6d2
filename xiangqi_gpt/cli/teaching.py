"""Shared by `generate` and `label`: options, progress, and the report at the end of a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xiangqi_gpt.cli.output import ProgressLine
from xiangqi_gpt.cli.shared_options import cluster_option, force_option, json_option, options
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.safe_json import format_json

if TYPE_CHECKING:
    from xiangqi_gpt.teacher.run import Summary

_REASONS_SHOWN = 3


engine_option = click.option(
    "--engine",
    required=True,
    metavar="CMD[,nodes=N]",
    help="Engine: program, then nodes=N, depth=D or time=S for each position, protocol=ucci if it is not UCI, "
    "and its own options.",
)
place_options = options(
    click.option(
        "--workers", type=click.IntRange(1), help="Engines at the same time.  [default: one per core]"
    ),
    cluster_option("Run on a Ray cluster."),
    force_option("Overwrite --out, and delete an unfinished run with other settings."),
    json_option,
)
"""Where the work is done, and what is written."""


def plies(option: str, text: str) -> tuple[int, int]:
    """Fewest and most of ``3`` or ``0-3``; ConfigError otherwise."""
    match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", text.strip())
    if match is None:
        raise ConfigError(f"{option}: expected a number of plies such as 3 or 0-3, found {text!r}")
    return int(match[1]), int(match[2] or match[1])


def shares(option: str, text: str) -> tuple[float, ...]:
    """Numbers with commas between; ConfigError otherwise."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"{option}: expected shares such as 0,0.05,0.1, found {text!r}") from None


class Progress(ProgressLine):
    """Finished games and labels per second."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what

    def update(self, summary: Summary) -> None:
        """Show how far the run is."""
        of = f"/{summary.total:,}" if summary.total is not None else ""
        info = f"{summary.games:,}{of} games  {summary.labels:,} labels  {summary.rate:.0f} labels/s"
        if summary.dropped:
            info += f"  {summary.dropped} dropped"
        self.show(f"{self._what}:", info, summary.games, total=summary.total, seconds=summary.seconds)


def finish(summary: Summary, out: Path, as_json: bool) -> None:
    """Print the totals of a run."""
    for reason in summary.reasons[:_REASONS_SHOWN]:
        click.echo(f"dropped: {reason}", err=True)
    if as_json:
        click.echo(format_json(summary.as_dict()))
        return
    parts = [f"{summary.games:,} games", f"{summary.labels:,} labels in {summary.seconds / 60:.1f} min"]
    for count, what in (
        (summary.resumed, "games from an earlier run"),
        (summary.dropped, "games dropped"),
        (summary.refused, "games of the input refused"),
        (summary.deaths, "engines started again"),
    ):
        if count:
            parts.append(f"{count:,} {what}")
    click.echo(f"{', '.join(parts)}: {out}")


def interrupted(out: Path) -> click.exceptions.Exit:
    """Print how to resume after Ctrl-C; the result is to be raised."""
    from xiangqi_gpt.workers.journal import parts_folder

    click.echo(
        f"stopped; finished games are kept in {parts_folder(out)}, resume with the same command", err=True
    )
    return click.exceptions.Exit(130)
