"""Results of an evaluation that was killed are there again, to the last bit."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xiangqi_gpt.evaluation.calibration import GameForecasts
from xiangqi_gpt.evaluation.jobs import run_jobs
from xiangqi_gpt.evaluation.kept_results import KeptResults, packed, unpacked
from xiangqi_gpt.evaluation.legality import LegalityFacts
from xiangqi_gpt.evaluation.puzzles import Puzzle
from xiangqi_gpt.players.player_spec import model_stamps
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.safe_json import round_trip

FACTS = LegalityFacts(
    ply=np.arange(3),
    greedy=np.array([True, False, True]),
    sampled=np.array([False, False, True]),
    leak=np.array([0.1, math.nan, 1 / 3]),
    check=np.zeros(3, bool),
    off_book=np.zeros(3, bool),
    sets=np.zeros((3, 3), np.int64),
    broken={"palace": 2},
    piece=np.array([5, 0, -1]),
)


@pytest.mark.parametrize(
    "value",
    [
        True,
        0.1 + 0.2,
        (31, False),
        [Puzzle(fen=START_FEN, solution=(Move.from_iccs("h2e2"),))],
        GameForecasts(said=[0.1], results=[1.0], sure=[1 / 3], hits=[0.0]),
        {"a": [math.inf, -0.0]},
    ],
)
def test_what_is_kept_is_the_same(value: Any) -> None:
    assert unpacked(round_trip(packed(value))) == value


def test_arrays_are_the_same_to_the_last_bit() -> None:
    again = unpacked(round_trip(packed(FACTS)))
    for field in dataclasses.fields(FACTS):
        one, other = getattr(FACTS, field.name), getattr(again, field.name)
        if isinstance(one, np.ndarray):
            assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
        else:
            assert one == other


@pytest.mark.parametrize(
    "value",
    [
        {"array": ["|O", [1], "AAAAAAAA"]},
        {"type": "Path", "fields": {}},
        {"move": 9_999},
        {"array": ["<f8", [9], ""]},
    ],
)
def test_what_is_no_result_is_refused(value: Any) -> None:
    with pytest.raises((ValueError, KeyError, IndexError)):
        unpacked(value)


class KilledError(Exception): ...


def doubling(until: int) -> Callable[[int], int]:
    def work(item: int) -> int:
        if item >= until:
            raise KilledError
        done.append(item)
        return 2 * item

    done: list[int] = []
    return work


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_evaluation_resumes(tmp_path: Path, jobs: int) -> None:
    items = list(range(6))
    with pytest.raises(KilledError), KeptResults(["double"], items, tmp_path / "new") as kept:
        run_jobs(lambda: doubling(4), items, on_result=kept.add)
    with KeptResults(["double"], items, tmp_path / "new") as kept:
        known = kept.read()
        assert known == {0: 0, 1: 2, 2: 4, 3: 6}
        assert run_jobs(plain_doubling, items, jobs=jobs, known=known) == [0, 2, 4, 6, 8, 10]
        kept.remove()
    assert list((tmp_path / "new").iterdir()) == []


def plain_doubling() -> Callable[[int], int]:
    return double


def double(item: int) -> int:
    assert item >= 4  # the others are known
    return 2 * item


def test_other_settings_and_items_are_another_evaluation(tmp_path: Path) -> None:
    with KeptResults(["a"], [1], tmp_path) as kept:
        kept.add(0, 5)
    for what, items, known in ((["a"], [1], {0: 5}), (["b"], [1], {}), (["a"], [2], {})):
        with KeptResults(what, items, tmp_path) as other:
            assert other.read() == known


def test_without_room_nothing_is_kept_and_nothing_lost(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with KeptResults(["a"], [1], tmp_path / "file") as kept:
        assert kept.read() == {}
        kept.add(0, 5)
        assert str(tmp_path) in kept.problem
        kept.remove()


def test_the_same_evaluation_twice_at_a_time(tmp_path: Path) -> None:
    with KeptResults(["a"], [1], tmp_path), KeptResults(["a"], [1], tmp_path) as second:
        second.add(0, 5)
        assert second.problem
        assert second.read() == {}


def test_other_weights_are_another_model(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"1")
    before = model_stamps(f"gpt:model={tmp_path},adapter={tmp_path / 'missing'}")
    assert model_stamps(f"gpt:adapter={tmp_path}") == model_stamps(str(tmp_path)) == before != []
    (tmp_path / "weights").write_bytes(b"22")
    assert model_stamps(f"gpt:model={tmp_path}") != before
