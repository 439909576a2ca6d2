"""Checkpoints of a training run: complete, or absent.

A run's folder holds ``log.jsonl`` and ``checkpoint-NNNNNNN`` folders. Each of these is a model directory with the
optimiser and, if one is kept, the running mean of the weights. A checkpoint gets its name when all of it is on the
disk; only then is the previous one removed. Nothing is unpickled: tensors are safetensors, the rest is JSON.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.files import atomic_path, is_disk_full, read_limited, remove_partial_files
from xiangqi_gpt.safe_json import format_json, parse_json
from xiangqi_gpt.training.ema import EMA_FILE, Ema

STATE_FILE = "training.json"
OPTIMIZER_FILE = "optimizer.safetensors"
LOG_FILE = "log.jsonl"
_MOMENTS = ("step", "exp_avg", "exp_avg_sq", "log_gain")  # what optimisers keep of a weight
EVALUATIONS_FILE = "evaluations.jsonl"
NOTES_FILE = "evaluation.json"
_LARGEST_STATE = 1_000_000  # bytes
_NAME = re.compile(r"checkpoint-(\d{7})")
# Names of temporary folders in versions up to 0.1.
_PARTIAL_BEFORE = re.compile(
    r"\.(draft|old)-(checkpoint-\d{7}|model|best|curves\.png|log\.jsonl|evaluations\.jsonl)"
)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The progress of a run."""

    step: int = 0  # optimiser steps made
    window: int = 0  # windows used, over all epochs
    plies_seen: int = 0  # plies with a target move, over all epochs
    seconds: float = 0.0  # spent training, over all sessions
    stage: int = 0  # of the curriculum
    stage_window: int = 0  # windows used before it began


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
    *,
    ema: Ema | None = None,
    scaler: Mapping[str, Any] | None = None,
) -> Path:
    """Write a checkpoint and remove all but the newest *keep*; returns its folder.

    A complete checkpoint of the same step is not rewritten. *scaler* is the state of a gradient scaler.

    Raises:
        ModelError: the disk is full; the existing files are kept.
    """
    final = out / f"checkpoint-{progress.step:07d}"
    if (final / STATE_FILE).is_file():
        return final
    with (
        disk_full_as_error(out, "a checkpoint"),
        atomic_path(final, overwrite=True, folder=True, parents=True, error=ModelError) as draft,
    ):
        model.save_pretrained(draft)
        names = [name for name, _ in model.named_parameters()]
        save_file(_flatten(names, optimizer), draft / OPTIMIZER_FILE)
        state: dict[str, Any] = {
            "progress": vars(progress),
            "settings": dict(settings),
            "scaler": dict(scaler or {}),
        }
        if ema is not None:
            save_file(ema.state(), draft / EMA_FILE)
            state["ema_steps"] = ema.steps
        (draft / STATE_FILE).write_text(format_json(state, indent=1), encoding="utf-8")
    for old in checkpoints(out)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def remove_partial(out: Path) -> None:
    """Remove the partial files of a killed run in its folder *out*, and restore the files that it was replacing."""
    if not out.is_dir():
        return
    remove_partial_files(out)
    for path in list(out.iterdir()):
        found = _PARTIAL_BEFORE.fullmatch(path.name)
        if found is None:
            continue
        final = out / found[2]
        if found[1] == "old" and not final.exists():
            os.replace(path, final)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def write_model(model: Any, path: Path, notes: Mapping[str, Any] | None = None) -> None:
    """Write the model directory *path*, replacing an existing one; *notes* go into a JSON file beside it.

    Raises:
        ModelError: the disk is full; the existing files are kept.
    """
    with (
        disk_full_as_error(path.parent, "a model"),
        atomic_path(path, overwrite=True, folder=True, parents=True, error=ModelError) as draft,
    ):
        model.save_pretrained(draft)
        if notes is not None:
            (draft / NOTES_FILE).write_text(format_json(dict(notes), indent=1), encoding="utf-8")


@contextmanager
def disk_full_as_error(out: Path, what: str) -> Iterator[None]:
    """Within this context, a full disk is a ModelError that names the last good checkpoint of the folder *out*."""
    try:
        yield
    except (OSError, SafetensorError, ModelError) as error:
        if not is_disk_full(error):
            raise
        found = checkpoints(out)
        last = f"the last good checkpoint is {found[-1]}" if found else "there is no checkpoint"
        reason = (
            f"the disk is full, and there is no room for {what}; {last}; make room and resume with --resume"
        )
        raise ModelError(reason, file=str(out)) from None


def read_state(checkpoint: Path) -> dict[str, Any]:
    """The JSON part of a checkpoint; ModelError if it is not valid."""
    file = checkpoint / STATE_FILE
    try:
        text = read_limited(file, _LARGEST_STATE, error=ModelError)
        state = parse_json(text, file=str(file), error=ModelError, what="the state of a training run")
        Progress(**state["progress"])
        state["settings"]
    except (KeyError, TypeError) as error:
        raise ModelError(f"{file}: not the state of a training run: {error!r}") from None
    return dict(state)


def load_optimizer(checkpoint: Path, model: nn.Module, optimizer: Optimizer) -> None:
    """Restore the optimiser's moments; ModelError if they do not belong to this model."""
    file = checkpoint / OPTIMIZER_FILE
    try:
        flat = load_file(file)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{file}: not the state of an optimizer: {error}") from None
    parameters = dict(model.named_parameters())
    fused = bool(optimizer.param_groups[0].get("fused"))
    for key, tensor in flat.items():
        name, _, part = key.rpartition("/")
        if name not in parameters or part not in _MOMENTS:
            raise ModelError(f"{file}: the moments of {key!r} do not belong to this model")
        # Fused optimisers keep the step count on the device of the parameters, the others on the CPU.
        device = parameters[name].device if part != "step" or fused else torch.device("cpu")
        optimizer.state[parameters[name]][part] = tensor.to(device)


def load_ema(checkpoint: Path, ema: Ema, steps: int) -> bool:
    """Restore the running mean of the weights; False if the checkpoint has none."""
    file = checkpoint / EMA_FILE
    if not file.is_file():
        return False
    try:
        means = load_file(file)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{file}: not the mean of the weights: {error}") from None
    try:
        ema.restore(means, steps)
    except ModelError as error:
        raise ModelError(f"{file}: {error}") from None
    return True


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


def cut_log(out: Path, step: int, name: str = LOG_FILE) -> None:
    """Drop the lines of the log *name* after *step*, including a half-written last one."""
    log = out / name
    if not log.is_file():
        return
    kept = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            if parse_json(line)["step"] > step:
                break
        except (ValueError, KeyError, TypeError):
            break
        kept.append(line + "\n")
    with disk_full_as_error(out, "the log"), atomic_path(log, overwrite=True, error=ModelError) as draft:
        draft.write_text("".join(kept), encoding="utf-8")
