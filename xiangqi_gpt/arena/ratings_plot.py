"""A picture of ratings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xiangqi_gpt.arena.tournament import Standing
from xiangqi_gpt.plotting import save_plot, subplots


def plot_ratings(standings: Sequence[Standing], path: Path, *, overwrite: bool = False) -> None:
    """Draw the ratings with their intervals, best at the top.

    Raises:
        ConfigError: matplotlib is not installed.
        FileError: the file cannot be written.
    """
    order = list(reversed(standings))
    places = range(len(order))
    elo = [one.rating.elo for one in order]
    spread = [
        [one.rating.elo - one.rating.low for one in order],
        [one.rating.high - one.rating.elo for one in order],
    ]
    figure, axis = subplots(size=(8, 1.2 + 0.35 * len(order)))
    axis.errorbar(elo, places, xerr=spread, fmt="o", capsize=3)
    axis.set_yticks(places, [one.player for one in order])
    axis.set(xlabel="Elo, with 95 % intervals")
    axis.margins(y=0.2)
    axis.grid(alpha=0.3)
    save_plot(figure, path, overwrite=overwrite)
