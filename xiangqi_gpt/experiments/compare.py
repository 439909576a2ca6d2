"""A fair comparison: every choice of one setting, trained on the same data, for the same steps, with the same seeds.

Every run is a separate process with one thread, so that its memory and speed can be measured. A run that was cut off
resumes from its checkpoint, and a finished one is not repeated: you can fill the folder choice by choice.
"""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from xiangqi_gpt.dataset import shards
from xiangqi_gpt.dataset.packed import PackedGames
from xiangqi_gpt.errors import ConfigError, ModelError, XiangqiError
from xiangqi_gpt.files import atomic_path, is_disk_full, read_limited
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.safe_json import format_json, parse_json, round_trip
from xiangqi_gpt.training.train_config import TrainConfig, changed
from xiangqi_gpt.workers.pool import end_with_parent

if TYPE_CHECKING:
    from xiangqi_gpt.training.loop import StepReport

RESULT_FILE = "result.json"
DATA_FILE = "data.xgp"
MODEL_FOLDER = "model"  # the result of a run: the running mean of the weights if one is kept
_ERROR_FILE = "error.txt"
_LARGEST_RESULT = 1 << 24  # bytes
_STOPPED = 130  # exit code of an interrupted run
_DISK_FULL = 74  # exit code of a run that could not even write why it failed
_TIMED = 12  # number of positions in which decoding is timed

Settings = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The axis of a comparison: the settings of the model that each choice stands for, on top of a common base."""

    base: TrainConfig
    choices: Mapping[str, Settings]
    run: Mapping[str, Settings] = field(default_factory=dict)  # settings of the run that a choice needs


_SMALL: dict[str, Any] = {
    "width": 128,
    "layers": 4,
    "heads": 4,
    "encoder_width": 48,
    "encoder_blocks": 3,
    "pointer_width": 64,
}
_BOARD_GIVEN = TrainConfig(model=_SMALL, max_steps=1000, warmup_steps=100, checkpoint_every=250)
# Without a board, all information about the position comes through attention over the moves: there the choice matters.
_WHOLE_GAMES: dict[str, Any] = {"plies": 64, "batch_windows": 4, "micro_batch_windows": 4}
_FROM_MOVES = dataclasses.replace(
    _BOARD_GIVEN, model={**_SMALL, "board": "none", "context_plies": 300}, **_WHOLE_GAMES
)

AXES: dict[str, Axis] = {
    "attention": Axis(
        base=_FROM_MOVES,
        choices={
            "full": {"attention": "full"},
            "local": {"attention": "local(window=8)"},
            "atrous": {"attention": "atrous(rate=3)"},
            "local+atrous": {"attention": ["local(window=8)", "atrous(rate=9)"]},
            "sparse": {"attention": "sparse(rate=9)"},
            "linear": {"attention": "linear"},
            "linear_exp": {"attention": "linear_exp"},
            "efficient": {"attention": "efficient"},
            "cosine": {"attention": "cosine"},
            "performer": {"attention": "performer"},
            "taylor": {"attention": "taylor"},
            "power": {"attention": "power"},
        },
    ),
    "tokenizer": Axis(
        base=_BOARD_GIVEN,
        choices={name: {"tokenizer": name} for name in ("move", "square", "iccs", "wxf", "chinese")},
    ),
    "board": Axis(
        base=_BOARD_GIVEN,
        choices={
            "none": {"board": "none", "context_plies": 300},
            "bag": {"board": "bag"},
            "spatial": {"board": "spatial"},
        },
        run={"none": _WHOLE_GAMES},
    ),
    "position": Axis(
        base=_FROM_MOVES,
        choices={
            name: {"position": name} for name in ("rope", "learned", "sinusoidal", "alibi", "t5", "none")
        },
    ),
    "activation": Axis(
        base=_FROM_MOVES,
        choices={name: {"activation": name} for name in ("gelu", "gelu_tanh", "squareplus", "swiglu")},
    ),
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One choice with one seed."""

    axis: str
    choice: str
    seed: int
    config: TrainConfig
    out: Path

    @property
    def fingerprint(self) -> dict[str, Any]:
        """The values that must be the same for a finished run to be reused."""
        settings: dict[str, Any] = round_trip(dataclasses.asdict(self.config))
        return settings


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """The result of one run. Shares are 0..1."""

    choice: str
    seed: int
    loss: float  # nats/ply on held-out games, summed over all tokens of a move
    top1: float
    legality: float  # how often the likeliest text, without masking, is a legal move
    plies_per_second: float  # in training, per second of one thread's processor time (without other jobs)
    memory_mb: float  # peak memory of the process
    decode_ms: float  # processor time of one move of a game, from its opponent's move to all scores; median
    state_kb: float  # size of the state of the prompt at the last ply
    parameters: int
    train_seconds: float
    curve: tuple[tuple[int, float], ...]  # step, training loss: means over a twentieth of the run


