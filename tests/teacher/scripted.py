"""The scripted engine as a spec."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from xiangqi_gpt.engines.process import find_engine
from xiangqi_gpt.players import EngineSpec, Limit

SCRIPT = Path(__file__).with_name("engine_script.py")
needs_fairy = pytest.mark.skipif(
    find_engine("fairy-stockfish") is None, reason="the engine fairy-stockfish is not installed"
)


def command(mode: str = "good", log: Path | None = None) -> str:
    return shlex.join([sys.executable, str(SCRIPT), mode, *([str(log)] if log is not None else [])])


def scripted(
    mode: str = "good",
    log: Path | None = None,
    *,
    timeout: float | None = None,
    options: dict[str, str] | None = None,
) -> EngineSpec:
    return EngineSpec(
        command=command(mode, log), limit=Limit(nodes=1), timeout=timeout, options=dict(options or {})
    )
