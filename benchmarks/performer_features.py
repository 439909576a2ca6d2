"""How many random features does a Performer need? The measured error beside the lemma of Johnson and Lindenstrauss.

    python benchmarks/performer_features.py --plot docs/images/performer-features.png

The lemma: a random projection of N vectors to m >= 24 ln(N) / e^2 numbers keeps all their squared distances within a
share e < 1, with a probability of at least 1 - 1 / N. N is the number of queries and keys of a window of 8 plies.
Beside it stands the root mean square of the relative error of exp(q k / sqrt(D)), estimated by the package's random
features, for queries and keys of one length. For independent features it is sqrt((exp(|q + k|^2 / sqrt(D)) - 1) / m).
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch

from xiangqi_gpt.model.attention.exponential import orthogonal_features
from xiangqi_gpt.plotting import save_plot, subplots

TOKENS, SIZE = 41, 64  # of a window of 8 plies; of a head
FEATURES = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
LENGTHS = (0.5, 1.0, 2.0)  # |q|^2 / sqrt(D) and |k|^2 / sqrt(D)
DRAWS = 20


def distance_error(vectors: torch.Tensor, features: int) -> float:
    """The largest relative error of a squared distance between the projected *vectors* (N, D)."""
    projected = vectors @ torch.randn(features, vectors.shape[1], dtype=vectors.dtype).mT / features**0.5
    true, found = torch.pdist(vectors).square(), torch.pdist(projected).square()
    return float((found / true - 1).abs().max())


def kernel_errors(length: float, features: int) -> tuple[float, float]:
    """The mean square of the relative error for random directions, measured and by the formula."""
    vectors = torch.randn(2, TOKENS, SIZE, dtype=torch.float64)
    vectors *= length**0.5 / vectors.norm(dim=-1, keepdim=True)
    q, k = vectors  # divided by D^(1/4) already
    projection = orthogonal_features(features, SIZE).double()
    q_features, k_features = (
        (x @ projection.mT - x.square().sum(-1, keepdim=True) / 2).exp() for x in (q, k)
    )
    true = (q @ k.mT).exp()
    measured = ((q_features @ k_features.mT / features / true - 1) ** 2).mean()
    expected = ((q[:, None] + k).square().sum(-1).exp() - 1).mean() / features
    return float(measured), float(expected)


def main() -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    count = 2 * TOKENS
    bound = [math.sqrt(24 * math.log(count) / m) for m in FEATURES]
    vectors = torch.randn(count, SIZE, dtype=torch.float64)
    vectors /= vectors.norm(dim=-1, keepdim=True)
    distances = [sum(distance_error(vectors, m) for _ in range(DRAWS)) / DRAWS for m in FEATURES]
    kernels = {}
    for length in LENGTHS:
        drawn = torch.tensor([[kernel_errors(length, m) for _ in range(DRAWS)] for m in FEATURES])
        kernels[length] = drawn.mean(1).sqrt()  # (features, measured and formula)
    columns = " | ".join(f"attention, length {length} (formula)" for length in LENGTHS)
    print(f"| features | bound | distances, largest error | {columns} |")
    print("|---:" * (3 + len(LENGTHS)) + "|")
    for i, m in enumerate(FEATURES):
        cells = " | ".join(f"{kernels[n][i, 0]:.3f} ({kernels[n][i, 1]:.3f})" for n in LENGTHS)
        print(f"| {m} | {bound[i]:.3f} | {distances[i]:.3f} | {cells} |")
    if options.plot is None:
        return
    figure, axes = subplots(size=(7, 4.2))
    valid = [i for i, b in enumerate(bound) if b < 1]
    axes.loglog(FEATURES, bound, "k:", linewidth=1)
    axes.loglog(
        [FEATURES[i] for i in valid], [bound[i] for i in valid], "k-", label="bound, sqrt(24 ln N / m)"
    )
    axes.loglog(FEATURES, distances, "ko", markersize=4, label="squared distances, largest error")
    for number, length in enumerate(LENGTHS):
        color = f"C{number}"
        axes.loglog(FEATURES, kernels[length][:, 1], "-", color=color, linewidth=1)
        axes.loglog(
            FEATURES, kernels[length][:, 0], "s", color=color, markersize=4,
            label=f"exp(qk/√D), rms error, |q|²/√D = |k|²/√D = {length}",
        )  # fmt: skip
    axes.axvline(4 * SIZE, color="0.7", linewidth=1)
    axes.annotate("default, 4 D", (4 * SIZE, axes.get_ylim()[0]), xytext=(4, 6), textcoords="offset points")
    axes.set(xlabel="features m", ylabel="relative error", title=f"N = {count} queries and keys, D = {SIZE}")
    axes.legend(fontsize=8)
    save_plot(figure, options.plot)


if __name__ == "__main__":
    main()
