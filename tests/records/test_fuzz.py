"""Broken files: no exception but the typed errors, no hang, and what comes out is legal."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from xiangqi_gpt.records.formats import FORMATS

from .fuzz import fuzz, seeds, survive


@pytest.mark.parametrize("name", FORMATS)
def test_whole_files_are_read(name: str, tmp_path: Path) -> None:
    for seed in seeds(name, Random(1)):
        games, errors = survive(name, seed, tmp_path / "whole")
        assert games > 0
        assert errors == 0


@pytest.mark.parametrize("name", FORMATS)
def test_broken_files(name: str, tmp_path: Path) -> None:
    files, games, errors = fuzz(name, tmp_path / "broken", 120, None)
    assert files == 120
    assert games > 0
    assert errors > 0
