"""Fuzzing in short, and every input that was not survived once. ``python -m tests.fuzz`` does it for longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.runner import CORPUS, fuzz, survive
from tests.fuzz.targets import TARGETS

KEPT = sorted(path for path in CORPUS.rglob("*") if path.is_file())


BY_LINES = ("uci", "ucci", "engine-output", "fen", "moves", "journal")
"""Targets that refuse nothing as a whole, but line by line."""


@pytest.mark.parametrize("name", TARGETS)
def test_spoiled_inputs(name: str, tmp_path: Path) -> None:
    outcomes = fuzz(name, rounds=200, seconds=1, keep=tmp_path)
    assert outcomes.total() > 0
    assert name in BY_LINES or outcomes.total() < 50 or len(outcomes) > 1


@pytest.mark.parametrize("path", KEPT, ids=[f"{path.parent.name}-{path.name}" for path in KEPT])
def test_kept_inputs(path: Path) -> None:
    survive(path.parent.name, path.read_bytes())


def test_kept_inputs_belong_to_targets() -> None:
    assert {path.parent.name for path in KEPT} <= set(TARGETS)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_spoiled_inputs_for_longer(name: str, tmp_path: Path) -> None:
    assert fuzz(name, seconds=20, seed=1, keep=tmp_path).total() > 0
