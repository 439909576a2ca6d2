"""AdamW against exponentiated gradient with learned step sizes, at equal processor time.

    python -m benchmarks.optimizers packed/ --seconds 60 --out results.jsonl

For each optimiser the grid of settings below is tried on seed 100; the setting with the lowest loss on the valid split
is then run on the seeds that follow from --seeds. A run trains for a number of seconds of processor time, with a rate
that falls linearly to a tenth of its peak over that time, so a slower optimiser makes fewer steps. Every result is a
line of --out, and a run whose line is there already is left out: the script can be stopped and started again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.timed_training import Results, train
from xiangqi_gpt.dataset.packing import Data, PackSettings, open_data
from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig
from xiangqi_gpt.training.train_config import changed, preset
from xiangqi_gpt.training.validation import Validator, evaluation_of

CHOICE_SEED = 100
GRIDS: dict[str, list[dict[str, float]]] = {
    "adamw": [{"learning_rate": rate} for rate in (2e-3, 5e-3, 1.2e-2)],
    # The product of two gradients is tiny, since the gradient of all weights together has at most norm 1.
    "eg": [{"learning_rate": rate, "gain_rate": gain} for rate in (0.1, 0.5) for gain in (0.0, 1000.0)],
    "eg-adamw": [
        {"learning_rate": rate, "gain_rate": gain} for rate in (2e-3, 5e-3) for gain in (1e-2, 3e-2)
    ],
}


def trained(
    data: Data, name: str, settings: dict[str, float], seed: int, options: argparse.Namespace
) -> dict[str, Any]:
    """Train one model; its figures on the valid split."""
    assert data.valid is not None
    given = [f"{key}={value!r}" for key, value in {"optimizer": name, "seed": seed, **settings}.items()]
    config = changed(
        preset(options.preset),
        [*given, "schedule=linear", "final_learning_rate=0.1", f"eval_windows={options.windows}"],
    )
    torch.manual_seed(seed)
    model = XiangqiGPT(XiangqiGPTConfig(**config.model)).train()
    stepper, step = train(data, model, config, options.seconds)
    validator = Validator(data.valid, config, model.config, model.tokenizer)
    sums = validator.sums(model, torch.device("cpu"), stepper.autocast)
    found = evaluation_of(sums, step, options.seconds, model.config.style_names)
    figures: dict[str, Any] = {key: getattr(found, key) for key in ("loss", "value_loss", "top1", "legality")}
    states = [
        state["log_gain"].flatten() for state in stepper.optimizer.state.values() if "log_gain" in state
    ]
    if states:
        gains = torch.cat(states).exp().quantile(torch.tensor([0.05, 0.5, 0.95]))
        figures["gains"] = [round(g, 3) for g in gains.tolist()]
    return {"optimizer": name, **settings, "seed": seed, "steps": step, **figures}


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="packed data")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--seconds", type=float, default=60.0, help="processor time of a run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--windows", type=int, default=256, help="of the valid split that are measured")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = open_data([options.data], PackSettings())
    results = Results(options.out)

    def result(name: str, settings: dict[str, float], seed: int) -> dict[str, Any]:
        known = results.of({"optimizer": name, **settings, "seed": seed})
        if known is not None:
            return known
        found = trained(data, name, settings, seed, options)
        results.add(found)
        return found

    trained(data, "adamw", GRIDS["adamw"][0], 0, argparse.Namespace(**{**vars(options), "seconds": 1.0}))
    chosen = {}
    for name, grid in GRIDS.items():
        losses = [result(name, settings, CHOICE_SEED)["loss"] for settings in grid]
        chosen[name] = grid[int(np.argmin(losses))]
    print("| optimizer | settings | steps | loss, nats/ply (each seed) | mean | sd | top-1 | legal |")
    print("|---|---|---|---|---|---|---|---|")
    for name, settings in chosen.items():
        runs = [result(name, settings, seed) for seed in options.seeds]
        losses = [run["loss"] for run in runs]
        means = {key: np.mean([run[key] for run in runs]) for key in ("steps", "top1", "legality")}
        print(
            f"| {name} | {settings} | {means['steps']:.0f} | {' / '.join(f'{x:.3f}' for x in losses)} | "
            f"{np.mean(losses):.3f} | {np.std(losses, ddof=1):.3f} | {100 * means['top1']:.1f} % | "
            f"{100 * means['legality']:.1f} % |"
        )


if __name__ == "__main__":
    main()
