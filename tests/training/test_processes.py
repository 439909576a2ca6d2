"""Runs of several processes, and runs that are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.forks import Job, Server, server
from tests.training.games import games
from tests.training.test_loop import config, log
from xiangqi_gpt.dataset.packed import PackedGames, pack
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.training.loader import Loader
from xiangqi_gpt.training.loop import Trainer
from xiangqi_gpt.training.schedules import learning_rate, legality_weight

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked")

KILLED: dict[str, Any] = {
    "max_steps": 12,
    "checkpoint_every": 2,
    "eval_every": 3,
    "eval_windows": 4,
    "ema": 0.9,
    "batch_windows": 4,
    "micro_batch_windows": 4,
}
TOGETHER: dict[str, Any] = {"max_steps": 20, "legal_head": True, "winner_weight": 2.0}


AVERAGED: dict[str, Any] = {
    "max_steps": 7,
    "checkpoint_every": 100,
    "average_every": 3,
    "styles": "human+teacher",
    "ema": 0.9,
}


def train(
    out: str, settings: dict[str, Any], fitting: int | None = None, time_limit: float | None = None
) -> None:
    """What a child does."""
    packed = data()
    valid = pack(games(6, seed=5))[0]
    trainer = Trainer(
        packed, Path(out), config(**settings), resume=True, device="cpu", valid=valid, on_note=print_note
    )
    if fitting is not None:
        from tests.training.test_options import fits

        fits(trainer, fitting)
    trainer.run(export=Path(out) / "model", time_limit=time_limit)


def print_note(text: str) -> None:
    """Notes are not what is tested here."""


def data() -> PackedGames:
    return pack(games(24))[0]


@pytest.fixture(scope="module")
def forks() -> Iterator[Server]:
    with server("tests.training.test_processes", "tests.training.test_options") as found:
        yield found


def job(out: Path, settings: dict[str, Any], *more: Any, **options: Any) -> Job:
    return Job("tests.training.test_processes:train", (str(out), settings, *more), **options)


def ranks(
    out: Path, settings: dict[str, Any], fitting: tuple[int | None, ...], time_limit: float | None = None
) -> list[Job]:
    """The jobs of a run of several processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    world = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(len(fitting)),
        "LOCAL_WORLD_SIZE": str(len(fitting)),
    }
    return [
        job(
            out,
            settings,
            rows,
            time_limit,
            environment=tuple({**world, "RANK": str(rank), "LOCAL_RANK": str(rank)}.items()),
        )
        for rank, rows in enumerate(fitting)
    ]


def kills(forks: Server, tmp_path: Path, wanted: int, seed: int) -> int:
    """Kill runs *wanted* times at random moments and let them finish; how many runs that took."""
    [whole] = forks.run([job(tmp_path / "whole", KILLED)])
    assert whole.code == 0
    rng = random.Random(seed)
    hit, runs, unfinished = 0, 0, False
    while hit < wanted or unfinished:
        out = tmp_path / f"killed-{runs}"
        # Some at any moment of a whole run, some soon after the start, so that a run is killed more than once.
        moment = rng.uniform(0, whole.cpu) if rng.random() < 0.5 else rng.uniform(0, whole.cpu / 3)
        [ended] = forks.run([job(out, KILLED, cpu=moment if hit < wanted else None)])
        unfinished = ended.code != 0
        if unfinished:
            assert ended.code == -signal.SIGPROF
            hit += 1
        else:
            assert same(out, tmp_path / "whole")
            runs += 1
    return runs


def same(one: Path, other: Path) -> bool:
    """Whether two runs learned the same, step by step, and left the same."""
    assert log(one) == log(other)
    measured = [
        [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in text.splitlines()]
        for text in ((path / "evaluations.jsonl").read_text() for path in (one, other))
    ]
    assert measured[0] == measured[1]
    for name in ("model", "best", "checkpoint-0000012"):
        a, b = (load_model(path / name).state_dict() for path in (one, other))
        assert all(torch.equal(a[key], b[key]) for key in a)
    left = {path.name for path in one.iterdir()}
    return left == {path.name for path in other.iterdir()}


def test_killed_at_random_moments(forks: Server, tmp_path: Path) -> None:
    assert kills(forks, tmp_path, 3, seed=1) >= 1


