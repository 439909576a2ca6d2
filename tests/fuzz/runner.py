"""The loop of a fuzz target, with its limits: typed errors only, no hang, no memory that grows."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from random import Random

from tests.fuzz.targets import ERRORS, TARGETS
from tests.records.fuzz import watched

CORPUS = Path(__file__).with_name("corpus")
MEMORY = 300 << 20
"""Bytes by which the process may grow while a target runs."""

LONGEST_MESSAGE = 1_500
"""Letters of a message that is still one for people."""


class TooMuchMemoryError(Exception):
    """A target has made the process grow."""


def resident_peak() -> int:
    """Most bytes of memory that this process has had; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def survive(name: str, content: bytes) -> str:
    """Give a target one input; the outcome as a word: "read" or the name of the typed error."""
    with tempfile.TemporaryDirectory() as folder, watched(name), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = TARGETS[name].survive(content, Path(folder))
        except ERRORS as error:
            # The error itself would keep this frame, and with it all that was read, until the garbage is collected.
            refusal, message = type(error).__name__, str(error)
        else:
            return found if isinstance(found, str) else "read"
    assert len(message) < LONGEST_MESSAGE
    return refusal


def fuzz(
    name: str,
    *,
    rounds: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    keep: Path | None = None,
) -> Counter[str]:
    """Fuzz a target for a number of inputs, or of seconds of processor time.

    Args:
        keep: folder into which an input is written that the target does not survive.

    Returns:
        How many inputs ended in which way; see :func:`survive`.
    """
    target, random, outcomes = TARGETS[name], Random(f"{name}/{seed}"), Counter[str]()
    whole = target.seeds(random)
    for content in whole:
        survive(name, content)  # loads what it needs, so that it does not count as growth
    before = resident_peak()
    end = None if seconds is None else time.process_time() + seconds
    while (rounds is None or outcomes.total() < rounds) and (end is None or time.process_time() < end):
        content = target.spoil(random.choice(whole), random)
        try:
            outcomes[survive(name, content)] += 1
            if resident_peak() - before > MEMORY:
                raise TooMuchMemoryError(f"{name}: grown by more than {MEMORY >> 20} MB")
        except BaseException:
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{name}-{seed}-{outcomes.total()}-{os.getpid()}").write_bytes(content)
            raise
    return outcomes
