"""Every tokenizer, board mode and attention variant that go together, as parameters of a test."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPTConfig
from xiangqi_gpt.model.attention import attention_names
from xiangqi_gpt.tokens import TOKENIZERS

NAMES = sorted(TOKENIZERS)
BOARDS = ("none", "bag", "spatial")


def combinations() -> list[Any]:
    """(tokenizer, board, attention): all, but outside the slow run every variant other than full with three."""
    found = []
    for number, attention in enumerate(attention_names()):
        ordinary = {(NAMES[(number + j) % 5], BOARDS[(number + j) % 3]) for j in range(3)}
        for name, board in itertools.product(NAMES, BOARDS):
            if accepted(name, board, attention):
                often = attention == "full" or (name, board) in ordinary
                found.append(pytest.param(name, board, attention, marks=() if often else pytest.mark.slow))
    return found


def accepted(name: str, board: str, attention: str) -> bool:
    try:
        XiangqiGPTConfig(tokenizer=name, board=board, attention=attention, width=32, heads=2)
    except ConfigError:
        return False
    return True
