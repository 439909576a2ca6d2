"""Calibration: whether events occur as often as a model predicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.decoding import Scorer, SymmetricScorer
from xiangqi_gpt.plotting import save_plot, subplots
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.outcome import RED_SCORES
from xiangqi_gpt.rules.pieces import Color

BINS = 10

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Positions of which the model expected about the same."""

    count: int
    expected: float  # mean of the predictions, 0..1
    found: float  # mean of what came about, 0..1


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Bins of equal width, empty ones left out, and how far they are off."""

    bins: tuple[Bin, ...]
    error: float  # expected calibration error: |expected - found|, weighted by the positions of a bin; 0..1


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Of the value head: expected score (win 1, draw 1/2) against the result. Of the policy: the probability of the
    likeliest move against how often it was played; teacher games count for the value alone, being noise in part.
    """

    value: Reliability | None  # None without games of a known result
    policy: Reliability | None


@dataclass(frozen=True)
class GameForecasts:
    """Predictions and results in one game, one per position."""

    said: list[float]  # expected score of the side to move, 0..1
    results: list[float]  # its score
    sure: list[float]  # probability of the likeliest move
    hits: list[float]  # whether it was played


def measure_calibration(
    scorer: Scorer | SymmetricScorer,
    games: Iterable[GameRecord],
) -> Calibration:
    """Score every position of *games*, teacher-forced."""
    return summarise_calibration([game_forecasts(scorer, game) for game in games])


def game_forecasts(scorer: Scorer | SymmetricScorer, game: GameRecord) -> GameForecasts:
    """Score every position of one game."""
    found = GameForecasts([], [], [], [])
    root = Board(game.start_fen, strict=False)
    for ply, scores in enumerate(scorer.score_line(root, game.moves)):
        best = int(scores.logprobs.argmax())
        if game.kind != "teacher":
            found.sure.append(float(scores.probs[best]))
            found.hits.append(float(scores.moves[best] == game.moves[ply]))
        if game.result in RED_SCORES:
            red = (int(root.turn) + ply) % 2 == Color.RED
            score = (1 + RED_SCORES[game.result]) / 2
            found.said.append(float(scores.value[0] + scores.value[1] / 2))
            found.results.append(score if red else 1 - score)
    return found


def summarise_calibration(forecasts: Sequence[GameForecasts]) -> Calibration:
    """Both reliabilities over all games."""

    def all_of(name: str) -> list[float]:
        return [number for one in forecasts for number in getattr(one, name)]

    return Calibration(
        value=_reliability(all_of("said"), all_of("results")),
        policy=_reliability(all_of("sure"), all_of("hits")),
    )


def _reliability(expected: Sequence[float], found: Sequence[float]) -> Reliability | None:
    if not expected:
        return None
    said, came = np.array(expected), np.array(found)
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    bins, error = [], 0.0
    for number in range(BINS):
        chosen = place == number
        count = int(chosen.sum())
        if count:
            mean, truth = float(said[chosen].mean()), float(came[chosen].mean())
            bins.append(Bin(count=count, expected=mean, found=truth))
            error += count / len(said) * abs(mean - truth)
    return Reliability(bins=tuple(bins), error=error)


def plot(calibration: Calibration, path: Path) -> None:
    """Both reliabilities as a PNG.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    figure, axes = subplots(1, 2, size=(9, 4.4))
    for axis, title, reliability in (
        (axes[0], "value: expected score", calibration.value),
        (axes[1], "policy: probability of the likeliest move", calibration.policy),
    ):
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        axis.set(xlabel=title, ylabel="what came about", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        if reliability is None:
            continue
        most = max(b.count for b in reliability.bins)
        axis.plot([b.expected for b in reliability.bins], [b.found for b in reliability.bins], color="C0")
        axis.scatter(
            [b.expected for b in reliability.bins],
            [b.found for b in reliability.bins],
            s=[12 + 140 * b.count / most for b in reliability.bins],
            color="C0",
        )
        axis.set_title(f"calibration error {100 * reliability.error:.1f} %", fontsize=10)
    save_plot(figure, path)
