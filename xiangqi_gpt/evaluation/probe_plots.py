"""Pictures of what probes found."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xiangqi_gpt.evaluation.probe import GROUP_PLIES, ProbeResult
from xiangqi_gpt.plotting import save_plot, subplots

LAYERS_PICTURE = "layers.png"
SQUARES_PICTURE = "squares.png"
PLIES_PICTURE = "plies.png"


def plot_layers(result: ProbeResult, path: Path) -> None:
    """Shares of squares that are right, by layer, with their 95 % intervals.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    figure, axis = subplots(size=(6.4, 4))
    layers = np.arange(len(result.layers))
    parts = (
        ("squares", "all 90 squares"),
        ("pieces", "squares with a piece"),
        ("changed", "changed squares"),
    )
    for number, (key, label) in enumerate(parts):
        found = [getattr(layer, key) for layer in result.layers]
        prior = getattr(result.ply_prior, key)
        if any(one is None for one in (*found, prior)):
            continue
        mean = np.array([one.mean for one in found])
        low, high = (
            np.array([one.mean if getattr(one, end) is None else getattr(one, end) for one in found])
            for end in ("low", "high")
        )
        color = f"C{number}"
        axis.errorbar(
            layers,
            100 * mean,
            100 * np.array([mean - low, high - mean]),
            color=color,
            label=label,
            marker="o",
        )
        axis.axhline(100 * prior.mean, color=color, linestyle=":", linewidth=1)
    axis.set(xlabel="layer (0: embeddings)", ylabel="read correctly, %", ylim=(0, 102), xticks=layers)
    axis.set_title("dotted: the likeliest board of that ply, without the model", fontsize=9)
    axis.legend(loc="lower right", fontsize=9)
    axis.grid(alpha=0.3)
    save_plot(figure, path)


def plot_squares(result: ProbeResult, path: Path) -> None:
    """A map of the board, the side to move at the bottom: how often each square is read wrong, of the best layer."""
    figure, axes = subplots(1, 2, size=(7.4, 4.4))
    wrong = [100 * (1 - np.array(shares)) for shares in (result.by_square, result.prior_by_square)]
    most = max(float(one.max()) for one in wrong) or 1.0
    for axis, values, title in zip(
        axes, wrong, (f"probe, layer {result.best_layer}", "likeliest board of that ply"), strict=True
    ):
        shown = axis.imshow(values.reshape(10, 9), origin="lower", cmap="magma_r", vmin=0, vmax=most)
        for square, value in enumerate(values):
            axis.text(
                square % 9,
                square // 9,
                f"{value:.0f}",
                ha="center",
                va="center",
                fontsize=7,
                color="white" if value > most / 2 else "black",
            )
        axis.axhline(4.5, color="0.5", linewidth=1)
        axis.set(xticks=range(9), xticklabels=list("abcdefghi"), yticks=range(10))
        axis.set_title(title, fontsize=10)
    figure.colorbar(shown, ax=axes, shrink=0.8, label="read wrong, %")
    save_plot(figure, path)


def plot_plies(result: ProbeResult, path: Path) -> None:
    """Shares of squares that are right, by ply, of the best layer and without the model."""
    figure, axis = subplots(size=(6.4, 4))
    middle = [part.first + GROUP_PLIES / 2 for part in result.by_ply]
    axis.plot(middle, [100 * part.probe for part in result.by_ply], marker="o", label="probe, all squares")
    axis.plot(
        middle,
        [100 * part.ply_prior for part in result.by_ply],
        ":",
        color="C0",
        label="likeliest board of that ply",
    )
    known = [
        (at, part.changed) for at, part in zip(middle, result.by_ply, strict=True) if part.changed is not None
    ]
    axis.plot(
        [at for at, _ in known],
        [100 * share for _, share in known],
        marker="o",
        color="C2",
        label="probe, changed squares",
    )
    axis.set(xlabel="ply", ylabel="read correctly, %", ylim=(0, 102))
    axis.legend(loc="lower left", fontsize=9)
    axis.grid(alpha=0.3)
    save_plot(figure, path)
