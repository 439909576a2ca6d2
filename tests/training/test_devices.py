"""Which device a process trains on."""

from __future__ import annotations

import pytest
import torch

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.training.processes import Processes, join_processes


def test_a_device_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert join_processes("auto").device == torch.device("cpu")
    for device, words in (
        ("cuda", "has no CUDA device"),
        ("mps", "has no Metal device"),
        ("tpu", "'tpu'"),
    ):
        with pytest.raises(ConfigError, match=f"^device.*{words}"):
            join_processes(device)


def test_a_metal_device_is_for_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert join_processes("auto").device == torch.device("mps")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match=r"^device: 2 processes cannot train together on a Metal device"):
        join_processes("mps")


def test_one_process_leaves_its_sums_where_they_are() -> None:
    """Metal devices know no float64."""
    sums = torch.ones(2, dtype=torch.float64)
    assert Processes(device=torch.device("meta")).sum(sums).tolist() == [1, 1]
