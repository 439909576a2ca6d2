"""The atlas of legality as a picture: by ply, by piece, in check or not, and by the rules that are broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xiangqi_gpt.evaluation.intervals import Estimate
from xiangqi_gpt.evaluation.legality import GROUP_PLIES, Legality
from xiangqi_gpt.plotting import save_plot, subplots

_FEWEST = 50  # positions of a group of plies that is drawn


def plot_legality(result: Legality, path: Path) -> None:
    """Four parts: ply, kind of position, piece of the likeliest text, and broken rules; the last two need `why`.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    figure, axes = subplots(2, 2, size=(9, 6.4))
    (by_ply, by_kind), (by_piece, by_rule) = axes
    parts = [part for part in result.by_ply if part.plies >= _FEWEST] or result.by_ply
    middle = [part.first + GROUP_PLIES / 2 for part in parts]
    by_ply.plot(
        middle,
        [100 * (1 - part.argmax_legal) for part in parts],
        marker="o",
        label="likeliest text",
    )
    by_ply.plot(
        middle,
        [100 * part.leak for part in parts],
        marker="o",
        label="mean probability (leak)",
    )
    by_ply.set(xlabel="ply", ylabel="illegal, %")
    by_ply.set_ylim(bottom=0)
    by_ply.legend(fontsize=9)
    by_ply.grid(alpha=0.3)
    _bars(
        by_kind,
        [(group.name, group.argmax_legal) for group in result.groups],
        "illegal by kind of position, %",
    )
    _bars(by_piece, [(part.piece, part.legal) for part in result.pieces], "illegal by piece of the text, %")
    rules = list(result.broken.items())[::-1]
    by_rule.barh([name.replace("_", " ") for name, _ in rules], [count for _, count in rules], color="C3")
    by_rule.set_title(f"rules broken, in {result.plies:,} positions", fontsize=10)
    save_plot(figure, path)


def _bars(axis: Any, parts: list[tuple[str, Estimate]], title: str) -> None:
    """Shares of illegal texts with their intervals, the first at the top."""
    for place, (_, legal) in enumerate(reversed(parts)):
        share = 100 * (1 - legal.mean)
        axis.barh(place, share, color="C0")
        if legal.low is not None and legal.high is not None:
            axis.plot(
                [100 * (1 - legal.high), 100 * (1 - legal.low)], [place, place], color="black", linewidth=1
            )
    axis.set_yticks(range(len(parts)), [f"{name} ({legal.count:,})" for name, legal in reversed(parts)])
    axis.set_title(title, fontsize=10)
