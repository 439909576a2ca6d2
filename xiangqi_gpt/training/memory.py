"""Batches that do not fit into memory: how to detect it, and how to split them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from xiangqi_gpt.training.batches import Batch

_SHARED = frozenset({"visible", "value_index"})  # the same for every row
_WORDS = ("out of memory", "can't allocate memory", "DefaultCPUAllocator")


def out_of_memory(error: BaseException) -> bool:
    """Whether *error* means that memory ran out, on a GPU or the machine."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)


def pieces(batch: Batch, rows: int) -> Iterator[Batch]:
    """The batch split into batches of at most *rows* rows.

    The counts of plies are still those of the whole batch: a step is normalised over all its batches together anyway.
    """
    total = len(batch.input_ids)
    if rows >= total:
        yield batch
        return
    for first in range(0, total, rows):
        fields: dict[str, Any] = {
            name: value[first : first + rows] if isinstance(value, Tensor) and name not in _SHARED else value
            for name, value in vars(batch).items()
        }
        fields["board_rows"] = None  # it indexes the boards of the whole batch
        yield Batch(**fields)
