"""What the training loop costs beside the model: a run against the same steps in a bare loop, on the CPU.

python benchmarks/training_loop.py --data data/sample.parquet --preset tiny
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from xiangqi_gpt.dataset.packing import PackSettings, open_data
from xiangqi_gpt.training.batches import Batch
from xiangqi_gpt.training.loop import Trainer
from xiangqi_gpt.training.step import losses, make_optimizer
from xiangqi_gpt.training.train_config import TrainConfig, changed, preset


def bare(model: Any, config: TrainConfig, batches: Sequence[Batch]) -> None:
    """The steps without anything around them."""
    optimizer = make_optimizer(model, config, torch.device("cpu"))
    for batch in batches:
        found = losses(model, batch)
        loss = found.move / batch.target_weight + config.value_weight * found.value / batch.value_plies
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def milliseconds(work: Callable[[], object], steps: int) -> float:
    """Processor time of a step, which others on the machine do not change much."""
    began = time.process_time()
    work()
    return 1000 * (time.process_time() - began) / steps


def _timed(save: Callable[[], Path], times: list[float]) -> Path:
    began = time.process_time()
    path = save()
    times.append(1000 * (time.process_time() - began))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    steps = options.steps
    fixed = [f"max_steps={steps}", "precision=no", f"checkpoint_every={10 * steps}"]
    config = changed(preset(options.preset), [*fixed, *options.settings])
    games = open_data(options.data, PackSettings(targets=config.targets, extra=config.extra)).train
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(games, Path(folder), config, device="cpu")
        batches: list[Batch] = []
        loading = milliseconds(
            lambda: batches.extend(b for _, many in trainer.loader.steps() for b in many), steps
        )
        trainer.model.train()
        bare(trainer.model, config, batches[:3])
        alone = milliseconds(lambda: bare(trainer.model, config, batches), steps)
        saving: list[float] = []
        save = trainer.save
        trainer.save = lambda: _timed(save, saving)  # type: ignore[method-assign]
        whole = milliseconds(trainer.run, steps)
        again = milliseconds(lambda: bare(trainer.model, config, batches), steps)
    mean = (alone + again) / 2
    whole -= sum(saving) / steps
    print("| processor time, ms a step | |\n|---|---:|")
    print(f"| bare loop over batches in memory | {mean:.2f} |")
    print(f"| a run without its checkpoint | {whole:.2f} |")
    print(f"| of it loading | {loading:.2f} |")
    print(f"| a checkpoint, once | {sum(saving):.2f} |")
    print(f"\nbare / run: {mean / whole:.3f}")


if __name__ == "__main__":
    main()
