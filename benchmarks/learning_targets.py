"""What each target of the training recipe teaches, at equal processor time and from the same weights.

    python -m benchmarks.learning_targets packed/ --init DIR --seconds 900 --seeds 1 2 --out results.jsonl

DIR is a model with pointers to squares. The arms are the recipe without any of the three changes, each change alone,
and all together:

- table: scores of whole moves in place of pointers to two squares; its new weights begin as those of the pointers
  where there are any, at random otherwise;
- styles: separate queries for people's and the teacher's moves, both learned on every board; they need the table;
- legality: minus the log of the probability of all legal moves, as a second loss.

All arms see the games in the same order. The rate falls linearly to 0 over the processor time of a run. They are
measured on the valid split, on people's games and on play-outs of the teacher separately. Every result is a line of
--out, and a run whose line is there already is left out: the script can be stopped and started again.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.timed_training import Results, train
from xiangqi_gpt.dataset.packed import kind_of
from xiangqi_gpt.dataset.packing import Data, PackSettings, open_data
from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.training.step import Stepper
from xiangqi_gpt.training.train_config import TrainConfig, changed, preset
from xiangqi_gpt.training.validation import Validator, evaluation_of

PLAIN = ("legality_weight=0", "final_legality_weight=0")
LEGAL = ("legality_weight=0.5", "final_legality_weight=0.5")
ARMS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "none": ({}, PLAIN),
    "table": ({"move_head": "table"}, PLAIN),
    "styles": ({"move_head": "table", "styles": "human+teacher"}, PLAIN),
    "legality": ({}, LEGAL),
    "all": ({"move_head": "table", "styles": "human+teacher"}, LEGAL),
}
"""For each arm the settings of the model and of the run."""


def model_of(init: Path, settings: dict[str, str]) -> XiangqiGPT:
    """The model of an arm, with the weights of *init*."""
    old = load_model(init)
    if not settings:
        return old
    made = XiangqiGPT(XiangqiGPTConfig.from_dict({**old.config.to_dict(), **settings}))
    weights, known = made.state_dict(), old.state_dict()
    for name, value in weights.items():
        if name in known:
            value.copy_(known[name])
    size = old.config.pointer_width
    weights["move_table.squares.weight"][:size] = known["pointer_key.weight"]
    for queries in weights["move_table.queries.weight"].split(3 * size):
        queries[:size] = known["pointer_query.weight"]
    made.load_state_dict(weights)
    return made


def trained(data: Data, arm: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train one arm; its figures on the valid split."""
    settings, changes = ARMS[arm]
    given = [f"seed={seed}", "schedule=linear", "final_learning_rate=0", f"learning_rate={options.rate}"]
    given += ["batch_windows=16", "micro_batch_windows=16", f"mix={options.mix}", *changes]
    config = changed(preset("laptop"), given)
    torch.manual_seed(seed)
    model = model_of(options.init, settings).train()
    stepper, step = train(data, model, config, options.seconds)
    plies = step * config.batch_windows * config.plies
    figures = measured(data, model, config, stepper, options.windows)
    return {"arm": arm, "seed": seed, "seconds": options.seconds, "steps": step, "plies": plies, **figures}


def measured(
    data: Data, model: XiangqiGPT, config: TrainConfig, stepper: Stepper, windows: int
) -> dict[str, float]:
    """Shares and nats on people's games and on play-outs."""
    assert data.valid is not None
    part = data.valid.parts[0]
    sources = np.zeros(part.games, np.uint16) if part.sources is None else part.sources
    taught = np.array([kind_of(name) == "teacher" for name in part.source_names])[sources]
    names = model.config.style_names
    figures: dict[str, float] = {}
    for name, among, style in (("human", ~taught, "human"), ("play-outs", taught, "teacher")):
        count = windows if name == "human" else windows // 2
        sample = changed(config, [f"eval_windows={count}"])
        validator = Validator(data.valid, sample, model.config, model.tokenizer, among=among)
        found = evaluation_of(validator.sums(model, torch.device("cpu"), stepper.autocast), 0, 0.0, names)
        one = found.styles[style] if names else found
        figures |= {f"{name} top1": one.top1, f"{name} nats": one.loss, f"{name} legal": one.legality}
    return figures


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="packed data")
    parser.add_argument("--init", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--seconds", type=float, default=900.0, help="processor time of a run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rate", type=float, default=6e-4, help="peak of the learning rate")
    parser.add_argument("--mix", default="human=1.5,teacher_human=1,teacher_start=0.7")
    parser.add_argument("--windows", type=int, default=384, help="of people's games that are measured")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = open_data([options.data], PackSettings())
    results = Results(options.out)
    for seed in options.seeds:
        for arm in options.arms:
            wanted = {"arm": arm, "seed": seed, "seconds": options.seconds}
            if results.of(wanted) is None:
                results.add(trained(data, arm, seed, options))
    keys = [f"{name} {what}" for name in ("human", "play-outs") for what in ("top1", "nats", "legal")]
    print("| arm | plies | " + " | ".join(keys) + " |\n|---" + "|---" * (1 + len(keys)) + "|")
    for arm in options.arms:
        runs = [one for one in results.all if one["arm"] == arm and one["seconds"] == options.seconds]
        cells = [f"{np.mean([one['plies'] for one in runs]):,.0f}"]
        for key in keys:
            values = [one[key] if "nats" in key else 100 * one[key] for one in runs]
            cells.append(" / ".join(f"{value:.3f}" if "nats" in key else f"{value:.1f}" for value in values))
        print(f"| {arm} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
