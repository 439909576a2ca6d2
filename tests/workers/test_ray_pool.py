"""Games on a Ray cluster. Where Ray is not installed, a stand-in with its interface checks everything but Ray."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.arena.scripts import opening
from xiangqi_gpt.arena.referee import MatchConfig, PlayedGame
from xiangqi_gpt.arena.series import GameTask, GameWorker, Place, match_tasks, play_series
from xiangqi_gpt.errors import WorkerError
from xiangqi_gpt.workers import ray_pool
from xiangqi_gpt.workers.ray_pool import RayPool

CONFIG = MatchConfig(seed=4, max_plies=40)
OPENINGS = (opening("h2e2"), opening("b2e2 h9g7"), opening("c3c4 c6c5"))


def schedule() -> list[GameTask]:
    return list(match_tasks("random", "greedy", 6, OPENINGS, CONFIG.seed))


def lines(games: tuple[PlayedGame, ...]) -> list[tuple[object, ...]]:
    return [(game.number, game.moves, game.red, game.result, game.ending) for game in games]


@pytest.fixture(scope="module")
def alone() -> list[tuple[object, ...]]:
    return lines(play_series(schedule(), CONFIG, Place()))


class RayError(Exception):
    """As `ray.exceptions.RayError`."""


class FakeRay:
    """Does tasks at once, in this process, on copies: what travels has to be picklable. The last one ends first."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self, cores: int, fails_at: int | None = None) -> None:
        self.cores, self.fails_at, self.most, self.done = cores, fails_at, 0, 0
        self.is_open = False

    def is_initialized(self) -> bool:
        return self.is_open

    def init(self, **options: Any) -> None:
        self.is_open = True

    def shutdown(self) -> None:
        self.is_open = False

    def put(self, value: Any) -> Any:
        return pickle.loads(pickle.dumps(value))

    def remote(self, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        def wrap(function: Callable[..., Any]) -> Any:
            return SimpleNamespace(
                remote=lambda token, build, task: partial(
                    function, token, pickle.loads(pickle.dumps(build)), pickle.loads(pickle.dumps(task))
                )
            )

        return wrap

    def wait(self, flying: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        self.most = max(self.most, len(flying))
        return flying[-num_returns:], flying[:-num_returns]

    def get(self, reference: Any) -> Any:
        self.done += 1
        if self.done == self.fails_at:
            raise RayError("trace\nthe machine has gone")
        return reference()

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self.cores)}


@pytest.fixture
def clean_worker() -> Iterator[None]:
    ray_pool._kept.clear()
    yield
    ray_pool._kept.clear()


@pytest.mark.usefixtures("clean_worker")
@pytest.mark.parametrize(("concurrency", "most"), [(None, 4), (3, 3)])
def test_the_cluster_plays_the_games_of_one_process(
    monkeypatch: pytest.MonkeyPatch, alone: list[tuple[object, ...]], concurrency: int | None, most: int
) -> None:
    ray = FakeRay(cores=2)
    monkeypatch.setitem(sys.modules, "ray", ray)
    seen: list[int] = []
    games = play_series(
        schedule(),
        CONFIG,
        Place(cluster="auto", concurrency=concurrency),
        on_game=lambda game: seen.append(game.number),
    )
    assert lines(games) == alone
    assert seen != sorted(seen)
    assert (ray.most, ray.is_open) == (most, False)


@pytest.mark.usefixtures("clean_worker")
def test_another_match_gets_workers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", FakeRay(cores=1))
    plies = []
    for max_plies in (10, 20):
        pool = RayPool(partial(GameWorker, MatchConfig(max_plies=max_plies)), "auto")
        plies.append({len(game.moves) for game in pool.results(iter(schedule()[:2]))})
        pool.close()
    assert plies == [{10}, {20}]


@pytest.mark.usefixtures("clean_worker")
def test_machines_that_go_away_end_the_series_and_the_games_before_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "ray", FakeRay(cores=1, fails_at=3))
    seen: list[PlayedGame] = []
    with pytest.raises(WorkerError, match="the machine has gone"):
        play_series(schedule(), CONFIG, Place(cluster="auto"), on_game=seen.append)
    assert len(seen) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_two_local_workers_of_ray(tmp_path: Path, alone: list[tuple[object, ...]]) -> None:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    try:
        assert lines(play_series(schedule(), CONFIG, Place(cluster="auto"))) == alone
    finally:
        ray.shutdown()