def plan(
    axis: str,
    out: Path,
    *,
    steps: int | None = None,
    seeds: int = 3,
    choices: Sequence[str] | None = None,
    settings: Sequence[str] = (),
    tries: Sequence[str] = (),
) -> list[Run]:
    """The runs of a comparison, seed by seed; ConfigError for unknown names and settings.

    *tries* are the caller's own choices, each as ``key=value`` settings separated by spaces; *axis* can then be any
    name.
    """
    if tries:
        if choices is not None:
            raise ConfigError("Give either choices or tries, not both.")
        base = changed(AXES[axis].base if axis in AXES else _BOARD_GIVEN, settings)
        configs = {" ".join(text.split()): changed(base, text.split()) for text in tries}
        if "" in configs:
            raise ConfigError("try: give key=value settings, separated by spaces")
        if len({(config.targets, config.extra) for config in configs.values()}) > 1:
            raise ConfigError(
                "try: all runs of a comparison learn from the same games, so targets and extra cannot differ; set them "
                "by --set, and compare in separate folders"
            )
    elif axis not in AXES:
        raise ConfigError(f"compare: expected one of {', '.join(AXES)}, or tries, found {axis!r}")
    else:
        found = AXES[axis]
        base = changed(found.base, settings)
        for name in choices or ():
            if name not in found.choices:
                raise ConfigError(f"choices: expected some of {', '.join(found.choices)}, found {name!r}")
        configs = {
            name: dataclasses.replace(
                base, **found.run.get(name, {}), model={**base.model, **found.choices[name]}
            )
            for name in choices or found.choices
        }
    steps = steps or base.max_steps
    warmup = min(base.warmup_steps, steps // 10)
    return [
        Run(
            axis=axis,
            choice=name,
            seed=seed,
            config=dataclasses.replace(config, max_steps=steps, warmup_steps=warmup, seed=seed),
            out=out / re.sub(r'[<>:"/\\|?*]', "_", name) / f"seed-{seed}",
        )
        for seed in range(seeds)
        for name, config in configs.items()
    ]


def write_data(packed: PackedGames, out: Path) -> None:
    """Store the games that all runs train on beside them, so that every run reads the same."""
    out.mkdir(parents=True, exist_ok=True)
    with atomic_path(out / DATA_FILE, overwrite=True) as draft:
        shards.write_file(draft, [("train", packed)], {})


def read_data(out: Path) -> PackedGames:
    """The games of :func:`write_data`."""
    _, ((_, packed),) = shards.read_file(out / DATA_FILE)
    return packed


def held_out(games: Sequence[GameRecord], count: int, plies: int = 64) -> list[GameRecord]:
    """The first *plies* plies of at most *count* whole games of people, from the standard start."""
    start = Board().fen().split()[0]
    wanted = [
        dataclasses.replace(g, moves=g.moves[:plies], labels=None)
        for g in games
        if g.kind != "teacher"
        and len(g.moves) >= 20
        and Board(g.start_fen, strict=False).fen().split()[0] == start
    ]
    if not wanted:
        raise ConfigError("There are no games from the standard start in split valid to measure on.")
    return wanted[:count]


def compare(
    runs: Sequence[Run],
    data: Path,
    games: Sequence[GameRecord],
    *,
    jobs: int = 2,
    on_run: Callable[[Run, RunResult], None] | None = None,
) -> list[RunResult]:
    """Make all *runs*, *jobs* at a time, each in its own process; results in the order of *runs*.

    Results of an earlier call are reused. KeyboardInterrupt is raised again after every process has saved.

    Raises:
        ModelError: a run failed; the message gives the reason.
    """
    waiting = [run for run in runs if finished(run) is None]
    context, working = get_context("spawn"), dict[int, tuple[BaseProcess, Run]]()
    try:
        with _termination_as_interrupt():
            while waiting or working:
                while waiting and len(working) < jobs:
                    run = waiting.pop(0)
                    process: BaseProcess = context.Process(
                        target=_work, args=(run, data, tuple(games)), daemon=True
                    )
                    process.start()
                    working[process.sentinel] = (process, run)
                for sentinel in wait(list(working)):
                    assert isinstance(sentinel, int)
                    process, run = working.pop(sentinel)
                    process.join()
                    result = finished(run)
                    if result is None:
                        raise _failure(run, process.exitcode)
                    if on_run is not None:
                        on_run(run, result)
    finally:
        for process, _ in working.values():
            process.terminate()  # training reads this as a request to save and stop
        for process, _ in working.values():
            process.join()
    return [result for run in runs if (result := finished(run)) is not None]


def _failure(run: Run, code: int | None) -> BaseException:
    file = run.out / _ERROR_FILE
    if code == _STOPPED:
        return KeyboardInterrupt()
    if code == _DISK_FULL:
        return ModelError(f"{run.choice}, seed {run.seed}: the disk is full", file=str(run.out))
    reason = file.read_text(encoding="utf-8") if file.is_file() else f"its process ended with code {code}"
    return ModelError(f"{run.choice}, seed {run.seed}: the run failed: {reason}")


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let a termination signal end the processes as Ctrl-C does, instead of leaving them running."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        old = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old)


def _work(run: Run, data: Path, games: Sequence[GameRecord]) -> None:
    """The main function of the process of one run."""
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C is sent to the parent, which asks this process once to save
    end_with_parent()  # if the parent is killed, the run is saved too, and its folder is free again
    run.out.mkdir(parents=True, exist_ok=True)
    (run.out / _ERROR_FILE).unlink(missing_ok=True)
    try:
        stopped = make(run, data, games) is None
    except (XiangqiError, OSError) as error:
        try:
            (run.out / _ERROR_FILE).write_text(" ".join(str(error).split()), encoding="utf-8")
        except OSError as full:  # the disk that has ended the run has no room for the reason either
            sys.exit(_DISK_FULL if is_disk_full(full) else 1)
        sys.exit(1)
    sys.exit(_STOPPED if stopped else 0)


def finished(run: Run) -> RunResult | None:
    """The result of an earlier session with the same settings; ConfigError if the settings were different."""
    file = run.out / RESULT_FILE
    if not file.is_file():
        return None
    try:
        saved = parse_json(read_limited(file, _LARGEST_RESULT))
        settings, result = saved["settings"], saved["result"]
        measured = RunResult(**{**result, "curve": tuple((int(s), float(x)) for s, x in result["curve"])})
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file}: not the result of a run: {error!r}") from None
    # Settings newer than the run had their defaults.
    settings = {**round_trip(dataclasses.asdict(TrainConfig())), **settings}
    for key, value in run.fingerprint.items():
        if settings[key] != value:
            raise ConfigError(
                f"{file}: {key}: expected {value!r} for this comparison, found {settings[key]!r}: "
                "give another --out, or remove the run"
            )
    return measured


