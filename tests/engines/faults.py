"""The engine with faults as a command, and what is asked about processes."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import time
from pathlib import Path

from xiangqi_gpt.engines.spec import EngineSpec, Limit

BAD_ENGINE = Path(__file__).with_name("bad_engine.py")


def bad_engine(
    fault: str, *, protocol: str = "uci", folder: Path | None = None, timeout: float = 20.0
) -> EngineSpec:
    words = [sys.executable, "-S", str(BAD_ENGINE), protocol, fault, *([str(folder)] if folder else [])]
    # Windows keeps backslashes in a command; shlex would quote them.
    command = shlex.join(words) if os.name != "nt" else " ".join(f'"{word}"' for word in words)
    return EngineSpec(command=command, limit=Limit(depth=1), timeout=timeout, protocol=protocol)


def is_running(pid: int) -> bool:
    """Whether a process exists that is not just waiting to be buried."""
    with contextlib.suppress(OSError):
        if os.name == "posix" and Path("/proc/self").exists():
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        os.kill(pid, 0)
        return True
    return False


def ends(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process ends in time."""
    deadline = time.monotonic() + seconds
    while is_running(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
