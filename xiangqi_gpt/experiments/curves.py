"""Plots of a training run, drawn by matplotlib if it is installed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.plotting import subplots
from xiangqi_gpt.safe_json import parse_json
from xiangqi_gpt.training.run_state import EVALUATIONS_FILE, LOG_FILE, disk_full_as_error

Points = tuple[Sequence[float], Sequence[float]]  # x and y


def smoothed(values: Sequence[float], points: int = 400) -> tuple[list[float], list[float]]:
    """At most *points* means of neighbouring values, and the (1-based) step numbers at their centres."""
    parts = np.array_split(np.asarray(values, np.float64), max(1, min(points, len(values))))
    ends = np.cumsum([len(part) for part in parts])
    centres = [float(end - (len(part) - 1) / 2) for end, part in zip(ends, parts, strict=True)]
    return centres, [float(part.mean()) if len(part) else math.nan for part in parts]


def read_log(file: Path) -> list[dict[str, float]]:
    """The lines of a run's log; ModelError if a line is invalid, and an empty list if there is no file."""
    if not file.is_file():
        return []
    try:
        rows = [dict(parse_json(line)) for line in file.read_text(encoding="utf-8").splitlines()]
        return [{key: math.nan if value is None else value for key, value in row.items()} for row in rows]
    except (ValueError, TypeError) as error:
        raise ModelError(f"{file}: a line is not valid JSON: {error}") from None


def curves_of(
    log: Sequence[Mapping[str, float]], evaluations: Sequence[Mapping[str, float]]
) -> dict[str, dict[str, Points]]:
    """Loss, value loss, learning rate, and the results of evaluations: panels by title, their curves by name."""

    def train(key: str) -> Points:
        x, y = smoothed([line[key] for line in log])
        return [i - 1 + log[0]["step"] for i in x] if log else [], y if log else []

    panels = {
        "loss, nats/ply": {"train": train("loss")},
        "value loss, nats": {"train": train("value_loss")},
        "learning rate": {"train": train("learning_rate")},
    }
    if evaluations:
        steps = [e["step"] for e in evaluations]
        panels["loss, nats/ply"]["valid"] = steps, [e["loss"] for e in evaluations]
        panels["value loss, nats"]["valid"] = steps, [e["value_loss"] for e in evaluations]
        panels["valid, shares"] = {
            "top-1": (steps, [e["top1"] for e in evaluations]),
            "legal unmasked": (steps, [e["legality"] for e in evaluations]),
        }
    return panels


def top_of(curves: Mapping[str, Points]) -> float | None:
    """The upper end of an axis, so that a few extreme values at the start do not flatten the rest; None: automatic."""
    values = np.array([y for _, ys in curves.values() for y in ys if math.isfinite(y)])
    if len(values) <= 50:
        return None
    low, high = float(values.min()), float(np.quantile(values, 0.99))
    return high + 0.05 * (high - low) if high > low else None


def draw_curves(
    log: Sequence[Mapping[str, float]], evaluations: Sequence[Mapping[str, float]], file: Path
) -> None:
    """Plot a run into the PNG *file*.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    panels = curves_of(log, evaluations)
    figure, axes = subplots(2, 2, size=(11.2, 6.8))
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (title, curves) in zip(axes.flat, panels.items(), strict=False):
        for name, (x, y) in curves.items():
            axis.plot(x, y, label=name, marker="" if name == "train" and len(x) > 1 else "o", markersize=4)
        axis.set(xlabel="step", ylim=(None, top_of(curves)))
        axis.set_title(title, loc="left", fontsize=10)
        axis.grid(alpha=0.3)
        if len(curves) > 1:
            axis.legend(fontsize=8)
    figure.savefig(file, dpi=100, format="png")


def write_curves(out: Path, file: Path) -> None:
    """Plot the run in the folder *out*.

    Raises:
        ConfigError: matplotlib is not installed.
        ModelError: the log of the run is broken, or the disk is full.
    """
    with disk_full_as_error(out, "the curves"), atomic_path(file, overwrite=True, error=ModelError) as draft:
        draw_curves(read_log(out / LOG_FILE), read_log(out / EVALUATIONS_FILE), draft)
