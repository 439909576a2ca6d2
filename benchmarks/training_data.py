"""Does the loader keep up? Training from packed data on disk against the same batches already in memory.

Both ways train the same model by the same steps, in turns of a few steps each, so that whatever else the machine does
meets both alike. Printed: plies a second of each, their ratio (the median over rounds), and what the loader alone
makes.

    python benchmarks/training_data.py packed/ --preset laptop
    python benchmarks/training_data.py packed/ --preset tiny --rounds 30
    python benchmarks/training_data.py packed/ --windows           # where windows begin, with and without the limit
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time

import numpy as np
import torch

from xiangqi_gpt.dataset.packed import Packed
from xiangqi_gpt.dataset.packing import Data, PackSettings, open_data
from xiangqi_gpt.dataset.sampler import Sampler
from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig
from xiangqi_gpt.training.batches import Batch
from xiangqi_gpt.training.loader import Loader, default_workers
from xiangqi_gpt.training.step import Stepper
from xiangqi_gpt.training.train_config import changed, preset

OPENING = 16  # plies that count as the opening in the table of windows


def clock(processor: bool) -> float:
    """Seconds of the wall, or of the processor: the latter where others share the machine."""
    return time.process_time() if processor else time.perf_counter()


def speed(data: Data, arguments: argparse.Namespace) -> None:
    """The ratio of the two ways of training."""
    settings = ["max_steps=1000000", *arguments.settings]
    config = changed(preset(arguments.preset), settings)
    device = torch.device(arguments.device)
    torch.manual_seed(0)
    model = XiangqiGPT(XiangqiGPTConfig(**config.model)).to(device).train()
    stepper = Stepper(model, config, device, note=print)
    workers = default_workers(device.type == "cpu") if arguments.workers is None else arguments.workers
    loader = Loader(
        data.train, config, model.config, model.tokenizer, workers=workers, pin=device.type == "cuda"
    )
    steps = loader.steps()
    kept = [batches for _, batches in itertools.islice(steps, arguments.steps)]
    plies = statistics.mean(sum(b.target_plies for b in batches) for batches in kept)

    def train(batches: list[Batch]) -> None:
        stepper.step(batches, config.learning_rate)

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    for batches in kept:  # warm-up of both ways
        train(batches)
        train(next(steps)[1])
    rounds = []
    for number in range(arguments.rounds):
        seconds = {}
        for way in ("memory", "loader") if number % 2 else ("loader", "memory"):
            wait()
            began = clock(arguments.cpu_time)
            for batches in kept:
                train(batches if way == "memory" else next(steps)[1])
            wait()
            seconds[way] = clock(arguments.cpu_time) - began
        rounds.append(seconds)
    began = clock(arguments.cpu_time)
    for _ in range(arguments.steps):
        next(steps)
    alone = clock(arguments.cpu_time) - began
    steps.close()
    per_second = {
        way: plies * arguments.steps / statistics.median(r[way] for r in rounds)
        for way in ("memory", "loader")
    }
    ratios = sorted(r["memory"] / r["loader"] for r in rounds)
    quarter = len(ratios) // 4
    print("| preset | workers | in memory, plies/s | from disk, plies/s | ratio (quartiles) | loader alone |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {arguments.preset} | {workers} | {per_second['memory']:,.0f} | {per_second['loader']:,.0f} | "
        f"{statistics.median(ratios):.3f} ({ratios[quarter]:.3f}-{ratios[-1 - quarter]:.3f}) | "
        f"{plies * arguments.steps / alone:,.0f} |"
    )


def windows(packed: Packed, plies: int, limits: list[int]) -> None:
    """Where windows begin, by the limit on shared openings."""
    print(f"| opening_limit | windows an epoch | begin in the first {OPENING} plies | begin at ply 0 |")
    print("|---|---|---|---|")
    for limit in (0, *limits):
        sampler = Sampler(packed=packed, plies=plies, seed=0, mirror=True, opening_limit=limit)
        _, first, _ = sampler.epoch(0)
        print(
            f"| {limit or 'off'} | {len(first):,} | {100 * np.mean(first < OPENING):.1f} % | "
            f"{100 * np.mean(first == 0):.1f} % |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", nargs="+", help="records or packed data")
    parser.add_argument("--preset", default="laptop")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, help="threads of the loader; by default those of training")
    parser.add_argument("--steps", type=int, default=5, help="steps of a turn")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each way")
    parser.add_argument(
        "--cpu-time", action="store_true", help="processor time, on a machine that others use too"
    )
    parser.add_argument("--windows", action="store_true", help="where windows begin, instead of speed")
    parser.add_argument("--limits", type=int, nargs="*", default=[1000, 200, 50, 10])
    arguments = parser.parse_args()
    data = open_data(arguments.data, PackSettings())
    if arguments.windows:
        windows(data.train, preset(arguments.preset).plies, arguments.limits)
    else:
        speed(data, arguments)


if __name__ == "__main__":
    main()