def make(run: Run, data: Path, games: Sequence[GameRecord]) -> RunResult | None:
    """Train and measure one run in this process; None if it was stopped."""
    import torch

    from xiangqi_gpt.training.loop import Trainer

    torch.set_num_threads(1)
    trainer = Trainer(read_data(data), run.out, run.config, resume=True, device="cpu")
    speeds = _Speeds()
    result = trainer.run(on_step=speeds, export=run.out / MODEL_FOLDER)
    if result.reason != "finished":
        return None
    log = [parse_json(line) for line in (run.out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    memory = _peak_memory_mb()
    measured = dataclasses.replace(
        _measure(run.out / MODEL_FOLDER, run, games),
        plies_per_second=statistics.median(speeds.found or [line["plies_per_second"] for line in log]),
        memory_mb=memory,
        train_seconds=result.progress.seconds,
        curve=tuple(_curve([line["loss"] for line in log])),
    )
    saved = {"settings": run.fingerprint, "result": dataclasses.asdict(measured)}
    with atomic_path(run.out / RESULT_FILE, overwrite=True) as draft:
        draft.write_text(format_json(saved), encoding="utf-8")
    return measured


class _Speeds:
    """Plies per second of processor time, for each step."""

    def __init__(self) -> None:
        self.found: list[float] = []
        self._last: tuple[int, float] | None = None

    def __call__(self, report: StepReport) -> None:
        now = (report.plies_seen, time.process_time())
        if self._last is not None:
            self.found.append((now[0] - self._last[0]) / (now[1] - self._last[1]))
        self._last = now


def _measure(directory: Path, run: Run, games: Sequence[GameRecord]) -> RunResult:
    from xiangqi_gpt.decoding import Scorer
    from xiangqi_gpt.decoding.frontier import Frontier
    from xiangqi_gpt.model.checkpoint import load_model

    model = load_model(directory)
    scorer = Scorer(model)
    nats, first, legal = [], [], []
    for game in games:
        for move, scores in zip(
            game.moves, scorer.score_line(Board(game.start_fen), game.moves), strict=True
        ):
            played = scores.moves.index(move)
            nats.append(-float(scores.logprobs[played]))
            first.append(played == scores.ranked()[0])
            legal.append(scores.greedy is not None)
    times, state = [], 0
    for game in games[:_TIMED]:
        board = Board(game.start_fen)
        for move in game.moves[:-2]:
            board.push(move)
        scorer.score(board)
        board.push(game.moves[-2])
        began = time.process_time()
        scorer.score(board)
        times.append(time.process_time() - began)
        state = max(state, sum(_bytes(s) for s in Frontier.at(scorer, board).states))
    return RunResult(
        choice=run.choice,
        seed=run.seed,
        loss=float(np.mean(nats)),
        top1=float(np.mean(first)),
        legality=float(np.mean(legal)),
        plies_per_second=0.0,
        memory_mb=0.0,
        decode_ms=1000 * statistics.median(times),
        state_kb=state / 1024,
        parameters=sum(p.numel() for p in model.parameters()),
        train_seconds=0.0,
        curve=(),
    )


def _bytes(state: Any) -> int:
    """Number of bytes in the tensors of a state."""
    values = [getattr(state, f.name) for f in dataclasses.fields(state)]
    return sum(v.numel() * v.element_size() for v in values if hasattr(v, "element_size"))


def _curve(losses: Sequence[float], points: int = 20) -> Iterator[tuple[int, float]]:
    for part in np.array_split(np.arange(len(losses)), min(points, len(losses))):
        yield int(part[-1]) + 1, float(np.mean([losses[i] for i in part]))


def _peak_memory_mb() -> float:
    """Peak memory of this process; 0 if the system does not report it."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