@pytest.mark.slow
def test_killed_at_twenty_random_moments(forks: Server, tmp_path: Path) -> None:
    assert kills(forks, tmp_path, 20, seed=2) >= 1


def test_two_processes_learn_as_one_does(forks: Server, tmp_path: Path) -> None:
    packed, settings = data(), config(**TOGETHER)
    model = Trainer(packed, tmp_path / "x", settings, device="cpu").model
    counts = [
        [
            batch.target_weight
            for _, [batch] in Loader(
                packed, settings, model.config, model.tokenizer, rank=rank, world=2
            ).steps()
        ]
        for rank in range(2)
    ]
    assert sum(a != b for a, b in zip(*counts, strict=True)) > 15  # each has its own number of moves to learn
    one, two, tight = tmp_path / "one", tmp_path / "two", tmp_path / "tight"
    for jobs in (
        [job(one, TOGETHER)],
        ranks(two, TOGETHER, (None, None)),
        ranks(tight, {**TOGETHER, "max_steps": 3}, (None, 2)),  # memory runs out in the second process alone
    ):
        assert [ended.code for ended in forks.run(jobs)] == [0] * len(jobs)
    for out in (two, tight):
        for mine, theirs in zip(log(out), log(one)[: len(log(out))], strict=True):
            assert mine == pytest.approx(theirs, abs=1e-5)
    assert len(log(two)) == 20
    a, b = (load_model(out / "model").state_dict() for out in (one, two))
    assert all(torch.allclose(a[key], b[key], atol=1e-4) for key in a)


def test_processes_that_exchange_nothing_but_their_mean(forks: Server, tmp_path: Path) -> None:
    """Against two models stepped here, side by side, and averaged by hand after steps 3, 6 and at the end."""
    assert [e.code for e in forks.run(ranks(tmp_path / "two", AVERAGED, (None, None)))] == [0, 0]
    packed, settings = data(), config(**AVERAGED)
    trainers = [Trainer(packed, tmp_path / str(rank), settings, device="cpu") for rank in (0, 1)]
    steps = [
        Loader(packed, settings, t.model_config, t.tokenizer, rank=rank, world=2).steps()
        for rank, t in enumerate(trainers)
    ]
    for number in range(1, 8):
        for rank, trainer in enumerate(trainers):
            torch.manual_seed(hash((settings.seed, number - 1, rank)) & 0xFFFF_FFFF_FFFF)
            trainer.model.train()
            trainer.stepper.step(
                next(steps[rank])[1],
                learning_rate(settings, number - 1),
                legality_weight(settings, number - 1),
            )
        if number in (3, 6, 7):
            average(trainers)
    found = load_model(tmp_path / "two" / "checkpoint-0000007").state_dict()
    for key, value in trainers[0].model.state_dict().items():
        assert torch.allclose(found[key], value, atol=1e-5), key
    assert len(log(tmp_path / "two")) == 7


def average(trainers: list[Trainer]) -> None:
    """The mean of weights, moments and running means, tensor by tensor."""
    with torch.no_grad():
        for pair in zip(*(t.model.parameters() for t in trainers), strict=True):
            together = [
                pair,
                *zip(
                    *(list(t.optimizer.state[p].values()) for t, p in zip(trainers, pair, strict=True)),
                    strict=True,
                ),
            ]
            for tensors in together:
                mean = torch.stack(tuple(tensors)).mean(0)
                for tensor in tensors:
                    tensor.copy_(mean)
        emas = [t.ema for t in trainers]
        for tensors in zip(*(ema.means() for ema in emas if ema is not None), strict=True):
            mean = torch.stack(tensors).mean(0)
            for tensor in tensors:
                tensor.copy_(mean)


def test_averaged_processes_resume_bit_equal(forks: Server, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert [e.code for e in forks.run(ranks(whole, AVERAGED, (None, None)))] == [0, 0]
    assert [e.code for e in forks.run(ranks(parts, AVERAGED, (None, None), 0.0))] == [0, 0]
    assert len(log(parts)) == 3  # it stops where the processes meet
    assert [e.code for e in forks.run(ranks(parts, AVERAGED, (None, None)))] == [0, 0]
    assert log(whole) == log(parts)
    for name in ("model", "checkpoint-0000007"):
        a, b = (load_model(out / name).state_dict() for out in (whole, parts))
        assert all(torch.equal(a[key], b[key]) for key in a)
