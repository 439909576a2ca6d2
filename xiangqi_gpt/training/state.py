"""Checkpoints of a training run: complete or not there at all.

A run's folder holds ``log.jsonl`` and ``checkpoint-NNNNNNN`` folders, each a model directory with the optimiser beside
the weights. A checkpoint is written under another name, flushed to disk, and renamed; the one before is removed only
then. Nothing is unpickled: tensors are safetensors, the rest is JSON.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from xiangqi_gpt.model.checkpoint import quiet
from xiangqi_gpt.rules.errors import ModelError

STATE_FILE = "training.json"
OPTIMIZER_FILE = "optimizer.safetensors"
LOG_FILE = "log.jsonl"
_NAME = re.compile(r"checkpoint-(\d{7})")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run has come."""

    step: int = 0  # optimiser steps made
    window: int = 0  # windows seen, over all epochs
    plies_seen: int = 0  # plies with a move to learn, over all epochs
    seconds: float = 0.0  # spent training, over all sessions


def checkpoints(out: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    if not out.is_dir():
        return []
    found = [
        (int(m[1]), p) for p in out.iterdir() if (m := _NAME.fullmatch(p.name)) and (p / STATE_FILE).is_file()
    ]
    return [path for _, path in sorted(found)]


def save(
    out: Path,
    model: Any,
    optimizer: Optimizer,
    progress: Progress,
    settings: Mapping[str, Any],
    keep: int = 1,
) -> Path:
    """Write a checkpoint and remove all but the newest *keep*; returns its folder."""
    final = out / f"checkpoint-{progress.step:07d}"
    draft = out / f".draft-{final.name}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    with quiet():
        model.save_pretrained(draft)
    names = [name for name, _ in model.named_parameters()]
    save_file(_flatten(names, optimizer), draft / OPTIMIZER_FILE)
    state = {
        "progress": vars(progress),
        "settings": dict(settings),
        "torch_rng": torch.get_rng_state().tolist(),
    }
    (draft / STATE_FILE).write_text(json.dumps(state, indent=1), encoding="utf-8")
    for file in draft.iterdir():
        with open(file, "rb+") as handle:
            os.fsync(handle.fileno())
    if final.exists():  # the same step again, after a resume that made no step
        shutil.rmtree(final)
    os.replace(draft, final)
    for old in checkpoints(out)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def read_state(checkpoint: Path) -> dict[str, Any]:
    """The JSON part of a checkpoint; ModelError where it is not one."""
    file = checkpoint / STATE_FILE
    try:
        state = json.loads(file.read_text(encoding="utf-8"))
        Progress(**state["progress"])
        state["settings"], state["torch_rng"]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ModelError(f"{file}: expected the state of a training run, found {error!r}") from None
    return dict(state)


def load_optimizer(checkpoint: Path, model: nn.Module, optimizer: Optimizer) -> None:
    """Restore the optimiser's moments; ModelError where they are not those of this model."""
    file = checkpoint / OPTIMIZER_FILE
    try:
        flat = load_file(file)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{file}: expected the optimiser's state, found {error}") from None
    parameters = dict(model.named_parameters())
    for key, tensor in flat.items():
        name, _, part = key.rpartition("/")
        if name not in parameters or part not in ("step", "exp_avg", "exp_avg_sq"):
            raise ModelError(f"{file}: expected moments of this model's parameters, found {key!r}")
        optimizer.state[parameters[name]][part] = tensor.to(
            parameters[name].device if part != "step" else "cpu"
        )


def _flatten(names: list[str], optimizer: Optimizer) -> dict[str, Tensor]:
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    by_id = {id(p): state for p in parameters if (state := optimizer.state.get(p))}
    flat: dict[str, Tensor] = {}
    for name, parameter in zip(names, _in_model_order(names, optimizer), strict=True):
        for part, tensor in by_id.get(id(parameter), {}).items():
            flat[f"{name}/{part}"] = tensor.detach().cpu().contiguous()
    return flat


def _in_model_order(names: list[str], optimizer: Optimizer) -> list[Tensor]:
    named = {
        n: p for group in optimizer.param_groups for n, p in zip(group["names"], group["params"], strict=True)
    }
    return [named[name] for name in names]


def cut_log(out: Path, step: int) -> None:
    """Drop the lines of the log after *step*, a half-written last one included."""
    log = out / LOG_FILE
    if not log.is_file():
        return
    kept = []
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] > step:
                break
        except (json.JSONDecodeError, KeyError, TypeError):
            break
        kept.append(line + "\n")
    draft = log.with_suffix(".draft")
    draft.write_text("".join(kept), encoding="utf-8")
    os.replace(draft, log)
