"""Settings of every test process, made before anything heavy is imported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Tests run on all cores at once, one process each: threads within a process would only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

TESTS = Path(__file__).parent
FAST = (
    "arena",
    "dataset/test_sampling.py",
    "gui",
    "model/test_losses.py",
    "model/test_board_heads.py",
    "notation",
    "players",
    "records",
    "rules",
    "terminal",
    "test_import.py",
    "test_papers.py",
    "test_resources.py",
    "tokens",
    "training/test_data.py",
    "uci",
)
"""Folders and files whose tests are marked fast: together under a minute on two cores."""
FAST_EXCEPT = (
    "arena/test_series.py",
    "notation/test_oracles.py",
    "records/test_fuzz.py",
    "records/test_hostile.py",
    "rules/test_cross_play.py",
    "uci/test_engine.py",
)
"""Files in the folders of `FAST` that take seconds a test: games against engines, other programs, hostile files."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m fast`, leave the other files unread: importing them takes longer than the fast tests."""
    if config.option.markexpr != "fast" or collection_path == TESTS:
        return None
    return None if _leads_to_fast(collection_path) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the fast tests."""
    for name in (*FAST, *FAST_EXCEPT):
        if not (TESTS / name).exists():
            raise pytest.UsageError(
                f"tests/conftest.py: FAST or FAST_EXCEPT names {name!r}, which is not in tests/"
            )
    for item in items:
        if _is_fast(item.path) and not any(item.iter_markers("slow")) and not any(item.iter_markers("gpu")):
            item.add_marker(pytest.mark.fast)


def _is_fast(path: Path) -> bool:
    """Whether a file or folder lies within `FAST`."""
    name = path.relative_to(TESTS)
    names = {parent.as_posix() for parent in (name, *name.parents)}
    return not names.isdisjoint(FAST) and name.as_posix() not in FAST_EXCEPT


def _leads_to_fast(path: Path) -> bool:
    """Whether a file or folder lies within `FAST` or holds some of it."""
    return _is_fast(path) or any((TESTS / name).is_relative_to(path) for name in FAST)
