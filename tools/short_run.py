"""A run for a short slot on a GPU: `python -m tools.short_run --data games.xgp --init MODEL --out DIR`.

It trains for some minutes, measures the model on the valid split before and after, and leaves few and small files: a
model directory with half-precision weights (the running mean, where one is kept), the weights that a next slot goes on
with, a report and the curves. Given as ``--init``, such a folder continues the chain; the optimiser begins anew, behind
a warm-up. Besides torch it needs numpy, numba and safetensors alone.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xiangqi_gpt.errors import ConfigError, ModelError, XiangqiError
from xiangqi_gpt.files import atomic_path

if TYPE_CHECKING:
    from torch import Tensor

    from xiangqi_gpt.training.loop import Trainer
    from xiangqi_gpt.training.validation import Evaluation

MOST_FILES = 8
MOST_BYTES = 15 << 20  # of a file
MOST_MINUTES = 10.0
REPORT_FILE = "report.json"
CURVES_FILE = "curves.png"
_MARGIN = 10.0  # seconds kept for writing
_LOG_LINES = 2000  # kept of the log; longer ones are thinned


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 2 after one line that says what was wrong."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m tools.short_run", description=__doc__)
    parser.add_argument("--data", action="append", required=True, help="packed games, train and valid")
    parser.add_argument("--init", type=Path, help="model, checkpoint or the --out of an earlier slot")
    parser.add_argument("--minutes", type=float, default=9.0, help="all in all, at most 10 (default: 9)")
    parser.add_argument("--out", type=Path, required=True, help="new or empty folder for the result")
    parser.add_argument("--config", type=Path, help="TOML file of settings: preset, [run] and [model]")
    parser.add_argument("--preset", help="default: slot")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    options = parser.parse_args(arguments)
    try:
        _run(options, began)
    except XiangqiError as error:
        print(f"Error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace, began: float) -> None:
    from xiangqi_gpt.dataset.packing import PackSettings, open_data
    from xiangqi_gpt.training.config_file import read_config
    from xiangqi_gpt.training.loop import Trainer
    from xiangqi_gpt.training.train_config import changed, preset

    if not 0 < options.minutes <= MOST_MINUTES:
        raise ConfigError(
            f"--minutes: expected more than 0, at most {MOST_MINUTES:g}, found {options.minutes:g}"
        )
    if options.out.exists() and (not options.out.is_dir() or any(options.out.iterdir())):
        raise ConfigError(f"--out: expected a new or an empty folder, found {str(options.out)!r} in use")
    if options.config is not None:
        config = read_config(options.config, options.preset, "slot")
    else:
        config = preset(options.preset or "slot")
    config = changed(config, options.settings)
    games = open_data(options.data, PackSettings(targets=config.targets, extra=config.extra), print_line=_say)
    if games.valid is None:
        raise ConfigError("--data: expected games of split 'valid' to measure on as well, found none")
    # What a run keeps for itself, optimiser and all, is not part of the result.
    with tempfile.TemporaryDirectory(prefix="xiangqi-slot-") as folder:
        work = Path(folder)
        trainer = Trainer(
            games.train,
            work / "run",
            config,
            init=options.init,
            device=options.device,
            valid=games.valid,
            on_note=lambda text: _say(f"note: {text}"),
        )
        if not trainer.processes.is_first:
            raise ConfigError("expected one process, found several: a slot is a run on one device")
        flops = _flops(trainer)
        since = time.monotonic()
        before = trainer.measure()
        _say(f"before: {_words(before)}")
        measuring = time.monotonic() - since
        limit = 60 * options.minutes - (time.monotonic() - began) - 1.5 * measuring - _MARGIN
        if limit <= 0:
            raise ConfigError(
                f"--minutes: expected time for training, found none left of {options.minutes:g} after loading and "
                f"with two evaluations of {measuring:.0f} s"
            )
        result = trainer.run(time_limit=limit, on_step=_Said(limit))
        after = trainer.measure()
        _say(f"after: {_words(after)}")
        speed = _speed(trainer, flops)
        report: dict[str, Any] = {
            "reason": result.reason,
            "steps": result.progress.step,
            "plies": result.progress.plies_seen,
            "training_seconds": result.progress.seconds,
            "init": None if options.init is None else str(options.init),
            "device": _device_name(trainer),
            "precision": trainer.stepper.precision,
            **speed,
            "before": dataclasses.asdict(before),
            "after": dataclasses.asdict(after),
            "settings": dataclasses.asdict(config),
        }
        files = write_result(trainer, work, options.out, report)
    _say(_speed_words(speed, trainer.stepper.precision))
    done, minutes = result.progress, (time.monotonic() - began) / 60
    size = sum((options.out / name).stat().st_size for name in files)
    print(
        f"{result.reason}: {done.step:,} steps, {done.plies_seen:,} plies in {minutes:.1f} min all in all; "
        f"{len(files)} files, {size / 1e6:.1f} MB in {options.out}"
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _words(found: Evaluation) -> str:
    return (
        f"loss {found.loss:.3f} nats/ply, value {found.value_loss:.3f}, top-1 {100 * found.top1:.1f} %, "
        f"legal unmasked {100 * found.legality:.1f} % of {found.plies:,} plies"
    )


class _Said:
    """A line every half minute."""

    def __init__(self, limit: float) -> None:
        self._limit, self._last = limit, 0.0

    def __call__(self, report: Any) -> None:
        if report.seconds - self._last >= 30:
            self._last = report.seconds
            _say(
                f"step {report.step:,}  loss {report.loss:.3f} nats/ply  {report.plies_per_second:,.0f} plies/s  "
                f"{max(0.0, self._limit - report.seconds):.0f} s of training left"
            )


def _flops(trainer: Trainer) -> float:
    """FLOP a ply of a window."""
    from xiangqi_gpt.training.flops import flops_per_ply

    loader = trainer.loader
    [batch, *_] = loader.batches(next(loader.plans(0, 0)))
    return flops_per_ply(trainer.model, batch)


def _speed(trainer: Trainer, flops: float) -> dict[str, float | None]:
    """How fast the run was in all, its start and the making of batches included, and how much of the device that is."""
    from xiangqi_gpt.training.flops import peak_flops

    done = trainer.progress
    plies = done.window * trainer.config.plies / max(done.seconds, 1e-9)
    peak = peak_flops(trainer.processes.device, trainer.stepper.precision)
    return {
        "plies_per_second": plies,
        "flop_per_ply": flops,
        "flop_per_second": plies * flops,
        "peak_flop_per_second": peak,
        "utilisation": None if peak is None else plies * flops / peak,
    }


def _speed_words(speed: Mapping[str, float | None], precision: str) -> str:
    words = (
        f"speed: {speed['plies_per_second']:,.0f} plies/s of windows, {(speed['flop_per_ply'] or 0) / 1e6:,.1f} MFLOP "
        f"a ply forward and backward, {(speed['flop_per_second'] or 0) / 1e9:,.1f} GFLOP/s"
    )
    if speed["utilisation"] is None:
        return f"{words}; the peak of this device is not known"
    return f"{words}: {100 * speed['utilisation']:.1f} % of the peak of {precision}"


def _device_name(trainer: Trainer) -> str:
    import torch

    device = trainer.processes.device
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def write_result(trainer: Trainer, work: Path, out: Path, report: Mapping[str, Any]) -> list[str]:
    """Write the result of *trainer*'s run to the folder *out*; the names of its files.

    Raises:
        ModelError: the model alone is too large for that many files of that size.
    """
    from xiangqi_gpt.experiments.curves import draw_curves, read_log
    from xiangqi_gpt.model.checkpoint import export_model
    from xiangqi_gpt.model.weights import COMPANIONS
    from xiangqi_gpt.training.ema import Ema
    from xiangqi_gpt.training.run_state import EVALUATIONS_FILE, LOG_FILE, disk_full_as_error

    draft = work / "result"
    raw: dict[str, Tensor] = {}
    if trainer.ema is None:
        export_model(trainer.model, draft)
    else:
        raw = Ema(trainer.model, 0.0).state()
        with trainer.ema.applied():
            export_model(trainer.model, draft)
    (draft / "generation_config.json").unlink(missing_ok=True)
    log, run = read_log(trainer.out / LOG_FILE), trainer.out
    evaluations = [report["before"], *read_log(run / EVALUATIONS_FILE)]
    if evaluations[-1]["step"] != report["after"]["step"]:
        evaluations.append(report["after"])
    try:
        draw_curves(log, evaluations, draft / CURVES_FILE)
    except ConfigError as error:
        _say(f"note: no curves: {error}")
    for name in COMPANIONS:  # few files: those that only transformers reads give their places to weights
        (draft / name).unlink(missing_ok=True)
    others = len(list(draft.iterdir())) + 1
    shards = _shards(raw, MOST_FILES - others)
    if raw and not shards:
        _say(
            f"note: no room for the weights beside their mean in {MOST_FILES} files: the next slot begins with the mean"
        )
    _write_shards(shards, draft)
    whole = {**report, "raw_weights": bool(shards), "evaluations": evaluations, "log": _columns(log)}
    (draft / REPORT_FILE).write_text(json.dumps(whole), encoding="utf-8")
    files = sorted(file.name for file in draft.iterdir())
    largest = max((draft / name).stat().st_size for name in files)
    if len(files) > MOST_FILES or largest > MOST_BYTES:
        raise ModelError(
            f"expected a model that fits into {MOST_FILES} files of {MOST_BYTES:,} bytes, "
            f"found {len(files)} files, the largest of {largest:,} bytes"
        )
    with disk_full_as_error(out.parent, "the result"), ExitStack() as copies:
        out.mkdir(parents=True, exist_ok=True)
        for name in files:
            copy = copies.enter_context(atomic_path(out / name, overwrite=True, error=ModelError))
            shutil.copyfile(draft / name, copy)
    return files


def _shards(weights: Mapping[str, Tensor], most: int) -> list[dict[str, Tensor]]:
    """The weights in half precision, in shards that fit into files; none where that needs more than *most*."""
    import torch

    shards: list[dict[str, Tensor]] = []
    room = 0
    for name, tensor in weights.items():
        half = tensor.to(torch.float16)
        if half.nbytes > room or not shards:
            shards.append({})
            room = MOST_BYTES - 100_000  # the header
        shards[-1][name] = half
        room -= half.nbytes
    return shards if len(shards) <= most else []


def _write_shards(shards: Sequence[dict[str, Tensor]], folder: Path) -> None:
    from safetensors.torch import save_file

    for number, shard in enumerate(shards, 1):
        save_file(shard, folder / f"raw-{number}.safetensors")


def _columns(log: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The log by columns, at most so many lines of it, evenly."""
    every = max(1, -(-len(log) // _LOG_LINES))
    lines = log[::every]
    return {key: [line[key] for line in lines] for key in (log[0] if log else {})}


if __name__ == "__main__":
    sys.exit(main())
