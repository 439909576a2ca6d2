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
    "test_floors.py",
    "test_import.py",
    "test_papers.py",
    "test_resources.py",
    "tokens",
    "training/test_data.py",
    "uci",
)
"""Folders and files whose tests are marked fast: together under a minute on two cores."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the fast tests."""
    for name in FAST:
        if not (TESTS / name).exists():
            raise pytest.UsageError(f"tests/conftest.py: FAST names {name!r}, which is not in tests/")
    for item in items:
        path = item.path.relative_to(TESTS)
        names = {parent.as_posix() for parent in (path, *path.parents)}
        if (
            not names.isdisjoint(FAST)
            and not any(item.iter_markers("slow"))
            and not any(item.iter_markers("gpu"))
        ):
            item.add_marker(pytest.mark.fast)
