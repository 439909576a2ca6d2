"""Training for a number of seconds of processor time: what benchmarks that compare recipes share."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from xiangqi_gpt.dataset.packing import Data
from xiangqi_gpt.model import XiangqiGPT
from xiangqi_gpt.training.loader import Loader
from xiangqi_gpt.training.schedules import learning_rate, legality_weight
from xiangqi_gpt.training.step import Stepper
from xiangqi_gpt.training.train_config import TrainConfig

ENDLESS = 10**9  # steps; the time ends a run, not the preset's own number of steps


def train(data: Data, model: XiangqiGPT, config: TrainConfig, seconds: float) -> tuple[Stepper, int]:
    """Train *model* on one processor; the schedules follow the processor time. Returns the number of steps as well."""
    config = replace(config, max_steps=ENDLESS)
    stepper = Stepper(model, config, torch.device("cpu"), note=print)
    steps = Loader(data.train, config, model.config, model.tokenizer, workers=0).steps()
    step, began, used = 0, time.process_time(), 0.0
    for _, batches in steps:
        share = used / seconds
        stepper.step(batches, learning_rate(config, step, share), legality_weight(config, step, share))
        step += 1
        used = time.process_time() - began
        if used >= seconds:
            break
    steps.close()
    return stepper, step


class Results:
    """Results of runs, one JSON line each: a run whose line is in the file is not made again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self.all: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def of(self, wanted: dict[str, Any]) -> dict[str, Any] | None:
        """The result with these entries, if there is one."""
        return next((known for known in self.all if wanted.items() <= known.items()), None)

    def add(self, found: dict[str, Any]) -> None:
        """Keep a result, and print it."""
        self.all.append(found)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
        print(json.dumps(found), flush=True)
